"""One drill while it goes on: rows of probes, looks at what is drilled, and when it ends. It causes nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from agent.drills.party import Party, Results, Standing
from agent.drills.probing import Row
from agent.drills.records import Drill, Evidence, Look, Outcome
from agent.drills.tally import Tally
from agent.drills.verdict import BACK_FOR, LEAST_BACK, Verdict, verdict
from agent.records import CheckResult
from checks.firewall.failovers import Failover
from config.estate import CheckSpec

LOOK_EVERY = 0.25
ASK_EVERY = 2.0
"""Seconds between two questions by a check while something changes, besides its schedule; more where an answer takes
longer than half of that, so that a device rests for as long as it was asked."""
KEEP_EVERY = 10.0
"""Seconds between two copies of what was measured in the ledger: a kill takes no more than these."""
KEEP_NEWS_EVERY = 1.0
"""The same where a gap began or ended, or what is drilled changed: that is what a drill is for."""
SETTLED = 5.0
"""Seconds for which everything must be answered before what is drilled counts as whole again."""
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
        self._tally = Tally()
        self._looks: list[Look] = []
        self._seen: Standing | None = None
        """What the newest look is of."""
        self._looks_left_out = 0
        self._asked_at: dict[str, float] = {}
        """By check id."""
        self._kept_at = drill.start
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
            self._party.swaps(self._before, self._failovers(), self._looks, self.drill.start),
            tuple(self._looks),
            self._looks_left_out,
            self._tally.outs(),
        )
        return replace(self.drill, evidence=evidence)

    def standing(self) -> Standing | None:
        """How what is drilled stands now; None where nothing tells."""
        return self._party.standing(self._results(), self._clock())

    def away(self) -> list[str]:
        """Probes that are not answered now."""
        return [row.counted.probe for row in self._rows if row.counted.lost_since is not None]

    async def _go(self) -> None:
        try:
            while self._ending is None:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOK_EVERY)
                standing = self._look()
                now = self._clock()
                if now >= self.drill.until:
                    self.end(Ending("window"))
                elif self._until_whole and self._whole(standing):
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

    def _checks(self) -> tuple[CheckSpec, ...]:
        return (*self._party.telling, *self._party.counting)

    def _results(self) -> Results:
        return {spec.id: self._sight.result(spec) for spec in self._checks()}

    def _look(self) -> Standing | None:
        """See how what is drilled stands, and have it asked while anything changes."""
        results, now = self._results(), self._clock()
        for target, at, counts in self._party.counts(results, now):
            self._tally.take(target, at, counts)
        standing = self._party.standing(results, now)
        if standing is not None and (self._seen is None or not standing.as_before(self._seen)):
            self._seen = standing
            if len(self._looks) < MOST_LOOKS:
                self._looks.append(standing.look())
            else:
                self._looks_left_out += 1
        if self._unsettled(standing, results):
            self._ask(results, now)
        return standing

    def _unsettled(self, standing: Standing | None, results: Results) -> bool:
        """Whether anything is changing, or may have since it was asked: the schedule would tell too late."""
        if (standing is not None and standing.changing) or self.away() or self._out():
            return True
        begun = [one.started for some in results.values() for one in some if one is not None]
        return bool(begun) and min(begun) < self._answered_since()

    def _ask(self, results: Results, now: float) -> None:
        """Have those checks made whose devices have rested: each by itself, for one that is away answers nothing."""
        rested = []
        for spec in self._checks():
            last = max((one.started + 2 * one.duration for one in results[spec.id] if one is not None), default=0.0)
            if now >= max(self._asked_at.get(spec.id, self.drill.start) + ASK_EVERY, last):
                self._asked_at[spec.id] = now
                rested.append(spec)
        if rested:
            self._sight.ask(rested)

    def _out(self) -> bool:
        """Whether more is out of service than before, or may be, since it was not counted after the last gap."""
        since = self._answered_since()
        return any(one.still or one.last_at < since for one in self._tally.outs())

    def _answered_since(self) -> float:
        """When the last gap was over."""
        return max((row.counted.answered_since for row in self._rows), default=0.0)

    def _whole(self, standing: Standing | None) -> bool:
        """It has failed over; since then everything is answered and its check says that it is whole."""
        if standing is None or standing.state.bad or standing.service.bad or not self.now().evidence.swaps:
            return False
        answered = all(row.answered_for(SETTLED) for row in self._rows)
        return answered and not self._out() and standing.at >= self._answered_since()

    async def _finish(self, ending: Ending) -> None:
        if ending.broken_off:
            what = Verdict(Outcome.BROKEN_OFF, ending.broken_off)
        else:
            await asyncio.gather(*(row.stop() for row in self._rows))
            known = await self._ask_once_more()
            self._look()
            standing = self.standing() if known else None
            left = self._party.left(standing)
            what = verdict(
                self.now().evidence, self._missing(left), standing, self._party.words,
                told=bool(self._party.telling), left=left, back_at=self._answered_since(),
            )  # fmt: skip
        self._conclude(ending.by, what)

    def _missing(self, left: str) -> list[str]:
        """Probes that are not answered at the end and should be.

        What the service has left for its standby may be away, as long as anything of that is answered.
        """
        back = [row for row in self._rows if _is_back(row)]
        served = any(row.target == self._party.standby for row in back)
        excused = left if left and served else None
        return [row.counted.probe for row in self._rows if row not in back and row.target != excused]

    def _conclude(self, by: str, what: Verdict) -> None:
        self.drill = replace(
            self.now(), ended_at=self._clock(), ended_by=by, outcome=what.outcome, summary=what.summary,
            proven_at=what.proven_at,
        )  # fmt: skip
        self._over(self.drill)

    async def _ask_once_more(self) -> bool:
        """Whether those who tell have answered now: the verdict is on how it stands at the end, not on what was."""
        telling = {spec.id for spec in self._party.telling}
        questions = {asyncio.ensure_future(self._sight.fresh(spec)): spec for spec in self._checks()}
        if not questions:
            return False
        _, waiting = await asyncio.wait(questions, timeout=LAST_ANSWER_WITHIN)
        for question in waiting:
            question.cancel()
        await asyncio.gather(*questions, return_exceptions=True)
        return bool(telling) and all(
            not question.cancelled() and question.exception() is None
            for question, spec in questions.items()
            if spec.id in telling
        )

    def _failovers(self) -> tuple[Failover, ...]:
        return tuple(one for spec in self._party.telling for one in self._sight.failovers(spec))


def _is_back(row: Row) -> bool:
    """Whether the service is there at the end: nothing was ever lost, or some probes in a row were answered since."""
    counted = row.counted
    lost = counted.measured().lost
    return counted.lost_since is None and (not lost or row.answered_for(BACK_FOR, LEAST_BACK))
