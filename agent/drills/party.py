"""What a drill is about, whatever its kind: whom it covers, which checks tell how that stands, and in which words.

A kind has a `Party` of its own, which reads the results of its checks; of roles and phones a drill knows nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.drills.records import Look, Swap
from agent.records import CheckResult
from checks.contract import State
from checks.firewall.failovers import Failover
from config.estate import CheckSpec

SKEW = 120.0
"""Seconds by which a device's clock may differ for what it dates still to belong to the drill."""
Results = Mapping[str, Sequence[CheckResult | None]]
"""By check id: the newest result from each vantage."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest results of the checks that tell, as one."""

    at: float
    """When the oldest of them began."""
    state: State
    """The worst of what is said of what is drilled."""
    service: State
    """Whether it does its work; critical: it does not, unsupported: this product tells nobody."""
    active: tuple[str, ...]
    """Targets that carry the service."""
    text: str
    """The worst finding's sentence."""
    about: str = ""
    """The worst finding's key."""
    changing: bool = True
    """Whether the service or a member is not as it should be, so that the next answer may be another."""
    dated: float | None = None
    """When the device itself says that it began to stand so."""

    def look(self) -> Look:
        return Look(self.at, self.state.value, self.active, self.text, self.dated)

    def as_before(self, other: Standing) -> bool:
        """Whether this says the same as an earlier one; numbers in its sentence may be others."""
        return (self.state, self.active, self.about) == (other.state, other.active, other.about)


@dataclass(frozen=True, slots=True)
class Words:
    """How the outcome is told of a kind: beginnings of sentences, and one whole one."""

    untold: str
    unsupported: str
    failing: str
    unknown: str
    moved: str
    not_whole: str
    whole: str


class Party(Protocol):
    """What one drill is about."""

    @property
    def target(self) -> str:
        """What is drilled."""

    @property
    def standby(self) -> str:
        """The target that is to take over, where the kind names one; else empty."""

    @property
    def covers(self) -> tuple[str, ...]:
        """Targets that the window covers."""

    @property
    def probed(self) -> tuple[str, ...]:
        """Targets that are probed where nobody says what to probe; something of each must be answered."""

    @property
    def telling(self) -> tuple[CheckSpec, ...]:
        """Checks that tell where the service is; without any only the loss is measured."""

    @property
    def counting(self) -> tuple[CheckSpec, ...]:
        """Checks that are asked besides, for what they count."""

    @property
    def words(self) -> Words: ...

    def standing(self, results: Results, now: float) -> Standing | None:
        """How it stands; None where nothing tells."""

    def swaps(
        self, before: Sequence[Failover], now: Sequence[Failover], looks: Sequence[Look], start: float
    ) -> tuple[Swap, ...]:
        """The failovers since the drill began, oldest first; `before` and `now` are what the notes of checks have."""

    def counts(self, results: Results, now: float) -> Iterator[tuple[str, float, Mapping[str, int]]]:
        """What is out of service, by target: as of when, and how many of each category. Only what is known."""

    def left(self, standing: Standing | None) -> str:
        """The target that the service has left for another, which may be away at the end; empty where none has."""


def changes_in(looks: Sequence[Look]) -> Iterator[Swap]:
    """Changes of the one active target that looks show; dated by the device where its clock agrees with ours."""
    active = ""
    for look in looks:
        if len(look.active) != 1:
            continue
        (member,) = look.active
        if active and member != active:
            near = look.dated is not None and abs(look.dated - look.at) <= SKEW
            yield Swap(look.dated if near and look.dated is not None else look.at, look.at, active, member, "")
        active = member
