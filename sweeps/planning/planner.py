"""Design: a sweep's trials, in order; and which cells are not there, and why."""

import itertools
import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters import load_spec
from adapters.contract.spec import AdapterSpec, Conflict
from experiments.errors import SweepError
from experiments.locations import cache
from experiments.preparation import certificates
from experiments.trials.trial import Trial
from sweeps.planning import fractions, paths, presets
from sweeps.planning.config import NATIVE, Sweep
from sweeps.planning.paths import End, Path
from sweeps.planning.presets import Row

MOST = 100_000  # trials of a sweep; more would take years and, written down, all memory


@dataclass(frozen=True)
class Plan:
    """What a sweep will run, fixed before it runs.

    choices: {adapter: {setting: choices that really vary on this device}}.
    dropped: [{adapter, setting, choice, reason}] that the framework can't do.
    collapsed: [{adapter, setting, kept, reason}] whose choices make no difference on this device.
    order: every trial as it is to run; empty for a search, whose trials are sampled. The A/A arm is among them: in each block,
        a second run of its first row.
    presets: {adapter: {preset: its row}} of a design of presets.
    aliases: {adapter: what its rows of a fractional design can't tell apart}: "resolution" (None where nothing is aliased),
        "balanced" (whether each setting is as often at either choice, whatever the others are) and "aliases", lists of effects
        that are one to these rows: a setting ("init"), two of them ("init:loss"), or the "mean" of all rows.
    path: of a design of that name.
    """

    sweep: Sweep
    choices: dict[str, dict[str, list[str]]]
    dropped: list[dict[str, str]]
    collapsed: list[dict[str, str]]
    order: list[Trial]
    presets: dict[str, dict[str, Row]] = field(default_factory=dict)
    aliases: dict[str, dict[str, Any]] = field(default_factory=dict)
    path: Path | None = None

    @property
    def trials(self) -> list[Trial]:
        """The design's rows."""
        return [trial for trial in self.order if not trial.repeat]

    @property
    def adapters(self) -> list[str]:
        """The adapter of every trial; of a search, which draws them, as if each came equally often."""
        drawn = itertools.cycle(self.sweep.adapters)
        return [trial.adapter for trial in self.order] or list(itertools.islice(drawn, self.sweep.trials or 0))

    def as_dict(self) -> dict[str, Any]:
        """The plan as `plan --json` prints it and as it is stored with the sweep."""
        workload = self.sweep.workload.resolve()
        return {
            "sweep": self.sweep.name,
            "workload": {
                "name": workload.name,
                "dataset": workload.dataset,
                "epochs": workload.epochs,
                "train_examples": workload.train_examples,
            },
            "design": self.sweep.design,
            "device": self.sweep.resources.device,
            "seeds": self.sweep.seed_list,
            "adapters": self.sweep.adapters,
            "natives": {adapter: load_spec(adapter).native(workload.model) for adapter in self.sweep.adapters},
            "smallest_effect": self.sweep.smallest_effect.model_dump(),
            "varied": list(self.path.steps if self.path else self.sweep.settings),
            "holes": {},  # {adapter: why this machine can't run it}, which the run finds out
            "unverified": self._unverified(workload.model),
            "planned": len(self.adapters),
            "trials": [trial.as_dict() for trial in self.order],
            "presets": [
                {"adapter": adapter, "preset": preset, "trials": self._identities(adapter, row)}
                for adapter, rows in self.presets.items()
                for preset, row in rows.items()
            ],
            "aliases": self.aliases,
            "path": self.path.as_dict() if self.path else None,
            "dropped": self.dropped,
            "collapsed": self.collapsed,
        }

    def _unverified(self, model: str) -> list[str]:
        """The adapters that run without a certificate; none where the sweep allows it to nobody."""
        device = self.sweep.resources.device
        names = self.sweep.adapters if self.sweep.unverified else []
        return [name for name in names if certificates.lacking(load_spec(name), model, device, cache())]

    def _identities(self, adapter: str, row: Row) -> list[str]:
        return [trial(self.sweep, adapter, row, seed).identity for seed in self.sweep.seed_list]


def plan(sweep: Sweep) -> Plan:
    """Work out a sweep's trials. Raises SweepError where a fixed setting can't be had, or the design can't be made."""
    if sweep.design == "presets":
        return _presets_plan(sweep)
    if sweep.design == "path":
        return _path_plan(sweep)
    dropped: list[dict[str, str]] = []
    collapsed: list[dict[str, str]] = []
    choices = {name: _choices(sweep, load_spec(name), dropped, collapsed) for name in sweep.adapters}
    rows: dict[str, list[Row]] = {}
    for name in sweep.adapters:
        rows[name] = _possible(sweep, load_spec(name), _rows(sweep, load_spec(name), choices[name]), dropped)
        if sweep.design == "search" and not rows[name]:
            raise SweepError(
                f"design 'search' has nothing to draw for {name}: {dropped[-1]['reason']}; change fixed or settings"
            )
    trials = [] if sweep.design == "search" else _ordered(sweep, rows)
    return Plan(sweep, choices, dropped, collapsed, trials, aliases=_aliases(sweep, choices, rows))


def _presets_plan(sweep: Sweep) -> Plan:
    dropped: list[dict[str, str]] = []
    presets = {name: _presets(sweep, load_spec(name), dropped) for name in sweep.adapters}
    rows = {name: list(found.values()) for name, found in presets.items()}
    return Plan(sweep, {}, dropped, [], _ordered(sweep, rows), presets)


def _path_plan(sweep: Sweep) -> Plan:
    dropped: list[dict[str, str]] = []
    collapsed: list[dict[str, str]] = []
    source, target = (End(spec, baseline(sweep, spec)) for spec in map(load_spec, sweep.adapters))
    steps = paths.steps(source, target, sweep.resources.device, dropped, collapsed)
    walks, rows = _walkable(sweep, source, steps, dropped)
    ends = _possible(sweep, target.spec, [target.configuration], dropped)
    path = Path(source.spec.name, target.spec.name, steps, walks)
    choices = {path.source: {name: list(pair) for name, pair in steps.items()}, path.target: {}}
    trials = _ordered(sweep, {path.source: rows, path.target: ends})
    return Plan(sweep, choices, dropped, collapsed, trials, path=path)


def trial(sweep: Sweep, adapter: str, row: Row, seed: int, repeat: bool = False) -> Trial:
    """One trial of a sweep."""
    return Trial(
        adapter=adapter,
        workload=sweep.workload.resolve().with_overrides(**row.network),
        configuration=row.configuration,
        seed=seed,
        device=sweep.resources.device,
        threads=max(1, int(sweep.resources.num_cpus)),
        time_limit=60.0 * sweep.time_limit_minutes,
        progress_limit=60.0 * sweep.progress_limit_minutes,
        keep_weights=sweep.keep_weights,
        unverified=sweep.unverified,
        repeat=repeat,
    )


def baseline(sweep: Sweep, spec: AdapterSpec) -> dict[str, str]:
    """The adapter's native configuration with the sweep's fixed settings in it. Raises SweepError."""
    configuration = spec.native(sweep.workload.resolve().model)
    for name, choice in sweep.fixed.items():
        if choice == NATIVE:
            continue
        refusal = spec.refusal(name, choice)
        if refusal:
            raise SweepError(
                f"{spec.name} can't do fixed {name}: {choice} ({refusal}); leave the adapter or the setting out"
            )
        configuration[name] = choice
    return configuration


def _presets(sweep: Sweep, spec: AdapterSpec, dropped: list[dict[str, str]]) -> dict[str, Row]:
    """The rows of the sweep's presets; which ones the adapter can't have, and why, is written to `dropped`."""
    found: dict[str, Row] = {}
    for preset in sweep.presets:
        row = presets.row(preset, spec, sweep.workload.resolve().model, sweep.resources.device)
        if isinstance(row, Row):
            found[preset] = row
        else:
            dropped.append({"adapter": spec.name, "setting": "preset", "choice": preset, "reason": row})
    return found


def _choices(
    sweep: Sweep, spec: AdapterSpec, dropped: list[dict[str, str]], collapsed: list[dict[str, str]]
) -> dict[str, list[str]]:
    """The choices that can be told apart here; what can't is written to `dropped` and `collapsed`."""
    model, kept = sweep.workload.resolve().model, {}
    native, own = spec.native(model), spec.own(model)
    for name, wanted in sweep.settings.items():
        possible = []
        for choice in dict.fromkeys(own.get(name, NATIVE) if choice == NATIVE else choice for choice in wanted):
            reason = spec.refusal(name, choice)
            if reason:
                dropped.append({"adapter": spec.name, "setting": name, "choice": choice, "reason": reason})
            else:
                possible.append(choice)
        inert = spec.inert(name, sweep.resources.device)
        if inert and possible:
            collapsed.append({"adapter": spec.name, "setting": name, "kept": native[name], "reason": inert})
        elif possible:
            kept[name] = possible
    return kept


def _walkable(
    sweep: Sweep, source: End, steps: paths.Steps, dropped: list[dict[str, str]]
) -> tuple[list[paths.Walk], list[Row]]:
    """The walks on which no row has a conflict, and their rows. Raises SweepError where there is no such walk."""
    drawn = paths.walks(list(steps), sweep.permutations, sweep.name)
    on = {walk: paths.along(walk, source.configuration, steps) for walk in drawn}
    met = {walk: [found for row in on[walk] if (found := conflict(sweep, source.spec, row))] for walk in drawn}
    _write_conflicts(source.spec, itertools.chain(*met.values()), dropped)
    walks = [walk for walk in drawn if not met[walk]]
    if not walks:
        first = met[drawn[0]][0]
        raise SweepError(
            f"design 'path' finds no way from {sweep.adapters[0]} to {sweep.adapters[1]}: {source.spec.name} can't have {_in_words(first.choices)} "
            f"({first.reason}); give one of these settings another choice, the same in both, in fixed"
        )
    return walks, [Row(row) for row in paths.distinct([row for walk in walks for row in on[walk]])]


def _aliases(
    sweep: Sweep, choices: dict[str, dict[str, list[str]]], rows: dict[str, list[Row]]
) -> dict[str, dict[str, Any]]:
    """What each adapter's fraction can't tell apart; nothing of another design."""
    if sweep.design != "fractional":
        return {}
    levels = {name: _levels(sweep, load_spec(name), choices[name]) for name in rows if rows[name]}
    return {name: fractions.described([row.configuration for row in rows[name]], levels[name]) for name in levels}


def _levels(sweep: Sweep, spec: AdapterSpec, choices: dict[str, list[str]]) -> fractions.Levels:
    return fractions.levels(choices, spec.native(sweep.workload.resolve().model), spec.name)


def _possible(
    sweep: Sweep, spec: AdapterSpec, configurations: list[dict[str, str]], dropped: list[dict[str, str]]
) -> list[Row]:
    """The rows without those whose choices don't work together; why is written to `dropped`."""
    rows = [(row, conflict(sweep, spec, row)) for row in configurations]
    _write_conflicts(spec, [met for _, met in rows if met], dropped)
    return [Row(row) for row, met in rows if not met]


def conflict(sweep: Sweep, spec: AdapterSpec, configuration: dict[str, str]) -> Conflict | None:
    """Choices of a row that don't work together, in the framework or in the workload; None if all do."""
    device = sweep.resources.device
    return spec.conflict(configuration, device) or sweep.workload.resolve().conflict(configuration)


def _write_conflicts(spec: AdapterSpec, met: Iterable[Conflict], dropped: list[dict[str, str]]) -> None:
    for choices, why in dict.fromkeys((tuple(one.choices.items()), one.reason) for one in met):
        (setting, choice), *others = choices
        reason = f"not with {_in_words(dict(others))}: {why}" if others else why
        dropped.append({"adapter": spec.name, "setting": setting, "choice": choice, "reason": reason})


def _in_words(choices: Mapping[str, str]) -> str:
    return " and ".join(f"{name}={choice}" for name, choice in choices.items())


def _rows(sweep: Sweep, spec: AdapterSpec, choices: dict[str, list[str]]) -> list[dict[str, str]]:
    base = baseline(sweep, spec)
    if sweep.design == "one-at-a-time":
        flips = [(name, choice) for name in choices for choice in choices[name] if choice != base[name]]
        return [base] + [{**base, name: choice} for name, choice in flips]
    if sweep.design == "fractional":
        levels = _levels(sweep, spec, choices)
        return [base | cell for cell in fractions.cells(levels, sweep.resolution, sweep.foldover)]
    if sweep.design == "factorial":
        _check_size(sweep, math.prod(map(len, choices.values())))
    # A search draws its rows: in these it meets each pair of choices once, and with them what does not work together.
    together = itertools.combinations(choices, min(2, len(choices))) if sweep.design == "search" else [tuple(choices)]
    return [
        {**base, **dict(zip(names, combination, strict=True))}
        for names in together
        for combination in itertools.product(*(choices[name] for name in names))
    ]


def _check_size(sweep: Sweep, rows: int) -> None:
    """Raises SweepError where so many rows make more trials than a sweep can have."""
    trials = rows * len(sweep.seed_list)
    if trials > MOST:
        raise SweepError(
            f"design '{sweep.design}' makes {trials:,} trials or more here, and {MOST:,} is the most: vary fewer settings, take fewer seeds, or design 'search'"
        )


def _ordered(sweep: Sweep, rows: dict[str, list[Row]]) -> list[Trial]:
    """Blocks are framework x seed. All blocks of a seed run together, their rows in random order, each once."""
    _check_size(sweep, sum(map(len, rows.values())))
    shuffle = random.Random(sweep.name).shuffle
    trials: list[Trial] = []
    for seed in sweep.seed_list:
        cells = [(adapter, row, False) for adapter in sweep.adapters for row in rows[adapter]] + _repeated(sweep, rows)
        shuffle(cells)
        block = [trial(sweep, adapter, row, seed, repeat) for adapter, row, repeat in cells]
        trials += {trial.identity: trial for trial in block}.values()
    return trials


def _repeated(sweep: Sweep, rows: dict[str, list[Row]]) -> list[tuple[str, Row, bool]]:
    """The A/A arm of a block, where choices are compared; presets compare frameworks, whose seeds tell what is noise."""
    compared = [adapter for adapter in sweep.adapters if len(rows[adapter]) > 1 and sweep.design != "presets"]
    return [(adapter, rows[adapter][0], True) for adapter in compared]
