"""Reading the default settings back from the running framework."""

import pytest

from adapters import load_spec
from experiments import locations
from experiments.errors import WorkerDied
from experiments.verification import read_back


def test_defaults_and_versions_are_read_back(built):
    built("reference")
    spec = load_spec("reference")
    for model in spec.models:
        found = read_back.read_back(spec, model, locations.cache())
        assert spec.native(model).items() <= found["settings"].items()
        assert set(found["versions"]) == {"framework", "python", "numpy"} and found["versions"]["python"].startswith(
            "3.11"
        )


def test_a_network_that_cannot_be_built_is_a_one_line_error(built):
    built("reference")
    spec = load_spec("reference")
    broken = spec._replace(settings={**spec.settings, "init": spec.settings["init"]._replace(native="nothing")})
    with pytest.raises(WorkerDied, match="reference can't be read back: ") as caught:
        read_back.read_back(broken, "cnn", locations.cache())
    assert "\n" not in str(caught.value)
