"""Claims: published statements about defaults, tested by sweeps.

A claims file declares sweeps, as sweep files do, and claims: comparisons in these sweeps, and their published results.
"""

from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from adapters import unknown
from adapters.networks import SETTINGS
from experiments.errors import SweepError
from experiments.program import command
from sweeps import markdown
from sweeps.analysis.effects import ACCURACY, ALL, MATTERS, NEGLIGIBLE
from sweeps.planning import config
from sweeps.planning.config import Sweep
from sweeps.planning.sweep_file import Strict, read, validated

REPRODUCED, CONTRADICTED = "reproduced", "contradicted"
TOO_SMALL = "too small to tell"
INERT, GONE = "inert on this device", "gone from this version"

# The claimed sign of an effect: positive, negative, either, or no effect.
Direction = Literal["more", "less", "different", "same"]


class Claim(Strict):
    """A claim that `choice` instead of `baseline` changes `metric`, over all adapters of the sweep or in one.

    lesson: its title. published: the published statement. effect: the published size in percentage points or percent.
    """

    lesson: str
    published: str
    sweep: str
    setting: str
    choice: str
    baseline: str
    metric: Literal["accuracy", "step_ms_median", "train_seconds", "total_seconds"]
    adapter: str = ALL
    direction: Direction
    effect: float | None = None


class Claims(NamedTuple):
    """The content of a claims file. sweeps: {name: sweep}."""

    source: str
    sweeps: dict[str, Sweep]
    claims: list[Claim]


class Finding(NamedTuple):
    """A claim and its verdict.

    estimate, low, high, n, more_seeds: as in effects.Effect; None without an effect. size: the measured size compared
    with the published one, or "". reason: why there is no effect to measure, or "".
    """

    claim: Claim
    verdict: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    n: int = 0
    more_seeds: int | None = None
    size: str = ""
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The finding as `claims --json` prints it."""
        return {**self._asdict(), "claim": self.claim.model_dump()}


class File(Strict):
    """The schema of a claims file. source: the publication."""

    source: str
    sweeps: list[dict[str, Any]] = Field(min_length=1)
    claims: list[Claim] = Field(min_length=1)


def load(path: Path) -> Claims:
    """Read a claims file. Raises SweepError with one line for the first mistake in it."""
    content = validated(File, read(path, File, "claims file"), str(path), {"claims": Claim})
    sweeps = {sweep.name: sweep for sweep in (config.parse(dict(one), str(path)) for one in content.sweeps)}
    for claim in content.claims:
        _check(claim, sweeps, path)
    return Claims(content.source, sweeps, content.claims)


def _check(claim: Claim, sweeps: dict[str, Sweep], path: Path) -> None:
    if claim.sweep not in sweeps:
        raise SweepError(f"{path}: {unknown('sweep', claim.sweep, list(sweeps))} (of lesson '{claim.lesson}')")
    declared = sweeps[claim.sweep]
    if claim.setting not in declared.settings:
        problem = unknown("setting of its sweep", claim.setting, list(declared.settings))
        raise SweepError(f"{path}: {problem} (of lesson '{claim.lesson}')")
    for choice in (claim.choice, claim.baseline):
        if choice not in SETTINGS[claim.setting].choices:
            raise SweepError(
                f"{path}: {unknown(f'choice for {claim.setting}', choice, list(SETTINGS[claim.setting].choices))}"
            )
    if claim.adapter not in (ALL, *declared.adapters):
        raise SweepError(f"{path}: {unknown('adapter of its sweep', claim.adapter, [ALL, *declared.adapters])}")


def judge(claim: Claim, summary: dict[str, Any]) -> Finding:
    """The verdict on a claim. summary: of its sweep, from sweeps.reporting.results.summary."""
    wanted = (claim.setting, claim.choice, claim.baseline, claim.metric, claim.adapter)
    keys = ("setting", "choice", "baseline", "metric", "adapter")
    found = next((effect for effect in summary["effects"] if tuple(effect[key] for key in keys) == wanted), None)
    if found is None:
        verdict, reason = _absent(claim, summary)
        return Finding(claim, verdict, reason=reason)
    numbers = {name: found[name] for name in ("estimate", "low", "high", "n")}
    verdict = _verdict(claim.direction, found)
    seeds = found["more_seeds"] if verdict == TOO_SMALL else None
    return Finding(claim, verdict, **numbers, more_seeds=seeds, size=_size(claim, found))


def _absent(claim: Claim, summary: dict[str, Any]) -> tuple[str, str]:
    """(verdict, reason) of a claim without an effect: inert or dropped choices, or failed runs."""
    names = [adapter["name"] for adapter in summary["adapters"] if claim.adapter in (ALL, adapter["name"])]
    inert = {row["adapter"]: row["reason"] for row in summary["collapsed"] if row["setting"] == claim.setting}
    gone = {
        row["adapter"]: row["reason"]
        for row in summary["dropped"]
        if row["setting"] == claim.setting and row["choice"] in (claim.choice, claim.baseline)
    }
    if all(name in inert or name in gone for name in names):
        verdict, reasons = (INERT, inert) if set(inert) & set(names) else (GONE, gone)
        return verdict, "; ".join(dict.fromkeys(reasons[name] for name in names if name in reasons))
    return (
        TOO_SMALL,
        "no two runs to compare: the sweep is unfinished, runs failed, or no two adapters share the baseline",
    )


def _verdict(direction: str, effect: dict[str, Any]) -> str:
    low, high, verdict = effect["low"], effect["high"], effect["verdict"]
    if low is None:
        return TOO_SMALL
    if direction == "same":
        return {NEGLIGIBLE: REPRODUCED, MATTERS: CONTRADICTED}.get(verdict, TOO_SMALL)
    agrees = {"more": low > 0, "less": high < 0, "different": low > 0 or high < 0}[direction]
    opposes = {"more": high < 0, "less": low > 0, "different": False}[direction]
    if verdict == NEGLIGIBLE or opposes:
        return CONTRADICTED
    return REPRODUCED if agrees else TOO_SMALL


def _size(claim: Claim, effect: dict[str, Any]) -> str:
    if claim.effect is None or effect["low"] is None:
        return ""
    if effect["low"] <= claim.effect <= effect["high"]:
        return "as published"
    return "larger than published" if abs(effect["estimate"]) > abs(claim.effect) else "smaller than published"


# The claims report


def measured(finding: Finding) -> str:
    """The effect as text: "-2.1 [-3.0, -1.2] points, n = 12"; without one, the reason."""
    if finding.estimate is None:
        return finding.reason
    unit = "points" if finding.claim.metric == ACCURACY else "%"
    interval = "" if finding.low is None else f" [{finding.low:+.1f}, {finding.high:+.1f}]"
    return f"{finding.estimate:+.1f}{interval} {unit}, n = {finding.n}"


def ruling(finding: Finding) -> str:
    """The verdict as text."""
    more = f" ({finding.more_seeds} more seeds)" if finding.more_seeds else ""
    return finding.verdict + more + (f", {finding.size}" if finding.size and finding.verdict == REPRODUCED else "")


def report(claims: Claims, findings: list[Finding], summaries: dict[str, dict[str, Any]]) -> str:
    """The claims report: all findings in Markdown. summaries: {name of the sweep: its summary}."""
    rows = [_row(one) for one in findings]
    table = markdown.table(["lesson", "published", "compared", "measured", "verdict"], rows)
    runs = [f"{name}: {sum(found['outcomes'].values())} trials" for name, found in summaries.items()]
    return (
        f"# Claims\n\n{markdown.quoted(claims.source)}\n\n"
        f"Written by `{command('claims')}` ({', '.join(runs)}).\n\n{table}\n\n"
        "*Reproduced*: the simultaneous 95 % confidence interval lies on the claimed side of zero. *Contradicted*: it "
        "lies on the other side, or two one-sided tests show that the effect is smaller than the smallest effect that "
        "matters. *Too small to tell*: neither; the number of additional seeds that a verdict needs is estimated.\n"
    )


def _row(finding: Finding) -> list[str]:
    claim = finding.claim
    quoted = markdown.quoted(claim.lesson), markdown.quoted(claim.published)
    return [*quoted, compared(claim), measured(finding), ruling(finding)]


def compared(claim: Claim) -> str:
    """The comparison as text."""
    what = {
        "accuracy": "accuracy",
        "step_ms_median": "step time",
        "train_seconds": "training time",
        "total_seconds": "total time",
    }
    where = "all adapters" if claim.adapter == ALL else claim.adapter
    return f"{what[claim.metric]}, {claim.setting} {claim.choice} instead of {claim.baseline}, {where}"
