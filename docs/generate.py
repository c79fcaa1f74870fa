"""The documents' tables are generated: `python -m docs.generate` writes them anew, a test fails when they are stale.

`python -m docs.generate certificates` first takes over the certificates that this machine holds, into docs/certificates.json;
`python -m docs.generate registry` reads the native values back from every framework first, into docs/registry.json;
`python -m docs.generate presets RUNS/presets/1/report.json` the accuracies of a finished sweep of presets, into docs/presets.json; likewise `reviews`.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from adapters import ADAPTERS, load_spec
from adapters.contract.spec import AdapterSpec, Supported
from adapters.networks import NETWORKS, SETTINGS, load_network
from experiments import locations
from experiments.locations import PROJECT
from experiments.preparation import certificates as store
from experiments.preparation.environments import Environment
from experiments.verification import read_back
from sweeps.analysis.spread import Spread
from sweeps.markdown import table
from sweeps.reporting.tables import preset_rows

README, DEFAULTS = PROJECT / "README.md", PROJECT / "docs" / "defaults.md"
CERTIFICATES, REGISTRY = PROJECT / "docs" / "certificates.json", PROJECT / "docs" / "registry.json"
SWEEPS = {name: PROJECT / "docs" / f"{name}.json" for name in ("presets", "reviews")}  # whose accuracies are shown
BEGIN, END = "<!-- generated: {} -->", "<!-- end of {} -->"


def able(model: str) -> list[AdapterSpec]:
    """The adapters that have a network."""
    return [spec for spec in map(load_spec, ADAPTERS) if model in spec.models]


# Native values


def natives() -> str:
    """For each network, adapter x setting: the native value where frameworks differ; a dash where there is nothing of the kind."""
    return "\n\n".join(f"{load_network(model).title}:\n\n{_natives(model)}" for model in NETWORKS)


def _natives(model: str) -> str:
    own = [(spec, spec.own(model)) for spec in able(model)]
    differing = [name for name in SETTINGS if len({natives[name] for _, natives in own if name in natives}) > 1]
    rows = [[spec.name, spec.python, *(natives.get(name, "-") for name in differing)] for spec, natives in own]
    return table(["adapter", "Python", *differing], rows)


def defaults() -> str:
    """Every setting: what it means, and for each adapter its native value, what else there is, evidence, and what is refused."""
    return "\n\n".join(_setting(name) for name in SETTINGS)


def _setting(name: str) -> str:
    setting = SETTINGS[name]
    choices = "\n".join(f"- `{choice}`: {meaning}" for choice, meaning in setting.choices.items())
    models = [model for model in NETWORKS if name in load_network(model).settings]
    specs = [spec for spec in map(load_spec, ADAPTERS) if set(models) & set(spec.models)]
    head = ["adapter", "native", "also", "evidence, and what is refused"]
    title = f"## {name}\n\n{setting.meaning} It changes the {setting.changes}. Networks: {', '.join(models)}."
    if setting.required:
        title += f" The network requires `{setting.required}`: it is in force unless a sweep names another choice."
    return f"{title}\n\n{choices}\n\n{table(head, [_position(spec, name) for spec in specs])}"


def _position(spec: AdapterSpec, name: str) -> list[str]:
    position = spec.position(name)
    if not isinstance(position, Supported):
        return [spec.name, "-", "", position.reason]
    others = ", ".join(choice for choice in spec.choices(name) if choice != position.native)
    refused = [f"{choice}: {reason}" for choice, reason in position.limits.items()]
    return [spec.name, f"**{position.native}**", others, ". ".join([position.evidence, *refused])]


# What was read back


def read_all(cache: Path) -> list[dict[str, Any]]:
    """Every adapter's native values as its framework shows them. Raises WorkerDied; the environments must be ready."""
    rows = []
    for spec in map(load_spec, ADAPTERS):
        found = {model: read_back.read_back(spec, model, cache) for model in spec.models}
        settings = {model: found[model]["settings"] for model in found}
        rows.append(
            {
                "adapter": spec.name,
                **next(iter(found.values()))["versions"],
                "environment": Environment(spec, "cpu", cache).digest[:12],
                "settings": settings,
            }
        )
    return rows


def versions() -> str:
    """Where the native values were read back: the framework's version, Python's and NumPy's."""
    rows = json.loads(REGISTRY.read_text())
    return table(
        ["adapter", "framework's version", "Python", "NumPy"],
        [[row["adapter"], row["framework"], row["python"], row["numpy"]] for row in rows],
    )


# Certificates


def gather(cache: Path) -> list[dict[str, Any]]:
    """What this machine's certificates come to. Raises NotCertified where one is missing or failed."""
    return [_summary(spec, model, cache) for model in NETWORKS for spec in able(model)]


def _summary(spec: AdapterSpec, model: str, cache: Path) -> dict[str, Any]:
    store.check(spec, model, "cpu", cache)
    rows = store.read(spec, model, "cpu", cache) or []
    sharp, full = ([row for row in rows if (row["steps"] == 20) == narrow] for narrow in (True, False))
    return {
        "adapter": spec.name,
        "network": model,
        "environment": Environment(spec, "cpu", cache).digest[:12],
        "cases": len(rows),
        "sharp": _largest(sharp),
        "full": _largest(full),
    }


def _largest(rows: list[dict[str, Any]]) -> dict[str, Any]:
    largest = {name: max(row["max_difference"][name] for row in rows) for name in ("logits", "loss", "weights")}
    return {"dtype": rows[0]["dtype"], "tolerance": rows[0]["tolerance"], **largest}


def certificates() -> str:
    """The certificates as a table: the largest difference of each quantity over all cases."""
    head = [
        "adapter",
        "network",
        "cases",
        "20 steps, narrow",
        "loss",
        "weights",
        "3 steps, full size",
        "logits",
        "weights",
    ]
    return table(head, [_certificate(row) for row in json.loads(CERTIFICATES.read_text())])


def _certificate(row: dict[str, Any]) -> list[str]:
    sharp, full = row["sharp"], row["full"]
    bounds = [f"{part['dtype']}, at most {part['tolerance']:g}" for part in (sharp, full)]
    numbers = [f"{value:.1e}" for value in (sharp["loss"], sharp["weights"], full["logits"], full["weights"])]
    return [row["adapter"], row["network"], str(row["cases"]), bounds[0], *numbers[:2], bounds[1], *numbers[2:]]


# Presets


def taken(report: Path) -> dict[str, Any]:
    """What the documents show of a sweep of presets."""
    found = json.loads(report.read_text())
    return {name: found[name] for name in ("sweep", "outcomes", "presets", "spreads")}


def accuracies(sweep: str) -> str:
    """Accuracy of each framework under each preset, with intervals, and how far they lie apart."""
    found = json.loads(SWEEPS[sweep].read_text())
    adapters, names = (list(dict.fromkeys(row[key] for row in found["presets"])) for key in ("adapter", "preset"))
    return table(
        ["adapter", *names],
        preset_rows(names, adapters, found["presets"], [Spread(**spread) for spread in found["spreads"]]),
    )


# Documents

TABLES: dict[str, Callable[[], str]] = {
    "natives": natives,
    "certificates": certificates,
    "versions": versions,
    "defaults": defaults,
    **{name: partial(accuracies, name) for name in SWEEPS},
}


def rendered(path: Path) -> str:
    """A document with its generated parts brought up to date."""
    text = path.read_text()
    for name, make in TABLES.items():
        begin, end = BEGIN.format(name), END.format(name)
        if begin in text:
            before, after = text.split(begin)[0], text.split(end)[1]
            text = f"{before}{begin}\n{make()}\n{end}{after}"
    return text


if __name__ == "__main__":
    if sys.argv[1:] == ["certificates"]:
        CERTIFICATES.write_text(json.dumps(gather(locations.cache()), indent=1) + "\n")
    elif sys.argv[1:] == ["registry"]:
        REGISTRY.write_text(json.dumps(read_all(locations.cache()), indent=1) + "\n")
    elif sys.argv[1:2] and sys.argv[1] in SWEEPS:
        SWEEPS[sys.argv[1]].write_text(json.dumps(taken(Path(sys.argv[2])), indent=1) + "\n")
    for document in (README, DEFAULTS):
        document.write_text(rendered(document))
