"""A plan and its forecast as text, for the terminal."""

from rich.table import Table

from sweeps.planning.forecast import Forecast
from sweeps.planning.plan import Plan
from sweeps.planning.power import Power


def table(plan: Plan) -> Table:
    """The number of trials of each adapter, and the settings that vary, with the default choice first."""
    shown = Table("adapter", "trials", "settings that vary", title=f"Sweep {plan.sweep}: {plan.design}")
    for adapter in plan.adapters:
        mine = [trial.settings for trial in plan.trials if trial.adapter == adapter]
        varying = [_choices(name, mine, plan.natives[adapter]) for name in (mine[0] if mine else {})]
        shown.add_row(adapter, str(len(mine)) if mine else "sampled", ", ".join(filter(None, varying)))
    return shown


def _choices(name: str, settings: list[dict[str, str]], natives: dict[str, str]) -> str:
    """A setting and its choices; "" where it has one choice."""
    choices = sorted({trial[name] for trial in settings}, key=lambda choice: (choice != natives.get(name), choice))
    return f"{name} ({' | '.join(choices)})" if len(choices) > 1 else ""


def lines(plan: Plan, forecast: Forecast) -> list[str]:
    """The choices that are not run, aliased effects, power, and the number and duration of the trials."""
    dropped = [(row.adapter, f"{row.setting}={row.choice}: {row.reason}") for row in plan.dropped]
    collapsed = [(row.adapter, f"{row.setting} stays {row.kept}: {row.reason}") for row in plan.collapsed]
    power = [(adapter, _format_power(found, forecast.effect)) for adapter, found in forecast.power.items()]
    return [
        *_together("dropped", dropped),
        *_together("collapsed", collapsed),
        *_aliases(plan),
        *_path(plan),
        *_together("power", power),
        _count(plan),
        _hours(plan, forecast),
    ]


def _format_power(found: Power, effect: float | None) -> str:
    unit = "points" if found.deviation else "standard deviations across seeds"
    if found.smallest_effect is None:
        text = "cannot detect any effect: no residual degrees of freedom; add seeds"
    elif found.deviation and found.smallest_effect > 100:
        text = "cannot detect an effect on accuracy of less than 100 points; add seeds"
    else:
        text = f"minimum detectable effect on accuracy: {found.smallest_effect:.2f} {unit} (80 % power)"
    if effect:
        text += f"; {effect:g} {unit} need {found.seeds_needed or 'more than 200'} seeds"
    return text + (f" (standard deviation across seeds: {found.deviation:.2f} points)" if found.deviation else "")


def _aliases(plan: Plan) -> list[str]:
    texts = []
    for adapter, aliasing in plan.aliases.items():
        groups = ", ".join(" = ".join(group) for group in aliasing.aliases) or "no effect of one setting or two"
        texts.append((adapter, f"resolution {aliasing.resolution}: {groups}" if aliasing.resolution else "nothing"))
    found = _together("aliased", texts)
    lost = ", ".join(adapter for adapter, aliasing in plan.aliases.items() if not aliasing.balanced)
    return found + ([f"unbalanced: {lost}: without the dropped rows, effects overlap in part"] if lost else [])


def _together(title: str, texts: list[tuple[str, str]]) -> list[str]:
    """One line for each text, with all adapters that have it. texts: (adapter, text)."""
    adapters: dict[str, dict[str, None]] = {}
    for adapter, text in texts:
        adapters.setdefault(text, {})[adapter] = None
    return [f"{title}: {', '.join(names)}: {text}" for text, names in adapters.items()]


def _path(plan: Plan) -> list[str]:
    path = plan.path
    if path is None:
        return []
    steps = ", ".join(f"{step.setting} {step.own} -> {step.other}" for step in path.steps) or "no steps"
    return [f"path: {path.source} -> {path.target} in {len(path.walks)} orders: {steps}"]


def _count(plan: Plan) -> str:
    repeats = sum(trial.repeat for trial in plan.trials)
    return f"{plan.planned} trials" + (f", {repeats} of them repetitions that show run-to-run noise" if repeats else "")


def _hours(plan: Plan, forecast: Forecast) -> str:
    if not forecast.pilot:
        return "device-hours: unknown (no earlier trial of this workload)"
    runs = sum(one.runs for one in forecast.pilot.values())
    unknown = ", ".join(forecast.without_pilot)
    without = f", without {unknown} (no earlier trial of this workload)" if unknown else ""
    return f"device-hours: about {forecast.device_hours:.2f}, from the median of {runs} earlier trials{without}"
