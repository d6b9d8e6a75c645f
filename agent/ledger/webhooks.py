"""How far each webhook has been told, and which events it could not be told: everything that is written of it.

All of it runs inside a transaction that the caller began. A subscription that is not kept (any more) is left alone: a
worker that ends late must not bring back what was dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, select, update

from agent.ledger import codec, tables
from agent.ledger.batch import Audit

_AGENT = "agent"
_LONGEST_ERROR = 300


class WebhookState(StrEnum):
    """`off`: the receiver said that it is gone (410), and nothing is sent until a person or another URL says so."""

    ACTIVE = "active"
    FAILING = "failing"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subscription stands. Times are Unix seconds."""

    sequence: int
    """Up to this event it was told, or the event is a dead letter, or does not concern it."""
    state: WebhookState
    attempts: int
    """Of the event that is next."""
    in_a_row: int
    """Dead letters since it last took an event."""
    not_before: float
    failing_since: float | None
    delivered_at: float | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    subscription: str
    sequence: int
    at: float
    attempts: int
    error: str
    wanted: bool
    """Somebody wants it told once more, and that has not been tried yet."""


def settle(connection: Connection, endpoints: Mapping[str, str | None], now: float) -> tuple[str, ...]:
    """Keep exactly these subscriptions; returns what was done, for the log.

    `endpoints` has a digest of each one's URL, None where it cannot be read now. A new one begins with the next event.
    One whose URL is another goes on where it stands, at once, also when it was off.
    """
    table = tables.webhooks
    rows = {row.subscription: row for row in connection.execute(select(table))}
    done = [_drop(connection, row, now) for name, row in rows.items() if name not in endpoints]
    newest = connection.execute(select(tables.ledger_info.c.sequence)).scalar_one()
    for name, endpoint in endpoints.items():
        row = rows.get(name)
        if row is None:
            fields = {
                "subscription": name,
                "endpoint": endpoint,
                "sequence": newest,
                "state": WebhookState.ACTIVE.value,
            }
            connection.execute(insert(table), fields)
            note(connection, Audit(now, _AGENT, "webhook-added", name, {"after": newest}))
            done.append(f"{name} is told what comes after {newest}")
        elif endpoint is not None and endpoint != row.endpoint:
            _set(connection, name, endpoint=endpoint)
            if row.endpoint is not None:
                _at_once(connection, name, state=WebhookState.ACTIVE.value)
                note(connection, Audit(now, _AGENT, "webhook-moved", name, {"after": row.sequence}))
                done.append(f"{name} goes to another URL, from {row.sequence} on")
    return tuple(done)


def place(connection: Connection, name: str) -> Place | None:
    """Where the subscription stands; None when it is not kept."""
    table = tables.webhooks
    row = connection.execute(select(table).where(table.c.subscription == name)).first()
    return None if row is None else _place(row)


def places(connection: Connection) -> dict[str, Place]:
    """Where every subscription stands, by name."""
    return {row.subscription: _place(row) for row in connection.execute(select(tables.webhooks))}


def told(connection: Connection, name: str, sequence: int, now: float) -> None:
    """The receiver took this event."""
    _set(
        connection, name, sequence=sequence, state=WebhookState.ACTIVE.value, attempts=0, in_a_row=0, not_before=0.0,
        failing_since=None, delivered_at=now, last_error=None,
    )  # fmt: skip


def passed(connection: Connection, name: str, sequence: int) -> None:
    """Nothing up to this event concerns the subscription any more."""
    _set(connection, name, sequence=sequence)


def failed(connection: Connection, name: str, attempts: int, not_before: float, error: str, now: float) -> None:
    """The event that is next was not taken; it is tried again, not before this moment."""
    since = func.coalesce(tables.webhooks.c.failing_since, now)
    _set(
        connection, name, state=WebhookState.FAILING.value, attempts=attempts, not_before=not_before,
        failing_since=since, last_error=error[:_LONGEST_ERROR],
    )  # fmt: skip


def switched_off(connection: Connection, name: str, error: str, now: float) -> None:
    """The receiver is gone; the event that is next stays the next."""
    failed(connection, name, 0, 0.0, error, now)
    _set(connection, name, state=WebhookState.OFF.value)
    note(connection, Audit(now, _AGENT, "webhook-off", name, {"error": error[:_LONGEST_ERROR]}))


def buried(connection: Connection, name: str, sequence: int, attempts: int, error: str, now: float) -> None:
    """This event is given up and becomes a dead letter; the one after it is next, and has not been tried."""
    failed(connection, name, 0, 0.0, error, now)
    _set(connection, name, sequence=sequence, in_a_row=tables.webhooks.c.in_a_row + 1)
    letters = tables.dead_letters
    connection.execute(delete(letters).where(letters.c.subscription == name, letters.c.sequence == sequence))
    if place(connection, name) is not None:
        row = {
            "subscription": name, "sequence": sequence, "at": now, "attempts": attempts,
            "error": error[:_LONGEST_ERROR],
        }  # fmt: skip
        connection.execute(insert(letters), row)


def resume(connection: Connection, name: str, audit: Audit) -> None:
    """A person says that it is to be told again, from where it stands."""
    _at_once(connection, name, state=WebhookState.ACTIVE.value)
    note(connection, audit)


def retry(connection: Connection, name: str, sequence: int | None, audit: Audit) -> int:
    """Try what is next at once, and have dead letters told once more: all, or the one of this number.

    Returns how many dead letters that are.
    """
    letters = tables.dead_letters
    wanted = update(letters).where(letters.c.subscription == name)
    if sequence is not None:
        wanted = wanted.where(letters.c.sequence == sequence)
    else:
        _set(connection, name, not_before=0.0)
    found: int = connection.execute(wanted.values(wanted=True)).rowcount
    note(connection, audit)
    return found


def letters(connection: Connection, name: str, limit: int) -> tuple[DeadLetter, ...]:
    """Its dead letters, the oldest event first."""
    table = tables.dead_letters
    query = select(table).where(table.c.subscription == name).order_by(table.c.sequence).limit(limit)
    return tuple(DeadLetter(**row) for row in connection.execute(query).mappings())


def wanted_letters(connection: Connection, name: str, among: Select[tuple[int]], limit: int) -> tuple[DeadLetter, ...]:
    """Those of its dead letters that somebody wants told once more, of the events in `among`."""
    table = tables.dead_letters
    query = select(table).where(table.c.subscription == name, table.c.wanted, table.c.sequence.in_(among))
    rows = connection.execute(query.order_by(table.c.sequence).limit(limit)).mappings()
    return tuple(DeadLetter(**row) for row in rows)


def count_letters(connection: Connection) -> dict[str, int]:
    """How many dead letters each subscription has; those without any are left out."""
    table = tables.dead_letters
    query = select(table.c.subscription, func.count().label("letters")).group_by(table.c.subscription)
    return {row.subscription: row.letters for row in connection.execute(query)}


def letter_told(connection: Connection, name: str, sequence: int, now: float) -> None:
    """The receiver took this dead letter after all."""
    table = tables.dead_letters
    connection.execute(delete(table).where(table.c.subscription == name, table.c.sequence == sequence))
    _set(connection, name, in_a_row=0, delivered_at=now)


def letters_left(connection: Connection, name: str) -> None:
    """Dead letters that somebody wanted told stay what they are: the receiver takes nothing now."""
    table = tables.dead_letters
    connection.execute(update(table).where(table.c.subscription == name).values(wanted=False))


def letter_failed(connection: Connection, letter: DeadLetter, error: str, now: float) -> None:
    """The receiver did not take this dead letter; it stays one, until somebody wants it told again."""
    table = tables.dead_letters
    this = update(table).where(table.c.subscription == letter.subscription, table.c.sequence == letter.sequence)
    values = {"at": now, "attempts": letter.attempts + 1, "error": error[:_LONGEST_ERROR], "wanted": False}
    connection.execute(this.values(values))


def note(connection: Connection, audit: Audit) -> None:
    """Keep who did what."""
    connection.execute(insert(tables.audit), codec.audit_row(audit))


def _place(row: Any) -> Place:
    return Place(
        row.sequence, WebhookState(row.state), row.attempts, row.in_a_row, row.not_before, row.failing_since,
        row.delivered_at, row.last_error,
    )  # fmt: skip


def _set(connection: Connection, name: str, **values: object) -> None:
    table = tables.webhooks
    connection.execute(update(table).where(table.c.subscription == name).values(**values))


def _at_once(connection: Connection, name: str, **values: object) -> None:
    _set(connection, name, attempts=0, in_a_row=0, not_before=0.0, failing_since=None, last_error=None, **values)


def _drop(connection: Connection, row: Any, now: float) -> str:
    name, table = row.subscription, tables.dead_letters
    lost = connection.execute(delete(table).where(table.c.subscription == name)).rowcount
    connection.execute(delete(tables.webhooks).where(tables.webhooks.c.subscription == name))
    detail = {"told_up_to": row.sequence, "dead_letters": lost}
    note(connection, Audit(now, _AGENT, "webhook-dropped", name, detail))
    return f"{name} is told nothing any more, since it is not in the estate"
