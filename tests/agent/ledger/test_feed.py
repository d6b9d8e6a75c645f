"""Pages of the feed from the ledger itself, while others write and remove."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import Connection, func, select

from agent.ledger import tables
from agent.ledger.batch import Batch
from agent.ledger.cursor import Cursor, Loss
from agent.ledger.epochs import GAP, begin_epoch
from agent.ledger.ledger import Ledger
from agent.ledger.read import FeedPage, Gone
from agent.ledger.retention import DAY, Retention, prune
from agent.records import Cause, EventKind, IncidentState
from testbeds import kept

AYLESBURY = Cause("aylesbury-vale", "gateway-router", "snmp/memory")
EVENTS = 1_500


def page(ledger: Ledger, after: str | None, limit: int = 10, councils: frozenset[str] | None = None) -> FeedPage:
    found = ledger.reader.feed(None if after is None else Cursor.of(after), limit, councils)
    assert isinstance(found, FeedPage)
    return found


def numbers(found: FeedPage) -> list[int]:
    return [one.sequence for one in found.events]


def both(ledger: Ledger) -> None:
    for change in (kept.opening("RWY-1"), kept.opening("RWY-2", AYLESBURY)):
        ledger.writer.submit(Batch(incident_changes=(replace(change, wishes=()),))).result(30)


def test_a_reader_turns_pages_until_there_is_no_more(ledger: Ledger) -> None:
    both(ledger)
    ledger.writer.submit(Batch(events=(kept.event("RWY-2", EventKind.TICKET), kept.event("RWY-1")))).result(30)

    first = page(ledger, None, limit=3)
    second = page(ledger, str(first.next), limit=3)
    third = page(ledger, str(second.next), limit=3)

    assert (numbers(first), first.more, first.upto) == ([1, 2, 3], True, 3)
    assert (numbers(second), second.more) == ([4], False)
    assert (numbers(third), third.next) == ([], second.next)


def test_a_reader_of_one_council_is_taken_past_the_others_events(ledger: Ledger) -> None:
    both(ledger)
    ledger.writer.submit(Batch(events=tuple(kept.event("RWY-2") for _ in range(5)))).result(30)

    found = page(ledger, "0", councils=frozenset({"dacorum"}))

    assert (numbers(found), found.upto, found.more) == ([1], 7, False)
    assert numbers(page(ledger, str(found.next))) == []


def test_a_page_of_one_council_ends_at_its_last_event_while_more_of_its_own_follow(ledger: Ledger) -> None:
    both(ledger)
    ledger.writer.submit(Batch(events=tuple(kept.event("RWY-1") for _ in range(3)))).result(30)

    found = page(ledger, "0", limit=2, councils=frozenset({"dacorum"}))

    assert (numbers(found), found.upto, found.more) == ([1, 3], 3, True)


def test_who_reads_on_after_a_restore_gets_the_new_epoch_s_events_and_their_ids(ledger: Ledger) -> None:
    both(ledger)
    before = page(ledger, None)
    ledger.writer.call(lambda connection: begin_epoch(connection, kept.NOW))
    ledger.writer.submit(Batch(events=(kept.event("RWY-1"),))).result(30)

    by_id, by_number = page(ledger, str(before.next)), page(ledger, "2")

    assert numbers(by_id) == numbers(by_number) == [GAP + 3]
    assert by_id.position.epoch_of(2) == before.position.epoch
    assert by_id.next == Cursor(GAP + 3, by_id.position.epoch)


def test_a_cursor_before_what_was_removed_has_expired(ledger: Ledger) -> None:
    both(ledger)
    ended = kept.incident("RWY-1", state=IncidentState.CLOSED)
    ledger.writer.submit(kept.changed("RWY-1", state=ended.state)).result(30)
    ledger.writer.call(lambda connection: prune(connection, Retention(), kept.NOW + 4_000 * DAY))

    found = ledger.reader.feed(Cursor(1), 10)

    assert isinstance(found, Gone)
    assert (found.why, found.position.oldest, found.position.newest) == (Loss.EXPIRED, 4, 3)
    assert numbers(page(ledger, None)) == numbers(page(ledger, "3")) == []


def test_opened_incidents_are_told_the_last_changed_first_and_suspects_are_not(ledger: Ledger) -> None:
    suspect = kept.incident("RWY-0", kept.CAUSE, state=IncidentState.CANCELLED)
    old = kept.incident("RWY-1", opened_at=kept.NOW, changed_at=kept.NOW + 5, state=IncidentState.CLOSED)
    new = kept.incident("RWY-2", AYLESBURY, opened_at=kept.NOW, changed_at=kept.NOW + 9)
    for one in (suspect, new, old):
        ledger.writer.submit(Batch(incident_changes=(kept.IncidentChange(one),))).result(30)

    told = ledger.reader.told_incidents(10)

    assert [one.id for one in told] == ["RWY-2", "RWY-1"]
    assert [one.id for one in ledger.reader.told_incidents(1)] == ["RWY-2"]
    assert [one.id for one in ledger.reader.told_incidents(10, {"dacorum"})] == ["RWY-1"]
    assert ledger.reader.told_incidents(10, ()) == ()


def test_all_that_one_reading_sees_is_of_one_moment(ledger: Ledger) -> None:
    both(ledger)

    def look(connection: Connection) -> tuple[int, int]:
        counter = connection.execute(select(tables.ledger_info.c.sequence)).scalar_one()
        ledger.writer.submit(Batch(events=(kept.event("RWY-1"),))).result(30)
        return counter, connection.execute(select(func.max(tables.events.c.sequence))).scalar_one()

    assert ledger.reader.read(look) == (2, 2)
    assert ledger.reader.feed_position().newest == 3


def test_readers_pass_over_nothing_while_many_write(ledger: Ledger) -> None:
    both(ledger)
    seen: dict[int, list[int]] = {}

    def write(incident: str) -> None:
        for number in range(EVENTS // 2):
            done = ledger.writer.submit(Batch(events=(kept.event(incident),)))
            if number % 50 == 0:
                done.result(30)

    def read(place: int, councils: frozenset[str] | None, until: Callable[[FeedPage], bool]) -> None:
        mine = seen.setdefault(place, [])
        found = page(ledger, None, limit=7, councils=councils)
        while mine.extend(numbers(found)) or not until(found):
            found = page(ledger, str(found.next if place % 2 else found.upto), limit=7, councils=councils)

    last = EVENTS + 2
    threads = [threading.Thread(target=write, args=(incident,)) for incident in ("RWY-1", "RWY-2")]
    for place, councils in enumerate((None, None, frozenset({"dacorum"}))):
        threads.append(threading.Thread(target=read, args=(place, councils, lambda found: found.upto >= last)))
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)

    everything = ledger.reader.events(0, last)
    assert seen[0] == seen[1] == [one.sequence for one in everything] == list(range(1, last + 1))
    assert seen[2] == [one.sequence for one in everything if one.council == "dacorum"]
