"""What is kept of a drill: who announced it, what was measured, and what came of it. Plain values.

One shape for every kind of drill; a kind leaves empty what it does not measure. Times are Unix seconds, lengths are
seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class DrillKind(StrEnum):
    """What is drilled."""

    FIREWALL = "firewall"
    TELEPHONY = "telephony"


FAILOVERS = (DrillKind.FIREWALL, DrillKind.TELEPHONY)
"""Kinds that prove a failover."""


class Outcome(StrEnum):
    """What came of a drill."""

    PROVEN = "proven"
    """A failover was seen, exactly as many members are active as should be, and the service came back."""
    NO_FAILOVER = "no failover seen"
    FAILED = "failed"
    """The service did not come back, sets are still out, or the pair does not do its work."""
    MEASURED = "measured"
    """Nothing tells of roles or of resilience here: the loss was measured, and that is all."""
    UNKNOWN = "unknown"
    """At the end nothing told whether the pair does its work, or where the phones are."""
    BROKEN_OFF = "broken off"
    """The agent stopped, or the target went; what was measured until then is kept."""


@dataclass(frozen=True, slots=True)
class Gap:
    """One row of probes that were not answered.

    The service was away for at least `at_least` and at most `at_most` seconds: from the first lost probe to the last
    one, and from when the last probe left that was answered before, to the first answer after. One that is `open` had
    not ended yet, so that it has no most.
    """

    start: float
    """When the first lost probe left."""
    seconds: float
    """From there until the first probe left that was answered again; or until the measuring ended, where `open`."""
    at_least: float
    at_most: float
    lost: int
    open: bool = False
    """It had not ended when the measuring did."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one probe told over the whole drill."""

    probe: str
    """As it is written on the command line: `tcp:192.0.2.1:443`, `icmp:192.0.2.1`, `sip:192.0.2.1:5060/udp`."""
    interval: float
    """Seconds from one probe to the next, as intended."""
    patience: float
    """Seconds after which an answer no longer counts."""
    sent: int = 0
    answered: int = 0
    lost: int = 0
    unsent: int = 0
    """Probes that failed on the agent's own machine: they tell nothing of the target."""
    ways: Mapping[str, int] = field(default_factory=dict)
    """How many of the lost ones were `refused`, `silent`, `unreachable`, or answered by one that is `unwell`."""
    coarsest: float = 0.0
    """The longest time between two probes that left: nothing shorter than this can be told for sure."""
    longest: Gap | None = None
    gaps: tuple[Gap, ...] = ()
    """Every gap in order, as many as are kept."""
    gaps_left_out: int = 0


@dataclass(frozen=True, slots=True)
class Swap:
    """A failover during the drill."""

    at: float
    """When, as the device's own history dates it, where it does."""
    seen: float
    away_from: str
    to: str
    reason: str
    """The device's own words; empty where it gave none."""


@dataclass(frozen=True, slots=True)
class Look:
    """How what is drilled stood from this moment on, as its own check tells it."""

    at: float
    state: str
    active: tuple[str, ...]
    """Targets that carry the service: the pair's active members; the controller where the phones are."""
    text: str
    dated: float | None = None
    """When it began to stand so by the device's own clock, where that says it."""


@dataclass(frozen=True, slots=True)
class Out:
    """What was out of service at one controller, as its own check counted it: sets of one category."""

    target: str
    category: str
    """As the device calls it."""
    before: int
    """When the drill began."""
    worst: int
    worst_at: float
    """When so many were first seen to be out."""
    last: int
    """When it was counted last."""
    last_at: float
    back_at: float | None = None
    """Since when no more are out than before; None while more are, and where none ever were."""

    @property
    def still(self) -> bool:
        """Whether more are out than before."""
        return self.last > self.before


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was measured and seen."""

    probes: tuple[Measured, ...] = ()
    swaps: tuple[Swap, ...] = ()
    looks: tuple[Look, ...] = ()
    looks_left_out: int = 0
    outs: tuple[Out, ...] = ()


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill, under way or over. `id` is `DRL-` and a ULID."""

    id: str
    kind: DrillKind
    council: str
    target: str
    covers: tuple[str, ...]
    """Targets that its maintenance window covers."""
    author: str
    reason: str
    change: str
    """Reference of the change record; empty without one."""
    window: str
    """Id of its maintenance window."""
    start: float
    until: float
    """When it ends at the latest."""
    evidence: Evidence = Evidence()
    ended_at: float | None = None
    ended_by: str = ""
    """A person's name, `agent`, or `window` where the time was over."""
    outcome: Outcome | None = None
    """None while it is under way."""
    summary: str = ""
    """The outcome in a sentence."""
    standby: str = ""
    """The target that is to take over, where the kind names one."""
    proven_at: float | None = None
    """When what it drills was last proven by it: the moment of its last failover. None where nothing was."""
