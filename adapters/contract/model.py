"""Model: what an adapter implements. Arithmetic only: loop, clock, batch order and evaluation are the worker's."""


class Model(object):
    """One network in one framework, with one configuration.

    The network's module (adapters.networks) says which arrays x is, and defines the canonical weights.
    """

    def __init__(self, network, settings, seed):
        """Build the network, loss and optimizer. `settings` maps every supported setting to a choice."""
        raise NotImplementedError

    def train_step(self, x, y):
        """Update once; return the loss handle without waiting for the device.

        x: a batch as the network's batch class arranges it. y: int32 (batch,) or float (batch, classes) as `labels`
        says. Both are as `load` yields them where `loader` is framework.
        """
        raise NotImplementedError

    def load(self, x, y, batches):
        """Yield (x, y) of an epoch from the framework's own loader, in a form that train_step accepts.

        x, y: all training examples, examples first. batches: int64 (batches, batch_size), the examples of each batch.
        """
        raise NotImplementedError

    def fetch(self, loss):
        """Loss handle to float."""
        return float(loss)

    def predict(self, x):
        """Class scores before softmax, float (batch, classes); x as in train_step."""
        raise NotImplementedError

    def synchronize(self):
        """Return once all queued device work is done."""

    def get_weights(self):
        """{canonical name: array in canonical layout}."""
        raise NotImplementedError

    def set_weights(self, weights):
        """Overwrite the weights from canonical arrays; the optimizer's state stays as it is."""
        raise NotImplementedError

    def report(self):
        """{setting: choice} in force, read back from the framework; called on a freshly built model.

        Covers every supported setting but those that the batches alone decide (`Batches.report`).
        """
        raise NotImplementedError
