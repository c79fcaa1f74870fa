"""Advice: recommended changes for each adapter, from the effects of a sweep. Pure functions."""

from collections.abc import Iterable
from typing import NamedTuple

from sweeps.analysis.effects import ACCURACY, ALL, HEADLINE_TIME, Effect


class Advice(NamedTuple):
    """The confirmed changes for one adapter, the largest first.

    accurate: changes that gain accuracy. fast: changes that reduce step time and are not confirmed to cost accuracy.
    """

    adapter: str
    accurate: list[Effect]
    fast: list[Effect]


def advice(effects: Iterable[Effect], adapters: Iterable[str]) -> list[Advice]:
    """The advice for each adapter, in order. A change is confirmed if its confidence interval excludes zero."""
    confirmed = [effect for effect in effects if effect.excludes_zero and effect.adapter != ALL]
    return [_advice(adapter, [effect for effect in confirmed if effect.adapter == adapter]) for adapter in adapters]


def _advice(adapter: str, confirmed: list[Effect]) -> Advice:
    accuracy = {(effect.setting, effect.choice): effect for effect in confirmed if effect.metric == ACCURACY}
    accurate = [effect for effect in accuracy.values() if effect.estimate > 0]
    costly = {change for change, effect in accuracy.items() if effect.estimate < 0}
    faster = [effect for effect in confirmed if effect.metric == HEADLINE_TIME and effect.estimate < 0]
    fast = [effect for effect in faster if (effect.setting, effect.choice) not in costly]
    return Advice(
        adapter, sorted(accurate, key=lambda effect: -effect.estimate), sorted(fast, key=lambda effect: effect.estimate)
    )
