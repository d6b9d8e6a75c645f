"""Exactly one ticket for an incident, at a desk that knows no idempotency keys: the protocol, once for all adapters.

0. The wish was written in the transaction of the incident's change (`agent.ledger.outbox.insert_wishes`).
1. One worker leases the incident at this desk.
2. Is its ticket known? Otherwise look it up, by the incident's key, then by the digest of its cause.
3. Found: link it; of several the lowest number, the others are merged into it or closed as duplicates.
4. Not found: write the attempt down, with the time until which nobody looks again.
5. Check that there is time left to send and be answered, and send the create once.
6. Read the answer. A number: go on. A definite no: blocked, and people are told. Anything else is uncertain: look again
   after the time written down.
7. Read the ticket back and compare, because a 2xx is not a yes.
8. Write the ticket's number down.
9. Notes, priority, status: each looks first whether it is still to be done, so each can be repeated.
10. The sweep (`exporters.desks.sweep`) finds what the rest could not rule out.

A worker may die after any step. What can be promised: a second ticket appears only if the desk completes a create
later than `max_in_flight` after we stopped waiting, or its look-up lies for longer than `lookup_lag`; then the sweep
mends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from sqlalchemy import Connection

from agent.ledger import outbox
from agent.ledger.outbox import Lease, StoredWish
from agent.records import DeskWish, WishKind
from exporters.desks import updates
from exporters.desks.contract import DeskError, NewTicket, NotDone, Refused, Ticket, Uncertain
from exporters.desks.parts import Overtaken, Parts, Step, TicketLost


class Outcome(StrEnum):
    """How one incident's round at a desk ended."""

    DONE = "done"
    UNCERTAIN = "uncertain"
    NOT_DONE = "not done"
    REFUSED = "refused"
    BLOCKED = "blocked"
    LOST = "lost"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True)
class Repairs:
    """Duplicates put away, and the last complaint about one that could not be."""

    done: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome; `error` is the desk's complaint, `retry_after` what it asked for, `repaired` duplicates put away."""

    outcome: Outcome
    error: str = ""
    retry_after: float | None = None
    repaired: int = 0
    created: bool = False


def deliver(parts: Parts, held: Lease) -> Result:
    """Fulfil what waits for one incident at one desk, in order, under a lease just taken.

    Never raises DeskError. What the ledger raises goes on to the caller, and the lease then runs out by itself.
    """
    parts.probe(Step.LEASED)
    repaired, blocked, created = 0, "", False
    try:
        for stored in held.wishes:
            held = _renewed(parts, held)
            try:
                if stored.wish.kind is WishKind.ENSURE:
                    held, mended, created = _ensure(parts, held, stored)
                    repaired += mended
                else:
                    updates.fulfil(parts, held, stored)
            except Refused as refusal:
                if refusal.everything:
                    raise
                blocked = str(refusal)
                _block(parts, held, stored, blocked)
                if held.ticket is None:
                    break
        parts.ledger.call(lambda connection: outbox.release(connection, held))
    except Overtaken:
        return Result(Outcome.OVERTAKEN, repaired=repaired, created=created)
    except TicketLost as loss:
        return Result(Outcome.LOST, str(loss), repaired=repaired)
    except DeskError as trouble:
        return replace(_put_off(parts, held, trouble), repaired=repaired, created=created)
    return Result(Outcome.BLOCKED if blocked else Outcome.DONE, blocked, repaired=repaired, created=created)


def new_ticket(wish: DeskWish) -> NewTicket:
    """What the desk is asked to make for a wish."""
    return NewTicket(
        key=wish.incident,
        digest=wish.digest,
        queue=wish.queue,
        title=wish.title,
        text=wish.text,
        priority=wish.priority,
        council=wish.council,
        subject=wish.subject,
    )


def differences(ticket: Ticket, wish: DeskWish) -> Sequence[str]:
    """What a ticket just made has otherwise than asked; a desk may answer yes and drop a field."""
    asked = (("incident", wish.incident, ticket.key), ("queue", wish.queue, ticket.queue))
    found = [f"{name} is {has!r}, asked for was {want!r}" for name, want, has in asked if want != has]
    if ticket.priority != wish.priority:
        found.append(f"priority is {ticket.priority or 'not one of ours'}, asked for was {wish.priority}")
    return found


def merge_duplicates(parts: Parts, incident: str, number: str, others: Sequence[Ticket]) -> Repairs:
    """Merge the open ones of `others` into `number`. One that will not merge is left to the next sweep."""
    done, trouble = 0, ""
    for other in others:
        if not other.open or other.number == number:
            continue
        try:
            parts.adapter.merge(other.number, number)
        except DeskError as error:
            trouble = f"ticket {other.number} cannot be put away as a duplicate of {number}: {error}"
            continue
        text = f"Ticket {other.number} was a second one for this incident; it is now part of {number}"
        event = parts.event(incident, "duplicate", text, number)
        parts.ledger.call(partial(parts.record, event=event))
        done += 1
    return Repairs(done, trouble)


def _renewed(parts: Parts, held: Lease) -> Lease:
    now = parts.clock.now()
    seconds = parts.pace.lease(parts.adapter.capabilities)
    if not parts.ledger.call(lambda connection: outbox.renew(connection, held, now, seconds)):
        raise Overtaken
    return replace(held, until=now + seconds)


def _ensure(parts: Parts, held: Lease, stored: StoredWish) -> tuple[Lease, int, bool]:
    """Steps 2 to 8. Returns the lease with its ticket, how many duplicates were put away, and whether one was made."""
    if held.ticket is not None:
        if not parts.ledger.call(lambda connection: outbox.done(connection, held, stored, parts.clock.at())):
            raise Overtaken
        return held, 0, False
    found, adopted = _find(parts, stored.wish)
    parts.probe(Step.LOOKED_UP)
    if not found:
        number, faults = _create(parts, held, stored.wish)
        text = f"Ticket {number} opened in {stored.wish.queue}"
        if faults:
            text += f", but not as asked: {'; '.join(faults)}"
        return _link(parts, held, stored, number, "linked", text), 0, True
    number = found[0].number
    parts.probe(Step.CHOSEN)
    what, why = ("adopted", "it names the same cause") if adopted else ("linked", "it names this incident")
    held = _link(parts, held, stored, number, what, f"Ticket {number} was already there: {why}")
    return held, merge_duplicates(parts, held.incident, number, found[1:]).done, False


def _find(parts: Parts, wish: DeskWish) -> tuple[Sequence[Ticket], bool]:
    """The incident's tickets, lowest number first; else an open one of its cause that no incident of ours holds."""
    try:
        found = [ticket for ticket in parts.adapter.look_up(wish.incident) if not ticket.deleted]
        if found or not wish.digest:
            return found, False
        same = [ticket for ticket in parts.adapter.find_digest(wish.digest) if ticket.open]
    except Refused as refusal:
        # A desk that will not be searched refuses it for every incident alike.
        raise Refused(str(refusal), everything=True) from refusal
    if not same:
        return (), False

    def strangers(connection: Connection) -> Sequence[Ticket]:
        held = outbox.holders_of(connection, parts.desk, [ticket.number for ticket in same])
        known = outbox.tickets_of(connection, parts.desk, [ticket.key for ticket in same])
        return [ticket for ticket in same if ticket.number not in held and ticket.key not in known]

    return parts.ledger.call(strangers)[:1], True


def _create(parts: Parts, held: Lease, wish: DeskWish) -> tuple[str, Sequence[str]]:
    """Steps 4 to 7: the number of the new ticket, and what about it is not as asked."""
    parts.fitness.require(wish.queue)
    desk = parts.adapter.capabilities
    marked = parts.clock.now()
    not_before = marked + parts.pace.settle(desk)
    at = parts.clock.at()
    if not parts.ledger.call(lambda connection: outbox.mark_attempt(connection, held, marked, not_before, at)):
        raise Overtaken
    parts.probe(Step.MARKED)

    def may_send() -> bool:
        # A thread can stand still anywhere. Sent later than this, the ticket could be made after others look for it.
        now = parts.clock.now()
        return now <= marked + parts.pace.grace and now + desk.timeout < held.until

    parts.probe(Step.SENDING)
    try:
        number = parts.adapter.create(new_ticket(wish), may_send)
    except (NotDone, Refused):
        parts.ledger.call(lambda connection: outbox.unmark_attempt(connection, held))
        raise
    parts.probe(Step.ANSWERED)
    try:
        ticket = parts.adapter.read(number)
    except (NotDone, Refused) as trouble:
        # It was made, most likely; the next look-up says so. Unread, it is not linked.
        raise Uncertain(f"ticket {number} was announced but cannot be read: {trouble}") from trouble
    parts.probe(Step.READ_BACK)
    faults = differences(ticket, wish)
    if faults:
        parts.fitness.doubt(wish.queue)
    return number, faults


def _link(parts: Parts, held: Lease, stored: StoredWish, number: str, what: str, text: str) -> Lease:
    """Step 8."""

    def act(connection: Connection) -> str | None:
        holder = outbox.holders_of(connection, parts.desk, [number]).get(number)
        if holder is None and outbox.link(connection, held, stored, number, parts.clock.at()):
            parts.record(connection, parts.event(held.incident, what, text, number))
            return held.incident
        return holder

    holder = parts.ledger.call(act)
    if holder is None:
        raise Overtaken
    if holder != held.incident:
        raise Refused(
            f"ticket {number} carries the key of {held.incident} but belongs to {holder}; part them in the desk"
        )
    parts.probe(Step.LINKED)
    return replace(held, ticket=number, phase="linked")


def _block(parts: Parts, held: Lease, stored: StoredWish, reason: str) -> None:
    event = parts.event(held.incident, "blocked", f"{stored.wish.kind}: {reason}", held.ticket)

    def act(connection: Connection) -> bool:
        blocked = outbox.block(connection, held, stored, reason)
        if blocked:
            parts.record(connection, event)
        return blocked

    if not parts.ledger.call(act):
        raise Overtaken


def _put_off(parts: Parts, held: Lease, trouble: DeskError) -> Result:
    """Give the lease back after a failure and let others go first; an uncertain one rests till the desk has settled."""
    pause = parts.pace.pause(held.failures + 1, parts.chance)
    if isinstance(trouble, Uncertain):
        pause = max(pause, parts.pace.settle(parts.adapter.capabilities))
    not_before = parts.clock.now() + pause
    parts.ledger.call(lambda connection: outbox.release(connection, held, not_before, str(trouble)))
    if isinstance(trouble, Uncertain):
        return Result(Outcome.UNCERTAIN, str(trouble))
    if isinstance(trouble, NotDone):
        return Result(Outcome.NOT_DONE, str(trouble), trouble.retry_after)
    return Result(Outcome.REFUSED, str(trouble))
