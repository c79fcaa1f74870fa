"""The report's figures, as Vega-Lite specifications: drawn in the page, and as pictures for MLflow (see sweeps/reporting/rendering.py)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import pandas as pd

from experiments.trials.trial import COMPLETED
from sweeps.analysis.attribution import GAP
from sweeps.analysis.effects import ACCURACY, ALL, HEADLINE_TIME, mean_interval
from sweeps.reporting.results import Results

# Okabe and Ito's palette: told apart by everybody; shapes tell the same apart without colour.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8c6d31", "#777777"]
SHAPES = ["circle", "square", "triangle-up", "cross", "triangle-down", "triangle-left", "triangle-right"]
GREY = "#888888"
LEGEND = alt.Legend(orient="top", columns=3, title=None)
EFFECT = {ACCURACY: "Effect on accuracy, points", HEADLINE_TIME: "Effect on the time of a training step, %"}


class Figure(NamedTuple):
    """title: above it. draw: its chart, None where there is nothing to draw. caption: how to read it."""

    title: str
    draw: Callable[[Results], Any]
    caption: str


def _scales(results: Results, names: list[str]) -> tuple[Any, Any]:
    """The same colour and shape for an adapter in every figure of a report."""
    places = {name: place for place, name in enumerate(sorted(results.plan.adapters))}
    colours = [GREY if name == ALL else COLOURS[places[name] % len(COLOURS)] for name in names]
    shapes = ["diamond" if name == ALL else SHAPES[places[name] % len(SHAPES)] for name in names]
    return alt.Scale(domain=names, range=colours), alt.Scale(domain=names, range=shapes)


def _forest(metric: str) -> Callable[[Results], Any]:
    """One line for each comparison and framework, its estimate and its interval."""

    def draw(results: Results) -> Any:
        data = pd.DataFrame([effect._asdict() for effect in results.effects if effect.metric == metric])
        if data.empty:
            return None
        data["comparison"] = data["setting"] + ": " + data["choice"] + " instead of " + data["baseline"]
        names = [ALL, *sorted(set(data["adapter"]) - {ALL})]
        colours, shapes = _scales(results, names)
        colour, order = alt.Color("adapter:N", scale=colours), alt.Y("adapter:N", sort=names, title=None)
        tips = ["comparison", "adapter", "estimate", "low", "high", "n"]
        base = alt.Chart()
        bars = base.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", title=EFFECT[metric]), x2="high:Q", y=order, color=colour
        )
        points = base.mark_point(filled=True, size=70, opacity=1).encode(
            x="estimate:Q",
            y=order,
            color=colour.legend(LEGEND),
            shape=alt.Shape("adapter:N", scale=shapes, legend=LEGEND),
            tooltip=tips,
        )
        zero = base.mark_rule(strokeDash=[4, 4], color=GREY).encode(x=alt.datum(0))
        header = alt.Header(title=None, labelOrient="top", labelAnchor="start", labelFontWeight="bold", labelLimit=330)
        layers = alt.layer(zero, bars, points, data=data)
        return layers.facet(row=alt.Row("comparison:N", header=header), spacing=8).resolve_scale(y="independent")

    return draw


def _heat_map(results: Results) -> Any:
    """One cell for each comparison and framework: what the choice does to accuracy there."""
    data = pd.DataFrame(
        [{**one._asdict(), "found": one.found} for one in results.interactions if one.metric == ACCURACY]
    )
    if data.empty:
        return None
    data["comparison"] = data["setting"] + ": " + data["choice"]
    data["words"] = data["effect"].map("{:+.1f}".format) + np.where(data["found"], " *", "")
    most = float(data["effect"].abs().max()) or 1.0
    colour = alt.Color(
        "effect:Q", title="points", scale=alt.Scale(scheme="blueorange", domain=[-most, most], reverse=True)
    )
    tips = ["comparison", "baseline", "adapter", "effect", "estimate", "q_value"]
    base = alt.Chart(data).encode(
        x=alt.X("adapter:N", title=None), y=alt.Y("comparison:N", title=None, axis=alt.Axis(labelLimit=220))
    )
    dark = f"abs(datum.effect) > {0.6 * most}"
    words = base.mark_text().encode(text="words:N", color=alt.condition(dark, alt.value("white"), alt.value("black")))
    return base.mark_rect().encode(color=colour, tooltip=tips) + words


def _pareto(results: Results) -> Any:
    """One point for each framework and configuration; a line along those that no other of the framework beats in both."""
    runs = results.designed
    names = [name for name in results.plan.varied if name in runs]
    if not names or not {ACCURACY, HEADLINE_TIME} <= set(runs):
        return None
    timed = runs[(runs["outcome"] == COMPLETED) & runs[HEADLINE_TIME].notna()]
    if timed.empty:
        return None
    timed = timed.assign(configuration=[_said(row, names) for row in timed[names].to_dict("records")])
    means = timed.groupby(["adapter", "configuration"], sort=False)[[ACCURACY, HEADLINE_TIME]].mean().reset_index()
    means = means.assign(accuracy=100 * means[ACCURACY])
    means["front"] = [not _beaten(row, means[means["adapter"] == row["adapter"]]) for row in means.to_dict("records")]
    colours, shapes = _scales(results, sorted(set(means["adapter"])))
    base = alt.Chart(means).encode(
        x=alt.X(
            f"{HEADLINE_TIME}:Q",
            title="time of a training step, ms",
            scale=alt.Scale(type="log", nice=False, padding=20),
        ),
        y=alt.Y("accuracy:Q", title="accuracy, %", scale=alt.Scale(zero=False)),
        color=alt.Color("adapter:N", scale=colours, legend=LEGEND),
    )
    tips = ["adapter", "configuration", "accuracy", HEADLINE_TIME]
    points = base.mark_point(filled=True, size=60).encode(
        shape=alt.Shape("adapter:N", scale=shapes),
        tooltip=tips,
        opacity=alt.condition("datum.front", alt.value(1), alt.value(0.35)),
    )
    return (
        base.transform_filter("datum.front")
        .mark_line(interpolate="step-after", strokeWidth=1.5)
        .encode(order=f"{HEADLINE_TIME}:Q")
        + points
    )


def _said(row: dict[Any, Any], names: list[str]) -> str:
    return ", ".join(f"{name}={row[name]}" for name in names if isinstance(row[name], str))


def _beaten(row: dict[Any, Any], others: pd.DataFrame) -> bool:
    better = (others["accuracy"] >= row["accuracy"]) & (others[HEADLINE_TIME] <= row[HEADLINE_TIME])
    strictly = (others["accuracy"] > row["accuracy"]) | (others[HEADLINE_TIME] < row[HEADLINE_TIME])
    return bool((better & strictly).any())


def _learning(results: Results) -> Any:
    """Mean accuracy after each epoch, with its interval over the seeds."""
    if results.curves.empty or results.curves["epoch"].nunique() < 2:
        return None
    rows = []
    for (adapter, number), mine in results.curves.assign(number=results.curves["epoch"] + 1).groupby(
        ["adapter", "number"], sort=False
    ):
        mean, low, high = mean_interval(100 * mine["accuracy"].to_numpy(float))
        rows.append(
            {"adapter": adapter, "epoch": number, "accuracy": mean, "low": low, "high": high, "seeds": len(mine)}
        )
    data = pd.DataFrame(rows)
    colours, shapes = _scales(results, sorted(set(data["adapter"])))
    base = alt.Chart(data).encode(
        x=alt.X("epoch:O", axis=alt.Axis(labelAngle=0)), color=alt.Color("adapter:N", scale=colours, legend=LEGEND)
    )
    accuracy = alt.Y("accuracy:Q", title="accuracy, %", scale=alt.Scale(zero=False))
    tips = ["adapter", "epoch", "accuracy", "low", "high", "seeds"]
    points = base.mark_point(filled=True, size=50).encode(
        y=accuracy, shape=alt.Shape("adapter:N", scale=shapes), tooltip=tips
    )
    return (
        base.mark_area(opacity=0.15).encode(y=alt.Y("low:Q"), y2="high:Q")
        + base.mark_line().encode(y=accuracy)
        + points
    )


def _waterfall(results: Results) -> Any:
    """One bar for each part of the gap, each beginning where the last one ended."""
    parts = [share for share in results.shares if share.metric == ACCURACY]
    if not parts:
        return None
    at, rows = 0.0, []
    for share in parts:
        start = 0.0 if share.part == GAP else at
        at = start + share.estimate
        said = GAP if share.part == GAP else f"{share.part}: {share.baseline} -> {share.choice}"
        kind = "gap" if share.part == GAP else "gains" if share.estimate >= 0 else "costs"
        rows.append(
            {
                "part": said,
                "start": start,
                "end": at,
                "share": share.estimate,
                "low": share.low,
                "high": share.high,
                "words": f"{share.estimate:+.1f}",
                "kind": kind,
                "n": share.n,
            }
        )
    data = pd.DataFrame(rows)
    order = alt.Y("part:N", sort=list(data["part"]), title=None, axis=alt.Axis(labelLimit=260))
    colour = alt.Color(
        "kind:N", scale=alt.Scale(domain=["gains", "costs", "gap"], range=[COLOURS[0], COLOURS[1], GREY]), title=None
    )
    tips = ["part", "share", "low", "high", "n"]
    base = alt.Chart(data).encode(y=order)
    bars = base.mark_bar().encode(
        x=alt.X("start:Q", title="points of accuracy"), x2="end:Q", color=colour, tooltip=tips
    )
    return bars + base.mark_text(align="left", dx=4, color=GREY).encode(x="end:Q", text="words:N")


FIGURES = {
    "waterfall": Figure(
        "The gap, step by step", _waterfall, "Each bar begins where the one above ends; the last is the whole gap."
    ),
    "forest_accuracy": Figure(EFFECT[ACCURACY], _forest(ACCURACY), ""),
    "forest_time": Figure(EFFECT[HEADLINE_TIME], _forest(HEADLINE_TIME), ""),
    "heat_map": Figure(
        "Setting by framework: effect on accuracy, points",
        _heat_map,
        "A star: the choice does something else here than in the other frameworks (5 % of the stars are false, Benjamini and Hochberg).",
    ),
    "pareto": Figure(
        "Accuracy against time",
        _pareto,
        "One point for each framework and configuration, the mean of its seeds. Along the line no other configuration of the framework is better in both.",
    ),
    "learning": Figure(
        "Accuracy after each epoch, at native settings", _learning, "Bands: 95 % t intervals over the seeds."
    ),
}


def charts(results: Results) -> dict[str, dict[str, Any]]:
    """{name: Vega-Lite specification} of what there is to draw."""
    made = {name: figure.draw(results) for name, figure in FIGURES.items()}
    return {name: wide(chart.to_dict(), None) for name, chart in made.items() if chart is not None}


def wide(specification: dict[str, Any], width: int | None) -> dict[str, Any]:
    """The same, as wide, or as its container. A facet can't follow that: the page sets its width when it draws."""
    if "spec" in specification:
        return {**specification, "spec": {**specification["spec"], "width": width or 300}}
    return {**specification, "width": width or "container"}
