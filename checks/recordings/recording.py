"""What a recording is, in whatever form it was written, and its one family of errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from checks.contract import Reason
from checks.transports.snmp.tags import (
    TAG_ADDRESS,
    TAG_COUNTER,
    TAG_COUNTER64,
    TAG_GAUGE,
    TAG_INTEGER,
    TAG_NULL,
    TAG_OCTETS,
    TAG_OID,
    TAG_OPAQUE,
    TAG_TICKS,
)

NUMBERS = frozenset({TAG_INTEGER, TAG_COUNTER, TAG_GAUGE, TAG_TICKS, TAG_COUNTER64})
OCTETS = frozenset({TAG_OCTETS, TAG_OPAQUE})
DOTTED = frozenset({TAG_OID, TAG_ADDRESS})
TAGS = NUMBERS | OCTETS | DOTTED | {TAG_NULL}


class RecordingError(Exception):
    """A recording cannot be read or written; the message says what, where and how to mend it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One value with its SNMP type (`TAG_…`): a number, octets, or an OID or IPv4 address as dotted text."""

    tag: int
    value: int | str | bytes | None


@dataclass(frozen=True, slots=True)
class RecordedCheck:
    """A check whose questions were recorded: its name, and its options as far as they bear on the judgement."""

    name: str
    options: Mapping[str, object]
    expect_empty: tuple[str, ...] = ()
    kind: str = "snmp"
    """A kind that asks over SNMP."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a device said. In a foreign recording only `values` are known, and what is not among them is not there."""

    values: Mapping[str, Recorded]
    """By OID without leading dot, in the order of OIDs."""
    at: float | None = None
    """When it was taken (Unix seconds), if it says so."""
    checks: tuple[RecordedCheck, ...] = ()
    asked: tuple[str, ...] = ()
    """The OIDs and subtrees that were asked for; empty: everything, as far as can be known."""
    errors: tuple[str, ...] = ()
    """OIDs that the device answered with an error status."""
    cut: Mapping[str, Reason] = field(default_factory=dict)
    """OIDs and subtrees that were not read to their end, and why."""
    cut_after: str | None = None
    """In a walk that broke off, the last OID that came."""
    oddities: tuple[str, ...] = ()
    """Lines that were passed over, and why; at most a few."""


def numbers(oid: str) -> tuple[int, ...]:
    """An OID as numbers, by which OIDs are ordered."""
    return tuple(map(int, oid.split(".")))


def within(oid: str, roots: Iterable[str]) -> str | None:
    """The first of the roots that is `oid` or above it."""
    for root in roots:
        if oid == root or oid.startswith(root + "."):
            return root
    return None


def ordered(values: Mapping[str, Recorded]) -> dict[str, Recorded]:
    """The values in the order of their OIDs."""
    return {oid: values[oid] for oid in sorted(values, key=numbers)}
