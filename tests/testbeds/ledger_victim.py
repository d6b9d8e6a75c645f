"""A process that writes openings and ends of incidents as fast as it can, until it is killed."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from itertools import count
from multiprocessing.connection import Connection

from agent.ledger.batch import Batch
from agent.ledger.ledger import Ledger
from agent.records import Cause, EventKind, IncidentChange, IncidentState
from testbeds import kept


def write(pipe: Connection, location: str) -> None:
    """For `testbeds.forked`. Tells the number of each incident once its opening is on disk."""
    ledger = Ledger.open(location, clock=lambda: kept.NOW, vantage="hemel")
    first = ledger.reader.counts()["incidents"]
    waiting: list[tuple[int, Future[tuple[int, ...]]]] = []
    for number in count(first):
        waiting.append((number, ledger.writer.submit(_opening(number))))
        ledger.writer.submit(Batch(checks=(kept.check_record(started=kept.NOW + number),)))
        if number % 3 == 0:
            ledger.writer.submit(_ending(number))
        if len(waiting) >= 20:
            for done, future in waiting:
                future.result(30)
                pipe.send(done)
            waiting.clear()


def _opening(number: int) -> Batch:
    cause = Cause("dacorum", f"router-{number}", "target/unreachable")
    opening = kept.opening(f"RWY-{number}", cause)
    hidden = Cause("dacorum", f"switch-{number}", "target/unreachable")
    twice = (*opening.events, kept.event(f"RWY-{number}", EventKind.HIDES))
    return Batch(
        alerts=(kept.alert(cause),), incident_changes=(replace(opening, events=twice, children_added=(hidden,)),)
    )


def _ending(number: int) -> Batch:
    cause = Cause("dacorum", f"router-{number}", "target/unreachable")
    ended = kept.incident(f"RWY-{number}", cause, state=IncidentState.CLOSED)
    event = kept.event(f"RWY-{number}", EventKind.CLOSED)
    return Batch(alerts_gone=(cause,), incident_changes=(IncidentChange(ended, (event,)),))
