"""The JSON Schema of the estate file, so that an editor completes and checks it while it is written.

It knows the installed kinds of checks and of desks. It is looser than the loader where a schema cannot know better:
an option that a kind requires may come from `defaults`, so it is not required at the check.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter

from config.kinds import DeskLike, KindLike
from config.schema import access, checks, outbound, sections, vantages
from config.schema.credentials import CREDENTIAL_KINDS
from config.schema.words import MAX_NAME

JsonSchema = dict[str, Any]

_NAME: JsonSchema = {"type": "string", "pattern": rf"^[a-z0-9][a-z0-9._-]{{0,{MAX_NAME - 1}}}$"}
_MODELS: dict[str, type[BaseModel]] = {
    "estate": sections.EstateModel,
    "councils": sections.CouncilModel,
    "sites": sections.SiteModel,
    "vantages": vantages.VantageModel,
    "services": sections.ServiceModel,
    "targets": sections.TargetModel,
    "working_hours": sections.WorkingHoursModel,
    "maintenance": sections.MaintenanceModel,
    "routes": sections.RouteModel,
    "webhooks": outbound.WebhookModel,
    "heartbeats": outbound.HeartbeatModel,
    "desk": sections.DeskModel,
    "access": access.AccessModel,
}
_ONE = ("estate", "working_hours", "access")
"""Sections that are one entry; `routes` is a list of entries, every other a map of entries by name."""


def json_schema(kinds: Mapping[str, KindLike], desks: Mapping[str, DeskLike]) -> JsonSchema:
    """The schema (draft 2020-12) of an estate in one file; of a directory, the files together satisfy it."""
    adapters: dict[str, TypeAdapter[Any]] = {name: TypeAdapter(model) for name, model in _MODELS.items()}
    adapters |= {"defaults": checks.DEFAULTS, "kind": checks.KIND_SETTINGS, "check": checks.CHECK_SETTINGS}
    adapters |= {f"check {name}": TypeAdapter(kind.options) for name, kind in kinds.items()}
    adapters |= {f"desk {name}": TypeAdapter(desk.options) for name, desk in desks.items()}
    adapters |= {f"credential {name}": TypeAdapter(model) for name, model in CREDENTIAL_KINDS.items()}
    made, shared = TypeAdapter.json_schemas(
        [(name, "validation", adapter) for name, adapter in adapters.items()], ref_template="#/$defs/{model}"
    )
    definitions: dict[str, JsonSchema] = shared.get("$defs", {})
    parts = {name: _whole(made[name, "validation"], definitions) for name in adapters}
    _fill_defaults(definitions, parts, kinds)
    entries = _entries(parts, kinds)
    for name in ("councils", "sites", "targets"):
        parts[name]["properties"]["defaults"] = {"$ref": "#/$defs/Defaults"}
    # Empty is right for a target that the check of another one asks, which a schema cannot know.
    parts["targets"]["properties"]["checks"] = _checks([*entries, _use()], parts, kinds, least=0)
    properties = {name: _section(name, parts) for name in sections.SECTIONS if name in parts}
    properties["defaults"] = {"$ref": "#/$defs/Defaults"}
    properties["check_groups"] = _by_name(_checks(entries, parts, kinds, least=1))
    properties["credentials"] = _by_name(_tagged(parts, "credential", CREDENTIAL_KINDS, {}))
    properties["desks"] = _by_name(_tagged(parts, "desk", desks, parts["desk"]["properties"]))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Ridgeway estate",
        "type": "object",
        "properties": {name: properties[name] for name in sections.SECTIONS},
        "additionalProperties": False,
        "$defs": definitions,
    }


def _whole(schema: Mapping[str, Any], definitions: Mapping[str, JsonSchema]) -> JsonSchema:
    """The definition itself where a schema is only a reference to one: the same object, so that it can be filled."""
    reference = schema.get("$ref")
    return definitions[reference.removeprefix("#/$defs/")] if isinstance(reference, str) else dict(schema)


def _fill_defaults(
    definitions: dict[str, JsonSchema], parts: dict[str, JsonSchema], kinds: Mapping[str, KindLike]
) -> None:
    definitions.setdefault("Defaults", parts["defaults"])
    settings = parts["kind"]["properties"]
    of_kind = {name: _map({**_properties(parts[f"check {name}"]), **settings}) for name in kinds}
    definitions["Defaults"]["properties"]["kinds"] = _map(of_kind)


def _properties(schema: Mapping[str, Any]) -> JsonSchema:
    found = schema.get("properties", {})
    return dict(found)


def _map(properties: Mapping[str, Any], required: tuple[str, ...] = ()) -> JsonSchema:
    schema: JsonSchema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**schema, "required": list(required)} if required else schema


def _by_name(entry: JsonSchema) -> JsonSchema:
    return {"type": "object", "propertyNames": _NAME, "additionalProperties": entry}


def _section(name: str, parts: Mapping[str, JsonSchema]) -> JsonSchema:
    if name in _ONE:
        return parts[name]
    if name == "routes":
        return {"type": "array", "items": parts[name]}
    return _by_name(parts[name])


def _body(kind: str, parts: Mapping[str, JsonSchema]) -> JsonSchema:
    return {**_properties(parts[f"check {kind}"]), **parts["check"]["properties"]}


def _entries(parts: Mapping[str, JsonSchema], kinds: Mapping[str, KindLike]) -> list[JsonSchema]:
    """The forms of a check in a list: `icmp`, `tcp: {…}`, `{kind: tcp, …}`."""
    forms: list[JsonSchema] = [{"type": "string", "enum": sorted(kinds)}]
    for kind in sorted(kinds):
        body = _body(kind, parts)
        short = {"anyOf": [{"type": "null"}, _map({"name": _NAME, **body})]}
        forms.append(_map({kind: short}, (kind,)))
        forms.append(_map({"kind": {"const": kind}, "name": _NAME, **body}, ("kind",)))
    return forms


def _use() -> JsonSchema:
    return _map({"use": {"anyOf": [_NAME, {"type": "array", "items": _NAME, "minItems": 1}]}}, ("use",))


def _checks(
    forms: list[JsonSchema], parts: Mapping[str, JsonSchema], kinds: Mapping[str, KindLike], *, least: int
) -> JsonSchema:
    """A list of checks, `least` of them or more, or a map of one or more by name."""
    named = [_map({"kind": {"const": kind}, **_body(kind, parts)}) for kind in sorted(kinds)]
    by_name = {**_by_name({"anyOf": [{"type": "null"}, *named]}), "minProperties": 1}
    return {"anyOf": [{"type": "array", "minItems": least, "items": {"anyOf": forms}}, by_name]}


def _tagged(
    parts: Mapping[str, JsonSchema], prefix: str, kinds: Mapping[str, object], common: Mapping[str, Any]
) -> JsonSchema:
    """One map per kind, told apart by `kind`."""
    forms = []
    for kind in sorted(kinds):
        part = parts[f"{prefix} {kind}"]
        required = ("kind", *part.get("required", ()))
        forms.append(_map({**_properties(part), **common, "kind": {"const": kind}}, required))
    return {"anyOf": forms} if forms else {"not": {}}
