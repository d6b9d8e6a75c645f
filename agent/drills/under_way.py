"""One drill while it goes on: rows of probes, looks at the pair, and when it ends. It causes nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from agent.drills.pair import Party, Standing, standing, swaps_during
from agent.drills.probing import INTERVAL, Row
from agent.drills.records import Drill, Evidence, Look, Outcome
from agent.drills.verdict import BACK_AFTER, Verdict, verdict
from agent.records import CheckResult
from checks.firewall.failovers import Failover
from config.estate import CheckSpec

LOOK_EVERY = 0.25
ASK_EVERY = 2.0
"""Seconds between two questions to a pair that is changing, besides its schedule; more where an answer takes longer
than half of that, so that a device rests for as long as it was asked."""
KEEP_EVERY = 10.0
"""Seconds between two copies of what was measured in the ledger: a kill takes no more than these."""
KEEP_NEWS_EVERY = 1.0
"""The same where a gap began or ended, or the pair changed: that is what a drill is for."""
SETTLED = 5.0
"""Seconds for which everything must be answered before the pair counts as whole again."""
LAST_ANSWER_WITHIN = 30.0
MOST_LOOKS = 200


@dataclass(frozen=True, slots=True)
class Sight:
    """What a drill sees of the agent, and the one thing that it may ask of it."""

    result: Callable[[CheckSpec], Sequence[CheckResult | None]]
    """The newest result from each vantage."""
    failovers: Callable[[CheckSpec], Sequence[Failover]]
    ask: Callable[[Sequence[CheckSpec]], None]
    """Run these checks now, besides their schedule; returns at once."""
    fresh: Callable[[CheckSpec], Awaitable[object]]
    """Run this check and wait for its result."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a drill ends."""

    by: str
    broken_off: str = ""
    """Why it is broken off; empty where it ends as it should."""


class UnderWay:
    """A drill from its first probe to its verdict. Belongs to the event loop's thread."""

    def __init__(
        self,
        drill: Drill,
        party: Party,
        rows: Sequence[Row],
        sight: Sight,
        clock: Callable[[], float],
        *,
        until_whole: bool,
        keep: Callable[[Drill], None],
        over: Callable[[Drill], None],
    ) -> None:
        """`clock` is never stepped; `keep` is given what was measured so far, `over` the drill with its outcome."""
        self.drill = drill
        self._party = party
        self._rows = tuple(rows)
        self._sight = sight
        self._clock = clock
        self._until_whole = until_whole
        self._keep = keep
        self._over = over
        self._before = self._failovers()
        self._looks: list[Look] = []
        self._seen: Standing | None = None
        """What the newest look is of."""
        self._looks_left_out = 0
        self._asked_at = self._kept_at = drill.start
        self._kept: tuple[int, ...] = ()
        """How much had been seen when the last copy was kept."""
        self._ending: Ending | None = None
        self._why = "It ended of itself; the agent's log says why."
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def ending(self) -> bool:
        """Whether it has been told to end and only the last answers are awaited."""
        return self._ending is not None

    def start(self) -> None:
        self._look()
        for row in self._rows:
            row.start()
        self._task = asyncio.create_task(self._go(), name=self.drill.id)

    def end(self, ending: Ending) -> None:
        """Have it end; whoever says so first is the one who ended it."""
        if self._ending is None:
            self._ending = ending
            self._wake.set()

    def break_off(self, why: str) -> None:
        """Have it end at once, without an outcome of its own, also while its last answers are awaited."""
        self._why = why
        if self._ending is None:
            self.end(Ending("agent", why))
        elif self._task is not None:
            self._task.cancel()

    async def done(self, within: float | None = None) -> None:
        """Wait for its end, at most so many seconds."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=within)

    def now(self) -> Drill:
        """The drill with what was measured until now."""
        evidence = Evidence(
            tuple(row.counted.measured() for row in self._rows),
            swaps_during(self._before, self._failovers(), self._looks, self.drill.start),
            tuple(self._looks),
            self._looks_left_out,
        )
        return replace(self.drill, evidence=evidence)

    def pair(self) -> Standing | None:
        """How the pair stands now; None where nothing tells."""
        results = [one for spec in self._party.pairs for one in self._sight.result(spec)]
        return standing(results, self._clock())

    def away(self) -> list[str]:
        """Probes that are not answered now."""
        return [row.counted.probe for row in self._rows if row.counted.lost_since is not None]

    async def _go(self) -> None:
        try:
            while self._ending is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOK_EVERY)
                pair = self._look()
                now = self._clock()
                if now >= self.drill.until:
                    self.end(Ending("window"))
                elif self._until_whole and self._whole(pair):
                    self.end(Ending("agent"))
                else:
                    self._keep_copy(now)
            await self._finish(self._ending)
        finally:
            for row in self._rows:
                row.cut()
            if self.drill.outcome is None:  # broken off while it ended; or a defect of ours
                self._conclude("agent", Verdict(Outcome.BROKEN_OFF, self._why))

    def _keep_copy(self, now: float) -> None:
        seen = (len(self._looks), *(row.counted.turns for row in self._rows))
        if now - self._kept_at >= (KEEP_EVERY if seen == self._kept else KEEP_NEWS_EVERY):
            self._kept_at, self._kept = now, seen
            self._keep(self.now())

    def _look(self) -> Standing | None:
        """See how the pair stands, and have it asked while anything changes."""
        pair = self.pair()
        if pair is None:
            return None
        if self._seen is None or not pair.as_before(self._seen):
            self._seen = pair
            if len(self._looks) < MOST_LOOKS:
                self._looks.append(pair.look())
            else:
                self._looks_left_out += 1
        now = self._clock()
        rested = max(self._asked_at + ASK_EVERY, pair.at + 2 * pair.seconds)
        if self._unsettled(pair) and now >= rested:
            self._asked_at = now
            self._sight.ask(self._party.pairs)
        return pair

    def _unsettled(self, pair: Standing) -> bool:
        """Whether the pair is changing, or may have since it was asked: its schedule would tell too late."""
        return pair.changing or bool(self.away()) or pair.at < self._answered_since()

    def _answered_since(self) -> float:
        """When the last gap was over."""
        return max((row.counted.answered_since for row in self._rows), default=0.0)

    def _whole(self, pair: Standing | None) -> bool:
        """It has failed over; since then everything is answered and the pair says that it is whole."""
        if pair is None or pair.state.bad or pair.service.bad or not self.now().evidence.swaps:
            return False
        answered = all(row.counted.answered_in_a_row >= SETTLED / INTERVAL for row in self._rows)
        return answered and pair.at >= self._answered_since()

    async def _finish(self, ending: Ending) -> None:
        if ending.broken_off:
            what = Verdict(Outcome.BROKEN_OFF, ending.broken_off)
        else:
            await asyncio.gather(*(row.stop() for row in self._rows))
            known = await self._ask_once_more()
            self._look()
            away = [row.counted.probe for row in self._rows if not _is_back(row)]
            pair = self.pair() if known else None
            what = verdict(self.now().evidence, away, pair, has_pair=bool(self._party.pairs))
        self._conclude(ending.by, what)

    def _conclude(self, by: str, what: Verdict) -> None:
        self.drill = replace(
            self.now(), ended_at=self._clock(), ended_by=by, outcome=what.outcome, summary=what.summary,
            proven_at=what.proven_at,
        )  # fmt: skip
        self._over(self.drill)

    async def _ask_once_more(self) -> bool:
        """Whether the pair has answered now: the verdict is on how it stands at the end, not on what was before."""
        questions = [asyncio.ensure_future(self._sight.fresh(spec)) for spec in self._party.pairs]
        if not questions:
            return False
        _, waiting = await asyncio.wait(questions, timeout=LAST_ANSWER_WITHIN)
        for question in waiting:
            question.cancel()
        found = await asyncio.gather(*questions, return_exceptions=True)
        return not any(isinstance(one, BaseException) for one in found)

    def _failovers(self) -> tuple[Failover, ...]:
        return tuple(one for spec in self._party.pairs for one in self._sight.failovers(spec))


def _is_back(row: Row) -> bool:
    """Whether the service is there at the end: nothing was ever lost, or some probes in a row were answered since."""
    counted = row.counted
    lost = counted.measured().lost
    return counted.lost_since is None and (not lost or counted.answered_in_a_row >= BACK_AFTER)
