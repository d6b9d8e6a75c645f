"""What one member of a firewall answered: which profile it was read by, and every value with its source and age."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from checks.network.answers import SnmpAnswers


class Source(StrEnum):
    """By which way a value was read. One target may be read by several."""

    SNMP = "snmp"


@dataclass(frozen=True, slots=True)
class FirewallAnswers:
    """The answers of one poll, and of the earlier ones that were due less often and still hold."""

    profile: str
    """The profile that was used; empty where the product was not recognised."""
    snmp: SnmpAnswers = field(default_factory=SnmpAnswers)
    read_at: dict[str, float] = field(default_factory=dict)
    """When the values that are not read at every run were (Unix seconds): by `slowly` and `daily`."""
