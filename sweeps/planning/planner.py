"""Planner: makes a sweep's plan."""

import random

from experiments.locations import cache
from experiments.preparation import certificates
from experiments.trials.trial import Trial
from sweeps.planning.cells import Cells, Row
from sweeps.planning.config import Sweep
from sweeps.planning.designs.base import Made, check_size
from sweeps.planning.plan import Plan, PlannedTrial, PlannedWorkload, PresetTrials, SmallestEffects

Rows = dict[str, list[Row]]


def cells_of(sweep: Sweep) -> dict[str, Cells]:
    """{adapter: its cells}. Raises SweepError if an adapter doesn't support a fixed setting."""
    return {name: Cells(sweep, spec) for name, spec in sweep.adapters.items()}


def plan(sweep: Sweep) -> Plan:
    """The plan of a sweep. Raises SweepError if a fixed setting isn't supported or the design has no rows."""
    cells = cells_of(sweep)
    made = sweep.design.make(cells)
    order = _ordered(sweep, made.rows)
    return Plan(
        sweep=sweep.name,
        workload=PlannedWorkload.model_validate(vars(sweep.workload)),
        design=sweep.design.name,
        estimator=sweep.design.estimator,
        device=sweep.device,
        seeds=sweep.seeds,
        adapters=list(sweep.adapters),
        natives={name: mine.native for name, mine in cells.items()},
        smallest_effect=SmallestEffects(**sweep.file.smallest_effect.model_dump()),
        varied=list(sweep.settings) if made.varied is None else made.varied,
        unverified=uncertified(sweep) if sweep.unverified else [],
        planned=len(order) if made.planned is None else made.planned,
        sampled=made.planned is not None,
        trials=[PlannedTrial(**trial.as_dict()) for trial in order],
        presets=_presets(sweep, made),
        aliases=made.aliases,
        path=made.path,
        dropped=[row for mine in cells.values() for row in mine.dropped],
        collapsed=[row for mine in cells.values() for row in mine.collapsed],
        order=order,
    )


def uncertified(sweep: Sweep) -> list[str]:
    """The sweep's adapters that have no certificate for its network on this machine."""
    model, lacking = sweep.workload.model, certificates.lacking
    return [name for name, spec in sweep.adapters.items() if lacking(spec, model, sweep.device, cache())]


def _presets(sweep: Sweep, made: Made) -> list[PresetTrials]:
    return [
        PresetTrials(adapter=adapter, preset=preset, trials=_identities(sweep, adapter, row))
        for adapter, rows in made.presets.items()
        for preset, row in rows.items()
    ]


def _identities(sweep: Sweep, adapter: str, row: Row) -> list[str]:
    return [sweep.trial(adapter, row, seed).identity for seed in sweep.seeds]


def _ordered(sweep: Sweep, rows: Rows) -> list[Trial]:
    """The trials, seed by seed. Within a seed the rows of all adapters are in random order, each once."""
    check_size(sweep.design.name, sum(map(len, rows.values())), len(sweep.seeds))
    shuffle = random.Random(sweep.name).shuffle
    trials: list[Trial] = []
    for seed in sweep.seeds:
        cells = [(adapter, row, False) for adapter, mine in rows.items() for row in mine] + _repeated(sweep, rows)
        shuffle(cells)
        block = [sweep.trial(adapter, row, seed, repeat) for adapter, row, repeat in cells]
        trials += {trial.identity: trial for trial in block}.values()
    return trials


def _repeated(sweep: Sweep, rows: Rows) -> list[tuple[str, Row, bool]]:
    """The A/A arm of a seed, for adapters with several rows, if the design has one."""
    compared = [adapter for adapter, mine in rows.items() if len(mine) > 1 and sweep.design.repeats]
    return [(adapter, rows[adapter][0], True) for adapter in compared]
