"""Reading a firewall by commands or over HTTPS: what is due, and what still holds of earlier readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from checks.contract import Context, Fault, Target
from checks.firewall.answers import Cost, Part
from checks.firewall.options import FirewallOptions, Reader
from checks.network.certificate import Unreadable
from checks.network.certificate import read as read_certificate
from checks.network.documents import Document, NotUnderstood, filled
from config.profiles.asks import Asks, Read, Way

HOLDS = 3.0
"""How many times their age slower values are still shown and judged while they cannot be read anew."""
SLOWER = 2.0
"""By how much the age of slower values grows while the device is busy, or slow to answer."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader brought."""

    documents: Mapping[str, Document | NotUnderstood]
    """By question; those that were not answered are not in it."""
    fault: Fault | None
    cost: Cost
    certificate: bytes = b""
    """What the device showed, in DER; empty where there is none by this way."""


class DocumentReader(Protocol):
    """Asks the questions of a profile, over a connection of its own that is closed at the end, whatever happens."""

    async def __call__(
        self, target: Target, options: FirewallOptions, asks: Asks, names: Sequence[str], ctx: Context, deadline: float
    ) -> Reading:
        """The answers to the questions of these names, until `deadline` (loop time). A fault ends the reading."""


READERS: dict[Way, DocumentReader] = {}
"""Who reads by each way."""


@dataclass(slots=True)
class Held:
    """What is held from one run to the next of one way."""

    documents: dict[str, tuple[float, Document | NotUnderstood]] = field(default_factory=dict)
    """By question, with when it was read (Unix seconds)."""
    slow: bool = False
    """Whether the last reading took the device long."""
    certificate: bytes = b""
    """What the device showed when it was last asked."""


async def read(
    way: Way,
    reader: Reader,
    target: Target,
    options: FirewallOptions,
    held: Held,
    ctx: Context,
    deadline: float,
    busy: bool,
) -> Part:
    """Ask what is due, and give everything that holds now. A `busy` device is asked the slower questions less often."""
    profile, now = reader.profile, ctx.now()
    asks = profile.asks
    assert asks is not None  # profiles of these ways ask
    often = asks.often()
    ages, longest = {Read.EVERY_RUN: 0, **options.ages(profile)}, options.longest_ages(profile)
    patience = SLOWER if busy or held.slow else 1.0
    rest = profile.budget.slow_seconds
    due = [name for name, how in often.items() if _is_due(held.documents.get(name), now, ages[how] * patience, rest)]
    reading = await READERS[way](target, options, asks, due, ctx, deadline) if due else Reading({}, None, Cost())
    held.slow = reading.cost.seconds > profile.budget.most_seconds
    held.certificate = reading.certificate or held.certificate
    for name in due:
        if name in reading.documents:
            held.documents[name] = (now, reading.documents[name])
        elif often[name] is Read.EVERY_RUN:
            held.documents.pop(name, None)  # what is asked at every run is never old
    for name, (at, _) in list(held.documents.items()):
        if often[name] is not Read.EVERY_RUN and not 0 <= now - at < HOLDS * longest[often[name]]:
            del held.documents[name]
    return replace(
        part_of(reader, held.documents, reading.fault, reading.cost), certificate_not_after=_end(held.certificate)
    )


def _end(certificate: bytes) -> float | None:
    """When it ends (Unix seconds); None where there is none, or it cannot be read."""
    try:
        return read_certificate(certificate).not_after if certificate else None
    except Unreadable:
        return None


def part_of(
    reader: Reader,
    documents: Mapping[str, tuple[float, Document | NotUnderstood]],
    fault: Fault | None = None,
    cost: Cost = Cost(),  # noqa: B008 - frozen
) -> Part:
    """Documents, each with when it was read, as the judgement reads them. Pure."""
    plan = reader.plan
    scalars = dict.fromkeys(place for value in plan.scalars for place in value.oids)
    columns = dict.fromkeys(place for table in plan.tables for place in table.oids)
    said = {name: document for name, (_, document) in documents.items()}
    return Part(
        profile=reader.profile.profile,
        answers=filled(scalars, columns, said, reader.profile.budget.most_rows),
        read_at={name: at for name, (at, _) in documents.items()},
        not_understood={
            name: f"{document.why}: {document.raw}" if document.why else document.raw
            for name, document in said.items()
            if isinstance(document, NotUnderstood)
        },
        fault=fault,
        cost=cost,
    )


def _is_due(held: tuple[float, Document | NotUnderstood] | None, now: float, age: float, rest: float) -> bool:
    """Whether a question is to be asked; one that took the device too long rests at least so long."""
    if held is not None and isinstance(held[1], NotUnderstood) and held[1].slow:
        age = max(age, rest)
    # A clock that was set back must not keep old values for ever.
    return held is None or not 0 <= now - held[0] < age
