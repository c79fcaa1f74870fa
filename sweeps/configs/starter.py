"""New sweep files: every key with its meaning, those left at their default commented out."""

import json
import textwrap
from typing import Any

import yaml

from adapters.contract.settings import SETTINGS
from experiments.trials.workload import Workload, workload_named
from sweeps.configs import SCHEMA
from sweeps.planning import config
from sweeps.planning.config import NATIVE

REQUIRED: dict[str, dict[str, Any]] = {
    "presets": {"presets": ["native", "matched"]},
    "search": {"trials": 20},
}  # {design: keys that it requires}
WITHOUT_SETTINGS = ("path", "presets")  # designs that choose the settings themselves
WIDTH = 96  # of a comment
FEW = 3  # choices that are all compared at once

Content = dict[str, Any]


def text(
    name: str, workload: str, adapters: list[str], design: str, settings: list[str], seeds: int, usage: str
) -> str:
    """A sweep file with these values. usage: a line on how to run it. Raises SweepError if they make no valid sweep."""
    content = {
        "name": name,
        "workload": {"name": workload},
        "adapters": adapters,
        "design": design,
        "settings": {setting: _first_choices(setting) for setting in settings},
        **REQUIRED.get(design, {}),
        "seeds": seeds,
    }
    config.parse(content, "the new sweep file")
    schema = json.loads(SCHEMA.read_text())
    head = [f"# yaml-language-server: $schema={SCHEMA.as_uri()}", f"# {usage}", ""]
    return "\n".join([*head, *_block(schema, content, schema["$defs"], _defaults(workload_named(workload)))]) + "\n"


def usual_settings(design: str) -> list[str]:
    """Settings to begin with: two that every network has; none for a design that chooses them itself."""
    return [] if design in WITHOUT_SETTINGS else ["init", "loss"]


def _first_choices(setting: str) -> list[str]:
    """All choices if there are few; else the default, and the one with which all frameworks train the same function."""
    known = SETTINGS.get(setting)
    if known is None:
        return [NATIVE]  # config.parse names the setting and the choices
    return [NATIVE, *(known.choices if len(known.choices) <= FEW else [known.matched or next(iter(known.choices))])]


def _defaults(workload: Workload) -> Content:
    """What the keys under `workload` are by default; its network has no others."""
    return {"epochs": workload.epochs, "train_examples": workload.train_examples, **workload.network}


def _block(schema: Content, content: Content, parts: Content, workload: Content) -> list[str]:
    """The lines of a mapping; the keys that `content` lacks are commented out. parts: the schemas of inner mappings."""
    lines = []
    for key, described in schema["properties"].items():
        inner = parts.get(described.get("$ref", "").rpartition("/")[2])
        chosen = content.get(key)
        if key == "settings" and chosen:
            entry = ["settings:", *_settings(chosen)]
        elif inner:
            entry = [f"{key}:", *_indented(_inner(key, inner, chosen, workload))]
        else:
            entry = [f"{key}: {_flow(described.get('default') if chosen is None else chosen)}"]
        lines += _comment(described) + (_commented(entry) if chosen is None else entry) + [""]
    return lines[:-1]


def _inner(key: str, schema: Content, chosen: Content | None, workload: Content) -> list[str]:
    """The lines of an inner mapping. Of one that is commented out as a whole every key has its default."""
    lines = []
    defaults = workload if key == "workload" else {}
    for name, described in schema["properties"].items():
        default = defaults.get(name, described.get("default"))
        if key == "workload" and name not in (defaults | (chosen or {})):
            continue  # of another network
        given = chosen is None or name in chosen
        entry = [f"{name}: {_flow(chosen[name] if chosen and name in chosen else default)}"]
        lines += _comment(described) + (entry if given else _commented(entry))
    return lines


def _settings(chosen: dict[str, list[str]]) -> list[str]:
    """Each setting with all its choices; those that are not compared are commented out."""
    lines = []
    for name, compared in chosen.items():
        lines += [*_indented(_wrapped(SETTINGS[name].meaning)), f"  {name}:"]
        for choice, meaning in {NATIVE: "The framework's default.", **SETTINGS[name].choices}.items():
            lines.append(f"    {'' if choice in compared else '# '}- {_flow(choice)}  # {meaning}")
    return lines


def _comment(described: Content) -> list[str]:
    """A key's meaning and choices."""
    choices = described.get("enum") or described.get("items", {}).get("enum")
    said = [described["description"]] if "description" in described else []
    return _wrapped(" ".join([*said, *([f"Choices: {', '.join(map(str, choices))}."] if choices else [])]))


def _wrapped(sentences: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(sentences, WIDTH, break_long_words=False, break_on_hyphens=False)]


def _commented(lines: list[str]) -> list[str]:
    return [f"# {line}" for line in lines]


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _flow(value: Any) -> str:
    """A value in YAML, on one line."""
    plain = json.loads(json.dumps(value))  # tuples become lists
    return yaml.safe_dump(plain, default_flow_style=True, width=float("inf")).removesuffix("...\n").strip()
