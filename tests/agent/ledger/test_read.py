"""Reading: the feed, incidents, spans and counts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Connection, select, text

from agent.ledger.batch import AgentSpan, Batch, Span
from agent.ledger.errors import LedgerClosed
from agent.ledger.ledger import Ledger
from agent.records import About, Cause, EventKind, IncidentChange, IncidentState, Priority
from checks.contract import State
from testbeds import kept

AYLESBURY = Cause("aylesbury-vale", "gateway-router", "snmp/memory")


def test_the_feed_goes_on_after_a_cursor_and_keeps_to_the_councils_asked_for(ledger: Ledger) -> None:
    for change in (kept.opening("RWY-1"), kept.opening("RWY-2", AYLESBURY)):
        ledger.writer.submit(Batch(incident_changes=(change,))).result(30)
    ledger.writer.submit(Batch(events=(kept.event("RWY-2", EventKind.TICKET), kept.event("RWY-1")))).result(30)

    everything = ledger.reader.events(0, 10)
    aylesbury = ledger.reader.events(0, 10, {"aylesbury-vale"})

    assert [(one.sequence, one.council) for one in everything] == [
        (1, "dacorum"), (2, "aylesbury-vale"), (3, "aylesbury-vale"), (4, "dacorum"),
    ]  # fmt: skip
    assert [one.sequence for one in aylesbury] == [2, 3]
    assert [one.sequence for one in ledger.reader.events(2, 1)] == [3]
    assert ledger.reader.events(0, 10, ()) == ()
    assert ledger.reader.events(4, 10) == ()


def test_an_event_shows_the_incident_as_it_was_then_and_not_as_it_is_now(ledger: Ledger) -> None:
    ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)
    ended = IncidentChange(kept.incident(state=IncidentState.RESOLVED), (kept.event(kind=EventKind.RESOLVED),))
    ledger.writer.submit(Batch(incident_changes=(ended,))).result(30)
    ledger.writer.submit(Batch(events=(kept.event(kind=EventKind.TICKET),))).result(30)

    shown = [one.about for one in ledger.reader.events(0, 10)]

    now = About(
        "dacorum", "hemel-router", "snmp/memory", "hemel", IncidentState.RESOLVED, State.WARNING, Priority.P3,
        "Memory nearly full",
    )  # fmt: skip
    assert shown == [replace(now, state=IncidentState.OPEN), now, now]


def test_a_cursor_can_be_told_from_one_that_lost_events(ledger: Ledger) -> None:
    empty = ledger.reader.feed_position()
    ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)

    begun = ledger.reader.feed_position()

    assert (empty.oldest, empty.newest) == (1, 0)
    assert (begun.epoch, begun.oldest, begun.newest) == (empty.epoch, 1, 1)


def test_incidents_are_found_by_state_council_and_subject(ledger: Ledger) -> None:
    closed = kept.incident("RWY-2", AYLESBURY, state=IncidentState.CLOSED, changed_at=kept.NOW + 1)
    ledger.writer.submit(Batch(incident_changes=(kept.opening("RWY-1"), IncidentChange(closed)))).result(30)
    reader = ledger.reader

    assert [incident.id for incident in reader.incidents()] == ["RWY-2", "RWY-1"]
    assert [incident.id for incident in reader.incidents(limit=1)] == ["RWY-2"]
    assert [incident.id for incident in reader.incidents({IncidentState.OPEN})] == ["RWY-1"]
    assert [incident.id for incident in reader.incidents(None, "aylesbury-vale")] == ["RWY-2"]
    assert [incident.id for incident in reader.incidents_of("hemel-router", 10)] == ["RWY-1"]
    assert reader.incidents(frozenset()) == ()
    assert reader.incident("RWY-9") is None


def test_tickets_are_found_for_many_incidents_at_once(ledger: Ledger) -> None:
    changes = [kept.opening(f"RWY-{n}", replace(AYLESBURY, subject=f"r{n}")) for n in range(1_200)]
    ledger.writer.submit(Batch(incident_changes=tuple(changes))).result(60)

    found = ledger.reader.tickets_of([*(f"RWY-{n}" for n in range(1_200)), "RWY-none"])

    assert len(found) == 1_200
    assert [link.desk for link in found["RWY-7"]] == ["ict"]


def test_spans_overlapping_the_interval_are_found_whole(ledger: Ledger) -> None:
    cause = kept.CAUSE
    spans = tuple(Span(cause, start, start + 10.0, State.OK) for start in (0.0, 10.0, 20.0))
    ledger.writer.submit(Batch(spans=(*spans, Span(AYLESBURY, 10.0, 20.0, State.OK)))).result(30)

    assert ledger.reader.spans_between(10.0, 20.0, {"dacorum"}) == (spans[1],)
    assert ledger.reader.spans_between(9.0, 21.0, {"dacorum"}) == spans
    assert len(ledger.reader.spans_between(9.0, 21.0)) == 4


def test_a_span_held_open_by_a_run_lasts_as_long_as_the_run_is_known_to_live(ledger: Ledger) -> None:
    life = AgentSpan("run-x", "hemel", 0.0, 50.0)
    held = Span(kept.CAUSE, 5.0, 5.0, State.OK, "", "run-x")
    ledger.writer.submit(Batch(spans=(held,), agent_spans=(life,))).result(30)

    (before,) = ledger.reader.spans_between(40.0, 45.0)
    ledger.writer.submit(Batch(agent_spans=(replace(life, end=90.0),))).result(30)
    (after,) = ledger.reader.spans_between(40.0, 45.0)

    assert (before.end, after.end) == (50.0, 90.0)


def test_reading_does_not_wait_for_a_transaction_that_is_on_its_way(ledger: Ledger) -> None:
    running, go_on = threading.Event(), threading.Event()
    held = ledger.writer.submit_call(lambda _connection: (running.set(), go_on.wait(60)))
    assert running.wait(30)

    found = ledger.reader.counts()
    go_on.set()

    assert found["incidents"] == 0
    assert held.result(30) == (None, True)


def test_closing_waits_for_what_is_being_read(ledger: Ledger) -> None:
    begun, go_on, ends = threading.Event(), threading.Event(), []

    def slow(connection: Connection) -> int:
        begun.set()
        go_on.wait(30)
        ends.append("read")
        return connection.execute(select(1)).scalar_one()

    reading = threading.Thread(target=ledger.reader.read, args=(slow,))
    reading.start()
    begun.wait(30)
    closing = threading.Thread(target=lambda: (ledger.reader.close(within=30), ends.append("closed")))
    closing.start()
    go_on.set()
    reading.join(30)
    closing.join(30)

    assert ends == ["read", "closed"]


def test_closing_waits_for_who_still_reads_and_lets_nobody_begin(location: str) -> None:
    ledger = Ledger.open(location, clock=lambda: kept.NOW, vantage="hemel")
    begun, held = threading.Event(), threading.Event()

    def work(connection: Connection) -> int:
        begun.set()
        held.wait(30)
        return connection.execute(text("SELECT 1")).scalar_one()

    with ThreadPoolExecutor(2) as threads:
        reading = threads.submit(ledger.reader.read, work)
        begun.wait(30)
        closing = threads.submit(ledger.reader.close, 30)
        with pytest.raises(LedgerClosed):  # as soon as closing has begun; until then a reading is one like any other
            while True:
                ledger.reader.feed_position()
        assert not closing.done()
        held.set()

        assert reading.result(30) == 1
        closing.result(30)
    assert ledger.reader._engine.pool.checkedout() == 0
    ledger.close()
