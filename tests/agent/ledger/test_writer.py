"""One thread writes everything: whole batches, in order, numbered without a gap."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace

import pytest
from sqlalchemy import Connection, func, insert, select
from sqlalchemy.exc import IntegrityError

from agent.ledger import tables
from agent.ledger.apply import append_events
from agent.ledger.batch import Audit, Batch, CredentialRefusals, Peak
from agent.ledger.errors import LedgerClosed, LedgerRefused
from agent.ledger.ledger import Ledger
from agent.ledger.load import LOOK_BACK
from agent.records import Cause, EventKind, IncidentChange, IncidentState
from checks.contract import Memory, State
from config.estate import Selector
from testbeds import kept

OTHER = Cause("aylesbury-vale", "gateway-router", "snmp/memory")


def test_an_opening_is_kept_with_its_event_its_wish_and_its_link(ledger: Ledger) -> None:
    numbers = ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)

    file = ledger.reader.incident("RWY-1")
    assert file is not None
    assert numbers == (1,)
    assert [(one.sequence, one.council, one.event) for one in file.timeline] == [(1, "dacorum", kept.event())]
    assert [(link.desk, link.phase) for link in file.tickets] == [("ict", "wanted")]
    assert ledger.reader.counts()["outbox"] == 1


def test_event_numbers_have_no_gap_and_follow_the_order_of_submission(ledger: Ledger) -> None:
    ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)

    futures = [ledger.writer.submit(kept.changed()) for _ in range(50)]

    assert [future.result(30) for future in futures] == [(number,) for number in range(2, 52)]


def test_threads_that_submit_at_once_get_every_number_once(ledger: Ledger) -> None:
    ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)

    with ThreadPoolExecutor(8) as pool:
        futures = list(pool.map(lambda _: ledger.writer.submit(kept.changed()), range(200)))

    numbers = sorted(number for future in futures for number in future.result(30))
    assert numbers == list(range(2, 202))
    assert [one.sequence for one in ledger.reader.events(0, 1_000)] == list(range(1, 202))


def test_what_waits_while_a_transaction_runs_is_committed_as_one_group(ledger: Ledger) -> None:
    ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)
    before = _commits(ledger)
    running, go_on = threading.Event(), threading.Event()
    held = ledger.writer.submit_call(lambda _connection: (running.set(), go_on.wait(30)))
    assert running.wait(30)

    futures = [ledger.writer.submit(kept.changed()) for _ in range(100)]
    go_on.set()
    wait([held, *futures], 30)

    assert _commits(ledger) == before + 1


def test_a_second_live_incident_of_a_cause_is_refused_and_takes_no_other_batch_along(ledger: Ledger) -> None:
    ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)
    held = _hold(ledger)

    before = ledger.writer.submit(kept.changed())
    poison = ledger.writer.submit(Batch(incident_changes=(kept.opening("RWY-2"),)))
    after = ledger.writer.submit(Batch(incident_changes=(kept.opening("RWY-3", OTHER),)))
    held.set()

    assert before.result(30) == (2,)
    assert isinstance(poison.exception(30), LedgerRefused)
    assert after.result(30) == (3,)
    assert ledger.health.refused == 1
    assert ledger.health.ok
    assert ledger.reader.incident("RWY-2") is None
    assert ledger.reader.counts()["outbox"] == 2


def test_a_refused_batch_leaves_nothing_of_itself(ledger: Ledger) -> None:
    strange = replace(kept.opening(), events=(kept.event(), kept.event("RWY-unknown")))

    refused = ledger.writer.submit(Batch(incident_changes=(strange,), alerts=(kept.alert(),)))

    assert isinstance(refused.exception(30), LedgerRefused)
    counts = ledger.reader.counts()
    assert (counts["incidents"], counts["events"], counts["alerts"], counts["outbox"]) == (0, 0, 0, 0)
    assert ledger.reader.feed_position().newest == 0


def test_a_cause_passes_from_one_incident_to_the_next_within_one_group(ledger: Ledger) -> None:
    ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)
    ended = IncidentChange(kept.incident(state=IncidentState.CLOSED), (kept.event(kind=EventKind.CLOSED),))
    later = kept.opening("RWY-2")

    ledger.writer.submit(Batch(incident_changes=(later, ended))).result(30)

    assert set(ledger.load(kept.NOW).incidents) == {"RWY-2"}


def test_repeating_a_batch_changes_no_state_and_makes_no_second_wish(ledger: Ledger) -> None:
    batch = Batch(
        incident_changes=(replace(kept.opening(), children_added=(OTHER,)),),
        alerts=(kept.alert(),),
        checks=(kept.check_record(),),
        peaks=(Peak("2026-09-21", "f", "t", "[]", 1.0, 2.0),),
    )
    ledger.writer.submit(batch).result(30)
    before = {name: rows for name, rows in ledger.reader.counts().items() if name != "events"}

    ledger.writer.submit(batch).result(30)

    assert {name: rows for name, rows in ledger.reader.counts().items() if name != "events"} == before


def test_the_alert_is_kept_as_it_was_when_it_was_submitted(ledger: Ledger) -> None:
    alert = kept.alert(contributions={"hemel-router/snmp": State.WARNING})
    held = _hold(ledger)
    future = ledger.writer.submit(Batch(alerts=(alert,)))

    alert.summary = "changed by the judge meanwhile"
    alert.contributions.clear()
    held.set()
    future.result(30)

    found = ledger.load(kept.NOW).alerts[kept.CAUSE]
    assert found.summary == ""
    assert found.contributions == {"hemel-router/snmp": State.WARNING}


def test_a_forgotten_alert_is_deleted_unless_it_came_back_in_the_same_group(ledger: Ledger) -> None:
    ledger.writer.submit(Batch(alerts=(kept.alert(), kept.alert(OTHER)))).result(30)
    held = _hold(ledger)

    ledger.writer.submit(Batch(alerts_gone=(kept.CAUSE, OTHER)))
    last = ledger.writer.submit(Batch(alerts=(kept.alert(OTHER),)))
    held.set()
    last.result(30)

    assert set(ledger.load(kept.NOW).alerts) == {OTHER}


def test_children_come_and_go_with_the_incident_that_hides_them(ledger: Ledger) -> None:
    hidden = [Cause("dacorum", f"switch-{n}", "target/unreachable") for n in range(3)]
    ledger.writer.submit(Batch(incident_changes=(replace(kept.opening(), children_added=tuple(hidden)),))).result(30)
    later = kept.incident(changed_at=kept.NOW + 60)

    ledger.writer.submit(
        Batch(
            incident_changes=(
                IncidentChange(later, children_removed=(hidden[0],)),
                IncidentChange(later, children_added=(hidden[0],), children_removed=(hidden[1],)),
            )
        )
    ).result(30)

    assert ledger.load(kept.NOW).children == {"RWY-1": frozenset({hidden[0], hidden[2]})}
    file = ledger.reader.incident("RWY-1")
    assert file is not None
    assert [child.until for child in file.children] == [None, kept.NOW + 60, None]


def test_a_record_without_a_note_keeps_the_note_that_is_there(ledger: Ledger) -> None:
    memory = kept.check_record(memory=Memory(3, "seen"))
    ledger.writer.submit(Batch(checks=(memory,))).result(30)

    ledger.writer.submit(Batch(checks=(kept.check_record(started=kept.NOW + 60, last_success=None),))).result(30)

    found = ledger.load(kept.NOW).checks["hemel-router/snmp", "hemel"]
    assert found.memory == Memory(3, "seen")
    assert found.last_success == kept.NOW
    assert found.started == kept.NOW + 60


def test_a_peak_only_ever_widens_within_its_day(ledger: Ledger) -> None:
    for low, high in ((5.0, 6.0), (2.0, 3.0), (4.0, 9.0)):
        ledger.writer.submit(Batch(peaks=(Peak("2026-09-21", "f", "t", "[]", low, high),))).result(30)

    assert ledger.reader.peaks("2026-09-21", "2026-09-21") == (Peak("2026-09-21", "f", "t", "[]", 2.0, 9.0),)


def test_refused_credentials_are_kept_until_they_work_again(ledger: Ledger) -> None:
    def keep(credential: str, **targets: float) -> None:
        ledger.writer.submit(Batch(refusals=(CredentialRefusals(credential, targets),))).result(30)

    keep("reader", nas=kept.NOW)
    keep("other", nas=kept.NOW)
    keep("reader", nas=kept.NOW, switch=kept.NOW + 60)
    keep("other")

    assert ledger.load(kept.NOW).refusals == {"reader": {"nas": kept.NOW, "switch": kept.NOW + 60}}


def test_what_a_person_did_is_kept_with_the_window_they_made(ledger: Ledger) -> None:
    window = kept.window("MNT-1", Selector(sites=("hemel",)))

    ledger.writer.submit(
        Batch(maintenance=(window,), audit=(Audit(kept.NOW, "jo", "maintenance add", "MNT-1", {"site": "hemel"}),))
    ).result(30)

    assert ledger.load(kept.NOW).maintenance == (window,)
    assert ledger.load(window.end + LOOK_BACK - 1).maintenance == (window,)
    assert ledger.load(window.end + LOOK_BACK + 1).maintenance == ()
    assert ledger.reader.counts()["audit"] == 1


def test_a_call_returns_what_its_work_returned_once_committed(ledger: Ledger) -> None:
    ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)

    numbers = ledger.writer.call(lambda connection: append_events(connection, [kept.event(kind=EventKind.TICKET)]))

    assert numbers == (2,)
    assert [one.event.kind for one in ledger.reader.events(1, 10)] == [EventKind.TICKET]


def test_a_call_that_raises_rolls_back_and_hands_its_exception_over(ledger: Ledger) -> None:
    def work(connection: Connection) -> None:
        _add_audit(connection)
        raise RuntimeError("the work's own")

    with pytest.raises(RuntimeError, match="the work's own"):
        ledger.writer.call(work)

    assert ledger.reader.counts()["audit"] == 0
    assert ledger.health.ok


def test_a_call_that_breaks_a_promise_of_the_schema_is_told_so(ledger: Ledger) -> None:
    nowhere = {"run": "x", "vantage": None, "start": 0, "end": 0}

    with pytest.raises(IntegrityError):
        ledger.writer.call(lambda connection: connection.execute(insert(tables.agent_spans), nowhere))

    assert ledger.health.ok


def test_a_call_sees_everything_that_was_submitted_before_it(ledger: Ledger) -> None:
    for number in range(20):
        cause = replace(kept.CAUSE, subject=f"router-{number}")
        ledger.writer.submit(Batch(incident_changes=(kept.opening(f"RWY-{number}", cause),)))

    seen = ledger.writer.call(
        lambda connection: connection.execute(select(func.count()).select_from(tables.incidents)).scalar_one()
    )

    assert seen == 20


def test_a_time_out_that_the_work_raised_is_not_taken_for_ours(ledger: Ledger) -> None:
    def work(_connection: Connection) -> None:
        raise TimeoutError("the desk's")

    with pytest.raises(TimeoutError, match="the desk's"):
        ledger.writer.call(work)


async def test_coroutines_write_and_ask_without_holding_the_loop(ledger: Ledger) -> None:
    numbers = await ledger.writer.write(Batch(incident_changes=(kept.opening(),)))

    answers = await asyncio.gather(*(ledger.writer.ask(_add_audit) for _ in range(5)))

    assert numbers == (1,)
    assert len(answers) == 5
    assert ledger.reader.counts()["audit"] == 5


def test_closing_writes_what_waits(open_ledger: Callable[..., Ledger]) -> None:
    first = open_ledger()
    first.writer.submit(Batch(incident_changes=(kept.opening(),)))
    futures = [first.writer.submit(kept.changed()) for _ in range(500)]

    left = first.close(timeout=30)

    assert left == 0
    assert all(future.done() for future in futures)
    assert open_ledger().reader.feed_position().newest == 501


def test_a_closed_ledger_says_so(open_ledger: Callable[..., Ledger]) -> None:
    ledger = open_ledger()
    ledger.close()

    assert isinstance(ledger.writer.submit(kept.changed()).exception(5), LedgerClosed)
    with pytest.raises(LedgerClosed):
        ledger.writer.call(_add_audit)


def test_who_gave_up_waiting_breaks_nothing(ledger: Ledger) -> None:
    held = _hold(ledger)
    abandoned: Future[object] = ledger.writer.submit(Batch(incident_changes=(kept.opening(),)))  # type: ignore[assignment]

    assert abandoned.cancel()
    held.set()

    assert ledger.writer.submit(kept.changed()).result(30) == (2,)


def _hold(ledger: Ledger) -> threading.Event:
    """Keep the writer busy until the event is set, so that what is submitted meanwhile becomes one group."""
    running, go_on = threading.Event(), threading.Event()
    ledger.writer.submit_call(lambda _connection: (running.set(), go_on.wait(30)))
    assert running.wait(30)
    return go_on


def _commits(ledger: Ledger) -> int:
    count: int = ledger.reader.read(lambda c: c.execute(select(tables.ledger_info.c.commits)).scalar_one())
    return count


def _add_audit(connection: Connection) -> None:
    row = {"at": 1.0, "actor": "jo", "action": "test", "subject": "x", "detail": {}}
    connection.execute(insert(tables.audit), row)
