"""Events: what each must bring. A line that comes in, from a worker's stream or from a stored record, is checked here,
once.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from experiments.trials.trial import OUTCOMES, Event

Kind = Callable[[Any], bool]


def is_number(value: Any) -> bool:
    """Whether it is finite: JSON readers take NaN, Infinity and numbers that no float holds."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _storable(value: Any) -> bool:
    """Whether it is text that a store takes: JSON may name half a character."""
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _table(of: Kind) -> Kind:
    return lambda value: isinstance(value, dict) and all(map(of, value.values()))


def _or_none(kind: Kind) -> Kind:
    return lambda value: value is None or kind(value)


Fields = Mapping[str, Mapping[str, Kind]]  # {event: {field that it must have: whether a value will do}}

IN_FORCE: Mapping[str, Kind] = {"settings": _table(_or_none(_storable)), "versions": _table(_storable)}
TIMES = ("import_seconds", "data_seconds", "build_seconds")

# What a worker says: see adapters/worker.py. `done` has its verb's results.
SAID: Fields = {
    "ready": {**IN_FORCE, **dict.fromkeys(TIMES, is_number)},
    "case": {"name": _text, "error": _text, **IN_FORCE},
    "epoch": {
        "epoch": _count,
        "loss": _or_none(is_number),
        "accuracy": is_number,
        "train_seconds": is_number,
        "evaluate_seconds": is_number,
    },
    "done": {},
    "failed": {"error": _text, "message": _text, "traceback": _text},
}
# What of it belongs to a training, and its results.
TRAINING: Fields = {
    "ready": {},
    "epoch": {},
    "failed": {},
    "done": {"diverged": lambda value: isinstance(value, bool), "accuracy": is_number, "train_seconds": is_number},
}
# What a record keeps: what the worker said, when, and what stands around it. The first line is what was planned.
KEPT: Fields = {
    "planned": {"identity": _text, "name": _text, "params": _table(lambda value: True), "tags": _table(_text)},
    "started": {"time": is_number, "host": _text, "devices": _text},
    "ready": {"time": is_number, **SAID["ready"]},
    "epoch": {"time": is_number, **SAID["epoch"]},
    "outcome": {
        "time": is_number,
        "kind": lambda value: value in OUTCOMES,
        "error": _text,
        "metrics": _table(is_number),
    },
}


def parsed(line: str | bytes, known: Fields) -> Event:
    """A line as an event. Raises ValueError that says what is wrong with it."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(event, dict):
        raise ValueError("not a JSON object")
    return checked(event, known)


def checked(event: Event, known: Fields) -> Event:
    """The same event. Raises ValueError where it is not one of the known or has not what it must have."""
    kind = event.get("event")
    if not isinstance(kind, str) or kind not in known:
        raise ValueError(f"event {kind!r:.40} is not one of {', '.join(known)}")
    wrong = [name for name, good in known[kind].items() if name not in event or not good(event[name])]
    if wrong:
        raise ValueError(f"event '{kind}' has no {wrong[0]} that will do: {event.get(wrong[0])!r:.40}")
    return event
