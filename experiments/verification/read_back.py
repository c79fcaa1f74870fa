"""The frameworks' defaults, read back from networks built with the default configuration."""

import tempfile
from pathlib import Path
from typing import Any

from adapters.contract.spec import AdapterSpec
from experiments.errors import WorkerDied
from experiments.preparation.environments import Environment
from experiments.running import runner
from experiments.trials.trial import Trial
from experiments.verification import equivalence


def read_back(spec: AdapterSpec, model: str, cache: Path) -> dict[str, Any]:
    """{"settings": {setting: choice in force}, "versions": {"framework", "python", "numpy"}} of a network on the CPU.

    The adapter's environment must be ready. Raises WorkerDied where the framework can't build the network.
    """
    workload = equivalence.verified_workload(model)
    trial = Trial(spec.name, workload, spec.native(model), seed=0, device="cpu", threads=1, time_limit=600)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        equivalence.write_data(workload, data)
        request = trial.request(
            "describe", str(data), cases=[{"name": "native", "settings": trial.configuration, "seed": 0}]
        )
        (case,) = runner.cases(trial, Path(folder), Environment(spec, "cpu", cache), request)
    if case["error"]:
        raise WorkerDied(f"{spec.name} can't be read back: {case['error']}")
    return {"settings": case["settings"], "versions": case["versions"]}
