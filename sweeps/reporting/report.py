"""The report of a sweep: table for the terminal, one offline HTML file for people."""

import math
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup
from rich.table import Table

from adapters.networks import SETTINGS
from experiments.trials.trial import COMPLETED, DIVERGED
from sweeps.analysis.attribution import Share
from sweeps.analysis.divergence import Divergence
from sweeps.analysis.effects import ACCURACY, ALL, CONFIDENCE, HEADLINE_TIME, UNDECIDED, Effect
from sweeps.analysis.importance import EVALUATOR
from sweeps.analysis.spread import Spread
from sweeps.reporting import quality
from sweeps.reporting.advice import advice
from sweeps.reporting.figures import FIGURES
from sweeps.reporting.results import Record, summary

# Terminal


def tables(record: Record) -> list[Table]:
    """What the terminal shows."""
    return [preset_table(record)] if record.plan["presets"] else [table(record)]


def preset_table(record: Record) -> Table:
    """Accuracy of each framework under each preset, and how far they lie apart."""
    names, lines = preset_names(record), preset_lines(record)
    shown = Table("framework", *names, title=f"Sweep {record.sweep}: accuracy, % [95 % interval]", title_justify="left")
    for line in lines:
        shown.add_row(*line, end_section=line == lines[-2])
    return shown


def preset_names(record: Record) -> list[str]:
    """The presets of a sweep, in order."""
    return list(dict.fromkeys(row["preset"] for row in record.plan["presets"]))


def preset_lines(record: Record) -> list[list[str]]:
    """What a table of presets shows: see `in_presets`."""
    return in_presets(preset_names(record), record.plan["adapters"], record.accuracies, record.spreads)


def in_presets(
    presets: list[str], adapters: list[str], accuracies: list[dict[str, Any]], spreads: list[Spread]
) -> list[list[str]]:
    """One line for each adapter with its accuracy under each preset; in the last, how far apart they lie."""
    cells = {(row["adapter"], row["preset"]): accuracy_in_words(row) for row in accuracies}
    apart = {spread.preset: spread_in_words(spread) for spread in spreads}
    lines = [[adapter, *(cells.get((adapter, preset), "-") for preset in presets)] for adapter in adapters]
    return [*lines, ["apart", *(apart.get(preset, "-") for preset in presets)]]


def accuracy_in_words(row: dict[str, Any]) -> str:
    """A mean accuracy and its interval: "81.2 [80.4, 82.0]"."""
    return f"{row['accuracy']:.1f}" + (
        f" [{row['low']:.1f}, {row['high']:.1f}]" if row["low"] is not None else " [one seed]"
    )


def spread_in_words(spread: Spread) -> str:
    """How far frameworks lie apart, and whether the seed alone explains it."""
    if spread.p_value is None:
        return f"{spread.apart:.1f} points"
    verdict = "more than seeds explain" if spread.p_value < 1 - CONFIDENCE else "no more than seeds explain"
    return f"{spread.apart:.1f} points: {verdict} (p = {spread.p_value:.2g})"


def table(record: Record) -> Table:
    """The effects over all frameworks, and those of single frameworks whose interval excludes zero; of one alone, all."""
    shown = Table("change", title=f"Sweep {record.sweep}: what each setting does", title_justify="left")
    shown.add_column("framework", no_wrap=True)
    for name in ("accuracy, points", "step time, %"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("accuracy")
    alone = len(record.plan["adapters"]) == 1
    for row in rows(record):
        accuracy, time = row["accuracy"], row["time"]
        if alone or row["adapter"] == ALL or any(effect and effect.excludes_zero for effect in (accuracy, time)):
            change = f"{row['setting']}: {row['choice']}, not {row['baseline']}"
            shown.add_row(change, row["adapter"], in_words(accuracy), in_words(time), verdict_in_words(accuracy))
    return shown


def rows(record: Record) -> list[dict[str, Any]]:
    """One row for each comparison with its accuracy and time effects; the largest effects on accuracy first."""
    found: dict[tuple[str, str, str, str], dict[str, Effect]] = {}
    for effect in record.effects:
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


def in_words(effect: Effect | Share | Divergence | None) -> str:
    """An estimate and its interval: "+1.2 [+0.4, +2.0]"."""
    if effect is None:
        return "-"
    if effect.low is None:
        return f"{effect.estimate:+.1f} [one block]"
    return f"{effect.estimate:+.1f} [{effect.low:+.1f}, {effect.high:+.1f}]"


def verdict_in_words(effect: Effect | None) -> str:
    """The verdict, and what it would take where there is none."""
    if effect is None:
        return "-"
    if effect.verdict != UNDECIDED or effect.low is None:
        return effect.verdict
    return f"+{effect.more_seeds} seeds" if effect.more_seeds else effect.verdict


# HTML


def html(record: Record, drawn: dict[str, dict[str, Any]], javascript: str) -> str:
    """One file that opens offline. drawn: the record's figures.charts. javascript: of drawing.javascript, which draws them."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"in_words": in_words, "verdict": verdict_in_words}
    lines, advised = rows(record), advice(record.effects, record.plan["adapters"])
    return environment.get_template("report.html.j2").render(
        record=record,
        summary=summary(record),
        overall=[row for row in lines if row["adapter"] == ALL],
        single=[row for row in lines if row["adapter"] != ALL],
        troubles=_troubles(record.runs),
        presets=preset_names(record),
        preset_lines=preset_lines(record),
        settings=SETTINGS,
        concerned=[name for name in SETTINGS if any(name in natives for natives in record.plan["natives"].values())],
        findings=findings(lines),
        advice=advised,
        advised=next((effect for one in advised for effect in one.accurate + one.fast), None),
        charts=drawn,
        figures=FIGURES,
        missing=quality.missing(record),
        warnings=quality.warnings(record),
        evaluator=EVALUATOR,
        noise=quality.noise(record),
        certificates=[_certificate(name, cases) for name, cases in record.certificates.items()],
        javascript=Markup(javascript.replace("</script", "<\\/script")),
    )


def _certificate(name: str, cases: list[dict[str, Any]]) -> dict[str, Any]:
    """What an adapter's certificate comes to: how many cases agree, and the largest difference of any."""
    largest = {
        dtype: max(max(case["max_difference"].values(), default=math.inf) for case in cases if case["dtype"] == dtype)
        for dtype in sorted({case["dtype"] for case in cases}, reverse=True)
    }
    return {"adapter": name, "cases": len(cases), "passed": sum(case["passed"] for case in cases), "largest": largest}


def _troubles(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """The trials that failed, diverged or were pruned, with what the configuration was and the error's line."""
    if runs.empty:
        return []
    settings = [name for name in SETTINGS if name in runs]
    return [
        {
            "adapter": run["adapter"],
            "seed": run["seed"],
            "outcome": run["outcome"],
            "error": "the loss stopped being finite" if run["outcome"] == DIVERGED else run["error"],
            "settings": ", ".join(f"{name}={run[name]}" for name in settings if isinstance(run[name], str)),
        }
        for run in runs[runs["outcome"] != COMPLETED].to_dict("records")
    ]


def findings(lines: list[dict[str, Any]]) -> list[str]:
    """The answer in sentences: each comparison whose interval excludes zero, the largest first."""
    said = []
    for row in lines:
        where = "over all frameworks" if row["adapter"] == ALL else f"in {row['adapter']}"
        change = f"{row['setting']} {row['choice']} instead of {row['baseline']}"
        for effect, more, less, unit in (
            (row["accuracy"], "gains", "costs", " points of accuracy"),
            (row["time"], "adds", "saves", " % of a step's time"),
        ):
            if effect and effect.excludes_zero:
                verb = more if effect.estimate > 0 else less
                said.append(
                    f"{change} {verb} {abs(effect.estimate):.1f}{unit} {where} ({in_words(effect)}, n = {effect.n})"
                )
    return said


def description(record: Record) -> str:
    """What the parent run's page in MLflow says (Markdown)."""
    counted = summary(record)["outcomes"]
    lines = [f"Sweep **{record.sweep}**: " + ", ".join(f"{count} {kind}" for kind, count in counted.items()) + "."]
    lines += [f"- {sentence}" for sentence in findings(rows(record))[:10]]
    return "\n".join([*lines, "", "The whole report is the artifact `report.html` of this run."])
