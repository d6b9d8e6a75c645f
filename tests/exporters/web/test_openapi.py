"""The description of the API: it is what the code makes, names every route, and real answers are as it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from starlette.routing import BaseRoute, Route

from checks.contract import State
from exporters.web.api.openapi import document
from exporters.web.view import FindingView, PathLine, WindowLine
from testbeds.pages import NOW, incident

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"
PAGES = {"/", "/incidents", "/incidents/{incident}", "/targets", "/targets/{target}", "/drills", "/drills/{drill}",
         "/runbooks/", "/runbooks/{name}", "/static/{name}"}  # fmt: skip
"""Pages for people, which are not described."""


def schema_of(path: str, status: int = 200, method: str = "get") -> dict[str, Any]:
    """The schema of an answer, with everything it refers to."""
    whole = document()
    content = whole["paths"][path][method]["responses"][str(status)]["content"]
    schema: dict[str, Any] = next(iter(content.values()))["schema"]
    return {**schema, "components": whole["components"]}


def test_the_committed_description_is_the_one_that_the_code_makes() -> None:
    hint = "run: python -m exporters.web.api.openapi > docs/openapi.json"

    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == json.loads(json.dumps(document())), hint


def test_the_description_holds_to_the_rules_of_openapi() -> None:
    whole = document()

    operations = [one for methods in whole["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in operations]
    referred = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(whole)))
    assert whole["openapi"] == "3.1.0"
    assert len(names) == len(set(names))
    assert referred == set(whole["components"]["schemas"])
    assert set(whole["components"]["securitySchemes"]) == {"basic", "bearer", "mutualTLS"}
    for schema in whole["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_only_what_acts_cannot_be_asked_without_a_name() -> None:
    operations = {
        (path, method): one for path, methods in document()["paths"].items() for method, one in methods.items()
    }

    anonymous = {key for key, one in operations.items() if {} in one["security"]}

    assert {method for _, method in anonymous} == {"get"}
    assert {method for _, method in operations.keys() - anonymous} == {"post", "put"}


def served(routes: Iterable[BaseRoute]) -> set[tuple[str, str]]:
    """Path and method of every route."""
    return {
        (re.sub(r":\w+\}", "}", route.path), method.lower())
        for route in routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }


async def test_every_route_that_every_site_has_is_described_or_a_page(browser) -> None:
    described = {(path, method) for path, methods in document()["paths"].items() for method in methods}

    found = served(browser.site.routes())

    assert {path for path, _ in found if path in PAGES} == PAGES
    assert {one for one in found if one[0] not in PAGES} <= described


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/api/v1/incidents", "/api/v1/incidents"),
        ("/api/v1/incidents?state=ended", "/api/v1/incidents"),
        (f"/api/v1/incidents/{incident().id}", "/api/v1/incidents/{incident}"),
        ("/api/v1/problems", "/api/v1/problems"),
        ("/api/v1/targets", "/api/v1/targets"),
        ("/api/v1/targets/hh-fw-a", "/api/v1/targets/{target}"),
        ("/api/v1/maintenance", "/api/v1/maintenance"),
        ("/api/v1/paths", "/api/v1/paths"),
        ("/api/v1/status", "/api/v1/status"),
        ("/api/v1/openapi.json", "/api/v1/openapi.json"),
    ],
)
async def test_an_answer_is_as_its_schema_says(browser, path: str, template: str) -> None:
    browser.view.planned = [WindowLine("w", NOW, float("inf"), "o", "r", 2, added=False)]
    browser.view.matrix = [
        PathLine(
            "fw", "path", "dacorum", "guests-to-hr", "aylesbury", "hr-web", 443, "tcp", "block", "them", "guests",
            State.OK, passes, "blocked", {"probe": "no answer"}, word, at,
        )
        for passes, word, at in ((False, FindingView("path/guests-to-hr/simulator", State.OK, "so it is"), NOW),
                                 (None, None, None))
    ]  # fmt: skip

    answer = await browser.get(path)

    assert answer.status == 200
    Draft202012Validator(schema_of(template)).validate(json.loads(answer.body))


async def test_a_refusal_is_as_its_schema_says(browser) -> None:
    answer = await browser.get("/api/v1/incidents/none")

    assert answer.status == 404
    Draft202012Validator(schema_of("/api/v1/incidents/{incident}", 404)).validate(json.loads(answer.body))


async def test_a_schema_takes_nothing_that_it_does_not_name(browser) -> None:
    found = json.loads((await browser.get("/api/v1/status")).body)

    assert set(found["checks"]) == {state.value for state in State}
    assert not Draft202012Validator(schema_of("/api/v1/status")).is_valid({**found, "more": 1})
    assert not Draft202012Validator(schema_of("/api/v1/status")).is_valid({**found, "targets": "many"})
