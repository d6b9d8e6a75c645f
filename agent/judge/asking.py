"""Who has been asked for the sake of others: one question per target in flight, never two within seconds."""

from __future__ import annotations

from agent.records import Cause, ProbeWish

SPACING = 2.0
"""Seconds between two questions to the same target, however many openings wait for its answer."""
SLACK = 10.0
"""Seconds the agent may take to get round to a question, beside the probe's own time-out."""


class Asking:
    """Turns needs for an answer into wishes, and remembers which are under way."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[float, float]] = {}
        self.in_flight: set[str] = set()
        """Targets that were asked and have not said anything since."""
        self._postponed: dict[str, tuple[float, Cause]] = {}

    def want(self, target: str, because: Cause, patience: float, now: float) -> ProbeWish | None:
        """A wish, unless the target is being asked already or was a moment ago; then it is asked again in time."""
        asked, until = self._asked.get(target, (float("-inf"), float("-inf")))
        if target in self.in_flight and now < until:
            self._postponed.pop(target, None)
            return None
        if now < asked + SPACING:
            self._postponed.setdefault(target, (asked + SPACING, because))
            return None
        self._asked[target] = (now, now + patience)
        self.in_flight.add(target)
        self._postponed.pop(target, None)
        return ProbeWish(target, because)

    def recently(self, target: str, now: float, seconds: float) -> bool:
        """Whether it was asked within the last `seconds`."""
        asked = self._asked.get(target)
        return asked is not None and now < asked[0] + seconds

    def answered(self, target: str) -> None:
        """A result of this target arrived that tells whether it is reachable."""
        self.in_flight.discard(target)

    def due(self, now: float) -> list[tuple[str, Cause]]:
        """Postponed questions whose time has come."""
        ready = [(target, cause) for target, (at, cause) in self._postponed.items() if at <= now]
        for target, _ in ready:
            del self._postponed[target]
        return ready

    def next_due(self) -> float | None:
        return min((at for at, _ in self._postponed.values()), default=None)

    def shift(self, seconds: float) -> None:
        """The clock jumped: what was running goes on running, by the new clock."""
        self._asked = {target: (at + seconds, until + seconds) for target, (at, until) in self._asked.items()}
        self._postponed = {target: (at + seconds, cause) for target, (at, cause) in self._postponed.items()}
