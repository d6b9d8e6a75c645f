"""The description of the API (OpenAPI 3.1), made from the operations of all parts and the models of their answers.

python -m exporters.web.api.openapi > docs/openapi.json
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from exporters.feed import feed
from exporters.web import agent_itself, lifecycle, sd
from exporters.web.api import acting, drills, reading
from exporters.web.api.answers import Anything, ProblemDetails
from exporters.web.api.operation import Operation, answered, routes_of

_REF = "#/components/schemas/{model}"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_PROBLEM = "application/problem+json"
_SCHEMES = {
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the estate, of some councils or all."},
    "mutualTLS": {"type": "mutualTLS", "description": "A client certificate."},
}
_TAGS = {
    "incidents": "What is wrong, and who has it.",
    "feed": "What happened, in order, for readers that keep their place.",
    "targets": "What is watched, and how it is.",
    "maintenance": "Planned work.",
    "paths": "Flows through firewalls.",
    "drills": "What people tested on purpose, and what failed over.",
    "agent": "The agent itself.",
}
_ABOUT = """What a Ridgeway agent knows, and what may be done. Every answer is for whoever asks: it holds nothing of a
council that they may not see, and what belongs to such a one does not exist for them (404). `shared` counts as a
council. Times are RFC 3339. Refusals are problem details (RFC 9457), which say what is wrong and how to mend it."""


class Description:
    """The endpoint."""

    def routes(self) -> Sequence[BaseRoute]:
        return routes_of(self, OPERATIONS)

    async def description(self, request: Request) -> Response:
        return answered(request, await asyncio.to_thread(_of_the_site))


OPERATIONS = (Operation("GET", "/api/v1/openapi.json", Description.description, "This description", Anything, "agent"),)
DESCRIBED: tuple[Operation[Any], ...] = (
    *reading.OPERATIONS,
    *acting.OPERATIONS,
    *drills.OPERATIONS,
    *feed.OPERATIONS,
    *sd.OPERATIONS,
    *agent_itself.OPERATIONS,
    *lifecycle.OPERATIONS,
    *OPERATIONS,
)
"""Every operation of the site: a part that is added to it adds its own here."""


def document(operations: Sequence[Operation[Any]] = DESCRIBED) -> dict[str, Any]:
    """The whole description."""
    schemas, components = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    tags = {one.tag for one in operations}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ridgeway",
            "version": version("ridgeway"),
            "description": " ".join(_ABOUT.split()),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": _TAGS[name]} for name in _TAGS if name in tags],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _SCHEMES},
    }


@cache
def _of_the_site() -> dict[str, Any]:
    """Made when first asked for: few ask, and every start of an agent would wait a tenth of a second for it."""
    return document()


_Schemas = Mapping[type[BaseModel], Mapping[str, Any]]


def _schemas(operations: Sequence[Operation[Any]]) -> tuple[_Schemas, dict[str, Any]]:
    answers = {one.answer for one in operations if isinstance(one.answer, type)} | {ProblemDetails}
    bodies = {one.body for one in operations if one.body is not None}
    models = sorted(answers | bodies, key=lambda model: model.__name__)
    found, rest = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    return {model: found[model, "validation"] for model in models}, _untitled(rest["$defs"])


def _untitled(schema: Any) -> Any:
    """Without the titles that only repeat a property's name; a property called `title` is no text and stays."""
    if isinstance(schema, dict):
        return {
            key: _untitled(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))
        }
    return [_untitled(one) for one in schema] if isinstance(schema, list) else schema


def _operation(one: Operation[Any], schemas: _Schemas) -> dict[str, Any]:
    told: dict[str, Any] = {"operationId": one.name, "summary": one.summary, "tags": [one.tag]}
    if one.description:
        told["description"] = one.description
    parameters = [_in_path(name, one) for name in _PLACEHOLDER.findall(one.path)] + _in_query(one.query)
    if parameters:
        told["parameters"] = parameters
    if one.body is not None:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": dict(schemas[one.body])}}}
    told["responses"] = _responses(one, schemas)
    told["security"] = [{name: []} for name in _SCHEMES] + ([] if one.acts else [{}])
    return told


def _in_path(name: str, one: Operation[Any]) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": one.parameters[name], "schema": schema}


def _in_query(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    whole = model.model_json_schema()
    return [
        {"name": name, "in": "query", **_described(_without_null(_inlined(schema, whole.get("$defs", {}))))}
        for name, schema in whole["properties"].items()
    ]


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    description = schema.pop("description", None)
    schema.pop("title", None)
    return {"schema": schema} if description is None else {"description": description, "schema": schema}


def _inlined(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters refer to nothing: their few enumerations are written out."""
    if "$ref" in schema:
        return dict(definitions[schema["$ref"].rpartition("/")[2]])
    return {
        key: [_inlined(one, definitions) for one in value] if key == "anyOf" else value for key, value in schema.items()
    }


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out, never null."""
    choices = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    if not choices:
        return schema
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    default = {"default": schema["default"]} if schema.get("default") is not None else {}
    return {**rest, **default, **(choices[0] if len(choices) == 1 else {"anyOf": choices})}


def _responses(one: Operation[Any], schemas: _Schemas) -> dict[str, Any]:
    problem = {
        _PROBLEM: {"schema": dict(schemas[ProblemDetails])},
        "text/plain": {"schema": {"type": "string"}},
    }
    content: dict[str, Any] = (
        {one.answer: {"schema": {"type": "object" if one.answer.endswith("json") else "string"}}}
        if isinstance(one.answer, str)
        else {"application/json": {"schema": dict(schemas[one.answer])}}
    )
    content |= {form: {"schema": {}} for form in one.forms}
    refusals = {
        **({} if one.open else {401: "Who asks is not known."}),
        **({400: "A parameter or the body is wrong."} if not one.path.startswith("/-/") else {}),
        **({403: "Who asks may not do this.", 503: "The ledger cannot be written."} if one.acts else {}),
        **one.refusals,
    }
    told: dict[str, Any] = {str(one.status): {"description": "As asked.", "content": content}}
    if one.method == "GET" and one.conditional and not isinstance(one.answer, str):
        told["304"] = {"description": "What the reader has by its ETag is still so."}
    for status, why in sorted(refusals.items()):
        told[str(status)] = {"description": why, "content": problem}
    told["default"] = {"description": "Another refusal, or a failure of the agent.", "content": problem}
    return told


if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(), indent=2, ensure_ascii=False) + "\n")
