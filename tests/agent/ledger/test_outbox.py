"""The outbox on both databases: what is written once, who may speak for an incident, and what waits for how long."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sqlalchemy import select

from agent.ledger import outbox, tables
from agent.ledger.ledger import Ledger
from agent.ledger.outbox import Backlog, Lease
from agent.records import DeskWish, Priority, WishKind
from testbeds.outbox_ledger import incident_id, wish

NOW = 1_790_000_000.0
ONE, TWO = incident_id(1), incident_id(2)


def put(ledger: Ledger, *wishes: DeskWish) -> int:
    return ledger.writer.call(lambda connection: outbox.insert_wishes(connection, wishes))


def take(ledger: Ledger, owner: str = "a", now: float = NOW, *, may_create: bool = True) -> Lease | None:
    return ledger.writer.call(lambda c: outbox.lease(c, "ict", owner, now, 30.0, may_create=may_create))


def taken(ledger: Ledger, owner: str = "a", now: float = NOW) -> Lease:
    held = take(ledger, owner, now)
    assert held is not None
    return held


def linked(ledger: Ledger, incident: str = ONE, ticket: str = "17") -> None:
    """An incident whose ticket is open in the desk."""
    put(ledger, wish(incident))
    held = taken(ledger)
    assert held.incident == incident
    assert ledger.writer.call(lambda c: outbox.link(c, held, held.wishes[0], ticket, NOW))
    ledger.writer.call(lambda c: outbox.release(c, held))


def phases(ledger: Ledger, incident: str = ONE) -> list[str]:
    query = select(tables.outbox.c.phase).where(tables.outbox.c.incident == incident).order_by(tables.outbox.c.id)
    return ledger.writer.call(lambda c: list(c.execute(query).scalars()))


def test_a_wish_made_twice_is_kept_once(ledger: Ledger) -> None:
    assert put(ledger, wish(ONE), wish(ONE)) == 1
    assert put(ledger, wish(ONE), wish(ONE, WishKind.NOTE, 1)) == 1

    assert [stored.wish.kind for stored in taken(ledger).wishes] == [WishKind.ENSURE, WishKind.NOTE]


def test_a_wish_comes_back_as_it_was_made(ledger: Ledger) -> None:
    made = wish(ONE, text="Zwölf Grad\n£ 5", priority=Priority.P1, subject="room/1")
    put(ledger, made)

    assert [stored.wish for stored in taken(ledger).wishes] == [made]


def test_the_ticket_is_wished_for_first_and_the_rest_keeps_its_order(ledger: Ledger) -> None:
    put(ledger, wish(ONE, WishKind.RESOLVE, 1), wish(ONE, WishKind.REOPEN, 1), wish(ONE))

    kinds = [stored.wish.kind for stored in taken(ledger).wishes]

    assert kinds == [WishKind.ENSURE, WishKind.RESOLVE, WishKind.REOPEN]


def test_a_shadow_wish_is_recorded_whole_and_waits_for_nobody(ledger: Ledger) -> None:
    assert put(ledger, wish(ONE, mode="shadow", text="what would have been sent")) == 0

    row = ledger.writer.call(lambda c: c.execute(select(tables.outbox)).one())
    assert (row.phase, row.done_at, row.body["text"]) == ("shadow", row.at, "what would have been sent")
    assert take(ledger) is None
    assert ledger.writer.call(outbox.open_links) == {}


def test_one_worker_at_a_time_speaks_for_an_incident(ledger: Ledger) -> None:
    put(ledger, wish(ONE))
    taken(ledger, "a")

    assert take(ledger, "b", NOW + 29.9) is None
    assert taken(ledger, "b", NOW + 30.0).owner == "b"


def test_the_most_urgent_incident_goes_first_and_then_the_oldest_wish(ledger: Ledger) -> None:
    put(ledger, wish(incident_id(1)), wish(incident_id(2)), wish(incident_id(3), priority=Priority.P1))

    order = [taken(ledger).incident for _ in range(3)]

    assert order == [incident_id(3), incident_id(1), incident_id(2)]


def test_a_worker_whose_lease_was_taken_over_can_write_nothing_more(ledger: Ledger) -> None:
    put(ledger, wish(ONE))
    late, stored = (held := taken(ledger, "late")), held.wishes[0]
    taken(ledger, "quick", NOW + 31)

    writer = ledger.writer
    assert not writer.call(lambda c: outbox.renew(c, late, NOW + 32, 30.0))
    assert not writer.call(lambda c: outbox.mark_attempt(c, late, NOW + 32, NOW + 60, NOW))
    assert not writer.call(lambda c: outbox.link(c, late, stored, "17", NOW))
    assert not writer.call(lambda c: outbox.block(c, late, stored, "no"))
    assert not writer.call(lambda c: outbox.done(c, late, stored, NOW))
    assert not writer.call(lambda c: outbox.release(c, late))
    assert phases(ledger) == ["waiting"]


def test_a_lease_that_ran_out_marks_no_attempt_even_when_nobody_took_it_over(ledger: Ledger) -> None:
    put(ledger, wish(ONE))
    held = taken(ledger)

    assert not ledger.writer.call(lambda c: outbox.mark_attempt(c, held, NOW + 31, NOW + 60, NOW))


def test_after_a_marked_attempt_nobody_looks_before_its_time(ledger: Ledger) -> None:
    put(ledger, wish(ONE))
    held = taken(ledger)
    ledger.writer.call(lambda c: outbox.mark_attempt(c, held, NOW, NOW + 50, NOW))
    ledger.writer.call(lambda c: outbox.release(c, held, error="no answer"))

    due = ledger.writer.call(lambda c: outbox.next_due(c, "ict", NOW))

    assert due == NOW + 50
    assert take(ledger, now=NOW + 49.9) is None
    assert (again := taken(ledger, now=NOW + 50)).phase == "attempted"
    assert (again.attempts, again.failures) == (1, 1)


def test_times_from_a_clock_that_was_set_back_since_keep_nobody_waiting(ledger: Ledger) -> None:
    put(ledger, wish(ONE))
    held = taken(ledger, now=NOW + 7_200)
    ledger.writer.call(lambda c: outbox.mark_attempt(c, held, NOW + 7_200, NOW + 7_250, NOW))

    assert taken(ledger, "b", NOW).owner == "b"


def test_one_ticket_belongs_to_one_incident(ledger: Ledger) -> None:
    linked(ledger, ONE, "17")
    put(ledger, wish(TWO))

    assert ledger.writer.call(lambda c: outbox.holders_of(c, "ict", ["17", "18"])) == {"17": ONE}
    assert ledger.writer.call(lambda c: outbox.tickets_of(c, "ict", [ONE, TWO, "RWY-X"])) == {ONE: "17", TWO: None}


def test_a_blocked_note_does_not_keep_the_ticket_from_closing(ledger: Ledger) -> None:
    linked(ledger)
    put(ledger, wish(ONE, WishKind.NOTE, 1), wish(ONE, WishKind.RESOLVE, 1))
    held = taken(ledger)
    note, resolve = held.wishes

    ledger.writer.call(lambda c: outbox.block(c, held, note, "no right to comment"))
    ledger.writer.call(lambda c: outbox.done(c, held, resolve, NOW))

    assert phases(ledger) == ["done", "blocked", "done"]
    assert ledger.writer.call(outbox.open_links) == {}


def test_a_blocked_ticket_holds_its_incident_until_somebody_lets_it_go(ledger: Ledger) -> None:
    put(ledger, wish(ONE), wish(ONE, WishKind.RESOLVE, 1))
    held = taken(ledger)
    ledger.writer.call(lambda c: outbox.block(c, held, held.wishes[0], "no such queue"))
    ledger.writer.call(lambda c: outbox.release(c, held))
    assert take(ledger) is None

    assert ledger.writer.call(lambda c: outbox.unblock(c, "ict")) == 1

    assert len(taken(ledger).wishes) == 2


def test_a_lost_ticket_waits_for_a_person_and_so_does_every_later_wish(ledger: Ledger) -> None:
    linked(ledger)
    put(ledger, wish(ONE, WishKind.NOTE, 1))
    held = taken(ledger)
    ledger.writer.call(lambda c: outbox.lose(c, held, "deleted"))

    assert put(ledger, wish(ONE, WishKind.RESOLVE, 1)) == 0

    ledger.writer.call(lambda c: outbox.unblock(c, "ict"))
    assert phases(ledger) == ["done", "blocked", "blocked"]
    assert take(ledger, now=NOW + 100) is None


def test_a_cap_passes_over_new_tickets_and_nothing_else(ledger: Ledger) -> None:
    linked(ledger)
    put(ledger, wish(TWO), wish(ONE, WishKind.RESOLVE, 1))

    held = take(ledger, may_create=False)

    assert held is not None
    assert held.incident == ONE
    assert take(ledger, may_create=False) is None
    assert ledger.writer.call(lambda c: outbox.next_due(c, "ict", NOW, may_create=True)) == 0.0


def test_a_create_known_not_to_be_done_is_not_counted(ledger: Ledger) -> None:
    put(ledger, wish(ONE), wish(TWO))
    first, second = taken(ledger), taken(ledger)
    for held in (first, second):
        ledger.writer.call(lambda c, held=held: outbox.mark_attempt(c, held, NOW, NOW + 50, NOW))  # type: ignore[misc]

    ledger.writer.call(lambda c: outbox.unmark_attempt(c, second))

    expected = Backlog(waiting=2, oldest_at=wish(ONE).at, uncertain=1, created=1)
    assert ledger.writer.call(lambda c: outbox.backlog(c, "ict", NOW - 60)) == expected
    assert ledger.writer.call(lambda c: outbox.backlog(c, "ict", NOW)) == replace(expected, created=0)


def test_open_links_count_what_a_desk_is_still_needed_for(ledger: Ledger) -> None:
    linked(ledger)
    put(ledger, wish(TWO), wish(TWO, desk="other"))

    assert ledger.writer.call(outbox.open_links) == {"ict": 2, "other": 1}


def test_eight_workers_at_once_share_the_incidents_without_overlap(ledger: Ledger) -> None:
    put(ledger, *(wish(incident_id(number)) for number in range(40)))

    def work(owner: int) -> list[str]:
        mine = []
        while (held := take(ledger, f"worker {owner}")) is not None:
            mine.append(held.incident)
        return mine

    with ThreadPoolExecutor(8) as pool:
        leased = [incident for mine in pool.map(work, range(8)) for incident in mine]

    assert sorted(leased) == [incident_id(number) for number in range(40)]
