"""Atom and JSON Feed: whole by their own rules, per council, and not sent again while nothing changed."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree import ElementTree

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.ledger.batch import Batch
from agent.records import Acknowledgement, Cause, Incident, IncidentChange, IncidentState
from exporters.feed.atom import atom
from exporters.feed.entries import digest_of
from exporters.feed.jsonfeed import json_feed
from testbeds import kept

PATHS = ["/api/v1/feed.atom", "/api/v1/feed.json"]
BASE = "https://ridgeway.example"
_ATOM = "{http://www.w3.org/2005/Atom}"


def incident(number: int, council: str = "dacorum", **fields: object) -> Incident:
    cause = Cause(council, f"router-{number}", "target/unreachable")
    return kept.incident(
        f"RWY-{number}", cause, opened_at=kept.NOW + number, changed_at=kept.NOW + 60 + number, **fields
    )


def keep(served, *incidents: Incident) -> None:
    served.ledger.writer.submit(Batch(incident_changes=tuple(IncidentChange(one) for one in incidents))).result(30)


async def test_atom_has_an_entry_for_each_incident_with_a_link_to_its_page(served) -> None:
    keep(served, incident(1), incident(2, state=IncidentState.RESOLVED, resolved_at=kept.NOW + 62))

    answer = await served.get("/api/v1/feed.atom")

    found = feedparser.parse(answer.body)
    assert (found.bozo, found.version) == (False, "atom10")
    assert answer.headers["content-type"] == "application/atom+xml"
    assert found.feed.id == "urn:ridgeway:test:feed"
    newest, oldest = found.entries
    assert (newest.id, newest.title) == ("urn:ridgeway:test:RWY-2", "resolved P3: Memory nearly full")
    assert newest.link == f"http://127.0.0.1/incidents/{'RWY-2'}"
    assert (oldest.title, oldest.updated) == ("OPEN P3: Memory nearly full", "2026-09-21T14:14:21Z")
    assert found.feed.updated == newest.updated
    assert "Over since" in newest.content[0].value and "Over since" not in oldest.content[0].value
    assert {tag.term for tag in newest.tags} == {"dacorum", "hemel", "P3", "resolved"}


async def test_json_feed_has_what_its_rules_ask_for(served) -> None:
    keep(served, incident(1))

    answer = await served.get("/api/v1/feed.json")

    found = answer.json
    assert answer.headers["content-type"] == "application/feed+json"
    assert found["version"] == "https://jsonfeed.org/version/1.1" and found["title"] == "Incidents of test"
    assert found["feed_url"] == "http://127.0.0.1/api/v1/feed.json"
    (item,) = found["items"]
    assert item["id"] == "urn:ridgeway:test:RWY-1" and item["url"] == "http://127.0.0.1/incidents/RWY-1"
    assert (item["date_published"], item["date_modified"]) == ("2026-09-21T14:13:21Z", "2026-09-21T14:14:21Z")
    assert item["content_text"].startswith("Memory is 93 % full.") and item["tags"][0] == "dacorum"


@pytest.mark.parametrize("path", PATHS)
async def test_a_reader_of_one_council_sees_that_council_s_incidents(served, path: str) -> None:
    keep(served, incident(1), incident(2, "aylesbury-vale"))

    theirs = (await served.get(path, Authorization="Bearer aylesbury-vale")).body

    assert b"RWY-2" in theirs and b"RWY-1" not in theirs and b"dacorum" not in theirs


@pytest.mark.parametrize("path", PATHS)
async def test_what_has_not_changed_is_not_sent_again(served, path: str) -> None:
    keep(served, incident(1))
    first = await served.get(path)
    tag, date = first.headers["etag"], first.headers["last-modified"]

    by_tag = await served.get(path, If_None_Match=f'"other", W/{tag}')
    by_date = await served.get(path, If_Modified_Since=date)
    older = await served.get(path, If_Modified_Since="Mon, 21 Sep 2026 14:14:20 GMT")
    nonsense = await served.get(path, If_Modified_Since="yesterday")
    keep(served, replace(incident(1), changed_at=kept.NOW + 90))
    changed = await served.get(path, If_None_Match=tag, If_Modified_Since=date)

    assert date == "Mon, 21 Sep 2026 14:14:21 GMT"
    assert [one.status for one in (by_tag, by_date, older, nonsense, changed)] == [304, 304, 200, 200, 200]


@pytest.mark.parametrize("path", PATHS)
async def test_an_empty_feed_is_whole_and_stays_the_same(served, path: str) -> None:
    first = await served.get(path)

    again = await served.get(path, If_None_Match=first.headers["etag"])

    assert again.status == 304
    if path.endswith("atom"):
        assert feedparser.parse(first.body).bozo is False
    else:
        assert first.json["items"] == []


async def test_the_second_of_a_change_has_no_date_to_ask_by(served, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(served, incident(1))
    monkeypatch.setattr(served.feed, "_clock", lambda: kept.NOW + 61.5)

    assert "last-modified" not in (await served.get("/api/v1/feed.atom")).headers


def test_who_has_it_stands_in_the_entry() -> None:
    taken = Acknowledgement("Jo", kept.NOW, kept.NOW + 3_600, "on it")

    (entry,) = digest_of([incident(1, acknowledged=taken, hidden=3)], "test", BASE, f"{BASE}/feed", 0.0).entries

    assert "With Jo until Mon 21 Sep 2026" in entry.text and "hidden behind it: 3" in entry.text


@given(title=st.text(max_size=40), summary=st.text(st.characters(), max_size=40))
def test_whatever_a_device_says_both_documents_are_whole(title: str, summary: str) -> None:
    digest = digest_of([incident(1, title=title, summary=summary)], "test", BASE, f"{BASE}/feed", 0.0)

    document = ElementTree.fromstring(atom(digest))
    items = json.loads(json_feed(digest))["items"]

    (entry,) = document.findall(f"{_ATOM}entry")
    assert [entry.findtext(f"{_ATOM}{name}") for name in ("id", "updated")] == [
        items[0]["id"],
        items[0]["date_modified"],
    ]
    assert len(entry.findall(f"{_ATOM}content")) == len(items) == 1
