"""Caffe2's own loader: a data set in the workspace, and a net that takes batches from it."""

from caffe2.python import core, dataset, schema, workspace

# The data set's fields, and the blobs that the network's nets read.
FIELDS, INPUTS = ["x", "y"], ["data", "label"]


class Loader(object):
    """Assembles each batch in the blobs that the network's nets read."""

    def __init__(self, x, y, batch_size, device):
        blobs = [core.BlobReference(name) for name in FIELDS]
        for blob, array in zip(blobs, (x, y)):
            workspace.FeedBlob(blob, array)
        examples = dataset.Dataset(schema.from_column_list(FIELDS, col_blobs=blobs))
        start, self.rewind, self.read = core.Net("start"), core.Net("rewind"), core.Net("read")
        self.order = core.BlobReference("order")
        reader = examples.random_reader(start, indices=self.order, batch_size=batch_size)
        reader.computeoffset(start)  # where in the arrays each example starts
        reader.reset(self.rewind)
        _, fields = reader.read(self.read)
        with core.DeviceScope(device):
            self.batch = [self.read.CopyFromCPUInput(field, name) for field, name in zip(fields, INPUTS)]
        workspace.CreateBlob("order")
        workspace.RunNetOnce(start)
        for net in (self.rewind, self.read):
            workspace.CreateNet(net)

    def epoch(self, batches):
        """Yield the blobs of each batch. batches: (batches, batch_size), indices of examples."""
        workspace.FeedBlob(self.order, batches.ravel())
        workspace.RunNet(self.rewind)
        for _ in batches:
            workspace.RunNet(self.read)
            yield self.batch
