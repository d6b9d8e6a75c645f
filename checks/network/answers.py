"""What a device answered over SNMP, as plain values that travel and are replayed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from checks.network.transform import Answer, spelt
from checks.transports.snmp import Missing, Value


@dataclass(frozen=True, slots=True)
class SnmpAnswers:
    """What a device answered, as plain values. An OID that is in neither `values` nor `errors` was not answered."""

    values: dict[str, Answer] = field(default_factory=dict)
    """Scalars by OID; None: the device has none."""
    rows: dict[str, dict[str, Answer]] = field(default_factory=dict)
    """Columns by OID, then by index."""
    errors: list[str] = field(default_factory=list)
    """OIDs that the device answered with an error status."""
    cut: list[str] = field(default_factory=list)
    """Columns that were not read to their end."""


def keep(values: Mapping[str, Value], into: dict[str, Answer], errors: list[str]) -> None:
    """Plain values for the Observation; what was answered with an error is named in `errors` instead."""
    for oid, value in values.items():
        if isinstance(value, bytes):
            into[oid] = spelt(value)
        elif value is Missing.ERROR:
            errors.append(oid)
        elif isinstance(value, Missing):
            into[oid] = None
        else:
            into[oid] = value
