"""What one round brought: what each route said, the categories of controllers, the UPSs, and people's records."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.contract import Fault
from checks.network.answers import SnmpAnswers
from checks.telephony.readiness.records import Line, Location
from checks.telephony.sip_options import Endpoint


@dataclass(frozen=True, slots=True)
class Heard:
    """What an endpoint answered to OPTIONS at each of its addresses, or why it could not be asked."""

    endpoints: tuple[Endpoint, ...] = ()
    fault: Fault | None = None

    @property
    def silent(self) -> bool:
        """Whether it was asked, and no address of it answered in any way."""
        return bool(self.endpoints) and all(
            one.fault is not None and one.fault.reached is False for one in self.endpoints
        )


@dataclass(frozen=True, slots=True)
class System:
    """A controller's overall level and categories of alarms."""

    answers: SnmpAnswers | None = None
    fault: Fault | None = None

    @property
    def silent(self) -> bool:
        return self.answers is None and self.fault is not None and self.fault.reached is False


@dataclass(frozen=True, slots=True)
class Ups:
    """A UPS as its profile reads it."""

    answers: SnmpAnswers | None = None
    fault: Fault | None = None
    own: str = ""
    """A check of the UPS's own that reads the same and tells it already; empty: none does."""

    @property
    def silent(self) -> bool:
        return self.answers is None and self.fault is not None and self.fault.reached is False


@dataclass(frozen=True, slots=True)
class Kept:
    """The file of records; `fault` says why it could not be read."""

    locations: tuple[Location, ...] = ()
    lines: tuple[Line, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class ReadinessAnswers:
    """The round: routes by name, controllers and UPSs by target; the check's own target is the empty name."""

    routes: dict[str, Heard] = field(default_factory=dict)
    systems: dict[str, System] = field(default_factory=dict)
    power: dict[str, Ups] = field(default_factory=dict)
    records: Kept = field(default_factory=Kept)

    @property
    def reached(self) -> bool | None:
        """Whether the check's own target answered; None where it was not asked, or that cannot be told."""
        own = self.systems.get("")
        if own is None:
            return None
        return True if own.answers is not None else own.fault.reached if own.fault is not None else None
