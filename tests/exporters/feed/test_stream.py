"""Server-Sent Events over real sockets: where they begin, how they end, who is dropped."""

from __future__ import annotations

import asyncio
import re
import socket

import pytest

from exporters.feed import hub, stream
from exporters.web import patience
from testbeds.peers import wait_until
from testbeds.single import estate


async def until(condition) -> None:
    await asyncio.to_thread(wait_until, condition, "the feed is as far as that")


async def test_a_stream_without_a_cursor_begins_now_and_gives_one_at_once(served) -> None:
    served.tell("dacorum", "before")
    line = await served.stream()
    opening = await line.until("\n\n")

    served.tell("dacorum", "after")

    await line.until("after")
    assert re.fullmatch(r"retry: 3000\nid: [0-9A-Z]{26}:3\n\n", opening)
    assert line.texts == ["after"]


async def test_a_frame_has_the_events_id_and_type_and_one_line_of_data(served) -> None:
    served.tell("dacorum", "two\nlines")
    line = await served.stream("/api/v1/events/stream?after=2")

    text = await line.until("two")

    epoch = served.hub.position.epoch
    assert f"\n\nid: {epoch}:3\nevent: ridgeway.incident.ticket.v1\ndata: {{" in text
    assert line.texts == ["two\nlines"]


async def test_the_page_of_events_is_a_stream_for_who_accepts_one(served) -> None:
    line = await served.stream("/api/v1/events?after=1", Accept="text/event-stream")

    await line.until("data: ")

    assert line.texts == ["opened"]


async def test_a_reader_that_comes_back_goes_on_after_its_last_event_whatever_its_address_says(served) -> None:
    served.tell("dacorum", "one", "two")

    line = await served.stream("/api/v1/events/stream?after=0", Last_Event_ID="3")

    await line.until("two")
    assert line.texts == ["two"]


async def test_what_is_no_cursor_is_refused_before_the_stream_begins(served) -> None:
    assert (await served.get("/api/v1/events/stream", Last_Event_ID="nonsense")).status == 400


async def test_a_reader_of_one_council_hears_of_that_council_only(served) -> None:
    ours = await served.stream(Authorization="Bearer dacorum")
    all_of_it = await served.stream()
    for line in (ours, all_of_it):
        await line.until("\n\n")

    served.tell("aylesbury-vale", "theirs")
    served.tell("dacorum", "ours")

    await ours.until('"ours"'), await all_of_it.until('"ours"')
    assert (ours.texts, all_of_it.texts) == (["ours"], ["theirs", "ours"])


async def test_an_event_that_nobody_announced_is_found_all_the_same(served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "POLL", 0.05)
    served.hub.wake()
    line = await served.stream()

    served.tell("dacorum", "silently", wake=False)

    assert await line.until("silently")


async def test_an_event_that_was_announced_is_not_waited_for(served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "POLL", 3_600)
    served.hub.wake()
    line = await served.stream()
    await line.until("\n\n")

    served.tell("dacorum", "one")
    await line.until("one")
    served.tell("dacorum", "two")

    assert await line.until("two")


async def test_a_silent_stream_says_that_it_is_there_and_moves_its_reader_s_cursor(
    served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BEAT", 0.1)
    monkeypatch.setattr(hub, "POLL", 0.05)
    served.hub.wake()
    line = await served.stream(Authorization="Bearer dacorum")
    await line.until("\n\n")

    served.tell("aylesbury-vale", "theirs")

    text = await line.until(r": still here\nid: [0-9A-Z]{26}:3\n\n")
    assert "data:" not in text


async def test_who_falls_behind_what_is_kept_in_memory_misses_nothing(served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "RING", 10)
    line = await served.stream(Authorization="Bearer dacorum")
    await line.until("\n\n")
    texts = [f"{'long ' * 200}{number}" for number in range(3_000)]

    for start in range(0, len(texts), 500):
        served.tell("dacorum", *texts[start : start + 500])
        await until(lambda upto=start + 502: served.hub.position.newest == upto)

    assert served.hub.since(2) is None
    while len(line.texts) < len(texts):
        assert await line.more()
    assert line.texts == texts


async def test_who_takes_nothing_is_dropped_and_counted(served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LONGEST_STALL", 0.2)
    quiet = socket.socket()
    quiet.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    with quiet:
        quiet.connect(served.server.addresses[0])
        quiet.sendall(b"GET /api/v1/events/stream?after=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await until(lambda: served.hub.readers == 1)

        for _ in range(20):
            served.tell("dacorum", *["x" * 50_000] * 20)
            if served.hub.readers == 0:
                break
            await asyncio.sleep(0.05)

        await until(lambda: served.hub.readers == 0)
        assert served.hub.dropped == 1


async def test_who_leaves_by_itself_is_not_called_dropped(served) -> None:
    line = await served.stream()
    await line.until("\n\n")

    line.writer.close()

    await until(lambda: served.hub.readers == 0)
    assert served.hub.dropped == 0


async def test_with_as_many_as_can_follow_the_next_is_told_to_come_back(served) -> None:
    for name in ("a", "b", "c", "d", "e"):
        await served.stream(Authorization=f"Bearer {name}")
    await until(lambda: served.hub.readers == 5)

    answer = await served.get("/api/v1/events/stream")

    assert (answer.status, answer.headers["retry-after"]) == (503, "5")


async def test_one_name_takes_at_most_half_of_the_places_and_leaves_room_for_others(served) -> None:
    for _ in range(3):  # of five
        await served.stream(Authorization="Bearer dacorum")

    again = await served.get("/api/v1/events/stream", Authorization="Bearer dacorum")
    await served.stream(Authorization="Bearer shared")

    assert again.status == 503
    assert served.hub.readers == 4


async def test_streams_end_at_once_when_the_agent_stops(served) -> None:
    lines = [await served.stream() for _ in range(3)]
    for line in lines:
        await line.until("\n\n")

    await served.hub.stop()

    for line in lines:
        assert await line.more() is False
    assert (await served.get("/api/v1/events/stream")).status == 503
    async with asyncio.timeout(2):
        await served.server.stop()


async def test_streams_end_when_another_estate_comes_into_force(served) -> None:
    line = await served.stream()
    await line.until("\n\n")

    served.feed.use(estate())

    assert await line.more() is False
    served.tell("dacorum", "named anew")
    page = (await served.get("/api/v1/events?after=2")).json
    assert page["events"][0]["source"] == f"urn:ridgeway:{estate().name}"


async def test_a_stream_ends_after_its_time_so_that_its_reader_is_let_in_anew(
    served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LONGEST", 0.0)

    line = await served.stream("/api/v1/events/stream?after=0")

    while await line.more():
        pass
    assert line.texts == ["opened", "opened"]


async def test_the_head_of_a_stream_can_be_asked_for_alone(served) -> None:
    line = await (await served.open("/api/v1/events/stream", "HEAD", Connection="close")).head()

    assert (line.status, line.headers["content-type"]) == (200, "text/event-stream")
    assert await line.reader.read() == b""
