"""The fields of each event, and their validation. Every line from a worker or a record is checked here, once.

Plain Python and no pydantic: a Ray worker imports this module and starts faster without it.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from experiments.trials.trial import OUTCOMES, Event

Kind = Callable[[Any], bool]


def is_number(value: Any) -> bool:
    """Whether the value is a finite number. JSON also brings NaN, Infinity and huge integers."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _storable(value: Any) -> bool:
    """Whether the value is text that can be encoded as UTF-8: JSON may contain lone surrogates."""
    return isinstance(value, str) and not re.search("[\ud800-\udfff]", value)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _table(of: Kind) -> Kind:
    return lambda value: isinstance(value, dict) and all(map(of, value.values()))


def _or_none(kind: Kind) -> Kind:
    return lambda value: value is None or kind(value)


Schema = Mapping[str, Mapping[str, Kind]]  # {event: {required field: whether a value is valid}}

IN_FORCE: Mapping[str, Kind] = {"settings": _table(_or_none(_storable)), "versions": _table(_storable)}
TIMES = ("import_seconds", "data_seconds", "build_seconds")

# Events that a worker sends: see adapters/worker.py. `done` also has the results of its verb.
WORKER_EVENTS: Schema = {
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
# The subset that a training sends, with its results.
TRAINING_EVENTS: Schema = {
    "ready": {},
    "epoch": {},
    "failed": {},
    "done": {"diverged": lambda value: isinstance(value, bool), "accuracy": is_number, "train_seconds": is_number},
}
# Events of a record: those of the worker with their time, and those of the runner. The first line is `planned`.
RECORD_EVENTS: Schema = {
    "planned": {"identity": _text, "name": _text, "params": _table(lambda value: True), "tags": _table(_text)},
    "started": {"time": is_number, "host": _text, "devices": _text},
    "ready": {"time": is_number, **WORKER_EVENTS["ready"]},
    "epoch": {"time": is_number, **WORKER_EVENTS["epoch"]},
    "outcome": {
        "time": is_number,
        "kind": lambda value: value in OUTCOMES,
        "error": _text,
        "metrics": _table(is_number),
    },
}


def parsed(line: str | bytes, known: Schema) -> Event:
    """The event of a line. Raises ValueError with the reason if the line is invalid."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(event, dict):
        raise ValueError("not a JSON object")
    return checked(event, known)


def checked(event: Event, known: Schema) -> Event:
    """The same event. Raises ValueError if it is unknown, or a field is missing or invalid."""
    kind = event.get("event")
    if not isinstance(kind, str) or kind not in known:
        raise ValueError(f"event {kind!r:.40} is not one of {', '.join(known)}")
    wrong = [name for name, valid in known[kind].items() if name not in event or not valid(event[name])]
    if wrong:
        raise ValueError(f"event '{kind}' has a missing or invalid field '{wrong[0]}': {event.get(wrong[0])!r:.40}")
    return event
