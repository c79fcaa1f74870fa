"""Where certificates are stored, and whether an adapter has one for its environment and its present code."""

import hashlib
import json
from pathlib import Path
from typing import Any

from adapters import load_spec
from adapters.contract.spec import AdapterSpec
from adapters.networks import NETWORKS
from experiments import extensions
from experiments.errors import NotCertified
from experiments.locations import PROJECT
from experiments.preparation.environments import Environment
from experiments.program import command

REFERENCE = "reference"  # the adapter that all others are compared with


def path(spec: AdapterSpec, model: str, device: str, cache: Path) -> Path:
    """Where the certificate of an adapter's network is stored."""
    parts = [Environment(spec, device, cache).digest, *(file.read_text() for file in _sources(spec, model))]
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
    return cache / "certificates" / f"{spec.name}-{model}-{device}-{digest}.json"


def _sources(spec: AdapterSpec, model: str) -> list[Path]:
    """The code that a certificate covers: the contract, the networks, the reference and the adapter, wherever they
    are.
    """
    ours, references = PROJECT / "adapters", (NETWORKS[model], load_spec(REFERENCE).models[model], spec.models[model])
    folders = [ours / name for name in ("contract", "common", "networks", REFERENCE, spec.module.split(".")[1])]
    files = [sorted(ours.glob("*.py")), *(sorted(folder.rglob("*.py")) for folder in dict.fromkeys(folders))]
    files += [extensions.sources(reference) for reference in references]
    return list(dict.fromkeys(file for found in files for file in found))


def keep(rows: list[dict[str, Any]], kept: Path) -> None:
    """Store a certificate: one row for each case (certificate.Result.as_dict)."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    partial = kept.with_suffix(".partial")
    partial.write_text(json.dumps(rows, indent=1))
    partial.rename(kept)


def read(spec: AdapterSpec, model: str, device: str, cache: Path) -> list[dict[str, Any]] | None:
    """The rows of a certificate; None if there is none, or something else in its place."""
    try:
        rows: list[dict[str, Any]] = json.loads(path(spec, model, device, cache).read_bytes())
        return (
            rows
            if rows and all(isinstance(row["case"], str) and isinstance(row["passed"], bool) for row in rows)
            else None
        )
    except (OSError, ValueError, RecursionError, LookupError, TypeError):
        return None


def lacking(spec: AdapterSpec, model: str, device: str, cache: Path) -> str:
    """Why an adapter's network can't be compared with others; "" if every case of its certificate passed."""
    rows = read(spec, model, device, cache)
    if rows is None:
        digest = Environment(spec, device, cache).digest[:12]
        return f"no certificate for environment {digest} and the adapter's present code"
    failed = [row["case"] for row in rows if not row["passed"]]
    return f"a certificate that failed ({', '.join(failed)})" if failed else ""


def check(spec: AdapterSpec, model: str, device: str, cache: Path) -> None:
    """Raises NotCertified, which says what to do."""
    wanting = lacking(spec, model, device, cache)
    if wanting:
        raise NotCertified(
            f"{spec.name} has {wanting}: a difference between frameworks would mean nothing; run "
            f"`{command(f'verify --adapters {spec.name} --device {device}')}`, or run the sweep with --unverified"
        )
