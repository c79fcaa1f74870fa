"""The cases of a certificate: which settings of an adapter are compared with the reference, and how closely."""

from dataclasses import dataclass, replace

from adapters import load_spec
from adapters.contract.declarations import LOOP
from adapters.contract.network import Network
from adapters.contract.settings import TIME
from adapters.contract.spec import AdapterSpec
from adapters.networks import load_network
from experiments.preparation.certificates import REFERENCE

# Tolerance of every float64 trajectory; a float32 epsilon anywhere in an optimizer would exceed it.
EXACT = 1e-12
# Tolerance of float32 at full size over a single step from the same weights.
SINGLE = 1e-5
# Tolerances of float32 on a tiny network over a single step: for frameworks without float64.
NARROW, NARROW_WEIGHTS = 1e-6, 1e-7

# What the worker does for every adapter in the same way: its own tests hold that it changes nothing else.
ALIKE = tuple(LOOP)


@dataclass(frozen=True)
class Case:
    """One comparison: which setting is flipped ("" for none), in which precision, at which width, how far, how
    close.
    """

    setting: str
    choice: str
    precision: str
    width: str
    steps: int
    tolerance: float
    tolerance_weights: float

    @property
    def name(self) -> str:
        width = " tiny" if self.width == "tiny" else ""
        return (
            f"{self.precision}{width} {self.setting}={self.choice}"
            if self.setting
            else f"{self.precision}{width} native"
        )

    @property
    def restore(self) -> bool:
        """Whether the weights are set from the reference before each step: float32 soon leaves its trajectory."""
        return self.precision == "float32"


def cases(spec: AdapterSpec, model: str, device: str = "cpu") -> list[Case]:
    """Every case that the adapter's declaration calls for: each comparable choice once, in its sharpest precision."""
    sharp = Case("", "", "float64", "narrow", 20, EXACT, EXACT)
    if spec.refusal("precision", "float64"):
        sharp = Case("", "", "float32", "tiny", 20, NARROW, NARROW_WEIGHTS)
    full = Case("", "", "float32", "full", 3, SINGLE, SINGLE)
    kernels = load_network(model).verification.kernels
    kernel_flips = [flip for flip in comparable(spec, model, "float32", device) if flip[0] in kernels]
    flipped = [(sharp, flip) for flip in comparable(spec, model, sharp.precision, device)] + [
        (full, flip) for flip in kernel_flips
    ]
    return [sharp, full, *(replace(case, setting=setting, choice=choice) for case, (setting, choice) in flipped)]


def comparable(spec: AdapterSpec, model: str, precision: str, device: str) -> list[tuple[str, str]]:
    """(setting, choice) that the reference can follow, or that must make no difference to it."""
    base = base_configuration(spec, model, precision)
    network, reference = load_network(model), load_spec(REFERENCE)
    found = []
    for name in spec.supported(model):
        timed = network.settings[name].changes == TIME
        if not (timed or name in network.verification.followed) or name in ALIKE or spec.inert(name, device):
            continue
        for choice in spec.choices(name):
            followed = timed or not reference.refusal(name, choice)
            if choice != base[name] and followed and not spec.conflict({**base, name: choice}, device):
                found.append((name, choice))
    return found


def base_configuration(spec: AdapterSpec, model: str, precision: str) -> dict[str, str]:
    """The adapter's default configuration, as far as the reference can follow it."""
    native, defined = spec.native(model), load_network(model).verification.defined
    defined = {name: choice for name, choice in defined.items() if name in native and not spec.refusal(name, choice)}
    return {**native, **defined, "precision": precision}


def unreadable(network: Network) -> tuple[str, ...]:
    """Settings that can't be read back from a narrow network without dropout."""
    return (*network.drawn, *network.verification.unreadable)
