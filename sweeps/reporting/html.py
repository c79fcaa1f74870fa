"""The report of a sweep as one HTML file that opens offline."""

import math
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from adapters.networks import SETTINGS
from experiments.program import command
from experiments.trials.trial import COMPLETED, DIVERGED
from sweeps.analysis.effects import ALL
from sweeps.analysis.importance import EVALUATOR
from sweeps.reporting import quality
from sweeps.reporting.advice import advice
from sweeps.reporting.figures import FIGURES
from sweeps.reporting.results import Case, Results, summary
from sweeps.reporting.tables import findings, format_effect, format_verdict, preset_lines, preset_names, rows


def report(results: Results, drawn: dict[str, dict[str, Any]], javascript: str) -> str:
    """The report as HTML. drawn: from figures.charts. javascript: from rendering.javascript; it draws the charts."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"effect": format_effect, "verdict": format_verdict}
    lines, advised = rows(results), advice(results.effects, results.plan.adapters)
    return environment.get_template("report.html.j2").render(
        command=command,
        results=results,
        summary=summary(results),
        overall=[row for row in lines if row["adapter"] == ALL],
        single=[row for row in lines if row["adapter"] != ALL],
        incomplete=_incomplete(results.runs),
        presets=preset_names(results),
        preset_lines=preset_lines(results),
        settings=SETTINGS,
        concerned=[name for name in SETTINGS if any(name in natives for natives in results.plan.natives.values())],
        findings=findings(lines),
        advice=advised,
        advised=next((effect for one in advised for effect in one.accurate + one.fast), None),
        charts=drawn,
        figures=FIGURES,
        missing=quality.missing(results),
        warnings=quality.warnings(results),
        evaluator=EVALUATOR,
        noise=quality.noise(results),
        certificates=[_certificate(name, cases) for name, cases in results.certificates.items()],
        javascript=Markup(javascript.replace("</script", "<\\/script")),
    )


def _certificate(name: str, cases: list[Case]) -> dict[str, Any]:
    """A certificate's summary: the number of cases, those that agree, and the largest difference for each dtype."""
    largest = {
        dtype: max(max(case.max_difference.values(), default=math.inf) for case in cases if case.dtype == dtype)
        for dtype in sorted({case.dtype for case in cases}, reverse=True)
    }
    return {"adapter": name, "cases": len(cases), "passed": sum(case.passed for case in cases), "largest": largest}


def _incomplete(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """The trials that failed, diverged or were pruned, with their settings and errors."""
    if runs.empty:
        return []
    settings = [name for name in SETTINGS if name in runs]
    return [
        {
            "adapter": run["adapter"],
            "seed": run["seed"],
            "outcome": run["outcome"],
            "error": "the loss became infinite or NaN" if run["outcome"] == DIVERGED else run["error"],
            "settings": ", ".join(f"{name}={run[name]}" for name in settings if isinstance(run[name], str)),
        }
        for run in runs[runs["outcome"] != COMPLETED].to_dict("records")
    ]
