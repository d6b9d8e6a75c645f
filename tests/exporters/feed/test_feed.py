"""Pages of the feed over HTTP."""

from __future__ import annotations

import asyncio
import re

import pytest

from agent.ledger.cursor import Cursor, FeedPosition
from agent.ledger.errors import LedgerUnavailable
from agent.ledger.read import FeedPage, Gone
from testbeds.peers import wait_until


async def test_a_page_gives_the_events_after_a_cursor_and_where_to_go_on(served) -> None:
    served.tell("dacorum", "one", "two", "three")

    first = (await served.get("/api/v1/events?after=2&limit=2")).json
    second = (await served.get(f"/api/v1/events?after={first['next']}")).json

    assert [event["data"]["text"] for event in first["events"]] == ["one", "two"]
    assert first["more"] is True and first["next"] == first["events"][-1]["id"] == f"{first['epoch']}:4"
    assert [event["data"]["text"] for event in second["events"]] == ["three"]
    assert second["more"] is False and second["events"][0]["source"] == "urn:ridgeway:test"


async def test_without_a_cursor_it_begins_with_the_oldest_event(served) -> None:
    answer = await served.get("/api/v1/events")

    assert [event["sequence"] for event in answer.json["events"]] == [f"{1:020}", f"{2:020}"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


async def test_a_batch_of_cloudevents_has_its_cursor_in_a_link(served) -> None:
    answer = await served.get("/api/v1/events?limit=1", Accept="application/cloudevents-batch+json")

    (event,) = answer.json
    assert answer.headers["content-type"] == "application/cloudevents-batch+json"
    assert answer.headers["link"] == f'</api/v1/events?after={event["id"]}&limit=1>; rel="next"'


async def test_a_reader_of_one_council_gets_that_council_s_events_only(served) -> None:
    served.tell("dacorum", "ours")
    served.tell("aylesbury-vale", "theirs")

    page = (await served.get("/api/v1/events", Authorization="Bearer dacorum")).json

    assert {event["council"] for event in page["events"]} == {"dacorum"}
    assert page["next"] == f"{page['epoch']}:4"


@pytest.mark.parametrize(
    "query",
    ["after=", "after=x", "after=-1", "after=1:2:3", "after=99999999999999999999", "limit=0", "limit=1001", "limit=x",
     "wait=61", "limit=", "wait=1e1", "since=1", "limit=%D9%A3"],
)  # fmt: skip
async def test_what_is_no_question_is_refused(served, query: str) -> None:
    assert (await served.get(f"/api/v1/events?{query}")).status == 400


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/events/stream"])
@pytest.mark.parametrize(("after", "reason"), [("7", "ahead"), ("NOBODY:1", "unknown-epoch"), ("1", "expired")])
async def test_a_cursor_from_which_nobody_can_go_on_is_gone_and_says_how_to(
    served, path: str, after: str, reason: str
) -> None:
    served.ledger.writer.call(lambda connection: connection.exec_driver_sql("UPDATE ledger_info SET pruned = 2"))

    answer = await served.get(f"{path}?after={after}")

    body = answer.json
    assert (answer.status, answer.headers["content-type"]) == (410, "application/problem+json")
    assert (body["reason"], body["cursor"], body["oldest"], body["newest"]) == (reason, after, 3, 2)
    (go_on, from_the_first) = re.findall(r"after=(\S+?)[;, ]", body["detail"])
    assert (await served.get(f"/api/v1/events?after={go_on}")).status == 200
    assert (await served.get(f"/api/v1/events?after={from_the_first}")).status == 200


async def test_a_poll_that_waits_is_answered_as_soon_as_there_is_something(served) -> None:
    waiting = await served.open("/api/v1/events?after=2&wait=60")
    wait_for_reader = asyncio.create_task(waiting.head())
    await until(lambda: served.hub.readers == 1)

    served.tell("dacorum", "now")

    await wait_for_reader
    assert b'"text":"now"' in await waiting.reader.readexactly(int(waiting.headers["content-length"]))
    assert served.hub.readers == 0


async def test_a_poll_waits_on_while_only_others_have_news(served) -> None:
    waiting = await served.open("/api/v1/events?after=2&wait=60", Authorization="Bearer dacorum")
    head = asyncio.create_task(waiting.head())
    await until(lambda: served.hub.readers == 1)

    served.tell("aylesbury-vale", "theirs")
    await until(lambda: served.hub.position.newest == 3)
    served.tell("dacorum", "ours")

    await head
    body = await waiting.reader.readexactly(int(waiting.headers["content-length"]))
    assert b'"text":"ours"' in body and b"theirs" not in body


async def test_a_poll_that_waited_in_vain_is_answered_with_nothing(served) -> None:
    page = (await served.get("/api/v1/events?after=2&wait=1")).json

    assert (page["events"], page["more"]) == ([], False)


async def test_a_poll_whose_reader_leaves_gives_up_its_place(served) -> None:
    line = await served.open("/api/v1/events?after=2&wait=60")
    await until(lambda: served.hub.readers == 1)

    line.writer.close()

    await until(lambda: served.hub.readers == 0)


async def test_a_ledger_that_is_away_is_said_so(served, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_arguments: object) -> FeedPage | Gone:
        raise LedgerUnavailable("the ledger is locked")

    monkeypatch.setattr(served.ledger.reader, "feed", away)
    monkeypatch.setattr(served.ledger.reader, "told_incidents", away)

    for path in ("/api/v1/events", "/api/v1/events/stream", "/api/v1/feed.atom"):
        answer = await served.get(path)
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert answer.json["detail"] == "the ledger is locked"


async def test_the_feed_goes_on_after_the_ledger_was_away(served, monkeypatch: pytest.MonkeyPatch) -> None:
    line = await served.stream()
    read, tried = served.ledger.reader.feed, []

    def away_once(*arguments: Cursor) -> FeedPage | Gone:
        tried.append(arguments)
        if len(tried) == 1:
            raise LedgerUnavailable("the ledger is locked")
        return read(*arguments)

    monkeypatch.setattr(served.ledger.reader, "feed", away_once)
    served.tell("dacorum", "while away")
    await until(lambda: len(tried) == 1)
    served.hub.wake()

    assert "while away" in await line.until("while away")


async def test_another_ledger_below_us_ends_every_stream(served, monkeypatch: pytest.MonkeyPatch) -> None:
    line = await served.stream()
    monkeypatch.setattr(served.hub, "_at", 50)

    served.hub.wake()

    while await line.more():
        pass
    assert isinstance(served.hub.position, FeedPosition) and served.hub.since(2) == ()


async def until(condition) -> None:
    await asyncio.to_thread(wait_until, condition, "the feed is as far as that")
