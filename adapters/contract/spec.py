"""What an adapter declares: plain data that any Python from 3.6 on can read without the framework.

Importing a declaration never imports a framework: hosts read all of them, workers run one.
"""

from typing import Any, Dict, NamedTuple, Optional, Tuple, Union  # noqa: F401  in type comments

from adapters.contract.settings import SETTINGS

DEVICES = ("cpu", "cuda")


def every(setting):
    # type: (str) -> Tuple[str, ...]
    """Every choice that the catalogue has for a setting."""
    return tuple(SETTINGS[setting].choices)


class Supported(NamedTuple):
    """The framework can do the setting.

    native: the choice that is in force if nobody asks.
    choices: every choice the adapter offers, native among them.
    evidence: where the native value is documented, or how it is read back.
    inert: {device: reason} where all choices compute and cost the same.
    variables: {choice: {environment variable: value}} for a setting that acts before start.
    limits: {choice: reason} for choices of the catalogue that the adapter does not offer.
    """

    native: str
    choices: Tuple[str, ...]
    evidence: str
    inert: Dict[str, str] = {}
    variables: Dict[str, Dict[str, str]] = {}
    limits: Dict[str, str] = {}


class Unsupported(NamedTuple):
    """The framework can't do the setting, or has nothing of the kind."""

    reason: str


Position = Union[Supported, Unsupported]


class Conflict(NamedTuple):
    """Choices that the framework can do one by one but not together, why, and on which devices."""

    choices: Dict[str, str]
    reason: str
    devices: Tuple[str, ...] = DEVICES


class Published(NamedTuple):
    """What the framework's published notebook had: its name, its choices where they are not native, and of its network what
    is not the workload's ({field of the network: value})."""

    notebook: str
    settings: Dict[str, str]
    network: Dict[str, Any] = {}


class AdapterSpec(NamedTuple):
    """One named way to run workloads in a framework.

    name: as users write it ("mxnet-gluon").
    framework: the library's name ("MXNet").
    package: the name it is imported by; its __version__ is recorded.
    module: the folder of the adapter, where its requirements files lie ("adapters.mxnet").
    python: the interpreter's minor version ("3.11").
    models: {network: "module:class"} of the implementations.
    settings: a position on every setting of the catalogue.
    conflicts: combinations of choices that don't work together.
    variables: environment variables that every worker of this adapter gets.
    published: {network: what its notebook had}; empty where none was published.
    post_install: module that completes a new environment (run once, by the environment's own Python), or "".
    """

    name: str
    framework: str
    package: str
    module: str
    python: str
    models: Dict[str, str]
    settings: Dict[str, Position]
    conflicts: Tuple[Conflict, ...] = ()
    variables: Dict[str, str] = {}
    published: Dict[str, Published] = {}
    post_install: str = ""

    def position(self, setting):
        # type: (str) -> Position
        """The position on any setting of the catalogue."""
        return self.settings.get(setting, Unsupported("this adapter has no network with such a setting"))

    def supported(self, model):
        # type: (str) -> Dict[str, Supported]
        """The settings of a network that this adapter can do, in the catalogue's order."""
        positions = ((name, self.position(name)) for name, setting in SETTINGS.items() if model in setting.models)
        return {name: position for name, position in positions if isinstance(position, Supported)}

    def own(self, model):
        # type: (str) -> Dict[str, str]
        """The native choice of every setting of a network that the framework can do."""
        return {name: position.native for name, position in self.supported(model).items()}

    def native(self, model):
        # type: (str) -> Dict[str, str]
        """The configuration of a network that is in force if no sweep asks: the framework's own but for what the network asks for."""
        return {name: SETTINGS[name].asked or choice for name, choice in self.own(model).items()}

    def refusal(self, setting, choice):
        # type: (str, str) -> str
        """Why the adapter can't do this choice of a setting; "" if it can."""
        position = self.position(setting)
        if isinstance(position, Unsupported):
            return position.reason
        if choice in position.choices:
            return ""
        return position.limits[choice]

    def conflict(self, configuration, device):
        # type: (Dict[str, str], str) -> Optional[Conflict]
        """The conflict among a configuration's choices on this device; None if they work together."""
        for conflict in self.conflicts:
            if device in conflict.devices and conflict.choices.items() <= configuration.items():
                return conflict
        return None

    def inert(self, setting, device):
        # type: (str, str) -> str
        """Why the setting's choices make no difference on this device; "" if they do."""
        position = self.position(setting)
        return position.inert.get(device, "") if isinstance(position, Supported) else ""

    def environment_variables(self, configuration):
        # type: (Dict[str, str]) -> Dict[str, str]
        """What to set before the interpreter starts, for a configuration."""
        variables = dict(self.variables)
        for name, choice in configuration.items():
            variables.update(self.settings[name].variables.get(choice, {}))
        return variables
