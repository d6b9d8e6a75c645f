"""The outbox: wishes to service desks, and the lease under which one worker at a time fulfils those of one incident.

Every function takes an open connection inside a transaction and is one small statement of the protocol in
`exporters.desks.protocol`. A claim is an UPDATE that repeats what it believes and must hit exactly one row; when it
does not, somebody else was faster, and that is fine. Clocks are parameters: `now` is the clock of leases and waiting
times, which must not jump while a process lives; `at` is the time of day that people read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from agent.ledger.tables import outbox, ticket_links
from agent.records import DeskWish, Priority, WishKind

LONGEST_WAIT = 3_600.0
"""No lease and no waiting time is longer, seconds; a later one was written by a clock that has been set back since."""

PHASES = ("wanted", "attempted", "linked", "done", "blocked", "lost", "shadow")
"""Where a link to a ticket can stand."""

_CLAIMS = 20  # how often `lease` looks again after somebody else was faster
_LONGEST_ERROR = 500
_NEEDED = ("wanted", "attempted", "linked", "blocked")
"""Phases of a link that is not done with, and that the desk can still do something about."""


@dataclass(frozen=True, slots=True)
class StoredWish:
    """A wish and its row number in the outbox; row numbers are the order in which wishes were made."""

    id: int
    wish: DeskWish


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of `owner` to speak to `desk` about `incident` until `until`, and what is waiting to be said."""

    incident: str
    desk: str
    owner: str
    until: float
    phase: str
    ticket: str | None
    attempts: int
    failures: int
    wishes: tuple[StoredWish, ...]
    """Waiting ones, the wish for a ticket first, then in the order they were made."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What one desk has before it."""

    waiting: int = 0
    oldest_at: float | None = None
    """When the oldest waiting wish was made."""
    blocked: int = 0
    uncertain: int = 0
    """Incidents whose create was sent without an answer that could be believed."""
    lost: int = 0
    created: int = 0
    """Creates tried since the moment asked about."""


def insert_wishes(connection: Connection, wishes: Iterable[DeskWish]) -> int:
    """Write wishes down, in the transaction of the incident's change; returns how many now wait for a desk.

    A wish that is already there is left as it is: made twice, it is still one. A shadow wish is recorded as what would
    have been sent, and nothing waits. A wish about a ticket that was deleted in the desk waits for a person.
    """
    waiting = 0
    for wish in wishes:
        shadow = wish.mode == "shadow"
        _insert_once(
            connection,
            ticket_links,
            incident=wish.incident,
            desk=wish.desk,
            queue=wish.queue,
            digest=wish.digest,
            phase="shadow" if shadow else "wanted",
        )
        lost = not shadow and _phase(connection, wish.incident, wish.desk) == "lost"
        inserted = _insert_once(
            connection,
            outbox,
            incident=wish.incident,
            desk=wish.desk,
            kind=wish.kind.value,
            number=wish.number,
            at=wish.at,
            priority=wish.priority.value,
            mode=wish.mode,
            phase="shadow" if shadow else "blocked" if lost else "waiting",
            done_at=wish.at if shadow else None,
            body={
                "text": wish.text,
                "queue": wish.queue,
                "title": wish.title,
                "council": wish.council,
                "subject": wish.subject,
                "digest": wish.digest,
            },
        )
        waiting += inserted and not shadow and not lost
    return waiting


def lease(
    connection: Connection, desk: str, owner: str, now: float, seconds: float, *, may_create: bool = True
) -> Lease | None:
    """Claim the most urgent incident of this desk that waits for somebody; None when none does.

    Without `may_create`, incidents that would need a new ticket are passed over; those whose ticket exists or may
    exist are not, so a cap on new tickets never keeps an old one from closing.
    """
    wanted = ("linked", "done", "attempted") if not may_create else ("linked", "done", "attempted", "wanted")
    candidate = (
        select(ticket_links.c.incident)
        .join(outbox, and_(outbox.c.incident == ticket_links.c.incident, outbox.c.desk == ticket_links.c.desk))
        .where(ticket_links.c.desk == desk, outbox.c.phase == "waiting", ticket_links.c.phase.in_(wanted), _free(now))
        .order_by(outbox.c.priority, outbox.c.id)
        .limit(1)
    )
    for _ in range(_CLAIMS):
        incident = connection.execute(candidate).scalar_one_or_none()
        if incident is None:
            return None
        claimed = connection.execute(
            update(ticket_links)
            .where(ticket_links.c.incident == incident, ticket_links.c.desk == desk, _free(now))
            .values(lease_owner=owner, lease_until=now + seconds)
        )
        if claimed.rowcount == 1:
            return _leased(connection, incident, desk, owner, now + seconds)
    return None


def free_leases(connection: Connection) -> int:
    """End every lease; for an agent that starts and holds the ledger alone: whoever had them is gone.

    Marks of attempts stay, so a create that a dead worker sent is still waited for. Returns how many there were.
    """
    held = update(ticket_links).where(ticket_links.c.lease_owner.is_not(None))
    return connection.execute(held.values(lease_owner=None, lease_until=None)).rowcount


def renew(connection: Connection, held: Lease, now: float, seconds: float) -> bool:
    """Hold the lease longer; false when it ran out or somebody else has it."""
    return _claim(connection, held, now, lease_until=now + seconds)


def mark_attempt(connection: Connection, held: Lease, now: float, not_before: float, at: float) -> bool:
    """Write down that a create is about to be sent; false when the lease is no longer ours.

    Until `not_before` nobody looks for its ticket, because the desk may still be making it.
    """
    return _claim(
        connection,
        held,
        now,
        ticket_links.c.ticket.is_(None),
        phase="attempted",
        attempts=ticket_links.c.attempts + 1,
        attempted_at=at,
        not_before=not_before,
    )


def unmark_attempt(connection: Connection, held: Lease) -> bool:
    """Take the mark back: the create is known not to have been done."""
    return _touch(connection, held, ticket_links.c.ticket.is_(None), phase="wanted", attempted_at=None, not_before=0.0)


def link(connection: Connection, held: Lease, wish: StoredWish, ticket: str, at: float) -> bool:
    """Write the ticket's number down and end the wish for it; false when somebody else has done so.

    Raises sqlalchemy.exc.IntegrityError when another incident holds this ticket.
    """
    linked = _touch(
        connection,
        held,
        ticket_links.c.ticket.is_(None),
        _waits(wish),
        ticket=ticket,
        phase="linked",
        linked_at=at,
        not_before=0.0,
        failures=0,
        last_error=None,
    )
    return linked and _end(connection, wish, "done", at)


def done(connection: Connection, held: Lease, wish: StoredWish, at: float) -> bool:
    """End one wish as fulfilled; false when the lease is no longer ours or the wish has ended before."""
    phase = {WishKind.RESOLVE: "done", WishKind.REOPEN: "linked"}.get(wish.wish.kind)
    values: dict[str, Any] = {"failures": 0, "last_error": None} | ({"phase": phase} if phase else {})
    return _touch(connection, held, _waits(wish), **values) and _end(connection, wish, "done", at)


def block(connection: Connection, held: Lease, wish: StoredWish, reason: str) -> bool:
    """Put one wish aside until a person has mended its cause; without a ticket the whole incident waits for that."""
    values: dict[str, Any] = {"last_error": reason[:_LONGEST_ERROR], "failures": ticket_links.c.failures + 1}
    if wish.wish.kind is WishKind.ENSURE:
        values |= {"phase": "blocked", "not_before": 0.0, "attempted_at": None}
    return _touch(connection, held, _waits(wish), **values) and _end(connection, wish, "blocked", None)


def unblock(connection: Connection, desk: str) -> int:
    """Let blocked wishes of a desk be tried again, a person may have mended it; returns how many. Lost stays lost."""
    lost = select(ticket_links.c.incident).where(ticket_links.c.desk == desk, ticket_links.c.phase == "lost")
    freed = connection.execute(
        update(outbox)
        .where(outbox.c.desk == desk, outbox.c.phase == "blocked", outbox.c.incident.not_in(lost))
        .values(phase="waiting")
    )
    connection.execute(
        update(ticket_links)
        .where(ticket_links.c.desk == desk, ticket_links.c.phase == "blocked")
        .values(phase=case((ticket_links.c.ticket.is_(None), "wanted"), else_="linked"))
    )
    return freed.rowcount


def lose(connection: Connection, held: Lease, reason: str) -> bool:
    """The ticket was deleted in the desk: a person is asked, what still waits is blocked, nothing is made anew."""
    if not _touch(connection, held, phase="lost", last_error=reason[:_LONGEST_ERROR]):
        return False
    connection.execute(
        update(outbox)
        .where(outbox.c.incident == held.incident, outbox.c.desk == held.desk, outbox.c.phase == "waiting")
        .values(phase="blocked")
    )
    return True


def release(connection: Connection, held: Lease, not_before: float | None = None, error: str | None = None) -> bool:
    """Give the lease back. `not_before` None leaves the waiting time written down; an error counts as a failure."""
    values: dict[str, Any] = {"lease_owner": None, "lease_until": None}
    if not_before is not None:
        values["not_before"] = not_before
    if error is not None:
        values |= {"last_error": error[:_LONGEST_ERROR], "failures": ticket_links.c.failures + 1}
    return _touch(connection, held, **values)


def next_due(connection: Connection, desk: str, now: float, *, may_create: bool = True) -> float | None:
    """When the next waiting incident of this desk may be leased, on the clock of `now`; None when nothing waits."""
    wanted = ("linked", "done", "attempted") if not may_create else ("linked", "done", "attempted", "wanted")
    waits = select(outbox.c.id).where(
        outbox.c.incident == ticket_links.c.incident, outbox.c.desk == desk, outbox.c.phase == "waiting"
    )
    rows = connection.execute(
        select(ticket_links.c.not_before, func.coalesce(ticket_links.c.lease_until, 0.0)).where(
            ticket_links.c.desk == desk, ticket_links.c.phase.in_(wanted), waits.exists()
        )
    )
    dues = (max(time if time <= now + LONGEST_WAIT else now for time in row) for row in rows)
    return min(dues, default=None)


def backlog(connection: Connection, desk: str, since: float) -> Backlog:
    """What waits for this desk, and how many creates were tried for it since `since` (time of day)."""
    wishes = {
        row.phase: row
        for row in connection.execute(
            select(outbox.c.phase, func.count().label("number"), func.min(outbox.c.at).label("oldest"))
            .where(outbox.c.desk == desk, outbox.c.phase.in_(("waiting", "blocked")))
            .group_by(outbox.c.phase)
        )
    }
    links = connection.execute(
        select(
            func.coalesce(func.sum(case((ticket_links.c.phase == "attempted", 1), else_=0)), 0),
            func.coalesce(func.sum(case((ticket_links.c.phase == "lost", 1), else_=0)), 0),
            func.coalesce(func.sum(case((ticket_links.c.attempted_at > since, 1), else_=0)), 0),
        ).where(ticket_links.c.desk == desk)
    ).one()
    waiting, blocked = wishes.get("waiting"), wishes.get("blocked")
    return Backlog(
        waiting=waiting.number if waiting else 0,
        oldest_at=waiting.oldest if waiting else None,
        blocked=blocked.number if blocked else 0,
        uncertain=links[0],
        lost=links[1],
        created=links[2],
    )


def tickets_of(connection: Connection, desk: str, keys: Sequence[str]) -> Mapping[str, str | None]:
    """Of these incidents, those the ledger knows at this desk, with their ticket's number if there is one."""
    rows = connection.execute(
        select(ticket_links.c.incident, ticket_links.c.ticket).where(
            ticket_links.c.desk == desk, ticket_links.c.incident.in_(keys)
        )
    )
    return {row.incident: row.ticket for row in rows}


def holders_of(connection: Connection, desk: str, tickets: Sequence[str]) -> Mapping[str, str]:
    """Which incident holds each of these tickets; a ticket nobody holds is missing."""
    rows = connection.execute(
        select(ticket_links.c.ticket, ticket_links.c.incident).where(
            ticket_links.c.desk == desk, ticket_links.c.ticket.in_(tickets)
        )
    )
    return {row.ticket: row.incident for row in rows}


def open_tickets(connection: Connection) -> Sequence[tuple[str, str, str | None]]:
    """Incident, desk and ticket (None before it is made) of every link that still needs its desk."""
    links = select(ticket_links.c.incident, ticket_links.c.desk, ticket_links.c.ticket)
    asked = select(outbox.c.id).where(
        outbox.c.incident == ticket_links.c.incident,
        outbox.c.desk == ticket_links.c.desk,
        outbox.c.phase.in_(("waiting", "blocked")),
    )
    needed = or_(ticket_links.c.phase.in_(_NEEDED), and_(ticket_links.c.phase == "done", asked.exists()))
    rows = connection.execute(links.where(needed).order_by(ticket_links.c.incident, ticket_links.c.desk))
    return [(row.incident, row.desk, row.ticket) for row in rows]


def open_links(connection: Connection) -> Mapping[str, int]:
    """Per desk, how many incidents still need it: those that wait for it and those whose ticket is not yet closed."""
    rows = connection.execute(
        select(ticket_links.c.desk, func.count()).where(ticket_links.c.phase.in_(_NEEDED)).group_by(ticket_links.c.desk)
    )
    return {row[0]: row[1] for row in rows}


def _free(now: float) -> ColumnElement[bool]:
    """Nobody holds the lease and its waiting time is over; times beyond reason come from a clock set back since."""
    until, not_before = ticket_links.c.lease_until, ticket_links.c.not_before
    return and_(
        or_(until.is_(None), until <= now, until > now + LONGEST_WAIT),
        or_(not_before <= now, not_before > now + LONGEST_WAIT),
    )


def _claim(connection: Connection, held: Lease, now: float, *conditions: ColumnElement[bool], **values: object) -> bool:
    return _touch(connection, held, ticket_links.c.lease_until > now, *conditions, **values)


def _touch(connection: Connection, held: Lease, *conditions: ColumnElement[bool], **values: object) -> bool:
    """Change the link's row if the lease's owner is still the one who believes so."""
    changed = connection.execute(
        update(ticket_links)
        .where(
            ticket_links.c.incident == held.incident,
            ticket_links.c.desk == held.desk,
            ticket_links.c.lease_owner == held.owner,
            *conditions,
        )
        .values(**values)
    )
    return changed.rowcount == 1


def _waits(wish: StoredWish) -> ColumnElement[bool]:
    """Asked together with the lease, so that link and wish change both or neither."""
    return select(outbox.c.id).where(outbox.c.id == wish.id, outbox.c.phase == "waiting").exists()


def _end(connection: Connection, wish: StoredWish, phase: str, at: float | None) -> bool:
    ended = connection.execute(
        update(outbox).where(outbox.c.id == wish.id, outbox.c.phase == "waiting").values(phase=phase, done_at=at)
    )
    return ended.rowcount == 1


def _leased(connection: Connection, incident: str, desk: str, owner: str, until: float) -> Lease:
    row = connection.execute(
        select(ticket_links).where(ticket_links.c.incident == incident, ticket_links.c.desk == desk)
    ).one()
    rows = connection.execute(
        select(outbox)
        .where(outbox.c.incident == incident, outbox.c.desk == desk, outbox.c.phase == "waiting")
        .order_by(case((outbox.c.kind == WishKind.ENSURE.value, 0), else_=1), outbox.c.id)
    )
    wishes = tuple(StoredWish(found.id, _wish(found)) for found in rows)
    return Lease(incident, desk, owner, until, row.phase, row.ticket, row.attempts, row.failures, wishes)


def _wish(row: Row[Any]) -> DeskWish:
    return DeskWish(
        incident=row.incident,
        desk=row.desk,
        kind=WishKind(row.kind),
        number=row.number,
        at=row.at,
        priority=Priority(row.priority),
        mode=row.mode,
        **row.body,
    )


def _phase(connection: Connection, incident: str, desk: str) -> str:
    phase: str = connection.execute(
        select(ticket_links.c.phase).where(ticket_links.c.incident == incident, ticket_links.c.desk == desk)
    ).scalar_one()
    return phase


def _insert_once(connection: Connection, table: Any, **values: object) -> bool:
    """Insert unless a unique index knows the row; true when it was new."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insertion = dialect.insert(table).values(**values).on_conflict_do_nothing().returning(table.c.incident)
    return connection.execute(insertion).first() is not None
