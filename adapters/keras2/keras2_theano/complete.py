"""Complete an environment of Keras on Theano: Theano's set-up (adapters.theano.setup).

Run by the environment's own Python: -m adapters.keras2.keras2_theano.complete
"""

import os

from adapters import load_spec
from adapters.networks import cnn, gru
from adapters.theano import setup as theano_setup
from adapters.theano.setup import Compiled

CNN = cnn.Fields((3, 20, 20), 10, (2, 2), 8, (0.25, 0.25, 0.5), 4, 0.01, 0.9, 1, "cpu")
GRU = gru.Fields(4, 10, 3, 5, 2, 4, 0.001, 0.9, 0.999, 1, "cpu")
NETWORKS = {
    "cnn": Compiled(
        CNN,
        CNN._replace(dropout=(0.0, 0.0, 0.0)),
        (
            {},
            {"precision": "float32"},
            {"nesterov": "on", "loss": "logits"},
            {"loss": "softmax_twice", "labels": "sparse", "layout": "nchw"},
        ),
    ),
    "gru": Compiled(GRU, GRU, ({"reset": "after", "adam_epsilon": "hat_1e-8"}, {"gates": "hard_sigmoid"})),
}


def main():
    theano_setup.check_compiler("Keras on Theano")
    spec = load_spec("keras2-theano")
    os.environ.update(spec.variables)
    theano_setup.prepare()
    theano_setup.compile_operations(spec, NETWORKS)


if __name__ == "__main__":
    main()
