"""Complete an environment of Keras on Theano: Theano's flags, and its operations compiled, as adapters/lasagne/complete.py says.

Run by the environment's own Python: -m adapters.keras2.keras2_theano.complete
"""
import os
import shutil
import sys

from adapters import load
from adapters.keras2 import THEANO
from adapters.lasagne.complete import FLAGS, flags, write
from adapters.model import Network, RecurrentNetwork

# Operations are the same for every size.
NETWORKS = {
    "cnn": Network((3, 8, 8), 10, (2, 2), 8, (0.25, 0.25, 0.5), 4, 0.01, 0.9, 1, "cpu"),
    "gru": RecurrentNetwork(4, 10, 3, 5, 2, 4, 0.001, 0.9, 0.999, 1, "cpu"),
}


def main():
    if not shutil.which("g++"):
        sys.exit("Theano's environment needs g++, with which Theano compiles its operations: install it")
    write("theano_flags.pth", FLAGS.format(flags()))
    os.environ.update(THEANO.variables, THEANO_FLAGS=flags())
    for name, implementation in THEANO.models.items():
        for precision in THEANO.settings["precision"].choices:
            load(implementation)(NETWORKS[name], dict(THEANO.native(name), precision=precision), 0).report()


if __name__ == "__main__":
    main()
