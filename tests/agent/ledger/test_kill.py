"""Killed at any moment, the ledger holds whole batches only, and every one that was reported to be on disk."""

from __future__ import annotations

import random
from contextlib import closing

import pytest
from sqlalchemy import Connection, func, select

from agent.ledger import tables
from agent.ledger.ledger import Ledger
from testbeds import kept, ledger_victim
from testbeds.forked import forked, heard

KILLS = 30


@pytest.mark.acceptance
@pytest.mark.timeout(300)
def test_a_writer_killed_at_random_moments_leaves_only_whole_batches(location: str) -> None:
    chance = random.Random(location)
    reported: set[str] = set()
    grew = 0
    before = 0

    for _ in range(KILLS):
        reported |= _write_and_kill(location, lines=chance.randrange(1, 120), pause=chance.random() * 0.02)
        with closing(Ledger.open(location, clock=lambda: kept.NOW, vantage="hemel")) as ledger:
            found = ledger.reader.read(_incidents)
            problems = ledger.reader.read(_problems)
        assert problems == []
        assert reported <= found
        grew += len(found) > before
        before = len(found)

    assert grew == KILLS, "each kill came in the middle of writing"


def _write_and_kill(location: str, lines: int, pause: float) -> set[str]:
    """Start the victim, let it report so many incidents, kill it a moment later; returns what it reported."""
    victim, hearing = forked(ledger_victim.write, location)
    reported = {hearing.recv() for _ in range(lines)}
    victim.join(pause)
    victim.kill()
    reported |= set(heard(hearing))
    victim.join(30)
    assert victim.exitcode == -9
    return {f"RWY-{number}" for number in reported}


def _incidents(connection: Connection) -> set[str]:
    return set(connection.execute(select(tables.incidents.c.id)).scalars())


def _problems(connection: Connection) -> list[str]:
    t = tables
    problems: list[str] = []

    def none(what: str, rows: object) -> None:
        if rows:
            problems.append(f"{what}: {rows}")

    incidents = _incidents(connection)
    numbers = list(connection.execute(select(t.events.c.sequence).order_by(t.events.c.sequence)).scalars())
    counter = connection.execute(select(t.ledger_info.c.sequence)).scalar_one()
    if numbers != list(range(1, counter + 1)):
        problems.append(f"numbers with a gap: {len(numbers)} events, counter {counter}")
    for table in (t.events, t.outbox, t.ticket_links, t.children):
        if set(connection.execute(select(table.c.incident)).scalars()) != incidents:
            problems.append(f"{table.name} does not match the incidents")
    kinds = select(t.events.c.incident, func.count()).where(t.events.c.kind.in_(["opened", "hides"]))
    counted = connection.execute(kinds.group_by(t.events.c.incident))
    none("half a timeline", [row for row in counted if row[1] != 2])
    closed = set(connection.execute(select(t.events.c.incident).where(t.events.c.kind == "closed")).scalars())
    ended = set(connection.execute(select(t.incidents.c.id).where(t.incidents.c.state == "closed")).scalars())
    none("closed without its event, or the other way", closed ^ ended)
    alerted = set(connection.execute(select(t.alerts.c.subject)).scalars())
    live = connection.execute(select(t.incidents.c.subject).where(t.incidents.c.state == "open")).scalars()
    none("alerts that are not of live incidents", alerted ^ set(live))
    return problems
