"""How often something may happen: a token bucket. The clock is passed in."""

from __future__ import annotations

from collections import OrderedDict


class Allowance:
    """At most `burst` at once and `rate` a second in the long run."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = float("-inf")

    def take(self, now: float) -> bool:
        """Use one up, if there is one. `now` in seconds of any clock that does not go back."""
        if now > self._at:
            self._left = min(self._burst, self._left + min(now - self._at, self._burst / self._rate) * self._rate)
            self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def wait(self, now: float) -> float:
        """Seconds until there is one; 0 when there is one now."""
        left = self._left + max(0.0, now - self._at) * self._rate
        return max(0.0, (1 - left) / self._rate)


class Allowances:
    """An allowance for each of many; the one that was quiet for longest is forgotten when there are too many."""

    def __init__(self, rate: float, burst: float, most: int = 4096) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._each: OrderedDict[str, Allowance] = OrderedDict()

    def take(self, name: str, now: float) -> bool:
        """As `Allowance.take`, for this one."""
        allowance = self._each.get(name)
        if allowance is None:
            allowance = self._each[name] = Allowance(self._rate, self._burst)
            if len(self._each) > self._most:
                self._each.popitem(last=False)
        else:
            self._each.move_to_end(name)
        return allowance.take(now)
