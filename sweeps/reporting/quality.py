"""Data quality: warnings about a sweep's runs, and their noise. Pure functions."""

from typing import Any

import numpy as np

from sweeps.analysis.effects import ACCURACY, HEADLINE_TIME
from sweeps.reporting.results import Results

PROCESSES = 5  # of each configuration, which a claim about time needs


def warnings(results: Results) -> list[str]:
    """One sentence per problem with the runs, the most serious first."""
    return [
        sentence for check in (missing, _mixed, _repeated, _few_processes, _unsteady) for sentence in check(results)
    ]


def missing(results: Results) -> list[str]:
    """A sentence if the sweep is unfinished."""
    count = results.plan.planned - len(results.runs)
    return [f"{count} of {results.plan.planned} trials are missing: the sweep is not finished."] if count > 0 else []


def _mixed(results: Results) -> list[str]:
    """Runs with different revisions, machines or environments."""
    sentences = []
    for name, what in (("revision", "revisions of this project"), ("host", "machines")):
        found = sorted(set(results.runs[name]) - {""}) if name in results.runs else []
        if len(found) > 1:
            sentences.append(f"The runs are from {len(found)} {what}: {', '.join(found[:4])}.")
    if "environment" in results.runs and not results.runs.empty:
        counts = results.runs.groupby("adapter")["environment"].nunique()
        names = [str(name) for name in counts[counts > 1].index]
        if names:
            sentences.append(f"The runs of {', '.join(names)} are from several environments, whose versions differ.")
    return sentences


def _repeated(results: Results) -> list[str]:
    """The false findings of the A/A arm."""
    verdicts = [false for one in results.repetitions for false in one.false_findings]
    if not verdicts:
        return []
    where = [one.adapter for one in results.repetitions if any(one.false_findings)]
    named = f" ({', '.join(where)})" if where else ""
    return [
        f"A/A arm: one configuration ran twice in each block. The 95 % confidence intervals of {sum(verdicts)} of "
        f"{len(verdicts)} differences in accuracy or step time exclude zero{named}; by chance 5 % do."
    ]


def _few_processes(results: Results) -> list[str]:
    seeds = len(results.plan.seeds)
    timed = HEADLINE_TIME in results.runs and seeds < PROCESSES
    return (
        [f"Each configuration ran in {seeds} processes; a claim about time needs {PROCESSES} or more."] if timed else []
    )


def _unsteady(results: Results) -> list[str]:
    runs, uneven = (sum(row[name] for row in results.unsteady) for name in ("runs", "unsteady"))
    if not uneven:
        return []
    return [
        f"In {uneven} of {runs} runs the step times vary too much (interquartile range over 10 % of the median): "
        f"the machine was busy."
    ]


def noise(results: Results) -> list[dict[str, Any]]:
    """One row per adapter: {adapter, repetition, seed, pairing, unsteady}, with None for unknown values.

    seed: standard deviation of accuracy across seeds with default settings, in percentage points.
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
    runs = results.default_runs(adapter)
    values = runs[ACCURACY].dropna().to_numpy(float) if ACCURACY in runs else np.array([])
    return float(100 * values.std(ddof=1)) if len(values) > 1 else None
