"""JSON Schemas of sweep files and claims files, with which editors complete and check them.

`python -m sweeps.configs.schema` writes them after a change of the models, adapters, workloads or settings.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from adapters import ADAPTERS
from adapters.contract.settings import Setting
from adapters.networks import NETWORKS, SETTINGS, load_network
from experiments.trials.workload import WORKLOADS
from sweeps.configs import CLAIMS_SCHEMA, SCHEMA
from sweeps.planning import designs
from sweeps.planning.sweep_file import NATIVE, SweepFile, WorkloadChoice, fields_model
from sweeps.reporting.claims import File

Schema = dict[str, Any]


def sweep() -> Schema:
    """The schema of a sweep file: the models', with the names of adapters, workloads, designs, settings and choices."""
    schema = _of_model(SweepFile)
    properties = schema["properties"]
    properties["design"]["enum"] = list(designs.DESIGNS)
    for design in designs.DESIGNS:
        for key, described in _of_model(designs.load(design).Options).get("properties", {}).items():
            properties[key] = described | {"description": f"Only for design {design}. {described['description']}"}
    properties["adapters"]["items"] = {"enum": list(ADAPTERS)}
    workload = schema["$defs"][WorkloadChoice.__name__]
    workload["properties"] |= _fields()
    workload["properties"]["name"]["enum"] = list(WORKLOADS)
    workload["additionalProperties"] = False
    for name, setting in SETTINGS.items():
        one = {"$ref": f"#/$defs/{name}"}
        schema["$defs"][name] = {"oneOf": _choices(setting)}
        _add(properties["settings"], name, {"description": setting.meaning, "type": "array", "items": one})
        _add(properties["fixed"], name, {"description": setting.meaning, **one})
    return schema


def claims() -> Schema:
    """The schema of a claims file, whose sweeps have the form of sweep files."""
    schema = _of_model(File)
    schema["properties"]["sweeps"]["items"] = {"$ref": SCHEMA.name}
    return schema


def _fields() -> Schema:
    """{field: its schema} of every network's adjustable fields, with its meaning in each network that has it."""
    fields: Schema = {}
    for network in map(load_network, NETWORKS):
        for key, described in _of_model(fields_model(network.name))["properties"].items():
            meanings = [fields[key]["description"]] if key in fields else []
            fields[key] = described | {
                "description": " ".join([*meanings, f"{network.title}: {described['description']}"])
            }
    return fields


def _choices(setting: Setting) -> list[Schema]:
    meanings = {NATIVE: "The framework's default.", **setting.choices}
    return [{"const": choice, "description": meaning} for choice, meaning in meanings.items()]


def _add(mapping: Schema, key: str, value: Schema) -> None:
    """Add a key to a mapping, which then takes no others."""
    mapping["additionalProperties"] = False
    mapping.setdefault("properties", {})[key] = value


def _of_model(model: type[BaseModel]) -> Schema:
    schema: Schema = _without_titles(model.model_json_schema())
    return schema


def _without_titles(node: Any) -> Any:
    """The schema without pydantic's titles, which repeat the keys. A key named title keeps its schema, a mapping."""
    if isinstance(node, dict):
        kept = {key: one for key, one in node.items() if key != "title" or isinstance(one, dict)}
        return {key: _without_titles(one) for key, one in kept.items()}
    return [_without_titles(one) for one in node] if isinstance(node, list) else node


def files() -> dict[Path, str]:
    """{path: content} of the schemas that ship."""
    return {path: json.dumps(made, indent=2) + "\n" for path, made in ((SCHEMA, sweep()), (CLAIMS_SCHEMA, claims()))}


if __name__ == "__main__":
    for path, content in files().items():
        path.write_text(content)
