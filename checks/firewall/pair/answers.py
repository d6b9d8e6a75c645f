"""What the members of a pair answered in one round: a part for each, with its own fault."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.contract import Fault
from checks.firewall.answers import FirewallAnswers


@dataclass(frozen=True, slots=True)
class MemberPart:
    """What one member brought. Answers with a fault beside them are partial."""

    answers: FirewallAnswers | None = None
    fault: Fault | None = None
    addresses: list[str] | None = None
    """The addresses that stand on it, as its own system lists them; None where that was not asked, or not answered."""
    no_addresses: str = ""
    """Why they are not known; empty where they are, or where its product needs no such question."""

    @property
    def cut_short(self) -> bool:
        """Whether the reading over SNMP ended before its end. Those by other ways tell it themselves."""
        return self.fault is not None and self.fault.condition.startswith("snmp/")

    @property
    def reached(self) -> bool | None:
        """Whether the member itself answered in any way; None where that cannot be told."""
        if self.answers is not None or self.addresses is not None:
            return True
        return None if self.fault is None else self.fault.reached


@dataclass(frozen=True, slots=True)
class PairAnswers:
    """The round, by the names of the members."""

    members: dict[str, MemberPart] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """True if any member answered; False if none did and at least one was asked in vain; else None."""
        told = [part.reached for part in self.members.values()]
        if True in told:
            return True
        return False if False in told else None
