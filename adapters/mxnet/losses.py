"""Losses of both interfaces. MXNet's cross-entropies apply softmax themselves."""

from mxnet import nd, sym

# SoftmaxOutput's output is the probabilities; its gradient is that of the cross-entropy's sum over the batch.
SYMBOLS = {
    "logits": lambda scores: sym.SoftmaxOutput(scores, name="softmax"),
    "softmax_twice": lambda scores: sym.SoftmaxOutput(sym.softmax(scores), name="softmax"),
}
# The right class's probability, by the form of the labels.
PICKED = {
    "sparse": nd.pick,
    "one_hot": lambda probabilities, y: nd.sum(probabilities * y, axis=1),
}


class SoftmaxTwice(object):
    """Gluon's cross-entropy of scores after softmax."""

    def __init__(self, cross_entropy):
        self.cross_entropy = cross_entropy

    def __call__(self, scores, labels):
        return self.cross_entropy(nd.softmax(scores), labels)
