"""Epochs: what a feed's reader needs to go on after the ledger was replaced by a copy of itself.

Every ledger has an epoch. One that was restored gets a new one, and remembers of each earlier epoch up to which event
the two logs are the same. Numbers of events are never used twice in such a family of logs, because the counter jumps by
`GAP`; so a reader that kept only a number still misses and doubles nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert, inspect, select, update
from ulid import ULID

from agent.ledger.tables import epochs, ledger_info

GAP = 1_000_000_000
"""How far the counter jumps: further than a lost log can have counted since its copy was made."""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """An epoch before the present one. Up to event `last` its log and this one are the same."""

    last: int
    ended_at: float


@dataclass(frozen=True, slots=True)
class Lineage:
    """A ledger's epoch, the number of its last event, and the epochs that it goes on from."""

    epoch: str
    sequence: int
    ancestors: Mapping[str, Ancestor] = field(default_factory=dict)

    @property
    def reach(self) -> Mapping[str, int]:
        """Of every epoch known here, up to which event its log and this one are the same."""
        return {name: ancestor.last for name, ancestor in self.ancestors.items()} | {self.epoch: self.sequence}


def lineage_of(connection: Connection) -> Lineage:
    """The lineage of a ledger, in the caller's transaction."""
    info = connection.execute(select(ledger_info.c.epoch, ledger_info.c.sequence)).one()
    if not inspect(connection).has_table(epochs.name):  # a ledger of a schema that knew none
        return Lineage(info.epoch, info.sequence)
    rows = connection.execute(select(epochs))
    return Lineage(info.epoch, info.sequence, {row.epoch: Ancestor(row.last, row.ended_at) for row in rows})


def shared(copy: Lineage, present: Lineage) -> Mapping[str, Ancestor]:
    """The epochs of a ledger that is being replaced, as they stand to the copy that takes its place.

    Both logs are the same up to the furthest event that both share with one epoch; none when they have no epoch in
    common: then they are logs of different ledgers. An epoch that has not ended yet ends now, which is written as the
    moment 0.0. Pure.
    """
    ours, theirs = copy.reach, present.reach
    common = max((min(last, ours[name]) for name, last in theirs.items() if name in ours), default=None)
    if common is None:
        return {}
    found = {name: Ancestor(min(last, common), 0.0) for name, last in theirs.items() if name not in copy.ancestors}
    found[copy.epoch] = Ancestor(copy.sequence, 0.0)
    for name, ancestor in present.ancestors.items():
        if name in found:
            found[name] = Ancestor(found[name].last, ancestor.ended_at)
    return found


def epoch_of(sequence: int, lineage: Lineage) -> str:
    """The epoch in which an event was written: of those whose log has it, the one that ended first. Pure.

    A log that branched off and was given up also shares events with this one, but it began, and so ended, after the
    epoch in which they were written had ended.
    """
    holding = [(a.ended_at, a.last, name) for name, a in lineage.ancestors.items() if a.last >= sequence]
    return min(holding)[2] if holding else lineage.epoch


def begin_epoch(
    connection: Connection, now: float, known: Mapping[str, Ancestor] | None = None, beyond: int = 0
) -> str:
    """Give the ledger a new epoch, in the caller's transaction; returns its name.

    `known`: epochs of the ledger that it replaces (see `shared`); the ledger's own epoch is always written down.
    `beyond`: the highest number that is known to have been used elsewhere in this family of logs.
    """
    old = lineage_of(connection)
    ended = {old.epoch: Ancestor(old.sequence, 0.0), **(known or {})}
    rows = [
        {"epoch": name, "last": ancestor.last, "ended_at": ancestor.ended_at or now}
        for name, ancestor in ended.items()
        if name not in old.ancestors
    ]
    connection.execute(insert(epochs), rows)
    epoch = str(ULID())
    counter = max(old.sequence, beyond) + GAP
    connection.execute(update(ledger_info).values(epoch=epoch, sequence=counter))
    return epoch
