"""What the pages say, over a real socket."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

from agent.drills.records import Outcome
from checks.contract import Reading, State
from exporters.web.view import Health, IncidentDetail, Problem, TicketLink
from testbeds.pages import NOW, SESSIONS, incident, result, subject

NASTY = "<script>alert('x')</script>\" onmouseover=\"x"
PAGES = ["/", "/incidents", "/targets", "/targets/hh-fw-a", "/drills", "/drills/DRL-1", "/drills/DRL-2",
         "/drills/DRL-PHONES", "/runbooks/", "/runbooks/snmp", "/nowhere"]  # fmt: skip


class Outline(HTMLParser):
    """What a page is made of: tags with attributes, headings in order, text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, *names: str) -> list[tuple[str, dict[str, str | None]]]:
        return [(tag, attributes) for tag, attributes in self.tags if tag in names]


async def test_the_landing_page_says_in_its_title_how_many_problems_there_are(browser) -> None:
    answer = await browser.get("/")

    assert answer.status == 200
    assert "<title>3 problems need attention · Ridgeway</title>" in answer.body
    assert "<h1>3 problems need attention</h1>" in answer.body


async def test_problems_stand_worst_first_with_stale_and_unknown_before_warnings_and_known_ones_last(browser) -> None:
    page = (await browser.get("/")).body

    order = [page.index(f'/targets/{name}"') for name in ("av-link-gateway", "mitel-border-gateway-1", "hh-fw-a")]

    assert order == sorted(order)
    assert page.index('/targets/backup-server"') > max(order)


async def test_a_problem_shows_since_when_its_ticket_its_runbook_and_a_word_for_its_state(browser) -> None:
    page = (await browser.get("/")).body

    assert 'href="https://rt.example/Ticket/Display.html?id=4711">request-tracker 4711</a>' in page
    assert 'href="/runbooks/snmp-no-answer"' in page
    assert "Wed 18 Nov 2026, 09:56:40 GMT</time> (1 h 10 min)" in page
    assert '<span class="tag unknown">unknown</span> <span class="tag stale">stale</span>' in " ".join(page.split())


async def test_the_landing_page_links_to_metrics_incidents_targets_and_runbooks(browser) -> None:
    links = {attributes.get("href") for _, attributes in Outline((await browser.get("/")).body).all("a")}

    assert {"/metrics", "/incidents", "/targets", "/runbooks/"} <= links


async def test_an_incident_shows_its_timeline_children_tickets_and_evidence(browser) -> None:
    number = browser.view.live[0].incident.id

    page = (await browser.get(f"/incidents/{number}")).body

    for expected in (
        "2 of 3 results bad; the parent answered.",
        "Hidden behind it",
        "request-tracker 4711",
        "last answer",
    ):
        assert expected in page


async def test_a_target_shows_every_check_with_findings_evidence_and_when_it_runs_next(browser) -> None:
    page = (await browser.get("/targets/mitel-border-gateway-1")).body

    for expected in (
        "snmp/no-answer",
        "11:06:52 GMT",
        "123,456,789,012",
        "0 6 * * * Europe/London",
        "not yet",
        "was ok",
    ):
        assert expected in page


async def test_the_page_of_drills_shows_every_outcome_in_words_and_what_announced_a_failover(browser) -> None:
    page = " ".join((await browser.get("/drills")).body.split())

    for outcome in Outcome:
        assert f">{outcome.value}</span>" in page
    assert ">under way</span>" in page
    assert '<a href="/drills/DRL-1">DRL-1</a>' in page
    assert "<td>MNT-1: firmware</td>" in page
    assert "<td>none known to hh-fw-b</td> <td>no</td> <td>not measured</td> <td>not said</td>" in page


async def test_the_page_of_a_drill_is_the_evidence_with_every_gap_and_its_bounds(browser) -> None:
    page = " ".join((await browser.get("/drills/DRL-1")).body.split())

    assert "13 of 600 probes lost; one every 0.1 s, at worst 0.11 s apart." in page
    assert '<td class="number">1.30</td><td class="number">1.20</td><td class="number">1.40</td>' in page
    assert "<strong>fw-a to fw-b</strong> link “wan1” failed" in page
    assert "CHG 12" in page
    assert (await browser.get("/drills/DRL-0")).status == 404


async def test_the_page_of_a_drill_of_phones_says_where_they_went_and_how_many_sets_were_out(browser) -> None:
    page = " ".join((await browser.get("/drills/DRL-PHONES")).body.split())

    assert "<h1>Telephony drill of controller-a</h1>" in page
    assert "<h2>Where the phones went</h2>" in page and "by its own clock</li>" in page
    assert '<td class="number">2</td><td class="number">40</td>' in page and "never away" in page
    assert "phones on: controller-b" in page


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_has_one_first_heading_no_skipped_level_and_captioned_tables(browser, path: str) -> None:
    outline = Outline((await browser.get(path)).body)

    levels = [int(tag[1]) for tag, _ in outline.all("h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    captions = len(outline.all("table")) if path != "/runbooks/snmp" else 0  # Markdown knows no captions
    assert len(outline.all("caption")) == captions
    assert outline.all("html")[0][1]["lang"] == "en-GB"
    ids = [attributes["id"] for _, attributes in outline.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_has_inline_scripts_or_styles_or_asks_anybody_else(browser, path: str) -> None:
    answer = await browser.get(path)

    outline = Outline(answer.body)
    assert "<style" not in answer.body
    assert all(attributes.get("src", "").startswith("/static/") for _, attributes in outline.all("script"))
    assert not [a for _, a in outline.tags if any(name == "style" or name.startswith("on") for name in a)]
    loaded = [a.get("src") or a.get("href") for _, a in outline.all("script", "link", "img")]
    assert all(str(address).startswith("/") for address in loaded)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers


async def test_whatever_a_device_says_is_text(browser) -> None:
    nasty = incident(3, NASTY, summary=NASTY, evidence={NASTY: NASTY})
    link = TicketLink("rt", "1", "javascript:alert(1)", error=NASTY)
    browser.view.now = [
        Problem(State.CRITICAL, NASTY, NASTY, NASTY, NASTY, NOW, target=NASTY, incident=nasty.id, tickets=[link])
    ]
    browser.view.live = [IncidentDetail(nasty, (), browser.view.now, (link,))]

    for path in ("/", "/incidents", f"/incidents/{nasty.id}", "/targets/%3Cscript%3Ealert(1)"):
        page = (await browser.get(path)).body
        outline = Outline(page)
        assert len(outline.all("script")) == 1, path
        assert not [a for _, a in outline.tags if "onmouseover" in a], path
        assert "javascript:" not in page, path


async def test_a_page_that_says_the_same_is_not_sent_again(browser) -> None:
    first = await browser.get("/")

    again = await browser.get("/", If_None_Match=first.headers["etag"])
    browser.view.now = browser.view.now[:1]
    changed = await browser.get("/", If_None_Match=first.headers["etag"])

    assert (again.status, again.body) == (304, "")
    assert changed.status == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [("/nowhere", 404), ("/incidents/RWY-NONE", 404), ("/targets/none", 404), ("/runbooks/none", 404),
     ("/runbooks/..%2f..%2fetc%2fpasswd", 404), ("/static/..%2fapp.py", 404), ("/static/none.css", 404)],
)  # fmt: skip
async def test_what_is_not_there_is_a_page_that_says_so(browser, path: str, status: int) -> None:
    answer = await browser.get(path)

    assert answer.status == status
    assert "<h1>Not Found</h1>" in answer.body


async def test_a_mistake_of_ours_is_a_page_without_its_innards(browser, caplog: pytest.LogCaptureFixture) -> None:
    browser.view.now = [None]

    answer = await browser.get("/")

    assert answer.status == 500
    assert "log says why" in answer.body
    assert "Traceback" not in answer.body


@pytest.mark.parametrize(
    ("health", "healthy", "ready"),
    [
        (Health(True, True), (200, "Healthy.\n"), (200, "Ready.\n")),
        (Health(True, False, "the ledger is being migrated"), (200, "Healthy.\n"),
         (503, "Not ready: the ledger is being migrated\n")),
        (Health(False, False, "nothing was scheduled for 70 s"), (503, "Not healthy: nothing was scheduled for 70 s\n"),
         (503, "Not ready: nothing was scheduled for 70 s\n")),
    ],
)  # fmt: skip
async def test_health_and_readiness(browser, health: Health, healthy: object, ready: object) -> None:
    browser.view.state = health

    asked = [await browser.get(path) for path in ("/-/healthy", "/-/ready")]

    assert [(answer.status, answer.body) for answer in asked] == [healthy, ready]


async def test_head_answers_as_get_without_a_body(browser) -> None:
    for path in ("/", "/metrics", "/-/healthy"):
        answer = await browser.get(path, "HEAD")
        assert (answer.status, answer.body) == (200, "")


async def test_metrics_are_served_in_the_format_asked_for(browser) -> None:
    browser.exposition.update(result(subject(), [Reading(SESSIONS, 5.0)]), State.OK)

    plain = await browser.raw(f"GET /metrics HTTP/1.0\r\nHost: 127.0.0.1:{browser.port}\r\n\r\n")
    asked = (
        f"GET /metrics HTTP/1.0\r\nHost: 127.0.0.1:{browser.port}\r\n"
        "Accept: application/openmetrics-text;version=2.0.0\r\n\r\n"
    )
    openmetrics = await browser.raw(asked)

    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'ridgeway_test_sessions{target="hh-fw-a",council="dacorum",vantage="forum"} 5.0' in plain.body
    assert openmetrics.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert "ridgeway_test_sessions" in {family.name for family in parse_openmetrics(openmetrics.body)}


async def test_incidents_are_served_as_json(browser) -> None:
    body = json.loads((await browser.get("/api/v1/incidents")).body)

    (found,) = body["incidents"]
    assert found["id"] == browser.view.live[0].incident.id
    assert found["suspected_at"] == "2026-11-18T09:56:40Z"
    assert found["closed_at"] is None
    assert found["tickets"][0]["number"] == "4711"
    whole = json.loads((await browser.get(f"/api/v1/incidents/{found['id']}")).body)
    assert {key: whole[key] for key in found} == found
    assert [event["kind"] for event in whole["events"]] == ["suspected", "opened", "hides", "ticket"]


@pytest.mark.parametrize(("path", "status"), [("/api/v1/incidents/none", 404), ("/api/v1/incidents?state=odd", 400)])
async def test_an_error_of_the_api_is_problem_details(browser, path: str, status: int) -> None:
    answer = await browser.get(path)

    assert answer.headers["content-type"] == "application/problem+json"
    assert json.loads(answer.body)["status"] == status


async def test_a_runbook_is_rendered_without_its_raw_html_and_unsafe_links(browser) -> None:
    page = (await browser.get("/runbooks/snmp-no-answer")).body

    assert "<h1>SNMP is silent</h1>" in page
    assert "<script>alert" not in page
    assert 'href="https://example.org/"' in page
    assert not re.search(r'href="javascript', page)
    assert "<table>" in (await browser.get("/runbooks/snmp")).body


async def test_nothing_is_called_well_while_the_agent_is_cut_off(browser) -> None:
    browser.view.now = []
    browser.view.at_a_glance = replace(browser.view.at_a_glance, isolated_since=NOW - 60)

    page = (await browser.get("/")).body

    assert "This agent is cut off: nothing behind its gateway is known" in page


async def test_an_incident_that_nobody_has_says_how_to_take_it(browser) -> None:
    live, ended = browser.view.live[0].incident.id, browser.view.ended[0].incident.id

    page = (await browser.get(f"/incidents/{live}")).body
    over = (await browser.get(f"/incidents/{ended}")).body

    assert f"ridgeway incidents ack {live} --comment" in page
    assert f"http://127.0.0.1:{browser.port}/api/v1/incidents/{live}/acknowledge" in page
    assert "incidents ack" not in over
