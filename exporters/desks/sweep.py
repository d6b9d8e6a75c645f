"""Step 10: what the protocol could not rule out. Two tickets of one incident become one; strangers are reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from agent.ledger import lost, outbox
from agent.ledger.lost import LostDay
from exporters.desks.contract import DeskError, Ticket
from exporters.desks.parts import Parts, Step
from exporters.desks.protocol import merge_duplicates


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found."""

    seen: int
    repaired: int
    trouble: str
    """The last complaint about a duplicate that could not be put away."""
    strangers: tuple[str, ...]
    """Open tickets that carry a key of ours which this ledger does not know: of a lost ledger, or of another agent."""
    closed: tuple[str, ...] = ()
    """Those of a lost day whose cause is over."""
    pending: int = 0
    """Those of a lost day whose cause is bad, or not known yet."""


def sweep(parts: Parts, since: float, day: LostDay | None = None) -> Swept:
    """Look at every ticket of ours that changed since then (time of day) and merge what is twice.

    Of a restored ledger's lost day, also close what is over.
    Raises what the adapter raises; a sweep that was cut short is simply made again.
    """
    seen = [ticket for ticket in parts.adapter.changed_since(since) if ticket.key and not ticket.deleted]
    by_key: dict[str, list[Ticket]] = {}
    for ticket in seen:
        by_key.setdefault(ticket.key, []).append(ticket)
    known = _known(parts, list(by_key))
    holders = _holders(parts, [ticket.number for ticket in seen])
    repaired, trouble, strangers = 0, "", list[Ticket]()
    for key, tickets in by_key.items():
        number = known.get(key)
        others = [ticket for ticket in tickets if ticket.number not in holders]
        if number is not None:
            repairs = merge_duplicates(parts, key, number, others)
            repaired, trouble = repaired + repairs.done, repairs.trouble or trouble
        elif key not in known:
            strangers += [ticket for ticket in others if ticket.open]
        # Known without a number: the worker's next look-up links the lowest and puts the others away.
    unknown = [ticket for ticket in strangers if day is not None and day.holds(ticket.key)]
    closed, complaint = _close_what_is_over(parts, unknown)
    parts.probe(Step.SWEPT)
    left = tuple(ticket.number for ticket in strangers if ticket.number not in closed)
    return Swept(len(seen), repaired, trouble or complaint, left, closed, len(unknown) - len(closed))


def _close_what_is_over(parts: Parts, tickets: Sequence[Ticket]) -> tuple[tuple[str, ...], str]:
    """Close tickets of a lost day whose cause is in order; the numbers of those, and the last complaint."""
    digests = {ticket.digest for ticket in tickets if ticket.digest}
    over = parts.ledger.call(partial(lost.over, digests=digests)) if digests else frozenset()
    closed, trouble = list[str](), ""
    for ticket in tickets:
        if ticket.digest not in over:
            continue
        try:
            parts.adapter.resolve(ticket.number, _OVER)
            done = not parts.adapter.read(ticket.number).open
        except DeskError as error:
            trouble = f"ticket {ticket.number} of a lost incident cannot be closed: {error}"
            continue
        if done:
            closed.append(ticket.number)
            note = partial(lost.write_down, at=parts.clock.at(), desk=parts.desk, ticket=ticket.number, key=ticket.key)
            parts.ledger.call(note)
    return tuple(closed), trouble


_OVER = "Recovered: what this was opened for is in order. (The agent was restored from an older backup meanwhile.)"
_AT_ONCE = 500  # SQLite takes a limited number of parameters


def _known(parts: Parts, keys: Sequence[str]) -> Mapping[str, str | None]:
    found: dict[str, str | None] = {}
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        found |= parts.ledger.call(partial(outbox.tickets_of, desk=parts.desk, keys=some))
    return found


def _holders(parts: Parts, numbers: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        found |= parts.ledger.call(partial(outbox.holders_of, desk=parts.desk, tickets=some))
    return found
