"""Tables of what was measured, kept in docs/data: certificates, versions, and the accuracies of two sweeps."""

import json
from pathlib import Path
from typing import Any

from adapters.contract.spec import AdapterSpec
from adapters.networks import NETWORKS
from docs.generator.catalog import specs, title, with_network
from experiments import locations
from experiments.errors import SweepError
from experiments.locations import PROJECT
from experiments.preparation import certificates as store
from experiments.preparation.environments import Environment
from experiments.verification import read_back
from sweeps.analysis.spread import Spread
from sweeps.markdown import table
from sweeps.reporting.tables import preset_rows

DATA = PROJECT / "docs" / "data"
CERTIFICATES, REGISTRY = DATA / "certificates.json", DATA / "registry.json"
SWEEPS = {name: DATA / f"{name}.json" for name in ("presets", "reviews")}


def take_over(what: str, report: str = "") -> None:
    """Replace a file of docs/data by what this machine holds or a finished sweep's report.json says.

    Raises SweepError for an unknown name, NotCertified where a certificate is missing, WorkerDied.
    """
    if what == "certificates":
        _write(CERTIFICATES, gather(locations.cache()))
    elif what == "registry":
        _write(REGISTRY, read_all(locations.cache()))
    elif what in SWEEPS and report:
        found = json.loads(Path(report).read_text())
        _write(SWEEPS[what], {name: found[name] for name in ("sweep", "outcomes", "presets", "spreads")})
    else:
        raise SweepError(
            f"cannot take over '{what}'; choose certificates, registry, or {', '.join(SWEEPS)} REPORT.json"
        )


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n")


# Defaults, as the frameworks report them


def read_all(cache: Path) -> list[dict[str, Any]]:
    """Every adapter's default configuration as its framework reports it. The environments must be ready."""
    rows = []
    for spec in specs():
        found = {network: read_back.read_back(spec, network, cache) for network in spec.models}
        versions = next(iter(found.values()))["versions"]
        settings = {network: one["settings"] for network, one in found.items()}
        rows.append({"adapter": spec.name, **versions, "environment": digest(spec), "settings": settings})
    return rows


def digest(spec: AdapterSpec) -> str:
    """The first digits of the digest of an adapter's CPU environment."""
    return Environment(spec, "cpu", locations.cache()).digest[:12]


def versions() -> str:
    """The versions in which the defaults were read back."""
    rows = json.loads(REGISTRY.read_text())
    return table(
        ["adapter", "framework", "Python", "NumPy"],
        [[row["adapter"], row["framework"], row["python"], row["numpy"]] for row in rows],
    )


# Certificates


def gather(cache: Path) -> list[dict[str, Any]]:
    """A summary of each certificate on this machine. Raises NotCertified where one is missing or failed."""
    return [_summary(spec, network, cache) for network in NETWORKS for spec in with_network(network)]


def _summary(spec: AdapterSpec, network: str, cache: Path) -> dict[str, Any]:
    store.check(spec, network, "cpu", cache)
    rows = store.read(spec, network, "cpu", cache) or []
    sharp, full = ([row for row in rows if (row["steps"] == 20) == narrow] for narrow in (True, False))
    return {
        "adapter": spec.name,
        "network": network,
        "environment": digest(spec),
        "cases": len(rows),
        "sharp": _largest(sharp),
        "full": _largest(full),
    }


def _largest(rows: list[dict[str, Any]]) -> dict[str, Any]:
    largest = {name: max(row["max_difference"][name] for row in rows) for name in ("logits", "loss", "weights")}
    return {"dtype": rows[0]["dtype"], "tolerance": rows[0]["tolerance"], **largest}


def certificates() -> str:
    """For each network a table of the largest difference of each quantity over all cases."""
    rows = json.loads(CERTIFICATES.read_text())
    head = ["adapter", "cases", "20 steps, narrow", "loss", "weights", "3 steps, full size", "logits", "weights"]
    return "\n\n".join(
        f"### {title(network)}\n\n{table(head, [_certificate(row) for row in rows if row['network'] == network])}"
        for network in NETWORKS
    )


def _certificate(row: dict[str, Any]) -> list[str]:
    sharp, full = row["sharp"], row["full"]
    bounds = [f"{part['dtype']}, at most {part['tolerance']:g}" for part in (sharp, full)]
    numbers = [f"{value:.1e}" for value in (sharp["loss"], sharp["weights"], full["logits"], full["weights"])]
    return [row["adapter"], str(row["cases"]), bounds[0], *numbers[:2], bounds[1], *numbers[2:]]


# Accuracies


def accuracies(sweep: str) -> str:
    """Each adapter's accuracy under each preset with its interval, and how far apart the adapters lie."""
    found = json.loads(SWEEPS[sweep].read_text())
    adapters, names = (list(dict.fromkeys(row[key] for row in found["presets"])) for key in ("adapter", "preset"))
    spreads = [Spread(**spread) for spread in found["spreads"]]
    return table(["adapter", *names], preset_rows(names, adapters, found["presets"], spreads))
