"""How long the deliverer waits for what, and the two clocks it goes by."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from exporters.desks.contract import DeskCapabilities


@dataclass(frozen=True, slots=True)
class Clock:
    """`at` is the time of day, for people. `now` never jumps while the process lives; leases and waits go by it."""

    at: Callable[[], float]
    now: Callable[[], float]


def system_clock() -> Clock:
    """The machine's clocks. `now` starts at the time of day, so that it means something to the next process as well."""
    offset = time.time() - time.monotonic()
    return Clock(at=time.time, now=lambda: offset + time.monotonic())


@dataclass(frozen=True, slots=True)
class Pace:
    """Durations in seconds that do not depend on the desk."""

    grace: float = 1.0
    """Longest time between writing an attempt down and sending it."""
    retry_first: float = 5.0
    """Pause after the first failure; it doubles with each further one. 5, 10, 20, 40 … 300."""
    retry_longest: float = 300.0
    retry_asked: float = 3_600.0
    """The longest pause that a desk may ask for."""
    sweep: float = 3_600.0
    sweep_overlap: float = 900.0
    hurry: float = 30.0
    """Between sweeps while tickets of a lost day are left whose causes are not known yet."""
    hurried_for: float = 3_600.0
    """After the start; then such tickets wait for the ordinary sweep."""
    counts: float = 300.0
    idle: float = 60.0
    """The longest sleep: a wish whose wake-up call was lost waits no longer than this."""

    def settle(self, desk: DeskCapabilities) -> float:
        """How long after an attempt was written down the desk may still be making its ticket."""
        return self.grace + desk.timeout + desk.max_in_flight + desk.lookup_lag

    def lease(self, desk: DeskCapabilities) -> float:
        """Long enough for the calls of one wish, and for a note that nobody waited for to arrive."""
        return max(self.settle(desk), self.grace + 5 * desk.timeout)

    def pause(self, failures: int, chance: random.Random) -> float:
        """The pause after so many failures in a row, shortened at random by up to a third."""
        doubled = self.retry_first * float(1 << min(max(failures, 1) - 1, 16))
        return min(self.retry_longest, doubled) * chance.uniform(2 / 3, 1)
