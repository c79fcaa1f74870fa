"""Data quality: what a reader must know of the runs before they believe a number. Pure functions."""

from typing import Any

import numpy as np

from sweeps.analysis.effects import ACCURACY, HEADLINE_TIME
from sweeps.reporting.results import Results

PROCESSES = 5  # of a configuration, which a claim about its time takes


def warnings(results: Results) -> list[str]:
    """What stands in the way of the numbers, in sentences; the worst first."""
    return [said for say in (missing, _mixed, _alike, _hurried, _unsteady) for said in say(results)]


def missing(results: Results) -> list[str]:
    """Whether the sweep is unfinished, in a sentence."""
    count = results.plan.planned - len(results.runs)
    return [f"{count} of {results.plan.planned} trials are missing: the sweep is not finished."] if count > 0 else []


def _mixed(results: Results) -> list[str]:
    """Runs that were not all made by the same programs."""
    said = []
    for name, what in (("revision", "revisions of this project"), ("host", "machines")):
        found = sorted(set(results.runs[name]) - {""}) if name in results.runs else []
        if len(found) > 1:
            said.append(f"The runs are of {len(found)} {what}: {', '.join(found[:4])}.")
    if "environment" in results.runs and not results.runs.empty:
        counts = results.runs.groupby("adapter")["environment"].nunique()
        names = [str(name) for name in counts[counts > 1].index]
        said += [f"The runs of {', '.join(names)} are of several environments: their versions differ."] if names else []
    return said


def _alike(results: Results) -> list[str]:
    """False findings of the A/A arm."""
    verdicts = [false for one in results.repetitions for false in one.false_findings]
    if not verdicts:
        return []
    where = [one.adapter for one in results.repetitions if any(one.false_findings)]
    named = f" ({', '.join(where)})" if where else ""
    return [
        f"A/A arm: one configuration ran twice in every block, and {sum(verdicts)} of {len(verdicts)} differences between the two exclude "
        f"nought{named}; by chance one in twenty does."
    ]


def _hurried(results: Results) -> list[str]:
    seeds = len(results.plan.seeds)
    timed = HEADLINE_TIME in results.runs and seeds < PROCESSES
    return (
        [f"A time is of {seeds} processes for each configuration; a claim about time takes {PROCESSES} or more."]
        if timed
        else []
    )


def _unsteady(results: Results) -> list[str]:
    runs, uneven = (sum(row[name] for row in results.unsteady) for name in ("runs", "unsteady"))
    if not uneven:
        return []
    return [
        f"In {uneven} of {runs} runs the steps took unequal time (quartiles more than a tenth of the median apart): the machine was busy."
    ]


def noise(results: Results) -> list[dict[str, Any]]:
    """One row for each adapter: {adapter, repetition, seed, pairing, unsteady}, None where it is not known.

    seed: deviation of a run's accuracy by the seed, at native settings, in points.
    """
    repeated = {one.adapter: one for one in results.repetitions}
    pairing = {one.adapter: one for one in results.pairings}
    uneven = {row["adapter"]: row for row in results.unsteady}
    rows = []
    for name in results.plan.adapters:
        if name in repeated or name in pairing or name in uneven:
            rows.append(
                {
                    "adapter": name,
                    "repetition": repeated.get(name),
                    "seed": _seed_deviation(results, name),
                    "pairing": pairing.get(name),
                    "unsteady": uneven.get(name),
                }
            )
    return rows


def _seed_deviation(results: Results, adapter: str) -> float | None:
    native = results.native(adapter)
    values = native[ACCURACY].dropna().to_numpy(float) if ACCURACY in native else np.array([])
    return float(100 * values.std(ddof=1)) if len(values) > 1 else None
