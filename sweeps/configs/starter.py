"""New sweep files: every key with its meaning, those left at their default commented out."""

import json
import textwrap
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import yaml

from adapters.networks import SETTINGS
from experiments.trials.workload import Workload, workload_named
from sweeps.configs import SCHEMA
from sweeps.planning import config, designs
from sweeps.planning.sweep_file import NATIVE, SweepFile

WIDTH = 96  # of a comment
FEW = 3  # choices that are all compared at once

Mapping = dict[str, Any]


def text(
    name: str, workload: str, adapters: list[str], design: str, settings: list[str], seeds: int, usage: str
) -> str:
    """A sweep file with these values. usage: a line on how to run it. Raises SweepError if they make no valid sweep."""
    content = {
        "name": name,
        "workload": {"name": workload},
        "adapters": adapters,
        "design": design,
        **({"settings": {setting: _first_choices(setting) for setting in settings}} if settings else {}),
        **_required(design),
        "seeds": seeds,
    }
    config.parse(content, "the new sweep file")
    schema = _for_design(design)
    defaults = _defaults(schema, schema["$defs"]) | {"workload": _workload_defaults(workload_named(workload))}
    head = f"# yaml-language-server: $schema={SCHEMA.as_uri()}\n# {usage}"
    entries = ["\n".join(lines) for lines in _entries(schema, content, defaults, schema["$defs"])]
    return "\n\n".join([head, *entries]) + "\n"


def _for_design(design: str) -> Mapping:
    """The schema without the keys that only other designs have."""
    schema: Mapping = json.loads(SCHEMA.read_text())
    keys = {*SweepFile.model_fields, *designs.load(design).Options.model_fields}
    return schema | {"properties": {key: one for key, one in schema["properties"].items() if key in keys}}


def usual_settings(design: str) -> list[str]:
    """Settings to begin with: two that every network has; none for a design that chooses them itself."""
    return ["init", "loss"] if designs.load(design).takes_settings else []


def _required(design: str) -> dict[str, Any]:
    """The keys that the design requires, with an example of each."""
    fields = designs.load(design).Options.model_fields
    return {key: field.examples[0] for key, field in fields.items() if field.is_required() and field.examples}


def _first_choices(setting: str) -> list[str]:
    """All choices if there are few; else the default, and the one with which all frameworks train the same function."""
    known = SETTINGS.get(setting)
    if known is None:
        return [NATIVE]  # config.parse names the setting and the choices
    return [NATIVE, *(known.choices if len(known.choices) <= FEW else [known.matched or next(iter(known.choices))])]


def _defaults(schema: Mapping, parts: Mapping) -> Mapping:
    """{key: its default}, also of inner mappings. parts: their schemas."""
    return {
        key: _defaults(inner, parts) if (inner := _inner(described, parts)) else described.get("default")
        for key, described in schema["properties"].items()
    }


def _workload_defaults(workload: Workload) -> Mapping:
    """The same for the key `workload`: the fields of its network, and of no other."""
    return {"epochs": workload.epochs, "train_examples": workload.train_examples, **workload.network}


def _inner(described: Mapping, parts: Mapping) -> Mapping | None:
    """The schema of a key whose value is a mapping."""
    inner: Mapping | None = parts.get(described.get("$ref", "").rpartition("/")[2])
    return inner


def _entries(schema: Mapping, content: Mapping, defaults: Mapping, parts: Mapping) -> Iterator[list[str]]:
    """The lines of each key; a key that `content` lacks is commented out."""
    for key, described in schema["properties"].items():
        if key in content or key in defaults:
            value: Any = content.get(key, defaults.get(key))
            lines = [f"{key}: {_flow(value)}"]
            if key == "settings" and value:
                lines = ["settings:", *_settings(value)]
            elif inner := _inner(described, parts):
                entries = _entries(inner, value, defaults[key], parts)
                lines = [f"{key}:", *_indented(chain.from_iterable(entries))]
            yield _comment(described) + (lines if key in content else _commented(lines))


def _settings(chosen: dict[str, list[str]]) -> list[str]:
    """Each setting with all its choices; those that are not compared are commented out."""
    lines = []
    for name, compared in chosen.items():
        lines += [*_indented(_wrapped(SETTINGS[name].meaning)), f"  {name}:"]
        for choice, meaning in {NATIVE: "The framework's default.", **SETTINGS[name].choices}.items():
            lines.append(f"    {'' if choice in compared else '# '}- {_flow(choice)}  # {meaning}")
    return lines


def _comment(described: Mapping) -> list[str]:
    """A key's meaning and choices."""
    choices = described.get("enum") or described.get("items", {}).get("enum")
    said = [described["description"]] if "description" in described else []
    return _wrapped(" ".join([*said, *([f"Choices: {', '.join(map(str, choices))}."] if choices else [])]))


def _wrapped(sentences: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(sentences, WIDTH, break_long_words=False, break_on_hyphens=False)]


def _commented(lines: list[str]) -> list[str]:
    return [f"# {line}" for line in lines]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _flow(value: Any) -> str:
    """A value in YAML, on one line."""
    plain = json.loads(json.dumps(value))  # tuples become lists
    return yaml.safe_dump(plain, default_flow_style=True, width=float("inf")).removesuffix("...\n").strip()
