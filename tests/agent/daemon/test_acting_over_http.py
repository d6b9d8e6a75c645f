"""Acts over HTTP on a real agent: in whose name, on whose things, and on disk when the answer comes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from agent.commands import Commands
from agent.incidents import Incidents
from agent.ledger.errors import LedgerClosed
from agent.windows import Windows
from checks.transports.lockout import Lockout
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics
from exporters.web.api.acting import Acting
from exporters.web.app import Site
from exporters.web.guard import Hosts
from exporters.web.principal import LOCAL, Principal
from exporters.web.runbook_pages import Runbooks
from exporters.web.server import WebServer, listen
from testbeds.judging import estate, target
from testbeds.pages import NOW, MemoryDrills, MemoryView
from testbeds.two_councils import EVERYBODY, OF_ASHRIDGE, READER, Answer, Asked, TwoCouncils, always, standing, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

LATER, LATER_STILL = "2035-06-01T00:00:00Z", "2035-06-01T02:00:00+01:00"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def councils() -> AsyncIterator[TwoCouncils]:
    async with standing() as found:
        yield found


async def ask(asked: Asked, path: str, body: object = None, **headers: str) -> Answer:
    return await asyncio.to_thread(lambda: asked.ask(path, body, **headers))


async def incident_of(councils: TwoCouncils, subject: str) -> str:
    """The id of its open incident, once there is one."""
    asked = await councils.asked_by(EVERYBODY)

    def find() -> str | None:
        rows: Any = asked.ask(f"/api/v1/incidents?state=open&subject={subject}").json()["incidents"]
        return rows[0]["id"] if rows else None

    return str(await until(find, f"{subject} has an incident"))


def audit(councils: TwoCouncils, subject: str) -> list[tuple[str, str]]:
    """Who did what to this, straight from the file of the ledger."""
    with sqlite3.connect(f"file:{councils.ledger}?mode=ro", uri=True) as ledger:
        found = ledger.execute("select actor, action from audit where subject = ? order by id", (subject,)).fetchall()
    ledger.close()
    return found


def window(**selector: list[str]) -> dict[str, object]:
    return {"selector": selector, "start": LATER, "end": LATER_STILL, "reason": "the roof is mended"}


async def test_an_acknowledgement_is_on_disk_in_the_name_of_who_was_let_in_when_the_answer_comes(councils) -> None:
    incident = await incident_of(councils, "ashridge-core")
    asked = await councils.asked_by(OF_ASHRIDGE)

    answer = await ask(asked, f"/api/v1/incidents/{incident}/acknowledge", {"comment": "on my way", "seconds": 600})

    kept = audit(councils, incident)
    acknowledged: Any = answer.json()["acknowledged"]
    assert answer.status == 200
    assert (acknowledged["by"], acknowledged["comment"]) == ("ashridge-person", "on my way")
    assert kept == [("ashridge-person", "acknowledge")]


async def test_a_name_in_the_body_is_refused(councils) -> None:
    incident = await incident_of(councils, "ashridge-core")
    asked = await councils.asked_by(OF_ASHRIDGE)

    body = {"comment": "x", "seconds": 600, "by": "somebody else"}
    answer = await ask(asked, f"/api/v1/incidents/{incident}/acknowledge", body)

    assert answer.status == 400
    assert answer.json()["detail"] == "by: Extra inputs are not permitted"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"comment": "", "seconds": 1}, "comment: String should have at least 1 character"),
        ({"comment": "x", "seconds": 0}, "seconds: Input should be greater than 0"),
        ({"comment": "x", "seconds": 604_801}, "seconds: Input should be less than or equal to 604800"),
        ({"comment": "x", "seconds": "60"}, "seconds: Input should be a valid number"),
        ({"comment": "x" * 501, "seconds": 1}, "comment: String should have at most 500 characters"),
        ([], "the body: Input should be an object"),
    ],
)
async def test_a_body_that_is_wrong_is_refused_with_what_is_allowed(councils, body: object, says: str) -> None:
    asked = await councils.asked_by(EVERYBODY)

    answer = await ask(asked, "/api/v1/incidents/RWY-1/acknowledge", body)

    assert (answer.status, answer.json()["detail"]) == (400, says)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("who", [READER, LOCAL], ids=["a reader", "nobody"])
async def test_who_may_not_act_does_nothing(councils, who: Principal) -> None:
    incident = await incident_of(councils, "ashridge-firewall")
    asked = await councils.asked_by(who)

    answers = [
        await ask(asked, f"/api/v1/incidents/{incident}/acknowledge", {"comment": "x", "seconds": 60}),
        await ask(asked, "/api/v1/maintenance", window(targets=["ashridge-quiet"])),
        await ask(asked, "/api/v1/maintenance/MNT-1/end", {}),
    ]

    assert {answer.status for answer in answers} <= {401, 403}
    assert audit(councils, incident) == []


async def test_planned_work_is_announced_listed_and_ended(councils) -> None:
    asked = await councils.asked_by(OF_ASHRIDGE)

    made = (await ask(asked, "/api/v1/maintenance", window(targets=["ashridge-quiet", "ashridge-core"]))).json()
    listed: Any = (await ask(asked, "/api/v1/maintenance")).json()["windows"]
    ended = await ask(asked, f"/api/v1/maintenance/{made['id']}/end", {})
    again = await ask(asked, f"/api/v1/maintenance/{made['id']}/end", {})

    assert (made["owner"], made["covers"]) == ("ashridge-person", 2)
    assert (made["start"], made["end"]) == ("2035-06-01T00:00:00Z", "2035-06-01T01:00:00Z")
    assert made in listed
    assert (ended.status, again.status) == (200, 404)
    assert audit(councils, str(made["id"])) == [
        ("ashridge-person", "maintenance-add"),
        ("ashridge-person", "maintenance-end"),
    ]


@pytest.mark.parametrize(
    ("selector", "status", "says"),
    [
        ({"kinds": ["snmp"]}, 403, "that could reach what belongs to another council; add councils: [ashridge-dc]"),
        ({"sites": ["ashridge-hall"]}, 403, "could reach what belongs to another council"),
        ({"targets": ["*"]}, 403, "could reach what belongs to another council"),
        ({"councils": ["*"]}, 403, "you act for ashridge-dc only"),
        ({"councils": ["ashridge-dc", "bierton-vale"]}, 403, "you act for ashridge-dc only"),
        ({"targets": ["bierton-line"]}, 422, "the estate has no target bierton-line"),
        ({"targets": ["nothing-line"]}, 422, "the estate has no target nothing-line"),
        ({"councils": ["ashridge-dc"], "targets": ["bierton-line"]}, 422, "no target of the estate is covered"),
        ({}, 422, "say what the window covers"),
    ],
)
async def test_planned_work_of_one_council_can_never_reach_another(
    councils, selector: dict[str, list[str]], status: int, says: str
) -> None:
    asked = await councils.asked_by(OF_ASHRIDGE)

    answer = await ask(asked, "/api/v1/maintenance", window(**selector))

    assert answer.status == status
    assert says in str(answer.json()["detail"])


async def test_planned_work_for_both_councils_is_seen_by_one_and_ended_by_who_sees_all_of_it(councils) -> None:
    everybody, ashridge = await councils.asked_by(EVERYBODY), await councils.asked_by(OF_ASHRIDGE)
    made = (await ask(everybody, "/api/v1/maintenance", window(targets=["*-quiet"]))).json()

    seen: Any = (await ask(ashridge, "/api/v1/maintenance")).json()["windows"]
    refused = await ask(ashridge, f"/api/v1/maintenance/{made['id']}/end", {})
    ended = await ask(everybody, f"/api/v1/maintenance/{made['id']}/end", {})

    assert made["covers"] == 3
    assert [one["covers"] for one in seen if one["id"] == made["id"]] == [1]
    assert "another council" in str(refused.json()["detail"])
    assert (refused.status, ended.status) == (403, 200)


async def test_what_stands_in_the_estate_file_is_ended_there(councils) -> None:
    asked = await councils.asked_by(OF_ASHRIDGE)

    answer = await ask(asked, "/api/v1/maintenance/ashridge-works/end", {})

    assert answer.status == 409
    assert "estate file" in str(answer.json()["detail"])


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("state=odd", "state: Input should be"),
        ("limit=0", "limit: Input should be greater than or equal to 1"),
        ("limit=201", "limit: Input should be less than or equal to 200"),
        ("since=yesterday", "write a moment as RFC 3339 does"),
        ("since=2026-11-30T18:00:00", "write a moment as RFC 3339 does"),
        ("page=AAAA", "page is `next` of an answer"),
        ("colour=red", "The parameters are, each once at most: state, council, site, subject, since, limit, page."),
        ("state=live&state=all", "each once at most"),
    ],
)
async def test_a_parameter_that_is_wrong_is_refused_with_what_is_allowed(councils, query: str, says: str) -> None:
    asked = await councils.asked_by(READER)

    answer = await ask(asked, f"/api/v1/incidents?{query}")

    assert answer.status == 400
    assert says in str(answer.json()["detail"])


async def test_incidents_are_chosen_by_state_council_site_subject_and_change(councils) -> None:
    for subject in ("ashridge-core", "ashridge-firewall", "bierton-firewall", "bierton-line", "commons-exchange"):
        await incident_of(councils, subject)
    asked = await councils.asked_by(EVERYBODY)

    async def chosen(query: str) -> list[str]:
        rows: Any = (await ask(asked, f"/api/v1/incidents?{query}")).json()["incidents"]
        return sorted(row["subject"] for row in rows)

    assert await chosen("council=bierton-vale") == ["bierton-firewall", "bierton-line"]
    assert await chosen("site=commons-room") == ["commons-exchange"]
    assert await chosen("subject=ashridge-core&state=open") == ["ashridge-core"]
    assert await chosen("state=resolved") == []
    assert await chosen("since=2999-01-01T00:00:00Z") == []
    assert len(await chosen("state=all&since=2026-01-01T00:00:00%2B01:00")) == 5


async def test_pages_show_every_incident_once_while_others_change(councils) -> None:
    for subject in ("ashridge-core", "ashridge-firewall", "bierton-firewall", "bierton-line", "commons-exchange"):
        await incident_of(councils, subject)
    asked = await councils.asked_by(EVERYBODY)

    seen: list[str] = []
    query = "limit=2"
    while query:
        page: Any = (await ask(asked, f"/api/v1/incidents?{query}")).json()
        seen += [row["subject"] for row in page["incidents"]]
        note = {"comment": "changes it", "seconds": 60}
        await ask(asked, f"/api/v1/incidents/{page['incidents'][0]['id']}/acknowledge", note)
        query = f"limit=2&page={page['next']}" if page["next"] else ""

    first: Any = (await ask(asked, "/api/v1/incidents?limit=2")).json()
    other_question = await ask(asked, f"/api/v1/incidents?council=shared&page={first['next']}")
    assert len(seen) == len(set(seen)) == 5
    assert other_question.status == 400


async def test_what_has_not_changed_is_not_sent_again(councils) -> None:
    asked = await councils.asked_by(OF_ASHRIDGE)
    first = await ask(asked, "/api/v1/maintenance")

    again = await ask(asked, "/api/v1/maintenance", If_None_Match=first.headers["etag"])

    assert (again.status, again.body) == (304, b"")
    assert first.headers["vary"] == "Authorization"


# The ledger is away: an agent of which only the ends are real


async def _acting_on(kept: Future[object], trouble: str, folder: Path) -> tuple[WebServer, Asked]:
    stage = estate(target("fw"))
    commands = Commands(
        stage, Incidents(lambda _: (), str), Windows(stage), lambda *_, **__: kept, lambda: NOW, Lockout()
    )
    view = MemoryView()
    view.at_a_glance = type(view.at_a_glance)({}, 1, {}, 0, None, None, ledger_trouble=trouble)
    exposition = Exposition(())
    own = OwnMetrics("0", "0", exposition.counts, exposition.checks_stale)
    acting = Acting(commands, view, patience=0.05)
    site = Site(view, MemoryDrills(), exposition, own, Runbooks(folder), "0", lambda: NOW, (acting,))
    server = WebServer(site.app(Hosts.of([]), always(EVERYBODY)), listen(["127.0.0.1:0"]))
    await server.start()
    return server, Asked(server.addresses[0][1])


@pytest.mark.parametrize(
    ("ending", "trouble", "says"),
    [
        (None, "", "It is in force, but not on disk yet"),
        (LedgerClosed("the ledger is closed"), "", "will not outlive a restart: the ledger is closed"),
        (None, "the disk is full", "Nothing was done, for it could not be kept. the disk is full"),
    ],
)
async def test_nobody_is_told_that_an_act_is_kept_before_it_is(
    tmp_path: Path, ending: Exception | None, trouble: str, says: str
) -> None:
    kept: Future[object] = Future()
    if ending is not None:
        kept.set_exception(ending)
    (tmp_path / "README.md").write_text("# Runbooks\n")
    server, asked = await _acting_on(kept, trouble, tmp_path)

    answer = await ask(asked, "/api/v1/maintenance", window(targets=["fw"]))

    await server.stop()
    assert answer.status == 503
    assert says in str(answer.json()["detail"])
