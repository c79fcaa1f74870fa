"""Are the statistics right? Sweeps are simulated from a known truth and analysed as real ones are.

    python -m benchmarks.calibration [DRAWS]

Single intervals must cover their effect 95 times in 100, a family's intervals all of theirs at least as often, no effect
may be called one in more than 5 of 100 families without any, and an effect of the size that the planner names must be
found as often as it says.
"""

import sys

import numpy as np
import pandas as pd

from sweeps.analysis import linear_model
from sweeps.analysis.effects import ACCURACY, ALL, CONFIDENCE, Effect, bounds, effects, fits
from sweeps.planning import power
from sweeps.planning.sweep_file import SmallestEffect

NOISE = 0.34  # points: what the seed alone does to accuracy on CIFAR-10
ADAPTERS, SETTINGS, SEEDS = ["a", "b", "c"], ["one", "two", "three", "four"], 4
NATIVES = {adapter: dict.fromkeys(SETTINGS, "off") for adapter in ADAPTERS}
SMALLEST = SmallestEffect.model_validate({}).model_dump()
PAIRED = "one-at-a-time"  # each effect is a single contrast
DESIGNS = (PAIRED, "factorial")


def rows(design: str) -> pd.DataFrame:
    """The rows of one block."""
    if design == "factorial":
        return pd.MultiIndex.from_product([["off", "on"]] * len(SETTINGS), names=SETTINGS).to_frame(index=False)
    flips = [dict.fromkeys(SETTINGS, "off")] + [{**dict.fromkeys(SETTINGS, "off"), name: "on"} for name in SETTINGS]
    return pd.DataFrame(flips)


def simulate(random: np.random.Generator, design: str, truth: dict[str, float]) -> pd.DataFrame:
    """The runs of a sweep: accuracy as a fraction, `truth` in points, blocks that differ more than runs do."""
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
    """{adapter or ALL: its effects on accuracy}."""
    found = effects(fits(runs, NATIVES, SETTINGS, design == PAIRED), SETTINGS, SMALLEST)
    return {
        name: [effect for effect in found if (effect.adapter, effect.metric) == (name, ACCURACY)]
        for name in (ALL, *ADAPTERS)
    }


def coverage(draws: int, design: str, seed: int = 1) -> dict[str, float]:
    """{what: how often}: single intervals that cover, and families whose intervals all do."""
    random, truth = np.random.default_rng(seed), {"one": 1.0, "two": -0.5}
    single, whole = [], []
    for _ in range(draws):
        runs = simulate(random, design, truth)
        mine = runs[runs["adapter"] == "a"].assign(value=lambda table: 100 * table["accuracy"])
        for (name, _), estimate in linear_model.estimates(mine, NATIVES["a"], design == PAIRED).items():
            low, high = bounds(estimate, CONFIDENCE)
            single.append(low <= truth.get(name, 0.0) <= high)
        overall = families(runs, design)[ALL]
        whole.append(all(effect.low <= truth.get(effect.setting, 0.0) <= effect.high for effect in overall))
    return {"single intervals that cover": float(np.mean(single)), "families covered whole": float(np.mean(whole))}


def false_alarms(draws: int, design: str, seed: int = 2) -> dict[str, float]:
    """How many families without any effect have one called so: by Holm's p values, and by their intervals."""
    random, called, excluded = np.random.default_rng(seed), [], []
    for _ in range(draws):
        for family in families(simulate(random, design, {}), design).values():
            called.append(any(effect.p_value < 1 - CONFIDENCE for effect in family))
            excluded.append(any(effect.excludes_zero for effect in family))
    return {"false alarms, Holm": float(np.mean(called)), "false alarms, intervals": float(np.mean(excluded))}


def found_as_planned(draws: int, design: str, seed: int = 4) -> dict[str, float]:
    """How often an effect of the size that the planner calls the smallest is found in one framework: 80 % is planned."""
    random = np.random.default_rng(seed)
    size = power.smallest_effects(rows(design), NATIVES["a"], SEEDS, design == PAIRED, NOISE)["one", "on"]
    hits = []
    for _ in range(draws):
        found = families(simulate(random, design, {"one": size}), design)
        hits += [effect.excludes_zero for name in ADAPTERS for effect in found[name] if effect.setting == "one"]
    return {"planted effects found": float(np.mean(hits))}


def main() -> None:
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    for design in DESIGNS:
        for figures in (coverage(draws, design), false_alarms(draws, design), found_as_planned(draws, design)):
            for what, share in figures.items():
                print(f"{design}, {draws} sweeps: {what}: {100 * share:.1f} %", flush=True)


if __name__ == "__main__":
    main()
