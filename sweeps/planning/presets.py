"""Presets: whole configurations with a name. What a framework does if nobody asks, what makes all frameworks the same, and
what each framework's published notebook had."""

from typing import Any, NamedTuple

from adapters.contract.spec import AdapterSpec
from adapters.networks import SETTINGS

NATIVE, MATCHED, PUBLISHED = "native", "matched", "published"
PRESETS = (NATIVE, MATCHED, PUBLISHED)


class Row(NamedTuple):
    """What one row of a design asks for: a configuration, and fields of the network that are not the workload's."""

    configuration: dict[str, str]
    network: dict[str, Any] = {}


def row(preset: str, spec: AdapterSpec, model: str, device: str) -> Row | str:
    """The preset's row for an adapter, or why there is none. Settings that are inert on the device stay native."""
    native = spec.native(model)
    if preset == PUBLISHED and model not in spec.published:
        return f"no {model} notebook was published for {spec.name}"
    wanted = {NATIVE: {}, MATCHED: matched(spec, model), PUBLISHED: published(spec, model)}[preset]
    for name, choice in wanted.items():
        refusal = spec.refusal(name, choice)
        if refusal:
            return f"{name} can't be {choice}: {refusal}"
    configuration = native | {name: choice for name, choice in wanted.items() if not spec.inert(name, device)}
    conflict = spec.conflict(configuration, device)
    if conflict:
        return conflict.reason
    return Row(configuration, dict(spec.published[model].network) if preset == PUBLISHED else {})


def matched(spec: AdapterSpec, model: str) -> dict[str, str]:
    """The choices with which every framework trains the same function; what changes the time alone stays native."""
    return {name: SETTINGS[name].matched for name in spec.supported(model) if SETTINGS[name].matched}


def published(spec: AdapterSpec, model: str) -> dict[str, str]:
    """What the framework's notebook had that is not native."""
    return dict(spec.published[model].settings) if model in spec.published else {}
