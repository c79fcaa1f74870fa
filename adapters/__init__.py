"""The adapters: the same networks written in each framework, and what each framework declares.

`ADAPTERS` is the registry. Reading it imports no framework.
"""

from collections import OrderedDict

from adapters.contract.lookup import load, unknown
from adapters.contract.spec import AdapterSpec  # noqa: F401  in type comments
from adapters.networks import NETWORKS, load_network

__all__ = ["ADAPTERS", "load", "load_spec", "unknown"]

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


def load_spec(name):
    # type: (str) -> AdapterSpec
    """The declaration of an adapter, with the networks' settings and what networks bring for this adapter.

    Raises KeyError, with one line that lists the choices, for an unknown name.
    """
    if name not in ADAPTERS:
        raise KeyError(unknown("adapter", name, ADAPTERS))
    spec = load(ADAPTERS[name])
    networks = [load_network(network) for network in NETWORKS]
    brought = [(one.name, one.implementations[name]) for one in networks if name in one.implementations]
    settings = dict(spec.settings)
    for _, implementation in brought:
        settings = dict(implementation.settings, **settings)
    models = dict(spec.models, **{network: implementation.model for network, implementation in brought})
    return spec._replace(
        models=models, settings=settings, catalogue={network.name: network.settings for network in networks}
    )
