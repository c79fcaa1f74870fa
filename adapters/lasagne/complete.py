"""Complete an environment of Lasagne: a module that Lasagne 0.1 imports, and Theano's set-up.

Lasagne 0.1, the last release, imports theano.tensor.signal.downsample, which Theano 1.0 no longer has: a module of this
name calls its replacement. adapters.theano.setup does the rest.

Run by the environment's own Python: -m adapters.lasagne.complete
"""

import os

from adapters import load_spec
from adapters.networks import cnn, gru
from adapters.theano import setup as theano_setup
from adapters.theano.setup import Compiled

DOWNSAMPLE = '''"""What Lasagne 0.1 imports; Theano 1.0 has it under another name."""
from theano.tensor.signal.pool import pool_2d


def max_pool_2d(input, ds, ignore_border=False, st=None, padding=(0, 0), mode="max"):
    return pool_2d(input, ws=ds, ignore_border=ignore_border, stride=st, pad=padding, mode=mode)
'''
CNN = cnn.Fields((3, 20, 20), 10, (2, 2), 8, (0.25, 0.25, 0.5), 4, 0.01, 0.9, 1, "cpu")
GRU = gru.Fields(3, 5, 2, 2, 2, 4, 0.001, 0.9, 0.999, 1, "cpu")
NETWORKS = {
    "cnn": Compiled(
        CNN,
        CNN._replace(dropout=(0.0, 0.0, 0.0)),
        (
            {},
            {"precision": "float32"},
            {"nesterov": "on", "loss": "logits"},
            {"loss": "softmax_twice", "labels": "one_hot"},
        ),
    ),
    "gru": Compiled(GRU, GRU, ({"reset": "before", "adam_epsilon": "hat_1e-8"}, {"gates": "hard_sigmoid"})),
}


def main():
    theano_setup.check_compiler("Lasagne")
    theano_setup.write(os.path.join("theano", "tensor", "signal", "downsample.py"), DOWNSAMPLE)
    theano_setup.prepare()
    theano_setup.compile_operations(load_spec("lasagne"), NETWORKS)


if __name__ == "__main__":
    main()
