"""What SNMP values look like to the rest of the house."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from checks.transports.snmp.errors import SnmpError


class Missing(Enum):
    """Why a device gave no value for an OID that it was asked for (RFC 3416, section 4.2.1)."""

    OBJECT = "noSuchObject"
    INSTANCE = "noSuchInstance"
    END = "endOfMibView"
    NULL = "null"
    ABSENT = "absent"
    """The device has none; SNMPv1 has no finer way to say so."""
    ERROR = "error"
    """The device answered this OID with an error status: that says nothing about the value."""


Value = int | float | str | bytes | Missing
"""Any SNMP number, OID and IpAddress as dotted text, octet strings and Opaque as bytes, or why there is none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `values` by OID without a leading dot, in the order of arrival.

    With an `error` the values are what was read before it; an OID that is not in `values` was not answered.
    """

    values: dict[str, Value] = field(default_factory=dict)
    error: SnmpError | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """Table columns: `rows[column][index]`, both without leading dots. `complete`: columns read to their end."""

    rows: dict[str, dict[str, Value]] = field(default_factory=dict)
    complete: frozenset[str] = frozenset()
    error: SnmpError | None = None
