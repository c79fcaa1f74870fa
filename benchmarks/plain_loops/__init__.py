"""The plain loops: each the shortest faithful port of a published notebook, one module per network."""

import importlib


def loops(network):
    """The module of a network: LOOPS {adapter: function -> (step, the notebook's choices)}, and `examples`."""
    return importlib.import_module("benchmarks.plain_loops." + network)
