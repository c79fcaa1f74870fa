"""Calibration of the statistics: sweeps are simulated with known effects and analyzed like real ones.

    python -m benchmarks.calibration [DRAWS]

Four requirements: 95 % of single confidence intervals cover the true effect; in at least 95 % of families all intervals
do; at most 5 % of families without an effect report one; and an effect of the minimum detectable size that the planner
states is found with a power of 80 %.
"""

import sys

import numpy as np
import pandas as pd

from sweeps.analysis import linear_model
from sweeps.analysis.effects import ACCURACY, ALL, CONFIDENCE, Effect, bounds, effects, fits
from sweeps.planning import power
from sweeps.planning.sweep_file import SmallestEffect

NOISE = 0.34  # points: the standard deviation of accuracy across seeds on CIFAR-10
ADAPTERS, SETTINGS, SEEDS = ["a", "b", "c"], ["one", "two", "three", "four"], 4
NATIVES = {adapter: dict.fromkeys(SETTINGS, "off") for adapter in ADAPTERS}
SMALLEST = SmallestEffect.model_validate({}).model_dump()
PAIRED = "one-at-a-time"  # each effect is a single contrast
DESIGNS = (PAIRED, "factorial")


def rows(design: str) -> pd.DataFrame:
    """The configurations of one block."""
    if design == "factorial":
        return pd.MultiIndex.from_product([["off", "on"]] * len(SETTINGS), names=SETTINGS).to_frame(index=False)
    flips = [dict.fromkeys(SETTINGS, "off")] + [{**dict.fromkeys(SETTINGS, "off"), name: "on"} for name in SETTINGS]
    return pd.DataFrame(flips)


def simulate(random: np.random.Generator, design: str, truth: dict[str, float]) -> pd.DataFrame:
    """The runs of a sweep, accuracy as a fraction. truth: {setting: effect in points}. Blocks vary more than runs."""
    blocks = [rows(design).assign(adapter=adapter, seed=seed) for adapter in ADAPTERS for seed in range(SEEDS)]
    runs = pd.concat(blocks, ignore_index=True).assign(outcome="completed")
    points = (
        80
        + np.repeat(3 * NOISE * random.normal(size=len(blocks)), len(blocks[0]))
        + NOISE * random.normal(size=len(runs))
    )
    for name, size in truth.items():
        points += size * (runs[name] == "on").to_numpy()
    return runs.assign(accuracy=points / 100)


def families(runs: pd.DataFrame, design: str) -> dict[str, list[Effect]]:
    """{adapter or ALL: the effects on accuracy}."""
    found = effects(fits(runs, NATIVES, SETTINGS, design == PAIRED), SETTINGS, SMALLEST)
    return {
        name: [effect for effect in found if (effect.adapter, effect.metric) == (name, ACCURACY)]
        for name in (ALL, *ADAPTERS)
    }


def coverage(draws: int, design: str, seed: int = 1) -> dict[str, float]:
    """The fractions of single intervals that cover their effect, and of families whose intervals all do."""
    random, truth = np.random.default_rng(seed), {"one": 1.0, "two": -0.5}
    single, simultaneous = [], []
    for _ in range(draws):
        runs = simulate(random, design, truth)
        one_adapter = runs[runs["adapter"] == "a"].assign(value=lambda table: 100 * table["accuracy"])
        for (name, _), estimate in linear_model.estimates(one_adapter, NATIVES["a"], design == PAIRED).items():
            low, high = bounds(estimate, CONFIDENCE)
            single.append(low <= truth.get(name, 0.0) <= high)
        overall = families(runs, design)[ALL]
        simultaneous.append(all(effect.low <= truth.get(effect.setting, 0.0) <= effect.high for effect in overall))
    return {"coverage, single intervals": float(np.mean(single)), "coverage, families": float(np.mean(simultaneous))}


def false_positives(draws: int, design: str, seed: int = 2) -> dict[str, float]:
    """The fractions of families without effects that report one: by Holm's p values, and by their intervals."""
    random, significant, excluded = np.random.default_rng(seed), [], []
    for _ in range(draws):
        for family in families(simulate(random, design, {}), design).values():
            significant.append(any(effect.p_value < 1 - CONFIDENCE for effect in family))
            excluded.append(any(effect.excludes_zero for effect in family))
    return {
        "false positives, Holm": float(np.mean(significant)),
        "false positives, intervals": float(np.mean(excluded)),
    }


def achieved_power(draws: int, design: str, seed: int = 4) -> dict[str, float]:
    """The fraction of effects of the minimum detectable size that one adapter's trials find. Planned: 80 %."""
    random = np.random.default_rng(seed)
    size = power.smallest_effects(rows(design), NATIVES["a"], SEEDS, design == PAIRED, NOISE)["one", "on"]
    hits = []
    for _ in range(draws):
        found = families(simulate(random, design, {"one": size}), design)
        hits += [effect.excludes_zero for name in ADAPTERS for effect in found[name] if effect.setting == "one"]
    return {"power": float(np.mean(hits))}


def main() -> None:
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    for design in DESIGNS:
        for rates in (coverage(draws, design), false_positives(draws, design), achieved_power(draws, design)):
            for name, rate in rates.items():
                print(f"{design}, {draws} sweeps: {name}: {100 * rate:.1f} %", flush=True)


if __name__ == "__main__":
    main()
