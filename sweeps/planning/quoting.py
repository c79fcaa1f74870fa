"""YAML's booleans: choices such as on and off must be quoted."""

from collections.abc import Mapping
from typing import Any


def unquoted_choice(content: Mapping[str, Any]) -> str:
    """The line for the first choice of a sweep file that YAML reads as a boolean; "" if there is none.

    >>> unquoted_choice({"settings": {"autotune": [False, True]}})
    'settings.autotune: YAML reads an unquoted on or off as a boolean; quote the choice: ["off", "on"]'
    >>> unquoted_choice({"fixed": {"autotune": True}})
    'fixed.autotune: YAML reads an unquoted on or off as a boolean; quote the choice: "on"'
    """
    for key in ("settings", "fixed"):
        mapping = content.get(key)
        for name, value in mapping.items() if isinstance(mapping, Mapping) else ():
            if any(isinstance(choice, bool) for choice in (value if isinstance(value, list) else [value])):
                return (
                    f"{key}.{name}: YAML reads an unquoted on or off as a boolean; quote the choice: {_quoted(value)}"
                )
    return ""


def _quoted(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_quoted, value))}]"
    return {True: '"on"', False: '"off"'}[value] if isinstance(value, bool) else str(value)
