"""When a target is asked because it, or somebody for it, said that something changed. It is the poll that decides.

1. The first prompt has the target asked at once.
2. Further ones within `EVERY` seconds, and one that comes while the target is being asked, are answered together by
   one more poll when that time is over: a change after the poll began is not missed.
3. While prompts keep coming, the time doubles up to `LONGEST`. Some devices send a trap because they were asked, a
   log-in for example: that circle must not turn fast.
4. All targets together keep to a rate. Who comes too late waits for a turn, each target once.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum

from checks.transports.snmp.allowance import Allowance

EVERY = 10.0
"""Seconds between two polls of one target that were prompted."""
LONGEST = 60.0
_PATIENT = 2
"""Polls without a pause after which the time begins to double."""
_MOST_ROUNDS = 32
"""So far they are counted: a circle may turn for months."""
RATE = 20.0
"""Targets a second that are asked for prompts, in the long run."""
BURST = 50.0


class Prompted(StrEnum):
    """What became of a prompt."""

    PROMPTED = "prompted"
    """The target was asked at once."""
    COALESCED = "coalesced"
    """It will be asked with others that came before or come yet."""
    LIMITED = "limited"
    """It will be asked when it is its turn: too many targets want to be."""


class Prompts:
    """Made in the event loop. `ask(target, prompts, later)` begins the poll that answers so many prompts.

    `later` is false when it is called within `prompt`. It returns whether everything could begin: false when a part
    was under way already, which may have read what has changed since.
    """

    def __init__(
        self,
        ask: Callable[[str, int, bool], bool],
        *,
        every: float = EVERY,
        longest: float = LONGEST,
        rate: float = RATE,
        burst: float = BURST,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._ask = ask
        self._every = every
        self._longest = longest
        self._allowance = Allowance(rate, burst)
        self._resting: dict[str, asyncio.TimerHandle] = {}
        """Targets that were asked a moment ago."""
        self._rests: dict[str, tuple[int, float, float]] = {}
        """How often each was asked without a pause, how long its last rest is, and until when."""
        self._joined: dict[str, int] = {}
        """Prompts of those that are not answered yet."""
        self._queue: OrderedDict[str, int] = OrderedDict()
        """Prompts by target, of those that wait for a turn."""
        self._turn: asyncio.TimerHandle | None = None

    def prompt(self, target: str) -> Prompted:
        """Have this target asked, now or soon."""
        if target in self._resting:
            self._joined[target] = self._joined.get(target, 0) + 1
            return Prompted.COALESCED
        if target in self._queue:
            self._queue[target] += 1
            return Prompted.COALESCED
        return Prompted.PROMPTED if self._try(target, 1, later=False) else Prompted.LIMITED

    def stop(self) -> None:
        """Ask nobody any more; safe to call twice."""
        for timer in self._resting.values():
            timer.cancel()
        if self._turn is not None:
            self._turn.cancel()
        self._resting.clear()
        self._joined.clear()
        self._queue.clear()

    def _try(self, target: str, prompts: int, later: bool) -> bool:
        """Ask now if the rate allows it; else it waits for its turn."""
        if self._queue or not self._allowance.take(self._loop.time()):
            self._queue[target] = prompts
            self._await_turn()
            return False
        self._begin(target, prompts, later)
        return True

    def _begin(self, target: str, prompts: int, later: bool) -> None:
        if not self._ask(target, prompts, later):
            self._joined[target] = self._joined.get(target, 0)
        rest = self.rest_of(target)
        until = self._loop.time() + rest
        self._rests[target] = (min(self._round(target) + 1, _MOST_ROUNDS), rest, until)
        self._resting[target] = self._loop.call_at(until, self._rested, target)

    def rest_of(self, target: str) -> float:
        """Seconds for which it would be left alone if it were asked now."""
        return min(self._every * 2.0 ** max(0, self._round(target) - _PATIENT), self._longest)

    def _round(self, target: str) -> int:
        """How often it was asked before without having been quiet for as long as its last rest."""
        rounds, rest, until = self._rests.get(target, (0, 0.0, 0.0))
        return rounds if self._loop.time() < until + rest else 0

    def _rested(self, target: str) -> None:
        del self._resting[target]
        joined = self._joined.pop(target, None)
        if joined is not None:
            self._try(target, joined, later=True)

    def _await_turn(self) -> None:
        if self._turn is None:
            self._turn = self._loop.call_later(self._allowance.wait(self._loop.time()), self._take_turn)

    def _take_turn(self) -> None:
        self._turn = None
        if self._queue and self._allowance.take(self._loop.time()):
            self._begin(*self._queue.popitem(last=False), later=True)
        if self._queue:
            self._await_turn()
