"""Runs a target on many inputs, the same in each run."""

from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from tests.torture.targets import Target, emptied


def torture(target: Target, inputs: int, folder: Path) -> Counter[str]:
    """{result: how often} over `inputs` inputs. Fails with the smallest input that is neither accepted nor refused."""
    kinds: Counter[str] = Counter()

    @settings(
        max_examples=inputs,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(target.inputs)
    def one(given_input):
        kinds[target.act(given_input, emptied(folder))] += 1

    one()
    return kinds
