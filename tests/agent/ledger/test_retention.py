"""What is over goes in time, whole; what is not over stays, however old."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.ledger.batch import AgentSpan, Audit, Batch, Peak, Run, Span
from agent.ledger.ledger import Ledger
from agent.ledger.load import UNFINISHED
from agent.ledger.retention import DAY, PIECE, YEAR, Pruning, Retention, prune
from agent.records import Cause, IncidentChange, IncidentState
from checks.contract import State
from testbeds import kept
from testbeds.peers import wait_until

NOW = kept.NOW
OLD = NOW - 8 * YEAR
HIDDEN = Cause("dacorum", "switch", "target/unreachable")


def _prune(ledger: Ledger, retention: Retention | None = None) -> int:
    gone = 0
    while piece := ledger.writer.call(lambda connection: prune(connection, retention or Retention(), NOW)):
        gone += piece
    return gone


def _incident(id: str, state: IncidentState, at: float) -> IncidentChange:
    cause = Cause("dacorum", id, "snmp/memory")
    incident = kept.incident(id, cause, state=state, changed_at=at, suspected_at=at)
    shadow = replace(kept.wish(id), mode="shadow")
    return IncidentChange(incident, (kept.event(id, at=at),), (shadow,), (HIDDEN,))


def test_a_closed_incident_goes_with_everything_that_belongs_to_it(ledger: Ledger) -> None:
    ledger.writer.submit(Batch(incident_changes=(_incident("RWY-old", IncidentState.CLOSED, OLD),))).result(30)

    _prune(ledger)

    counts = ledger.reader.counts()
    assert {counts[name] for name in ("incidents", "events", "children", "outbox", "ticket_links")} == {0}


@pytest.mark.parametrize("state", sorted(UNFINISHED))
def test_an_incident_that_is_not_over_stays_however_old(ledger: Ledger, state: IncidentState) -> None:
    ledger.writer.submit(Batch(incident_changes=(_incident("RWY-old", state, OLD),))).result(30)

    gone = _prune(ledger)

    assert gone == 0
    assert ledger.reader.counts()["events"] == 1


def test_an_incident_whose_desk_was_not_told_yet_stays(ledger: Ledger) -> None:
    change = replace(_incident("RWY-old", IncidentState.CLOSED, OLD), wishes=(kept.wish("RWY-old"),))
    ledger.writer.submit(Batch(incident_changes=(change,))).result(30)

    assert _prune(ledger) == 0


def test_a_feed_reader_can_tell_that_old_events_are_gone_and_numbers_go_on(ledger: Ledger) -> None:
    closed = IncidentState.CLOSED
    changes = (
        _incident("RWY-live", IncidentState.OPEN, OLD),
        _incident("RWY-old", closed, OLD),
        _incident("RWY-new", closed, NOW - DAY),
    )
    ledger.writer.submit(Batch(incident_changes=changes)).result(30)

    _prune(ledger)

    position = ledger.reader.feed_position()
    assert (position.oldest, position.newest) == (3, 3), "number 1 is still there, but what followed it is not"


def test_histories_go_by_their_own_terms(ledger: Ledger) -> None:
    ages = (1.0, 100 * DAY, 4 * YEAR, 8 * YEAR)
    days = ("2026-09-20", "2026-06-13", "2022-09-21", "2018-09-21")
    ledger.writer.submit(
        Batch(
            spans=tuple(Span(kept.CAUSE, NOW - age - 5, NOW - age, State.OK) for age in ages),
            agent_spans=tuple(AgentSpan(f"run-{age}", "hemel", NOW - age - 5, NOW - age) for age in ages),
            peaks=tuple(Peak(day, "f", "t", "[]", 1.0, 2.0) for day in days),
            runs=tuple(Run("a/b", "hemel", NOW - age, 0.1, State.OK) for age in reversed(ages)),
            audit=tuple(Audit(NOW - age, "jo", "ack", "RWY-1") for age in reversed(ages)),
        )
    ).result(30)

    _prune(ledger)

    counts = ledger.reader.counts()
    assert (counts["spans"], counts["daily_peaks"], counts["runs"], counts["audit"]) == (2, 2, 1, 3)
    assert counts["agent_spans"] == 2 + 1, "the two recent ones, and this run's own"


def test_an_open_span_stays_however_long_it_lasts(ledger: Ledger) -> None:
    ledger.writer.submit(Batch(spans=(Span(kept.CAUSE, OLD, OLD, State.OK, "", ledger.run),))).result(30)

    assert _prune(ledger) == 0


def test_much_is_removed_in_pieces(ledger: Ledger) -> None:
    rows = tuple(Run("a/b", "hemel", OLD + number, 0.1, State.OK) for number in range(PIECE * 2 + 1))
    ledger.writer.submit(Batch(runs=rows)).result(30)

    pieces = [ledger.writer.call(lambda connection: prune(connection, Retention(), NOW)) for _ in range(4)]

    assert pieces == [PIECE, PIECE, 1, 0]


def test_pruning_comes_hourly_and_goes_on_until_nothing_is_left(ledger: Ledger) -> None:
    rows = tuple(Run("a/b", "hemel", OLD + number, 0.1, State.OK) for number in range(PIECE + 1))
    ledger.writer.submit(Batch(runs=rows)).result(30)
    pruning = Pruning(ledger.writer, Retention())

    pruning.tick(NOW)
    pruning.tick(NOW + 3_599)
    too_soon = ledger.reader.counts()["runs"]

    def ticked() -> bool:
        pruning.tick(NOW + 3_600)
        return ledger.reader.counts()["runs"] == 0

    wait_until(ticked, "all pieces are removed")
    assert too_soon == PIECE + 1


def test_incidents_cannot_be_kept_too_short_for_the_yearly_report() -> None:
    with pytest.raises(ValueError, match="at least 400 days"):
        Retention(incidents=30 * DAY)
