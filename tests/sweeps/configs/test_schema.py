"""The schemas of sweep files and claims files: up to date, met by what ships, and as strict as the program on names."""

import copy

import jsonschema
import pytest
import yaml
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from sweeps import configs
from sweeps.configs import CLAIMS_SCHEMA, FOLDER, SCHEMA, schema

REGISTRY = Registry().with_resource(SCHEMA.name, DRAFT202012.create_resource(schema.sweep()))
SWEEPS = jsonschema.Draft202012Validator(schema.sweep())
CLAIMS = jsonschema.Draft202012Validator(schema.claims(), registry=REGISTRY)


@pytest.mark.parametrize("path", [SCHEMA, CLAIMS_SCHEMA], ids=lambda path: path.name)
def test_the_schemas_are_up_to_date(path):
    assert path.read_text() == schema.files()[path], "run: python -m sweeps.configs.schema"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_that_ships_names_its_schema_and_meets_it(path):
    wanted, validator = (CLAIMS_SCHEMA, CLAIMS) if path.stem == configs.CLAIMS else (SCHEMA, SWEEPS)
    assert path.read_text().startswith(f"# yaml-language-server: $schema={wanted.name}\n")
    validator.validate(yaml.safe_load(path.read_text()))


GOOD = yaml.safe_load(configs.find("quick").read_text())


@pytest.mark.parametrize(
    "change",
    [
        {"adapters": ["pytroch"]},
        {"workload": {"name": "mnist"}},
        {"settings": {"inti": ["native"]}},
        {"settings": {"init": ["glorot"]}},
        {"settings": {"autotune": [False]}},
        {"fixed": {"init": "glorot"}},
        {"design": "full"},
        {"setings": {}},
        {"resources": {"gpus": 1}},
    ],
    ids=str,
)
def test_a_wrong_name_does_not_meet_the_schema(change):
    assert not SWEEPS.is_valid({**GOOD, **change})
    claims = yaml.safe_load(configs.find_claims("claims").read_text())
    wrong = copy.deepcopy(claims)
    wrong["sweeps"][0] |= change
    assert CLAIMS.is_valid(claims) and not CLAIMS.is_valid(wrong)


def test_an_editor_shows_what_a_setting_and_a_choice_mean():
    made = schema.sweep()
    assert "Distribution" in made["properties"]["settings"]["properties"]["init"]["description"]
    assert {"const": "native", "description": "The framework's default."} in made["$defs"]["init"]["oneOf"]
