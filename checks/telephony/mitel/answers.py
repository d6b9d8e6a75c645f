"""What one round brought of a Mitel system: its own answers, what SIP said, and what its primaries answered."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.contract import Fault
from checks.network.answers import SnmpAnswers
from checks.telephony.mitel.crosscheck import SipHeard


@dataclass(frozen=True, slots=True)
class PrimaryPart:
    """What a primary answered, or why it did not."""

    snmp: SnmpAnswers = field(default_factory=SnmpAnswers)
    fault: Fault | None = None
    sip: SipHeard | None = None
    """None: it was not asked by SIP."""


@dataclass(frozen=True, slots=True)
class MitelAnswers:
    """What a system answered, and the profile by which it was asked; empty where none is known."""

    profile: str
    snmp: SnmpAnswers = field(default_factory=SnmpAnswers)
    sip: SipHeard | None = None
    """None: it was not asked by SIP."""
    primaries: dict[str, PrimaryPart] = field(default_factory=dict)
    """By name of the target."""

    @property
    def silent(self) -> bool:
        """Whether nothing came over SNMP, so that only SIP shows that the system is there."""
        return not self.snmp.values and not self.snmp.rows and not self.snmp.errors
