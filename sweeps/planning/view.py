"""A plan in words, for the terminal."""

from typing import Any

from rich.table import Table


def table(planned: dict[str, Any]) -> Table:
    """How many trials each adapter has, and what varies in them."""
    shown = Table("adapter", "trials", "settings that vary", title=f"Sweep {planned['sweep']}: {planned['design']}")
    for adapter in planned["adapters"]:
        mine = [trial["settings"] for trial in planned["trials"] if trial["adapter"] == adapter]
        values = {name: dict.fromkeys(trial[name] for trial in mine) for name in (mine[0] if mine else {})}
        varying = [f"{name} ({' | '.join(choices)})" for name, choices in values.items() if len(choices) > 1]
        shown.add_row(adapter, str(len(mine)) if mine else "sampled", ", ".join(varying))
    return shown


def lines(planned: dict[str, Any], effect: float | None) -> list[str]:
    """What is not there, what can't be told apart, what can be seen, and what it takes."""
    dropped = [
        f"dropped: {row['adapter']} {row['setting']}={row['choice']}: {row['reason']}" for row in planned["dropped"]
    ]
    collapsed = [
        f"collapsed: {row['adapter']} {row['setting']} stays {row['kept']}: {row['reason']}"
        for row in planned["collapsed"]
    ]
    return dropped + collapsed + _aliases(planned) + _path(planned) + _power(planned, effect) + _cost(planned)


def _power(planned: dict[str, Any], effect: float | None) -> list[str]:
    said = {}
    for adapter, found in planned["power"].items():
        smallest, seeds, deviation = found["smallest_effect"], found["seeds_needed"], found["deviation"]
        unit = "points" if deviation else "deviations of a run by its seed"
        what = "sees no effect: it leaves nothing to judge an error by, add seeds"
        if smallest is not None:
            what = f"sees effects on accuracy of {smallest:.2f} {unit} and more, four times in five"
        if effect:
            what += f"; {effect:g} {unit} need {seeds or 'more than 200'} seeds"
        said[adapter] = what + (f" (a seed moves a run by {deviation:.2f} points)" if deviation else "")
    return [f"power: {names} {what}" for names, what in _together(said)]


def _aliases(planned: dict[str, Any]) -> list[str]:
    said = {}
    for adapter, fraction in planned["aliases"].items():
        groups = ", ".join(" = ".join(group) for group in fraction["aliases"]) or "no effect of one setting or two"
        said[adapter] = f"resolution {fraction['resolution']}: {groups}" if fraction["resolution"] else "nothing"
    found = [f"aliased: {names}: {what}" for names, what in _together(said)]
    lost = ", ".join(adapter for adapter, fraction in planned["aliases"].items() if not fraction["balanced"])
    return found + (
        [f"unbalanced: {lost}: without the rows that were dropped, effects overlap in part"] if lost else []
    )


def _together(said: dict[str, str]) -> list[tuple[str, str]]:
    """(adapters, what is said of them): those of which the same is said in one line."""
    return [(", ".join(name for name in said if said[name] == what), what) for what in dict.fromkeys(said.values())]


def _path(planned: dict[str, Any]) -> list[str]:
    path = planned["path"]
    if not path:
        return []
    steps = (
        ", ".join(f"{step['setting']} {step['from']} -> {step['to']}" for step in path["steps"]) or "nothing to walk"
    )
    return [f"path: {path['from']} -> {path['to']} in {len(path['walks'])} orders: {steps}"]


def _cost(planned: dict[str, Any]) -> list[str]:
    """How many trials, and how long they hold their devices."""
    repeats = sum("repeat" in trial for trial in planned["trials"])
    arm = f", {repeats} of them run a second time to see what repeating alone does" if repeats else ""
    return [f"{planned['planned']} trials{arm}", _hours(planned)]


def _hours(planned: dict[str, Any]) -> str:
    hours, unknown = planned["device_hours"], planned["without_pilot"]
    if not planned["pilot"]:
        return "device-hours: not known before a trial of this workload has run in this home"
    without = f", without {', '.join(unknown)}, of which no trial of this workload has run yet" if unknown else ""
    return f"device-hours: about {hours:.2f}, by the median of {sum(one['runs'] for one in planned['pilot'].values())} earlier trials{without}"
