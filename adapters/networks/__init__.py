"""The networks: all framework-neutral facts of each in one module, which ends in `NETWORK`. Imports no framework."""

from collections import OrderedDict
from typing import Dict  # noqa: F401  in type comments

from adapters.contract.lookup import load, unknown
from adapters.contract.network import Network
from adapters.contract.settings import Setting  # noqa: F401  in type comments

NETWORKS = OrderedDict([("cnn", "adapters.networks.cnn:NETWORK"), ("gru", "adapters.networks.gru:NETWORK")])


def load_network(name):
    # type: (str) -> Network
    """The network of that name. Raises KeyError, with one line that lists the choices, for an unknown name."""
    if name not in NETWORKS:
        raise KeyError(unknown("network", name, NETWORKS))
    network = load(NETWORKS[name])  # type: Network
    return network


def register(name, reference):
    # type: (str, str) -> None
    """Add a network from outside the project, as "module:attribute", and its settings to the catalogue.

    Raises what `validated` raises.
    """
    settings = validated(name, reference).settings
    NETWORKS[name] = reference
    SETTINGS.update(settings)


def validated(name, reference):
    # type: (str, str) -> Network
    """The network at "module:attribute".

    Raises ValueError where it is no network of that name or contradicts another one, ImportError or AttributeError
    where it does not exist.
    """
    network = load(reference)
    if not isinstance(network, Network) or network.name != name:
        raise ValueError("'{}' is not a Network with the name '{}'".format(reference, name))
    if NETWORKS.get(name, reference) != reference:
        raise ValueError("the network '{}' exists already ({}); choose another name".format(name, NETWORKS[name]))
    for setting, entry in network.settings.items():
        if SETTINGS.get(setting, entry) != entry:
            raise ValueError("the setting '{}' has another meaning in the catalogue; rename it".format(setting))
    for other in map(load_network, NETWORKS):
        for workload in network.workloads:
            if workload in other.workloads and other.name != name:
                raise ValueError("the workload '{}' exists already ({}); rename it".format(workload, other.title))
    return network


# The catalogue: every setting of every network, in the order in which documents, plans and MLflow show them.
SETTINGS = OrderedDict()  # type: Dict[str, Setting]
for _network in map(load_network, NETWORKS):
    SETTINGS.update(_network.settings)
