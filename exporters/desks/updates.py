"""Step 9: what is said about a ticket that exists. Each act looks first whether it is still to be done."""

from __future__ import annotations

from sqlalchemy import Connection

from agent.ledger import outbox
from agent.ledger.outbox import Lease, StoredWish
from agent.records import DeskWish, WishKind
from exporters.desks.contract import Refused, Ticket
from exporters.desks.parts import Overtaken, Parts, Step, TicketLost


def fulfil(parts: Parts, held: Lease, stored: StoredWish) -> None:
    """Do what one wish about an existing ticket asks for, and end it.

    Raises TicketLost, Overtaken, or what the adapter raises: after that the wish is still waiting.
    """
    wish = stored.wish
    if held.ticket is None:
        raise Refused(f"no ticket was ever asked for, so there is none for a {wish.kind}")
    ticket = parts.adapter.read(held.ticket)
    if ticket.deleted:
        _lose(parts, held)
    text = _ACTS[wish.kind](parts, ticket, held.ticket, wish)
    parts.probe(Step.UPDATED)

    def act(connection: Connection) -> bool:
        ended = outbox.done(connection, held, stored, parts.clock.at())
        if ended and text:
            parts.record(connection, parts.event(held.incident, wish.kind.value, text, held.ticket))
        return ended

    if not parts.ledger.call(act):
        raise Overtaken


def marker_of(wish: DeskWish) -> str:
    """What a note is known by in the desk."""
    return f"[rwy note {wish.incident} {wish.number}]"


def _note(parts: Parts, _ticket: Ticket, number: str, wish: DeskWish) -> str:
    _tell(parts, number, marker_of(wish), wish.text)
    return ""


def _raise_priority(parts: Parts, ticket: Ticket, number: str, wish: DeskWish) -> str:
    """Only ever raise it: a person's higher priority is kept. "P1" sorts before "P2"."""
    if ticket.priority is not None and ticket.priority <= wish.priority:
        return ""
    parts.adapter.set_priority(number, wish.priority)
    after = parts.adapter.read(number)
    if after.priority != wish.priority:
        raise Refused(f"the priority of ticket {number} is still {after.priority}, asked for was {wish.priority}")
    return f"Priority of ticket {number} raised to {wish.priority}"


def _resolve(parts: Parts, ticket: Ticket, number: str, wish: DeskWish) -> str:
    """One that a person has resolved stays as it is; one merged into another incident's ticket is not ours to close."""
    if not ticket.open:
        return f"Ticket {number} was already {ticket.status}"
    if ticket.number != number and ticket.key != wish.incident:
        _tell(parts, number, f"[rwy resolved {wish.incident} {wish.number}]", wish.text)
        return f"Ticket {number} was merged into {ticket.number}, which another incident holds; it was only told"
    parts.adapter.resolve(number, wish.text)
    after = parts.adapter.read(number)
    if after.open:
        raise Refused(f"ticket {number} is still {after.status} after it was asked to be resolved")
    return f"Ticket {number} resolved"


def _reopen(parts: Parts, ticket: Ticket, number: str, wish: DeskWish) -> str:
    if ticket.open:
        _tell(parts, number, f"[rwy reopened {wish.incident} {wish.number}]", wish.text)
        return f"Ticket {number} was still {ticket.status}"
    parts.adapter.reopen(number, wish.text)
    after = parts.adapter.read(number)
    if not after.open:
        raise Refused(f"ticket {number} is still {after.status} after it was asked to be reopened")
    return f"Ticket {number} reopened"


_ACTS = {
    WishKind.NOTE: _note,
    WishKind.PRIORITY: _raise_priority,
    WishKind.RESOLVE: _resolve,
    WishKind.REOPEN: _reopen,
}


def _tell(parts: Parts, number: str, marker: str, text: str) -> None:
    if not parts.adapter.has_note(number, marker):
        parts.adapter.note(number, marker, text)


def _lose(parts: Parts, held: Lease) -> None:
    reason = f"ticket {held.ticket} was deleted in the desk; decide there whether this incident needs another"
    event = parts.event(held.incident, "lost", f"The {reason}", held.ticket)

    def act(connection: Connection) -> bool:
        lost = outbox.lose(connection, held, reason)
        if lost:
            parts.record(connection, event)
        return lost and outbox.release(connection, held)

    if not parts.ledger.call(act):
        raise Overtaken
    raise TicketLost(reason)
