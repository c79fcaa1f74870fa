"""What an adapter declares: plain data that any Python from 3.6 on can read without the framework.

Importing a declaration never imports a framework: hosts read all of them, workers run one.
"""

from typing import Any, Dict, NamedTuple, Optional, Tuple, Union  # noqa: F401  in type comments

from adapters.contract.settings import Setting

DEVICES = ("cpu", "cuda")


class Supported(NamedTuple):
    """The framework supports the setting: every choice of its catalogue entry but those in `limits`.

    native: the framework's default.
    evidence: where the default is documented, or how it is read back.
    inert: {device: reason} where all choices compute and cost the same.
    variables: {choice: {environment variable: value}} for a setting that acts before start.
    limits: {choice: reason} for choices that the adapter does not support.
    """

    native: str
    evidence: str
    inert: Dict[str, str] = {}
    variables: Dict[str, Dict[str, str]] = {}
    limits: Dict[str, str] = {}


class Unsupported(NamedTuple):
    """The framework does not support the setting, or has nothing of the kind."""

    reason: str


Position = Union[Supported, Unsupported]


class Conflict(NamedTuple):
    """Choices that are supported one by one but not together, why, and on which devices."""

    choices: Dict[str, str]
    reason: str
    devices: Tuple[str, ...] = DEVICES


class Published(NamedTuple):
    """A published notebook: its name, its choices where they are not the framework's defaults, and the fields of its
    network that differ from the workload's ({field: value})."""

    notebook: str
    settings: Dict[str, str]
    network: Dict[str, Any] = {}


class AdapterSpec(NamedTuple):
    """One named way to run workloads in a framework.

    name: as users write it ("mxnet-gluon").
    framework: the library's name ("MXNet").
    package: the name it is imported by; its __version__ is recorded.
    module: the folder of the adapter, where its requirements files are ("adapters.mxnet").
    python: the interpreter's minor version ("3.11").
    models: {network: "module:class"} of the implementations.
    settings: a position on every setting of these networks.
    conflicts: combinations of choices that don't work together.
    variables: environment variables that every worker of this adapter gets.
    published: {network: its published notebook}; empty where none was published.
    post_install: module that completes a new environment (run once, by the environment's own Python), or "".
    catalogue: {network: its settings, in order}; `adapters.load_spec` fills it in.
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
    catalogue: Dict[str, Dict[str, Setting]] = {}

    def position(self, setting):
        # type: (str) -> Position
        """The position on any setting of the catalogue."""
        return self.settings.get(setting, Unsupported("this adapter has no network with such a setting"))

    def choices(self, setting):
        # type: (str) -> Tuple[str, ...]
        """The supported choices of a setting, in the catalogue's order; none where the setting is unsupported."""
        position = self.position(setting)
        if isinstance(position, Unsupported):
            return ()
        entry = next(settings[setting] for settings in self.catalogue.values() if setting in settings)
        return tuple(choice for choice in entry.choices if choice not in position.limits)

    def supported(self, model):
        # type: (str) -> Dict[str, Supported]
        """The settings of a network that this adapter supports, in the network's order."""
        positions = ((name, self.position(name)) for name in self.catalogue[model])
        return {name: position for name, position in positions if isinstance(position, Supported)}

    def own(self, model):
        # type: (str) -> Dict[str, str]
        """The framework's default of every supported setting of a network."""
        return {name: position.native for name, position in self.supported(model).items()}

    def native(self, model):
        # type: (str) -> Dict[str, str]
        """The default configuration of a network: the framework's defaults but for what the network requires."""
        return {name: self.catalogue[model][name].required or choice for name, choice in self.own(model).items()}

    def refusal(self, setting, choice):
        # type: (str, str) -> str
        """Why the adapter does not support this choice of a setting; "" if it does."""
        position = self.position(setting)
        return position.reason if isinstance(position, Unsupported) else position.limits.get(choice, "")

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
        """The environment variables of a worker with this configuration."""
        variables = dict(self.variables)
        for name, choice in configuration.items():
            variables.update(self.settings[name].variables.get(choice, {}))
        return variables
