"""What a restored ledger can tell of the day it does not know."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from ulid import ULID

from agent.ledger import lost, tables
from agent.ledger.batch import AgentSpan, Batch, Span
from agent.ledger.epochs import begin_epoch
from agent.ledger.ledger import Ledger
from agent.ledger.lost import LostDay, lost_day, over
from agent.records import Cause
from checks.contract import REACH, State
from testbeds import kept

WELL = Cause("dacorum", "web", "tcp/9")
ILL = Cause("dacorum", "web", "tcp/10")


def key(at: float) -> str:
    return f"RWY-{ULID.from_timestamp(at)}"


@pytest.mark.parametrize(
    ("id", "held"),
    [
        (key(1000.0), False), (key(1940.5), True), (key(2500.0), True), (key(3000.0), True), (key(3001.0), False),
        ("RWY-1", False), ("", False), (key(2500.0)[4:], False), ("RWY-" + "Z" * 26, False),
    ],
    ids=["before", "its first second", "within", "its last second", "after", "short", "empty", "no prefix", "too late"],
)  # fmt: skip
def test_an_id_tells_whether_it_is_of_the_lost_day(id: str, held: bool) -> None:
    assert LostDay(2000.0, 3000.0).holds(id) is held


def test_a_ledger_that_was_never_restored_has_no_lost_day(ledger: Ledger) -> None:
    assert ledger.reader.read(lost_day) is None


def test_the_lost_day_begins_with_the_end_of_the_last_life_that_the_copy_knows(
    open_ledger: Callable[..., Ledger],
) -> None:
    ledger = open_ledger()
    ledger.writer.submit(Batch(agent_spans=(AgentSpan(ledger.run, "hemel", kept.NOW, kept.NOW + 500),))).result(30)
    ledger.writer.call(lambda c: begin_epoch(c, kept.NOW + 86_000))
    ledger.close()

    again = open_ledger(clock=lambda: kept.NOW + 86_400)

    assert again.reader.read(lost_day) == LostDay(kept.NOW + 500, kept.NOW + 86_000)


def test_over_is_only_what_the_present_run_saw_in_order_and_no_live_incident_has(ledger: Ledger) -> None:
    again = Cause("dacorum", "web", "tcp/11")
    reached, unreached = Cause("dacorum", "web", REACH), Cause("dacorum", "router", REACH)
    states = ((WELL, State.OK), (ILL, State.CRITICAL), (again, State.OK))
    spans = tuple(Span(cause, kept.NOW, kept.NOW, state, "", ledger.run) for cause, state in states)
    older = Span(Cause("dacorum", "web", "tcp/12"), kept.NOW - 90, kept.NOW - 60, State.OK)
    checks = (
        kept.check_record("web/tcp", reached=True),
        kept.check_record("router/tcp", reached=False),
        kept.check_record("elsewhere/tcp", reached=True),
    )
    live = Batch(incident_changes=(kept.opening("RWY-1", again),), spans=(*spans, older), checks=checks)
    ledger.writer.submit(live).result(30)
    causes = (WELL, ILL, again, older.cause, reached, unreached, Cause("dacorum", "elsewhere", REACH))

    found = ledger.reader.read(lambda c: over(c, {cause.digest for cause in causes}))

    assert found == {WELL.digest, reached.digest}
    assert ledger.reader.read(lambda c: over(c, set())) == frozenset()


def test_a_closed_ticket_is_written_down_for_the_audit(ledger: Ledger) -> None:
    ledger.writer.call(lambda c: lost.write_down(c, kept.NOW, "rt", "7", "RWY-9"))

    [row] = ledger.reader.read(lambda c: c.execute(select(tables.audit)).all())

    assert (row.actor, row.subject, row.detail) == ("desk:rt", "7", {"incident": "RWY-9"})
