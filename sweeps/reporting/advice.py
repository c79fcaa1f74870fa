"""Advice: what to change in each framework, from the effects of a sweep. Pure functions."""

from collections.abc import Iterable
from typing import NamedTuple

from sweeps.analysis.effects import ACCURACY, ALL, HEADLINE_TIME, Effect


class Advice(NamedTuple):
    """The changes in one framework that the sweep is sure of, the largest first.

    accurate: they gain accuracy. fast: they save time and are not known to cost accuracy.
    """

    adapter: str
    accurate: list[Effect]
    fast: list[Effect]


def advice(effects: Iterable[Effect], adapters: Iterable[str]) -> list[Advice]:
    """One piece of advice for each framework, in order. A change is sure where its simultaneous interval excludes zero."""
    sure = [effect for effect in effects if effect.excludes_zero and effect.adapter != ALL]
    return [_advice(adapter, [effect for effect in sure if effect.adapter == adapter]) for adapter in adapters]


def _advice(adapter: str, sure: list[Effect]) -> Advice:
    accuracy = {(effect.setting, effect.choice): effect for effect in sure if effect.metric == ACCURACY}
    accurate = [effect for effect in accuracy.values() if effect.estimate > 0]
    costly = {change for change, effect in accuracy.items() if effect.estimate < 0}
    faster = [effect for effect in sure if effect.metric == HEADLINE_TIME and effect.estimate < 0]
    fast = [effect for effect in faster if (effect.setting, effect.choice) not in costly]
    return Advice(
        adapter, sorted(accurate, key=lambda effect: -effect.estimate), sorted(fast, key=lambda effect: effect.estimate)
    )
