"""The report of a sweep: summary for programs, table for the terminal, one offline HTML file for people."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import altair as alt
import jinja2
import numpy as np
import pandas as pd
import vl_convert
from markupsafe import Markup
from rich.markup import escape
from rich.table import Table

from adapters.settings import SETTINGS
from experiments.trial import COMPLETED, FAILED, OUTCOMES
from sweeps.effects import ACCURACY, ALL, CONFIDENCE, PAIRED, UNDECIDED, Effect, effects, mean_interval
from sweeps.spread import Spread, accuracies, members, spreads

HEADLINE_TIME = "step_ms_median"
# Okabe and Ito's palette: told apart by everybody; shapes tell the same apart without colour.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8c6d31", "#777777"]
SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-left", "triangle-right"]
FIGURES = {
    "forest_accuracy": (ACCURACY, "Effect on accuracy, points"),
    "forest_time": (HEADLINE_TIME, "Effect on the time of a training step, %"),
}


@dataclass(frozen=True)
class Record:
    """All that a report is made of, as read from MLflow. `runs` has one row for each trial with an outcome."""

    sweep: str
    tracking_uri: str
    experiment: str
    parent_run_id: str
    plan: dict[str, Any]
    runs: pd.DataFrame

    @cached_property
    def effects(self) -> list[Effect]:
        """What the settings do. A search shows nothing of the kind: its sampler prefers what does well."""
        if self.plan["design"] == "search" or self.runs.empty:
            return []
        return effects(self.runs, self.plan["natives"], self.plan["varied"], self.plan["smallest_effect"], self.paired)

    @property
    def paired(self) -> bool:
        """Whether each effect is a single contrast: see sweeps.effects."""
        return bool(self.plan["design"] == PAIRED)

    @cached_property
    def members(self) -> pd.DataFrame:
        """The runs of each preset: see sweeps.spread."""
        return members(self.plan, self.runs)


def summary(record: Record) -> dict[str, Any]:
    """The JSON object of `report --json`."""
    kinds = list(record.runs.get("outcome", []))
    return {
        "sweep": record.sweep,
        "tracking_uri": record.tracking_uri,
        "experiment": record.experiment,
        "outcomes": {kind: kinds.count(kind) for kind in OUTCOMES},
        "planned": record.plan["planned"],
        "adapters": [_adapter(record, name) for name in record.plan["adapters"]],
        "effects": [effect._asdict() for effect in record.effects],
        "presets": accuracies(record.members),
        "spreads": [spread._asdict() for spread in spreads(record.members)],
        "holes": record.plan["holes"],
        "dropped": record.plan["dropped"],
        "collapsed": record.plan["collapsed"],
    }


def _adapter(record: Record, name: str) -> dict[str, Any]:
    """An adapter at its native settings: accuracy with interval, and the median time of a step."""
    mine = record.runs[record.runs["adapter"] == name] if not record.runs.empty else record.runs
    native = mine[_is_native(mine, record.plan["natives"][name])] if len(mine) else mine
    accuracies = native["accuracy"].dropna().to_numpy() if "accuracy" in native else np.array([])
    mean, low, high = mean_interval(accuracies) if len(accuracies) else (None, None, None)
    step = native["step_ms_median"].median() if "step_ms_median" in native else np.nan
    return {
        "name": name, "runs": len(mine), "native_runs": len(native),
        "accuracy": mean, "accuracy_low": low, "accuracy_high": high,
        "step_ms_median": None if np.isnan(step) else float(step),
    }  # fmt: skip


def _is_native(runs: pd.DataFrame, natives: dict[str, str]) -> pd.Series:
    same = [runs[name] == choice for name, choice in natives.items() if name in runs]
    return pd.concat(same, axis=1).all(axis=1)


# Terminal


def tables(record: Record) -> list[Table]:
    """What the terminal shows."""
    return [preset_table(record)] if record.plan["presets"] else [table(record)]


def preset_table(record: Record) -> Table:
    """Accuracy of each framework under each preset, and how far they lie apart."""
    presets = list(dict.fromkeys(row["preset"] for row in record.plan["presets"]))
    shown = Table("framework", *presets, title=f"Sweep {record.sweep}: accuracy, % [95 % interval]", title_justify="left")
    cells = {(row["adapter"], row["preset"]): escape(accuracy_in_words(row)) for row in accuracies(record.members)}
    for adapter in record.plan["adapters"]:
        shown.add_row(adapter, *(cells.get((adapter, preset), "-") for preset in presets))
    shown.add_section()
    apart = {spread.preset: spread_in_words(spread) for spread in spreads(record.members)}
    shown.add_row("apart", *(apart.get(preset, "-") for preset in presets))
    return shown


def accuracy_in_words(row: dict[str, Any]) -> str:
    """A mean accuracy and its interval: "81.2 [80.4, 82.0]"."""
    return f"{row['accuracy']:.1f}" + (f" [{row['low']:.1f}, {row['high']:.1f}]" if row["low"] is not None else " [one seed]")


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
            shown.add_row(change, row["adapter"], escape(in_words(accuracy)), escape(in_words(time)), verdict_in_words(accuracy))
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
    return sorted(made, key=lambda row: (row["adapter"] != ALL, -abs(row["accuracy"].estimate if row["accuracy"] else 0)))


def in_words(effect: Effect | None) -> str:
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


# Figures


def forest(found: list[Effect], metric: str, title: str) -> Any:
    """A forest plot: one line for each comparison and framework, its estimate and its interval. None without effects."""
    data = pd.DataFrame([effect._asdict() for effect in found if effect.metric == metric])
    if data.empty:
        return None
    data["comparison"] = data["setting"] + ": " + data["choice"] + " instead of " + data["baseline"]
    names = [ALL, *sorted(set(data["adapter"]) - {ALL})]
    colours = ["#999999", *(COLOURS[index % len(COLOURS)] for index in range(len(names) - 1))]
    shapes = [SHAPES[index % len(SHAPES)] for index in range(len(names))]
    colour = alt.Color("adapter:N", scale=alt.Scale(domain=names, range=colours))
    order = alt.Y("adapter:N", sort=names, title=None)
    tips = [alt.Tooltip(name) for name in ("comparison", "adapter", "estimate", "low", "high", "n")]
    base = alt.Chart(data)
    legend = alt.Legend(orient="top", columns=3, title=None)
    shape = alt.Shape("adapter:N", scale=alt.Scale(domain=names, range=shapes), legend=legend)
    bars = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q", y=order, color=colour)
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x="estimate:Q", y=order, color=colour.legend(legend), shape=shape, tooltip=tips
    )
    zero = base.mark_rule(strokeDash=[4, 4], color="#888888").encode(x=alt.datum(0))
    layers = alt.layer(zero, bars, points)
    header = alt.Header(title=None, labelOrient="top", labelAnchor="start", labelFontWeight="bold", labelLimit=330)
    return layers.facet(row=alt.Row("comparison:N", header=header), spacing=8).resolve_scale(y="independent")


def charts(record: Record, width: int | None = None) -> dict[str, dict[str, Any]]:
    """{name: Vega-Lite specification} of the forest plots; `width` in pixels, or as wide as there is room."""
    made = {name: forest(record.effects, *arguments) for name, arguments in FIGURES.items()}
    return {name: _specification(chart, width) for name, chart in made.items() if chart is not None}


def _specification(chart: Any, width: int | None) -> dict[str, Any]:
    specification: dict[str, Any] = chart.to_dict()
    specification["spec"]["width"] = width or 300  # a facet can't follow its container: the page sets it when it draws
    return specification


def figures(record: Record) -> dict[str, bytes]:
    """{file name: PNG} of the forest plots."""
    return {f"{name}.png": vl_convert.vegalite_to_png(chart, scale=2) for name, chart in charts(record, 560).items()}


# HTML


def html(record: Record) -> str:
    """One file that opens offline."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"in_words": in_words, "verdict": verdict_in_words}
    lines = rows(record)
    return environment.get_template("report.html.j2").render(
        record=record,
        summary=summary(record),
        overall=[row for row in lines if row["adapter"] == ALL],
        single=[row for row in lines if row["adapter"] != ALL],
        troubles=_troubles(record.runs),
        presets=list(dict.fromkeys(row["preset"] for row in record.plan["presets"])),
        cells={(row["adapter"], row["preset"]): accuracy_in_words(row) for row in accuracies(record.members)},
        apart={spread.preset: spread_in_words(spread) for spread in spreads(record.members)},
        settings=SETTINGS,
        findings=findings(lines),
        charts=charts(record),
        titles={name: title for name, (_, title) in FIGURES.items()},
        javascript=Markup(vl_convert.javascript_bundle().replace("</script", "<\\/script")),  # type: ignore[call-arg]
    )


def _troubles(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """The trials that failed or diverged, with what the configuration was and the error's line."""
    if runs.empty:
        return []
    settings = [name for name in SETTINGS if name in runs]
    return [
        {
            "adapter": run["adapter"], "seed": run["seed"], "outcome": run["outcome"],
            "error": run["error"] if run["outcome"] == FAILED else "the loss stopped being finite",
            "settings": ", ".join(f"{name}={run[name]}" for name in settings if isinstance(run[name], str)),
        }
        for run in runs[runs["outcome"] != COMPLETED].to_dict("records")
    ]  # fmt: skip


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
                said.append(f"{change} {verb} {abs(effect.estimate):.1f}{unit} {where} ({in_words(effect)}, n = {effect.n})")
    return said


def description(record: Record) -> str:
    """What the parent run's page in MLflow says (Markdown)."""
    counted = summary(record)["outcomes"]
    lines = [f"Sweep **{record.sweep}**: " + ", ".join(f"{count} {kind}" for kind, count in counted.items()) + "."]
    lines += [f"- {sentence}" for sentence in findings(rows(record))[:10]]
    return "\n".join([*lines, "", "The whole report is the artifact `report.html` of this run."])
