"""Tables of what is declared: adapters, workloads, settings, and each framework's defaults."""

from adapters import ADAPTERS, load_spec
from adapters.contract.settings import Setting
from adapters.contract.spec import AdapterSpec, Supported
from adapters.networks import NETWORKS, SETTINGS, load_network
from experiments.trials.workload import WORKLOADS
from sweeps.markdown import table


def title(network: str) -> str:
    """A network's name as documents write it."""
    return load_network(network).title


def specs() -> list[AdapterSpec]:
    """Every adapter's declaration, in the order of the registry."""
    return [load_spec(name) for name in ADAPTERS]


def with_network(network: str) -> list[AdapterSpec]:
    """The adapters that implement a network."""
    return [spec for spec in specs() if network in spec.models]


def networks_with(setting: str) -> list[str]:
    """The networks that have a setting."""
    return [network for network in NETWORKS if setting in load_network(network).settings]


def adapters() -> str:
    """Each adapter: its framework, the Python it runs on, the networks it has."""
    rows = [[f"`{spec.name}`", spec.framework, spec.python, ", ".join(spec.models)] for spec in specs()]
    return table(["adapter", "framework", "Python", "networks"], rows)


def workloads() -> str:
    """Each workload: its data set, its network, and the fields' defaults."""
    return table(
        ["workload", "data set", "network", "epochs", "fields"],
        [
            [f"`{name}`", one.dataset, one.model, str(one.epochs), _fields(one.network)]
            for name, one in WORKLOADS.items()
        ],
    )


def _fields(network: dict[str, object]) -> str:
    shown = {name: list(value) if isinstance(value, tuple) else value for name, value in network.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def natives() -> str:
    """For each network a table of settings by adapter: the defaults, where frameworks differ; "-" where unsupported."""
    return "\n\n".join(f"### {title(network)}\n\n{_natives(network)}" for network in NETWORKS)


def _natives(network: str) -> str:
    own = {spec.name: spec.own(network) for spec in with_network(network)}
    differing = [name for name in SETTINGS if len({found[name] for found in own.values() if name in found}) > 1]
    rows = [[adapter, *(found.get(name, "-") for name in differing)] for adapter, found in own.items()]
    return table(["adapter", *differing], rows)


def settings() -> str:
    """Every setting: its meaning, what it changes, and its choices."""
    return "\n\n".join(_setting(name, setting) for name, setting in SETTINGS.items())


def _setting(name: str, setting: Setting) -> str:
    networks = ", ".join(networks_with(name))
    facts = [f"Networks: {networks}.", f"Changes: {setting.changes}."]
    if setting.matched:
        facts.append(f"Preset `matched`: `{setting.matched}`.")
    if setting.required:
        facts.append(f"The network requires `{setting.required}`, unless a sweep names another choice.")
    choices = table(["choice", "meaning"], [[f"`{choice}`", text] for choice, text in setting.choices.items()])
    return f"### {name}\n\n{setting.meaning} {' '.join(facts)}\n\n{choices}"


def defaults() -> str:
    """Every setting: each adapter's default, its other choices, the evidence, and what it lacks with the reason."""
    return "\n\n".join(f"### {name}\n\n{_positions(name)}" for name in SETTINGS)


def _positions(name: str) -> str:
    head = ["adapter", "default", "other choices", "evidence, and choices that are unsupported"]
    concerned = [spec for spec in specs() if set(networks_with(name)) & set(spec.models)]
    return table(head, [_position(spec, name) for spec in concerned])


def _position(spec: AdapterSpec, name: str) -> list[str]:
    position = spec.position(name)
    if not isinstance(position, Supported):
        return [spec.name, "-", "", position.reason]
    others = ", ".join(choice for choice in spec.choices(name) if choice != position.native)
    refused = [f"{choice}: {reason}" for choice, reason in position.limits.items()]
    return [spec.name, f"**{position.native}**", others, ". ".join([position.evidence, *refused])]
