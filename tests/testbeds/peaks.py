"""Histories of daily peaks as firewalls make them, quiet ones and ones that fill up; and a firewall that tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from checks.contract import Finding, Memory, Reading, State
from checks.firewall import CHECK, note
from checks.firewall.forecast import Foreseen, Poll, Trends, foreseen
from checks.firewall.members import Membership, Told
from checks.firewall.outlook import CROSSING
from checks.firewall.series import Series
from config.profiles.roles import Role

LIMIT = 0.88
LEAD = 30.0
START = datetime(2026, 12, 1, 12, tzinfo=UTC)
FAMILY = {family.name.removeprefix("ridgeway_firewall_"): family for family in CHECK.families()}
MEMORY = Series(
    "memory_used", "memory in use", "ridgeway_firewall_memory_used_ratio", (), True, LIMIT, None, None, False, LEAD,
    False, True,
)  # fmt: skip
"""Without a limit of its own that would tell it earlier, so that every warning is the forecast's."""
SESSIONS = Series(
    "sessions", "sessions", "ridgeway_firewall_sessions", (), False, None, "ridgeway_firewall_sessions_limit", 0.80,
    True, 60.0, True, False,
)  # fmt: skip
DISKS = Series(
    "disk_ratio", "disk in use", "ridgeway_firewall_disk_used_ratio", None, True, 0.97, None, None, False, LEAD, False,
    False,
)  # fmt: skip


def packed(trends: Trends) -> Memory:
    """The note in which the ledger keeps trends."""
    memory = note.packed(note.Note(), None, Membership(Told(Role.ACTIVE)), None, trends, {})
    assert memory is not None
    return memory


@dataclass(slots=True)
class Firewall:
    """What a check remembers of a firewall, over days that go by; every note goes the way of the ledger's."""

    series: tuple[Series, ...] = (MEMORY,)
    now: datetime = START
    serial: str = "A"
    boot: datetime | None = None
    serves: bool = True
    no_limit: frozenset[str] = frozenset()
    trends: Trends = field(default_factory=Trends)
    notes: int = 0
    """How often there was something worth a note."""

    def poll(self, *values: tuple[str, float] | tuple[str, float, str]) -> Foreseen:
        """One poll that reads these values: the family's word, the value, a label."""
        readings = [Reading(FAMILY[word], value, tuple(labels)) for word, value, *labels in values]
        if self.boot is not None:
            readings.append(Reading(FAMILY["boot_timestamp_seconds"], self.boot.timestamp()))
        poll = Poll(readings, self.no_limit, self.serves, self.serial, self.now.timestamp())
        said = foreseen(self.series, self.trends, poll)
        if said.trends is not self.trends:
            self.notes += 1
            self.trends = note.unpacked(packed(said.trends)).trends
        return said

    def memory(self, value: float) -> Foreseen:
        return self.poll(("memory_used_ratio", value))

    def days(self, values: Iterable[float]) -> Foreseen:
        """A poll at noon of each day from now on, of the memory; gives what the last one said."""
        said = Foreseen(self.trends)
        for value in values:
            said = self.memory(value)
            self.now += timedelta(days=1)
        self.now -= timedelta(days=1)
        return said

    def next_day(self, value: float, days: int = 1) -> Foreseen:
        self.now += timedelta(days=days)
        return self.memory(value)


def finding(said: Foreseen, key: str = "firewall/forecast/memory_used") -> Finding | None:
    return next((finding for finding in said.findings if finding.key == key), None)


def state(said: Foreseen, key: str = "firewall/forecast/memory_used") -> State | None:
    found = finding(said, key)
    return None if found is None else found.state


def crossing(said: Foreseen) -> float | None:
    return next((reading.value for reading in said.readings if reading.family is CROSSING), None)


def line(days: int, start: float = 0.5, a_day: float = 0.01) -> list[float]:
    return [start + a_day * day for day in range(days)]


Made = Callable[[Random, int], list[float]]


def _quiet(rng: Random) -> tuple[float, float, int]:
    return rng.uniform(0.25, 0.65), rng.choice((0.01, 0.02, 0.04)), rng.randrange(20, 80)


def _noise(rng: Random, days: int) -> list[float]:
    base, spread, _ = _quiet(rng)
    return [base + rng.gauss(0, spread) for _ in range(days)]


def _drifting(rng: Random, days: int) -> list[float]:
    """Each day is like the one before it."""
    base, spread, _ = _quiet(rng)
    made, drift = [], 0.0
    for _ in range(days):
        drift = 0.7 * drift + rng.gauss(0, 0.7 * spread)
        made.append(base + drift)
    return made


def _weeks(rng: Random, days: int) -> list[float]:
    base, spread, _ = _quiet(rng)
    return [base * (1 if day % 7 < 5 else 0.45) + rng.gauss(0, spread) for day in range(days)]


def _step(rng: Random, days: int) -> list[float]:
    """A new office, a new feature: from one day on it is more."""
    base, spread, when = _quiet(rng)
    more = rng.uniform(0.06, 0.15)
    return [base + (more if day >= when else 0) + rng.gauss(0, spread / 2) for day in range(days)]


def _step_down(rng: Random, days: int) -> list[float]:
    return [0.9 - peak for peak in _step(rng, days)]


def _holidays(rng: Random, days: int) -> list[float]:
    """Christmas: two weeks of less, then it is as it was."""
    base, spread, when = _quiet(rng)
    return [
        base * (0.6 if when <= day < when + 14 else 1) * (1 if day % 7 < 5 else 0.5) + rng.gauss(0, spread)
        for day in range(days)
    ]


def _absurd(rng: Random, days: int) -> list[float]:
    """One day of fourteen is many times the others."""
    return [peak + (rng.uniform(0.2, 3) if rng.random() < 0.07 else 0) for peak in _noise(rng, days)]


def _half_seen(rng: Random, days: int) -> list[float]:
    """One day of ten the agent saw an hour of the night only."""
    return [peak * (rng.uniform(0, 1) if rng.random() < 0.1 else 1) for peak in _noise(rng, days)]


def _falling(rng: Random, days: int) -> list[float]:
    base, spread, _ = _quiet(rng)
    return [base + 0.2 - 0.002 * day + rng.gauss(0, spread) for day in range(days)]


def _log_rotation(rng: Random, days: int) -> list[float]:
    """Fills for three weeks, is emptied, fills again."""
    base, spread, when = _quiet(rng)
    return [base * 0.8 + 0.005 * ((day + when) % 21) + rng.gauss(0, spread / 3) for day in range(days)]


QUIET: dict[str, Made] = {
    "noise": _noise, "days like the day before": _drifting, "weeks": _weeks, "a step up": _step,
    "a step down": _step_down, "holidays": _holidays, "absurd days": _absurd, "half-seen days": _half_seen,
    "falling": _falling, "emptied every 3 weeks": _log_rotation,
}  # fmt: skip
"""None of them reaches the limit but for a day."""


def _filling(share: Callable[[float], float], *, weeks: bool = False, absurd: float = 0.0) -> Made:
    """Reaches the limit on its last day; `share` of the way after a share of the time."""

    def made(rng: Random, days: int) -> list[float]:
        base, spread = rng.uniform(0.3, 0.6), rng.choice((0.005, 0.01, 0.02))
        peaks = []
        for day in range(days):
            peak = base + (LIMIT - base) * share(day / (days - 1))
            peak *= 1 if not weeks or day % 7 < 5 else 0.6
            peaks.append(peak + rng.gauss(0, spread) + (rng.uniform(0.2, 2) if rng.random() < absurd else 0))
        return peaks

    return made


FILLING: dict[str, Made] = {
    "a leak": _filling(lambda past: past),
    "a leak, and absurd days": _filling(lambda past: past, absurd=0.06),
    "growth on working days": _filling(lambda past: past, weeks=True),
    "growth that speeds up": _filling(lambda past: past**1.6),
    "flat, then a leak": _filling(lambda past: max(0.0, 2 * past - 1)),
}
