"""Lookup by name. Read by Python 3.6 to 3.13: standard library only."""

import difflib
import importlib
from typing import Any, Iterable  # noqa: F401  in type comments


def unknown(kind, name, known):
    # type: (str, object, Iterable[object]) -> str
    """One line for a name that a table does not hold.

    >>> unknown("adapter", "pytroch", ["pytorch", "cntk"])
    "unknown adapter 'pytroch'. Did you mean 'pytorch'? Choices: pytorch, cntk"
    """
    close = difflib.get_close_matches(str(name), [str(key) for key in known], n=1)
    hint = " Did you mean '{}'?".format(close[0]) if close else ""
    return "unknown {} '{}'.{} Choices: {}".format(kind, name, hint, ", ".join(str(key) for key in known))


def load(reference):
    # type: (str) -> Any
    """Import "module:attribute".

    Raises ImportError or AttributeError where it does not exist.
    """
    module, attribute = reference.split(":")
    return getattr(importlib.import_module(module), attribute)
