"""The JSON Schema of the estate file: what an editor completes is what the loader takes."""

from pathlib import Path
from typing import Any

import pytest

from checks.catalogue import load_catalogue
from config.json_schema import json_schema
from config.schema.sections import SECTIONS
from config.source import read_source
from exporters.desks.catalogue import desk_kinds
from testbeds.estates import DESKS, KINDS

_EXAMPLES = Path(__file__).parents[2] / "config" / "examples"
_FOLDER = Path(__file__).parent / "invalid"
_TELLABLE = [
    "unknown-section", "unknown-key", "unknown-option", "unknown-option-in-defaults", "missing-key",
    "option-out-of-range", "option-of-wrong-type", "unknown-kind", "unknown-kind-in-defaults", "credential-kind",
    "secret-literal", "snmp-v3-protocol", "desk-kind", "desk-option", "desk-cap", "route-mode", "impact", "wake",
    "duration-without-unit", "duration-form", "name-form", "check-body", "check-kind-twice",
    "check-group-with-settings", "routes-not-a-list", "working-hours-form", "title-not-text", "gateway-url",
]  # fmt: skip
"""Rules that a schema can tell as well as the loader."""


def _objects(schema: object) -> list[dict[str, Any]]:
    """Every schema of a map inside a schema."""
    if isinstance(schema, list):
        return [found for item in schema for found in _objects(item)]
    if not isinstance(schema, dict):
        return []
    here = [schema] if "properties" in schema and isinstance(schema["properties"], dict) else []
    return here + [found for value in schema.values() for found in _objects(value)]


def test_every_section_is_described() -> None:
    schema = json_schema(KINDS, DESKS)

    assert list(schema["properties"]) == list(SECTIONS)


def test_unknown_keys_are_refused_everywhere() -> None:
    schema = json_schema(KINDS, DESKS)

    assert all(part.get("additionalProperties") is False for part in _objects(schema))


def test_every_reference_points_at_a_definition() -> None:
    schema = json_schema(load_catalogue(), desk_kinds())

    def references(part: object) -> set[str]:
        if isinstance(part, list):
            return {found for item in part for found in references(item)}
        if isinstance(part, dict):
            own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
            return own.union(*(references(value) for value in part.values())) if part else own
        return set()

    assert references(schema)
    assert {reference.removeprefix("#/$defs/") for reference in references(schema)} <= set(schema["$defs"])


def test_a_check_is_completed_with_its_own_options_beside_the_settings_of_every_check() -> None:
    schema = json_schema(KINDS, DESKS)

    forms = schema["properties"]["check_groups"]["additionalProperties"]["anyOf"][0]["items"]["anyOf"]
    (tcp,) = [form for form in forms if form.get("properties", {}).get("kind") == {"const": "tcp"}]
    assert {"port", "name", "every", "cron", "open_after", "wake", "accept_unreadable"} <= set(tcp["properties"])
    assert "packets" not in tcp["properties"]


@pytest.mark.parametrize("example", ["demo.yaml", "dacorum-aylesbury-vale"])
def test_the_examples_satisfy_the_schema(example: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json_schema(load_catalogue(), desk_kinds()))
    jsonschema.Draft202012Validator.check_schema(validator.schema)

    errors = [error.message for error in validator.iter_errors(read_source(_EXAMPLES / example).tree)]

    assert errors == []


@pytest.mark.parametrize("rule", _TELLABLE)
def test_the_schema_refuses_what_it_can_tell_to_be_wrong(rule: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json_schema(KINDS, DESKS))

    tree = read_source(_FOLDER / f"invalid-{rule}.yaml").tree

    assert not validator.is_valid(tree)
