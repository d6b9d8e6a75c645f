"""What one member of a firewall answered by each way: the profile, and every value with its source and age."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.contract import Fault
from checks.network.answers import SnmpAnswers
from config.profiles.asks import Way


@dataclass(frozen=True, slots=True)
class Cost:
    """What one reading asked of the device."""

    questions: int = 0
    seconds: float = 0.0
    octets: int = 0
    """Of what came back."""


@dataclass(frozen=True, slots=True)
class Part:
    """What was read by commands or over HTTPS; each value stands under its place (`ha_status#/mode`)."""

    profile: str
    answers: SnmpAnswers = field(default_factory=SnmpAnswers)
    read_at: dict[str, float] = field(default_factory=dict)
    """When the answer to each question was read (Unix seconds)."""
    not_understood: dict[str, str] = field(default_factory=dict)
    """By question: the beginning of what came in the place of an answer."""
    fault: Fault | None = None
    """Why the reading ended before its end; what was read before counts."""
    cost: Cost = Cost()


@dataclass(frozen=True, slots=True)
class Connection:
    """What is known of a way by which a firewall was asked, without any secret."""

    way: Way
    protocol: str
    """`snmp-v1`, `snmp-v2c`, `snmp-v3`, `ssh`, `https`."""
    signed: bool = False
    """Whether questions and answers over SNMPv3 are authenticated."""
    default_secret: bool = False
    """Whether the community is one that every scanner tries."""
    only_sha1: bool = False
    """Whether the firewall offers nothing newer than SHA-1 over SSH; nothing can be read that way then."""
    certificate_not_after: float | None = None
    """When the certificate of its management ends (Unix seconds)."""


@dataclass(frozen=True, slots=True)
class FirewallAnswers:
    """The answers of one poll, and of the earlier ones that were due less often and still hold."""

    profile: str
    """The profile that was used; empty where the product was not recognised."""
    snmp: SnmpAnswers = field(default_factory=SnmpAnswers)
    read_at: dict[str, float] = field(default_factory=dict)
    """When the values over SNMP that are not read at every run were (Unix seconds): by `slowly` and `daily`."""
    by_snmp: bool = True
    """Whether it was asked over SNMP at all."""
    others: dict[Way, Part] = field(default_factory=dict)
    """By every other way the target has a credential for, and the product a profile."""
    connections: list[Connection] = field(default_factory=list)
    """How it was asked; empty in a replay."""
