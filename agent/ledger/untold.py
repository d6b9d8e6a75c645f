"""What a webhook has not been told yet, read in one transaction: where it stands, and what comes next."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from agent.ledger import tables, webhooks
from agent.ledger.cursor import FeedPosition
from agent.ledger.read import KeptEvent, events_of, position_of
from agent.ledger.webhooks import DeadLetter, Place
from config.estate import WebhookSpec

LETTERS = 20
"""Most dead letters that are told again in one go."""


@dataclass(frozen=True, slots=True)
class Untold:
    """All of it is of one moment."""

    place: Place
    log: FeedPosition
    events: tuple[KeptEvent, ...]
    """Those that concern the subscription, in order."""
    more: bool
    wanted: tuple[tuple[DeadLetter, KeptEvent], ...]
    """Dead letters that somebody wants told once more."""
    dead: int
    """How many dead letters there are."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A subscription as people see it."""

    place: Place | None = None
    """None: it was added a moment ago, or the ledger could not be written since."""
    waiting: int = 0
    oldest: float | None = None
    """When the oldest waiting event happened."""
    dead: int = 0


def untold(connection: Connection, spec: WebhookSpec, limit: int) -> Untold | None:
    """At most `limit` events that are next for this subscription; None when the subscription is not kept."""
    place = webhooks.place(connection, spec.name)
    if place is None:
        return None
    table = tables.events
    following = select(table).where(*_concerning(spec, place.sequence)).order_by(table.c.sequence)
    found = events_of(connection, following.limit(limit + 1))
    # What concerned it once may be of a council that it may not be told of any more.
    theirs = select(table.c.sequence).where(*_concerning(spec, 0))
    letters = {one.sequence: one for one in webhooks.wanted_letters(connection, spec.name, theirs, LETTERS)}
    again = events_of(connection, select(table).where(table.c.sequence.in_(sorted(letters))).order_by(table.c.sequence))
    return Untold(
        place=place,
        log=position_of(connection),
        events=found[:limit],
        more=len(found) > limit,
        wanted=tuple((letters[kept.sequence], kept) for kept in again),
        dead=webhooks.count_letters(connection).get(spec.name, 0),
    )


def standings(connection: Connection, specs: Collection[WebhookSpec]) -> dict[str, Standing]:
    """How far each subscription has been told, and what waits for it."""
    places, dead = webhooks.places(connection), webhooks.count_letters(connection)
    found: dict[str, Standing] = {}
    for spec in specs:
        place = places.get(spec.name)
        if place is None:
            found[spec.name] = Standing()
            continue
        query = select(func.count(), func.min(tables.events.c.at)).where(*_concerning(spec, place.sequence))
        waiting, oldest = connection.execute(query).one()
        found[spec.name] = Standing(place, waiting, oldest, dead.get(spec.name, 0))
    return found


@dataclass(frozen=True, slots=True)
class ShownLetter:
    """A dead letter, and which event of which incident it is."""

    letter: DeadLetter
    incident: str
    kind: str


def letters(connection: Connection, name: str, limit: int) -> tuple[ShownLetter, ...]:
    """The dead letters of a subscription, the oldest event first."""
    found = webhooks.letters(connection, name, limit)
    table = tables.events
    query = select(table.c.sequence, table.c.incident, table.c.kind)
    rows = connection.execute(query.where(table.c.sequence.in_([letter.sequence for letter in found])))
    events = {row.sequence: row for row in rows}
    return tuple(
        ShownLetter(letter, events[letter.sequence].incident, events[letter.sequence].kind)
        for letter in found
        if letter.sequence in events
    )


def _concerning(spec: WebhookSpec, after: int) -> list[ColumnElement[bool]]:
    table = tables.events
    theirs = [] if spec.councils is None else [table.c.council.in_(sorted(spec.councils))]
    return [table.c.sequence > after, table.c.kind.in_(sorted(spec.kinds)), *theirs]
