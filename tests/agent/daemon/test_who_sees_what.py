"""Readers of one council, on every route of the site of a real agent: not a byte of another's, on any of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from starlette.routing import Route

from exporters.web.api.openapi import document
from exporters.web.principal import Principal
from testbeds.leaks import leaks
from testbeds.two_councils import (
    ASHRIDGE,
    BIERTON,
    COMMONS,
    EVERYBODY,
    MARKS,
    NAMES,
    OF_ASHRIDGE,
    OF_BIERTON,
    Answer,
    Asked,
    TwoCouncils,
    drill_of,
    standing,
    until,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

_PLACEHOLDER = re.compile(r"\{(\w+)(?::\w+)?\}")
_BODIES: Mapping[str, object] = {
    "/api/v1/incidents/{incident}/acknowledge": {"comment": "mine now", "seconds": 60},
    "/api/v1/maintenance": {
        "selector": {"councils": ["ashridge-dc"]}, "reason": "works of somebody",
        "start": "2035-06-01T00:00:00Z", "end": "2035-06-01T01:00:00Z",
    },
    "/api/v1/maintenance/{window}/end": {},
}  # fmt: skip
"""What is sent where something is done. A route that is missing here fails the test: think of what it may tell."""
_QUERIES = {"/api/v1/events": "?limit=1000"}
_ENDLESS = {"/api/v1/events/stream": "?after=0"}
"""Answers without end: what comes until nothing more does is looked at."""
_TELLS_NOTHING = {"/runbooks/", "/runbooks/{name:str}", "/static/{name:str}", "/-/healthy", "/-/ready",
                  "/api/v1/openapi.json"}  # fmt: skip
"""Routes that show nothing of an estate, to nobody."""
SHARED_TOO = Principal("ashridge-both", frozenset({"ashridge-dc", "shared"}), may_act=True)
OPEN = {"bierton-line", "ashridge-core", "commons-exchange", "ashridge-firewall", "bierton-firewall"}


@dataclass
class Scene:
    councils: TwoCouncils
    everybody: Asked
    ashridge: Asked
    incidents: Mapping[str, str]
    """Id by subject."""
    windows: Mapping[str, str]
    """Id of an added window, by mark."""

    def values(self) -> Mapping[str, list[str]]:
        """What may stand in a path."""
        return {
            "incident": list(self.incidents.values()),
            "target": list(NAMES),
            "window": list(self.windows.values()),
            "drill": [drill_of(mark) for mark in MARKS],
            "name": ["snmp", "ridgeway.css"],
        }

    def questions(self) -> dict[str, list[tuple[str, object]]]:
        """Every route of the site with each way to ask it: path and body."""
        found: dict[str, list[tuple[str, object]]] = {}
        values = self.values()
        for route in self.councils.daemon.site.routes():
            assert isinstance(route, Route)
            names = _PLACEHOLDER.findall(route.path)
            for chosen in product(*(values[name] for name in names)):
                path = route.path
                for name, value in zip(names, chosen, strict=True):
                    path = re.sub(r"\{" + name + r"(:\w+)?\}", quote(value), path)
                body = None if "GET" in (route.methods or ()) else _BODIES[route.path]
                path += _QUERIES.get(route.path, "") + _ENDLESS.get(route.path, "")
                found.setdefault(f"{'GET' if body is None else 'POST'} {route.path}", []).append((path, body))
        return found


def rows(asked: Asked, query: str = "") -> list[dict[str, Any]]:
    found: Any = asked.ask(f"/api/v1/incidents{query}").json()["incidents"]
    return list(found)


def whole(asked: Asked) -> dict[str, dict[str, Any]] | None:
    """Incidents by subject once everything has happened that is to: children listed, tickets made."""
    found = {row["subject"]: row for row in rows(asked)}
    done = (
        found.keys() >= OPEN
        and all(found[name]["state"] == "open" and found[name]["tickets"][0]["number"] for name in OPEN)
        and found["bierton-line"]["hidden"] == found["ashridge-core"]["hidden"] == 2
    )
    return found if done else None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene() -> AsyncIterator[Scene]:
    """Both councils and what they share in trouble; people of each have acted, with words of their own."""
    async with standing() as councils:
        everybody = await councils.asked_by(EVERYBODY)
        found = await until(lambda: whole(everybody), "all incidents are open")
        windows = {}
        people = ((ASHRIDGE, ["ashridge-dc"]), (BIERTON, ["bierton-vale"]), (COMMONS, ["shared"]))
        for mark, of in people:
            person = await councils.asked_by(Principal(f"{mark}-engineer", None, may_act=True))
            for subject, row in found.items():
                if subject.startswith(mark):
                    body = {"comment": f"{mark} looks at it", "seconds": 3600}
                    answer = await asyncio.to_thread(person.ask, f"/api/v1/incidents/{row['id']}/acknowledge", body)
                    assert answer.status == 200, answer.body
            window = {
                "selector": {"councils": of}, "reason": f"{mark} is moved",
                "start": "2035-06-01T00:00:00Z", "end": "2035-06-01T01:00:00Z",
            }  # fmt: skip
            answer = await asyncio.to_thread(person.ask, "/api/v1/maintenance", window)
            assert answer.status == 201, answer.body
            windows[mark] = str(answer.json()["id"])
        ids = {subject: str(row["id"]) for subject, row in found.items()}
        yield Scene(councils, everybody, await councils.asked_by(OF_ASHRIDGE), ids, windows)


async def _places(asked: Asked, scene: Scene, acts: bool = True) -> dict[str, bytes]:
    """Everything that this reader is answered, by route and path, headers included."""

    def all_of_it() -> dict[str, bytes]:
        found = {}
        for name, questions in scene.questions().items():
            for path, body in questions:
                if body is None or acts:
                    endless = path.partition("?")[0] in _ENDLESS
                    found[f"{name} {path}"] = asked.begun(path) if endless else _bytes(asked.ask(path, body))
        openmetrics = asked.ask("/metrics", Accept="application/openmetrics-text; version=1.0.0")
        found["GET /metrics as OpenMetrics"] = _bytes(openmetrics)
        for state in ("all", "ended", "suspect"):
            found[f"GET /api/v1/incidents {state}"] = _bytes(asked.ask(f"/api/v1/incidents?state={state}"))
        return found

    return await asyncio.to_thread(all_of_it)


def _bytes(answer: Answer) -> bytes:
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return headers.encode() + b"\n\n" + answer.body


def _found(places: Mapping[str, bytes], *marks: str) -> list[tuple[str, str]]:
    """Where these marks stand, however they are spelt."""
    small = {place: content.lower() for place, content in places.items()}
    words = {mark: mark for mark in marks}
    return sorted({(leak.place, leak.secret) for leak in (*leaks(small, words), *leaks(places, words))})


async def test_readers_of_one_council_are_told_nothing_of_another_on_any_route(scene: Scene) -> None:
    places = await _places(scene.ashridge, scene)

    assert _found(places, BIERTON, COMMONS) == []
    assert _found(places, ASHRIDGE)


async def test_what_is_shared_is_told_to_those_only_who_may_see_it_and_tells_nothing_of_the_other(scene: Scene) -> None:
    asked = await scene.councils.asked_by(SHARED_TOO)

    places = await _places(asked, scene, acts=False)

    assert _found(places, BIERTON) == []
    assert {place for place, _ in _found(places, COMMONS)} >= {
        "GET / /",
        "GET /metrics /metrics",
        "GET /targets /targets",
    }


async def test_the_search_finds_every_mark_on_every_route_that_can_show_it(scene: Scene) -> None:
    places = await _places(scene.everybody, scene, acts=False)

    found = {(place.split()[1], mark) for place, mark in _found(places, *MARKS)}

    telling = {route.path for route in scene.councils.daemon.site.routes() if isinstance(route, Route)} - _TELLS_NOTHING
    telling = {path for path in telling if path not in _BODIES or path == "/api/v1/maintenance"} - {"/api/v1/status"}
    assert {(path, mark) for path in telling for mark in MARKS} <= found


async def test_what_is_anothers_is_refused_exactly_as_what_does_not_exist(scene: Scene) -> None:
    theirs = {
        "/incidents/{}": (scene.incidents["bierton-line"], "RWY-01M8MDH6W3GGEMJSVZBP8BF25V"),
        "/api/v1/incidents/{}": (scene.incidents["commons-exchange"], "RWY-01M8MDH6W3GGEMJSVZBP8BF25V"),
        "/targets/{}": ("bierton-line", "nothing-line"),
        "/api/v1/targets/{}": ("commons-quiet", "nothing-quiet"),
        "/api/v1/drills/{}": (drill_of(BIERTON), "DRL-01M8MDH6W3GGEMJSVZBP8BF25V"),
        "POST /api/v1/incidents/{}/acknowledge": (scene.incidents["bierton-line"], "RWY-01M8MDH6W3GGEMJSVZBP8BF25V"),
        "POST /api/v1/maintenance/{}/end": (scene.windows[BIERTON], "MNT-01M8MDH6W3GGEMJSVZBP8BF25V"),
    }  # fmt: skip

    for pattern, (foreign, made_up) in theirs.items():
        method, _, path = pattern.rpartition(" ")
        body = (_BODIES[path.format("{incident}")] if "acknowledge" in path else {}) if method else None
        answers = [await asyncio.to_thread(scene.ashridge.ask, path.format(one), body) for one in (foreign, made_up)]
        assert answers[0].status == answers[1].status == 404, pattern
        assert _without_moment(answers[0]) == _without_moment(answers[1]), pattern


def _without_moment(answer: Answer) -> tuple[dict[str, str], bytes]:
    headers = {name: value for name, value in answer.headers.items() if name not in ("date",)}
    return headers, re.sub(rb'<time id="refresh-at".*?</time>', b"", answer.body)


async def test_numbers_count_only_what_the_reader_may_see(scene: Scene) -> None:
    status = (await asyncio.to_thread(scene.ashridge.ask, "/api/v1/status")).json()
    mine = {row["subject"]: row for row in await asyncio.to_thread(rows, scene.ashridge)}
    metrics = (await asyncio.to_thread(scene.ashridge.ask, "/metrics")).body.decode()

    assert status["targets"] == 5
    assert sum(status["checks"].values()) == 6  # type: ignore[attr-defined]
    assert mine["ashridge-core"]["hidden"] == 1
    assert mine.keys() == {"ashridge-core", "ashridge-firewall"}
    assert set(re.findall(r'ridgeway_incidents_open\{.*council="(.*?)"', metrics)) == {"ashridge-dc"}
    assert "ridgeway_checks_stale" not in metrics
    assert "ridgeway_ledger_healthy 1.0" in metrics


async def test_what_lies_behind_anothers_cause_is_still_shown_to_its_owners(scene: Scene) -> None:
    problems: Any = (await asyncio.to_thread(scene.ashridge.ask, "/api/v1/problems")).json()["problems"]
    page = (await asyncio.to_thread(scene.ashridge.ask, "/")).body.decode()
    everybodys: Any = (await asyncio.to_thread(scene.everybody.ask, "/api/v1/problems")).json()["problems"]

    told = {problem["subject"]: problem["suppressed_by"] for problem in problems}
    assert told == {
        "ashridge-core": None, "ashridge-firewall": None, "ashridge-office": "something of another council",
    }  # fmt: skip
    assert "It lies behind something of another council, which has the incident." in page
    assert "ashridge-office" not in {problem["subject"] for problem in everybodys}


async def test_a_timeline_counts_what_hides_for_its_reader(scene: Scene) -> None:
    path = f"/api/v1/incidents/{scene.incidents['ashridge-core']}"
    mine: Any = (await asyncio.to_thread(scene.ashridge.ask, path)).json()
    everybodys: Any = (await asyncio.to_thread(scene.everybody.ask, path)).json()

    assert [child["subject"] for child in mine["children"]] == ["ashridge-depot"]
    assert {child["subject"] for child in everybodys["children"]} == {"ashridge-depot", "bierton-museum"}
    assert [event["text"] for event in mine["events"] if event["kind"] == "hides"][-1] == "1 cause hides behind it."
    assert [event["text"] for event in everybodys["events"] if event["kind"] == "hides"][-1].startswith("2 causes")


async def test_each_council_has_its_own_list_and_together_with_what_is_shared_they_have_all(scene: Scene) -> None:
    bierton = await scene.councils.asked_by(OF_BIERTON)
    shared = await scene.councils.asked_by(Principal("commons", frozenset({"shared"})))

    lists = [
        {row["subject"] for row in await asyncio.to_thread(rows, asked)} for asked in (scene.ashridge, bierton, shared)
    ]

    assert sorted(name for names in lists for name in names) == sorted(scene.incidents)


async def test_every_route_is_described_and_everything_that_is_described_is_served(scene: Scene) -> None:
    routes = [route for route in scene.councils.daemon.site.routes() if isinstance(route, Route)]
    pages = ("/incidents", "/targets", "/drills", "/runbooks", "/static")

    served = {(route.path, method.lower()) for route in routes for method in (route.methods or set()) - {"HEAD"}}
    described = {(path, method) for path, methods in document()["paths"].items() for method in methods}

    for_machines = {(path, method) for path, method in served if path != "/" and not path.startswith(pages)}
    assert for_machines == {(path, method) for path, method in described if path != "/-/reload"}
