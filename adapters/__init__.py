"""The adapters: one network written in each framework, and what each framework declares.

`ADAPTERS` is the registry. Reading it imports no framework.
"""

import difflib
import importlib
from collections import OrderedDict
from typing import Any, Iterable  # noqa: F401  in type comments

from adapters.contract.spec import AdapterSpec  # noqa: F401  in type comments

ADAPTERS = OrderedDict(
    [
        ("reference", "adapters.reference:SPEC"),
        ("pytorch", "adapters.pytorch:SPEC"),
        ("tensorflow", "adapters.tensorflow:SPEC"),
        ("jax", "adapters.jax:SPEC"),
        ("mxnet-gluon", "adapters.mxnet:GLUON"),
        ("mxnet-module", "adapters.mxnet:MODULE"),
        ("chainer", "adapters.chainer:SPEC"),
        ("cntk", "adapters.cntk:SPEC"),
        ("caffe2", "adapters.caffe2:SPEC"),
        ("lasagne", "adapters.lasagne:SPEC"),
        ("keras2-cntk", "adapters.keras2:CNTK"),
        ("keras2-theano", "adapters.keras2:THEANO"),
        ("keras2-tensorflow", "adapters.keras2:TENSORFLOW"),
        ("keras3-tensorflow", "adapters.keras3:TENSORFLOW"),
        ("keras3-torch", "adapters.keras3:TORCH"),
        ("keras3-jax", "adapters.keras3:JAX"),
    ]
)


def unknown(kind, name, known):
    # type: (str, object, Iterable[object]) -> str
    """One clear line for a name that a table does not hold.

    >>> unknown("adapter", "pytroch", ["pytorch", "cntk"])
    "unknown adapter 'pytroch'. Did you mean 'pytorch'? Choices: pytorch, cntk"
    """
    close = difflib.get_close_matches(str(name), [str(key) for key in known], n=1)
    hint = " Did you mean '{}'?".format(close[0]) if close else ""
    return "unknown {} '{}'.{} Choices: {}".format(kind, name, hint, ", ".join(str(key) for key in known))


def load(reference):
    # type: (str) -> Any
    """Import "module:attribute".

    Raises ImportError or AttributeError where it does not exist.
    """
    module, attribute = reference.split(":")
    return getattr(importlib.import_module(module), attribute)


def load_spec(name):
    # type: (str) -> AdapterSpec
    """The declaration of an adapter. Raises KeyError with one clear line for an unknown name."""
    if name not in ADAPTERS:
        raise KeyError(unknown("adapter", name, ADAPTERS))
    return load(ADAPTERS[name])
