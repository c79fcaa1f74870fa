"""The report's figures, as Vega-Lite specifications.

The page draws them; sweeps/reporting/rendering.py makes images of them for MLflow.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import altair as alt
import numpy as np
import pandas as pd

from experiments.trials.trial import COMPLETED
from sweeps.analysis.attribution import GAP, Share
from sweeps.analysis.effects import ACCURACY, ALL, HEADLINE_TIME, mean_interval
from sweeps.reporting.results import Results

# Okabe and Ito's palette for color-blind readers; each adapter also has a shape.
COLORS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8c6d31", "#777777"]
SHAPES = ["circle", "square", "triangle-up", "cross", "triangle-down", "triangle-left", "triangle-right"]
GRAY = "#888888"
LEGEND = alt.Legend(orient="top", columns=3, title=None)
EFFECT = {ACCURACY: "Effect on accuracy (percentage points)", HEADLINE_TIME: "Effect on step time (%)"}


class Figure(NamedTuple):
    """A figure of the report. draw: returns its chart, or None without data. caption: how to read it."""

    title: str
    draw: Callable[[Results], Any]
    caption: str


def _scales(results: Results, names: list[str]) -> tuple[Any, Any]:
    """The scales of color and shape: an adapter has the same ones in all figures of a report."""
    places = {name: place for place, name in enumerate(sorted(results.plan.adapters))}
    colors = [GRAY if name == ALL else COLORS[places[name] % len(COLORS)] for name in names]
    shapes = ["diamond" if name == ALL else SHAPES[places[name] % len(SHAPES)] for name in names]
    return alt.Scale(domain=names, range=colors), alt.Scale(domain=names, range=shapes)


def _forest(metric: str) -> Callable[[Results], Any]:
    """A forest plot: the estimate and confidence interval of each comparison in each adapter."""

    def draw(results: Results) -> Any:
        data = pd.DataFrame([effect._asdict() for effect in results.effects if effect.metric == metric])
        if data.empty:
            return None
        data["comparison"] = data["setting"] + ": " + data["choice"] + " instead of " + data["baseline"]
        names = [ALL, *sorted(set(data["adapter"]) - {ALL})]
        colors, shapes = _scales(results, names)
        color, order = alt.Color("adapter:N", scale=colors), alt.Y("adapter:N", sort=names, title=None)
        tips = ["comparison", "adapter", "estimate", "low", "high", "n"]
        base = alt.Chart()
        bars = base.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", title=EFFECT[metric]), x2="high:Q", y=order, color=color
        )
        points = base.mark_point(filled=True, size=70, opacity=1).encode(
            x="estimate:Q",
            y=order,
            color=color.legend(LEGEND),
            shape=alt.Shape("adapter:N", scale=shapes, legend=LEGEND),
            tooltip=tips,
        )
        zero = base.mark_rule(strokeDash=[4, 4], color=GRAY).encode(x=alt.datum(0))
        header = alt.Header(title=None, labelOrient="top", labelAnchor="start", labelFontWeight="bold", labelLimit=330)
        layers = alt.layer(zero, bars, points, data=data)
        return layers.facet(row=alt.Row("comparison:N", header=header), spacing=8).resolve_scale(y="independent")

    return draw


def _heat_map(results: Results) -> Any:
    """A heat map: the effect on accuracy of each comparison in each adapter."""
    data = pd.DataFrame(
        [{**one._asdict(), "found": one.found} for one in results.interactions if one.metric == ACCURACY]
    )
    if data.empty:
        return None
    data["comparison"] = data["setting"] + ": " + data["choice"]
    data["label"] = data["effect"].map("{:+.1f}".format) + np.where(data["found"], " *", "")
    most = float(data["effect"].abs().max()) or 1.0
    color = alt.Color(
        "effect:Q", title="points", scale=alt.Scale(scheme="blueorange", domain=[-most, most], reverse=True)
    )
    tips = ["comparison", "baseline", "adapter", "effect", "estimate", "q_value"]
    base = alt.Chart(data).encode(
        x=alt.X("adapter:N", title=None), y=alt.Y("comparison:N", title=None, axis=alt.Axis(labelLimit=220))
    )
    dark = f"abs(datum.effect) > {0.6 * most}"
    labels = base.mark_text().encode(text="label:N", color=alt.condition(dark, alt.value("white"), alt.value("black")))
    return base.mark_rect().encode(color=color, tooltip=tips) + labels


def _pareto(results: Results) -> Any:
    """One point per adapter and configuration, and a line along each adapter's Pareto front."""
    means = _means(results)
    if means is None:
        return None
    colors, shapes = _scales(results, sorted(set(means["adapter"])))
    time = alt.X(f"{HEADLINE_TIME}:Q", title="step time (ms)", scale=alt.Scale(type="log", nice=False, padding=20))
    base = alt.Chart(means).encode(
        x=time,
        y=alt.Y("accuracy:Q", title="accuracy (%)", scale=alt.Scale(zero=False)),
        color=alt.Color("adapter:N", scale=colors, legend=LEGEND),
    )
    points = base.mark_point(filled=True, size=60).encode(
        shape=alt.Shape("adapter:N", scale=shapes),
        tooltip=["adapter", "configuration", "accuracy", HEADLINE_TIME],
        opacity=alt.condition("datum.front", alt.value(1), alt.value(0.35)),
    )
    front = base.transform_filter("datum.front").mark_line(interpolate="step-after", strokeWidth=1.5)
    return front.encode(order=f"{HEADLINE_TIME}:Q") + points


def _means(results: Results) -> pd.DataFrame | None:
    """Mean accuracy and step time of each adapter and configuration, and whether it is on the Pareto front."""
    runs = results.designed
    names = [name for name in results.plan.varied if name in runs]
    if not names or not {ACCURACY, HEADLINE_TIME} <= set(runs):
        return None
    timed = runs[(runs["outcome"] == COMPLETED) & runs[HEADLINE_TIME].notna()]
    if timed.empty:
        return None
    timed = timed.assign(configuration=[_format_configuration(row, names) for row in timed[names].to_dict("records")])
    means = timed.groupby(["adapter", "configuration"], sort=False)[[ACCURACY, HEADLINE_TIME]].mean().reset_index()
    means = means.assign(accuracy=100 * means[ACCURACY])
    means["front"] = [
        not _dominated(row, means[means["adapter"] == row["adapter"]]) for row in means.to_dict("records")
    ]
    return means


def _format_configuration(row: dict[Any, Any], names: list[str]) -> str:
    return ", ".join(f"{name}={row[name]}" for name in names if isinstance(row[name], str))


def _dominated(row: dict[Any, Any], others: pd.DataFrame) -> bool:
    better = (others["accuracy"] >= row["accuracy"]) & (others[HEADLINE_TIME] <= row[HEADLINE_TIME])
    strictly = (others["accuracy"] > row["accuracy"]) | (others[HEADLINE_TIME] < row[HEADLINE_TIME])
    return bool((better & strictly).any())


def _learning(results: Results) -> Any:
    """The mean accuracy after each epoch, with its confidence interval over the seeds."""
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
    colors, shapes = _scales(results, sorted(set(data["adapter"])))
    base = alt.Chart(data).encode(
        x=alt.X("epoch:O", axis=alt.Axis(labelAngle=0)), color=alt.Color("adapter:N", scale=colors, legend=LEGEND)
    )
    accuracy = alt.Y("accuracy:Q", title="accuracy (%)", scale=alt.Scale(zero=False))
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
    """One bar per part of the gap; each starts where the previous one ends."""
    parts = [share for share in results.shares if share.metric == ACCURACY]
    if not parts:
        return None
    data = _bars(parts)
    order = alt.Y("part:N", sort=list(data["part"]), title=None, axis=alt.Axis(labelLimit=260))
    color = alt.Color(
        "kind:N", scale=alt.Scale(domain=["gains", "costs", "gap"], range=[COLORS[0], COLORS[1], GRAY]), title=None
    )
    tips = ["part", "share", "low", "high", "n"]
    base = alt.Chart(data).encode(y=order)
    bars = base.mark_bar().encode(
        x=alt.X("start:Q", title="accuracy (percentage points)"), x2="end:Q", color=color, tooltip=tips
    )
    return bars + base.mark_text(align="left", dx=4, color=GRAY).encode(x="end:Q", text="label:N")


def _bars(parts: list[Share]) -> pd.DataFrame:
    """One row per part of the gap, with the bar's start and end."""
    at, rows = 0.0, []
    for share in parts:
        gap = share.part == GAP
        start = 0.0 if gap else at
        at = start + share.estimate
        bar = {"start": start, "end": at, "share": share.estimate, "low": share.low, "high": share.high, "n": share.n}
        part = GAP if gap else f"{share.part}: {share.baseline} -> {share.choice}"
        kind = "gap" if gap else "gains" if share.estimate >= 0 else "costs"
        rows.append({"part": part, "label": f"{share.estimate:+.1f}", "kind": kind, **bar})
    return pd.DataFrame(rows)


FIGURES = {
    "waterfall": Figure(
        "Parts of the gap between two adapters",
        _waterfall,
        "Each bar starts where the bar above ends. The last bar is the whole gap.",
    ),
    "forest_accuracy": Figure(EFFECT[ACCURACY], _forest(ACCURACY), ""),
    "forest_time": Figure(EFFECT[HEADLINE_TIME], _forest(HEADLINE_TIME), ""),
    "heat_map": Figure(
        "Effect on accuracy by setting and adapter (percentage points)",
        _heat_map,
        "A star marks an effect that differs from the effect in the other adapters "
        "(false discovery rate 5 %, Benjamini and Hochberg).",
    ),
    "pareto": Figure(
        "Accuracy and step time",
        _pareto,
        "Each point is the mean of an adapter's runs with one configuration. A line joins the configurations "
        "for which no other configuration of the adapter is better in both.",
    ),
    "learning": Figure(
        "Accuracy after each epoch, with default settings",
        _learning,
        "Bands: 95 % confidence intervals over the seeds.",
    ),
}


def charts(results: Results) -> dict[str, dict[str, Any]]:
    """{name: Vega-Lite specification} of the figures that have data."""
    made = {name: figure.draw(results) for name, figure in FIGURES.items()}
    return {name: wide(chart.to_dict(), None) for name, chart in made.items() if chart is not None}


def wide(specification: dict[str, Any], width: int | None) -> dict[str, Any]:
    """The chart with a width in pixels; None: that of its container, which the page sets for a chart with facets."""
    if "spec" in specification:
        return {**specification, "spec": {**specification["spec"], "width": width or 300}}
    return {**specification, "width": width or "container"}
