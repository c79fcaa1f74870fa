"""Complete an environment of Keras on Theano: Theano's flags, its BLAS, two of its lines, and its operations compiled, as
adapters/lasagne/complete.py says.

Run by the environment's own Python: -m adapters.keras2.keras2_theano.complete
"""

import os
import shutil
import sys

from adapters.contract.model import Network, RecurrentNetwork
from adapters.keras2 import THEANO
from adapters.lasagne.complete import compile_operations, prepare_theano

# Operations are the same for every size, but for sizes of 1.
NETWORKS = {
    "cnn": Network((3, 20, 20), 10, (2, 2), 8, (0.25, 0.25, 0.5), 4, 0.01, 0.9, 1, "cpu"),
    "gru": RecurrentNetwork(4, 10, 3, 5, 2, 4, 0.001, 0.9, 0.999, 1, "cpu"),
}
CERTIFIED = {
    "cnn": (
        {},
        {"precision": "float32"},
        {"nesterov": "on", "loss": "logits"},
        {"loss": "softmax_twice", "labels": "sparse", "layout": "nchw"},
    ),
    "gru": ({"reset": "after", "adam_epsilon": "hat_1e-8"}, {"gates": "hard_sigmoid"}),
}


def main():
    if not shutil.which("g++"):
        sys.exit("Theano's environment needs g++, with which Theano compiles its operations: install it")
    os.environ.update(THEANO.variables)
    prepare_theano()
    compile_operations(THEANO, NETWORKS, CERTIFIED)


if __name__ == "__main__":
    main()
