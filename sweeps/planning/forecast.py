"""Forecast: what a plan can detect and how long it takes, from earlier trials of the same workload."""

from typing import Any, NamedTuple

from sweeps.planning import pilot, power
from sweeps.planning.pilot import Pilot
from sweeps.planning.plan import Plan
from sweeps.planning.power import Power


class Forecast(NamedTuple):
    """power: {adapter: what the plan can detect}. pilot: {adapter: its earlier runs}. device_hours: of all trials whose
    adapter has earlier runs. without_pilot: the other adapters. effect: the wanted effect, if any."""

    power: dict[str, Power]
    pilot: dict[str, Pilot]
    device_hours: float
    without_pilot: list[str]
    effect: float | None

    def as_dict(self) -> dict[str, Any]:
        """The forecast as `plan --json` prints it."""
        return {
            "power": {name: one._asdict() for name, one in self.power.items()},
            "pilot": {name: one._asdict() for name, one in self.pilot.items()},
            "device_hours": self.device_hours,
            "without_pilot": self.without_pilot,
        }


def forecast(plan: Plan, pilots: dict[str, Pilot], deviation: float | None, effect: float | None) -> Forecast:
    """The forecast of a plan. deviation: of a run's accuracy across seeds, in points; None: as in earlier runs."""
    known = {name: pilots[name] for name in plan.adapters if name in pilots}
    measured = {name: one.deviation for name, one in known.items() if one.deviation}
    deviations = dict.fromkeys(plan.adapters, deviation) if deviation else measured
    hours, without = pilot.device_hours(pilots, plan.trial_adapters)
    return Forecast(power.of_plan(plan, deviations, effect), known, hours, without, effect)
