"""The lost day: between the moment a restored ledger was copied and the moment it was put back.

Tickets were opened then that the ledger does not know. While their cause is bad a new incident adopts them; when it is
over nobody would ever close them, unless somebody asks here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select
from ulid import ULID

from agent.ledger.batch import Audit
from agent.ledger.codec import audit_row
from agent.ledger.tables import agent_spans, audit, checks, epochs, incidents, spans
from agent.records import LIVE, Cause
from checks.contract import REACH, State

_PREFIX = "RWY-"
_SLACK = 60.0
"""A life is moved on every 15 seconds, so the copy may be that much younger than it says."""


@dataclass(frozen=True, slots=True)
class LostDay:
    """What is not known, Unix seconds."""

    since: float
    until: float

    def holds(self, key: str) -> bool:
        """Whether the incident of this id began then; the id tells its moment."""
        try:
            moment = ULID.from_str(key.removeprefix(_PREFIX)).timestamp
        except ValueError:
            return False
        return key.startswith(_PREFIX) and self.since - _SLACK <= moment <= self.until


def lost_day(connection: Connection) -> LostDay | None:
    """That of the last restore; None for a ledger that was never restored."""
    until = connection.execute(select(func.max(epochs.c.ended_at))).scalar()
    if until is None:
        return None
    before = select(func.max(agent_spans.c.end)).where(agent_spans.c.start < until, agent_spans.c.end <= until)
    since = connection.execute(before).scalar()
    return None if since is None else LostDay(since, until)


def over(connection: Connection, digests: Collection[str]) -> frozenset[str]:
    """Which of these causes a run that still lives, or lived last, saw in order, and no live incident has."""
    if not digests:
        return frozenset()
    run = select(agent_spans.c.run).order_by(agent_spans.c.start.desc()).limit(1).scalar_subquery()
    began = connection.execute(select(func.max(agent_spans.c.start))).scalar_one()
    held = connection.execute(
        select(spans.c.council, spans.c.subject, spans.c.condition, spans.c.state).where(spans.c.run == run)
    ).all()
    fine = {Cause(row.council, row.subject, row.condition) for row in held if row.state == State.OK.value}
    bad = {Cause(row.council, row.subject, row.condition) for row in held if row.state != State.OK.value}
    councils = {row.subject: row.council for row in held}
    reached = select(checks.c.target).where(checks.c.reached.is_(True), checks.c.started >= began).distinct()
    for target in connection.execute(reached).scalars():
        if target in councils:
            fine.add(Cause(councils[target], target, REACH))
    states = sorted(state.value for state in LIVE)
    live = select(incidents.c.council, incidents.c.subject, incidents.c.condition).where(incidents.c.state.in_(states))
    bad |= {Cause(*row) for row in connection.execute(live)}
    return frozenset(digests) & {cause.digest for cause in fine - bad}


def write_down(connection: Connection, at: float, desk: str, ticket: str, key: str) -> None:
    """A ticket without an incident has no timeline; the audit keeps that it was closed."""
    entry = Audit(at, f"desk:{desk}", "close ticket of a lost incident", ticket, {"incident": key})
    connection.execute(audit.insert(), audit_row(entry))
