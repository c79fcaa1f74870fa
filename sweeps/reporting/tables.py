"""Results as tables for the terminal, and findings as sentences."""

from typing import Any

from rich import box
from rich.table import Table

from sweeps.analysis.attribution import Share
from sweeps.analysis.divergence import Divergence
from sweeps.analysis.effects import ACCURACY, ALL, CONFIDENCE, HEADLINE_TIME, UNDECIDED, Effect
from sweeps.analysis.spread import Spread
from sweeps.reporting.results import Results, summary


def tables(results: Results) -> list[Table]:
    """The tables that the terminal shows."""
    return [preset_table(results)] if results.plan.presets else [table(results)]


def preset_table(results: Results) -> Table:
    """The accuracy of each adapter under each preset, and its spread."""
    names, lines = preset_names(results), preset_lines(results)
    shown = Table(
        "adapter",
        *names,
        title=f"Sweep {results.sweep}: accuracy (%) [95 % confidence interval]",
        title_justify="left",
    )
    for line in lines:
        shown.add_row(*line, end_section=line == lines[-2])
    return shown


def preset_names(results: Results) -> list[str]:
    """The presets of a sweep, in order."""
    return list(dict.fromkeys(row.preset for row in results.plan.presets))


def preset_lines(results: Results) -> list[list[str]]:
    """The rows of a sweep's table of presets: see `preset_rows`."""
    return preset_rows(preset_names(results), results.plan.adapters, results.accuracies, results.spreads)


def preset_rows(
    presets: list[str], adapters: list[str], accuracies: list[dict[str, Any]], spreads: list[Spread]
) -> list[list[str]]:
    """One row per adapter with its accuracy under each preset; the last row has the spread."""
    cells = {(row["adapter"], row["preset"]): format_accuracy(row) for row in accuracies}
    spread = {one.preset: format_spread(one) for one in spreads}
    lines = [[adapter, *(cells.get((adapter, preset), "-") for preset in presets)] for adapter in adapters]
    return [*lines, ["spread", *(spread.get(preset, "-") for preset in presets)]]


def format_accuracy(row: dict[str, Any]) -> str:
    """A mean accuracy and its confidence interval: "81.2 [80.4, 82.0]"."""
    return f"{row['accuracy']:.1f}" + (
        f" [{row['low']:.1f}, {row['high']:.1f}]" if row["low"] is not None else " [one seed]"
    )


def format_spread(spread: Spread) -> str:
    """A spread, and whether it exceeds seed noise."""
    if spread.p_value is None:
        return f"{spread.apart:.1f} points"
    verdict = "more than seed noise" if spread.p_value < 1 - CONFIDENCE else "within seed noise"
    return f"{spread.apart:.1f} points, {verdict} (p = {spread.p_value:.2g})"


def table(results: Results) -> Table:
    """The effects over all adapters, and those of single adapters that exclude zero; with one adapter, all effects.

    Its rows have two lines, so that 80 columns show every word and number whole.
    """
    title = f"Sweep {results.sweep}: effects of the settings [95 % intervals]"
    shown = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, padding=0, leading=1)
    shown.add_column("change", min_width=len("instead of before_pool"))
    shown.add_column("adapter", no_wrap=True)
    for name in ("accuracy\n(points)", "step time\n(%)"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("verdict on\naccuracy", width=len("negligible"))
    alone = len(results.plan.adapters) == 1
    for row in rows(results):
        accuracy, time = row["accuracy"], row["time"]
        if alone or row["adapter"] == ALL or any(effect and effect.excludes_zero for effect in (accuracy, time)):
            change = f"{row['setting']}: {row['choice']}\ninstead of {row['baseline']}"
            numbers = [format_effect(effect).replace(" [", "\n[", 1) for effect in (accuracy, time)]
            shown.add_row(change, row["adapter"], *numbers, format_verdict(accuracy))
    return shown


def rows(results: Results) -> list[dict[str, Any]]:
    """One row per comparison with its effects; those over all adapters first, then the largest effects on accuracy."""
    found: dict[tuple[str, str, str, str], dict[str, Effect]] = {}
    for effect in results.effects:
        key = (effect.setting, effect.choice, effect.baseline, effect.adapter)
        found.setdefault(key, {})[effect.metric] = effect
    made = [
        dict(zip(("setting", "choice", "baseline", "adapter"), key, strict=True))
        | {"accuracy": metrics.get(ACCURACY), "time": metrics.get(HEADLINE_TIME), "total": metrics.get("total_seconds")}
        for key, metrics in found.items()
        if ACCURACY in metrics or HEADLINE_TIME in metrics
    ]
    return sorted(
        made, key=lambda row: (row["adapter"] != ALL, -abs(row["accuracy"].estimate if row["accuracy"] else 0))
    )


def format_effect(effect: Effect | Share | Divergence | None) -> str:
    """An estimate and its confidence interval: "+1.2 [+0.4, +2.0]"."""
    if effect is None:
        return "-"
    if effect.low is None:
        return f"{effect.estimate:+.1f} [no interval]"
    return f"{effect.estimate:+.1f} [{effect.low:+.1f}, {effect.high:+.1f}]"


def format_verdict(effect: Effect | None) -> str:
    """The verdict, or the number of additional seeds that it needs."""
    if effect is None:
        return "-"
    if effect.verdict != UNDECIDED or effect.low is None:
        return effect.verdict
    if not effect.more_seeds:
        return effect.verdict
    return f"needs {effect.more_seeds} more seed{'s' if effect.more_seeds > 1 else ''}"


def findings(lines: list[dict[str, Any]]) -> list[str]:
    """One sentence for each effect whose confidence interval excludes zero, in the order of the rows."""
    sentences = []
    for row in lines:
        where = "over all adapters" if row["adapter"] == ALL else f"in {row['adapter']}"
        change = f"{row['setting']} {row['choice']} instead of {row['baseline']}"
        for effect, more, less, unit in (
            (row["accuracy"], "gains", "costs", " percentage points of accuracy"),
            (row["time"], "increases step time by", "reduces step time by", " %"),
        ):
            if effect and effect.excludes_zero:
                verb = more if effect.estimate > 0 else less
                size = f"{abs(effect.estimate):.1f}{unit}"
                sentences.append(f"{change} {verb} {size} {where} ({format_effect(effect)}, n = {effect.n})")
    return sentences


def description(results: Results) -> str:
    """The description of the sweep's run in MLflow, in Markdown."""
    counted = summary(results)["outcomes"]
    lines = [f"Sweep **{results.sweep}**: " + ", ".join(f"{count} {kind}" for kind, count in counted.items()) + "."]
    lines += [f"- {sentence}" for sentence in findings(rows(results))[:10]]
    return "\n".join([*lines, "", "The full report is the artifact `report.html` of this run."])
