"""The estate in force: every part of the daemon that holds it, and the way from one estate to the next.

Whatever can fail has been done before the first step (`agent.daemon.reload`); a step computes and waits for nothing,
and between two of them others have the loop. The order keeps what arrives in between harmless: first nothing is asked
any more that is not wanted, then the judge changes over, then new checks are scheduled. A result of a check that the
judge no longer has says nothing, and one that it does not have yet cannot come before it is scheduled.

A step that fails all the same is a defect. The agent says so loudly and goes on with the other steps: half way between
two estates is worse than the next one with a part missing, and the log says to restart.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from agent.daemon.handover import Handover
from agent.daemon.parts import Routes, specs_of
from agent.daemon.pipeline import Pipeline, state_of
from agent.elsewhere import Elsewhere
from agent.ledger.batch import Audit
from agent.ledger.recorder import Recorder
from agent.run import Runner
from agent.schedule import Scheduler
from agent.windows import Windows
from config.estate import Estate
from exporters.desks.delivery import Delivery, queues_by_desk
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics


class Using(Protocol):
    """A part that holds the estate and can go on with another one at once, without waiting for anything."""

    def use(self, estate: Estate) -> None: ...


@dataclass(slots=True)
class InForce:
    """The parts. `using` may be added to until the agent has begun."""

    estate: Estate
    vantage: str
    scheduler: Scheduler
    runner: Runner
    elsewhere: Elsewhere
    windows: Windows
    routes: Routes
    pipeline: Pipeline
    recorder: Recorder
    exposition: Exposition
    own: OwnMetrics
    delivery: Delivery
    clock: Callable[[], float]
    changed: Callable[[], None]
    """Told when all is done, to count anew."""
    using: list[Using] = field(default_factory=list)
    """Parts that need nothing but the new estate."""
    objections: list[Callable[[Estate], str]] = field(default_factory=list)
    """Asked before anything is changed: why an estate cannot come into force, as a sentence; empty where it can."""

    async def put(self, new: Estate, over: Handover, audit: Audit) -> list[str]:
        """Put `new` in force. Returns the steps that failed, which is none but for a defect."""
        old, self.estate = self.estate, new
        failed = []
        for name, step in self._steps(old, new, over, audit):
            await asyncio.sleep(0)
            try:
                step()
            except Exception:  # noqa: BLE001 - a defect; half an estate is worse than one with a part missing
                structlog.get_logger("agent").exception(
                    "defect: a part could not go on with the new estate; restart the agent and report this", part=name
                )
                failed.append(name)
        self.changed()
        return failed

    def _steps(
        self, old: Estate, new: Estate, over: Handover, audit: Audit
    ) -> Iterator[tuple[str, Callable[[], None]]]:
        yield "probers", lambda: self.elsewhere.use(new)
        yield "runs", lambda: self.runner.load(new, over.checks)
        yield "judge", lambda: self._judge(new, over, audit)
        yield "recorder", lambda: self.recorder.forget(over.gone)
        yield "schedule", lambda: self.scheduler.load(specs_of(new), over.begun)
        off = (*over.gone, *over.renamed)
        yield "metrics", lambda: self.exposition.change(off, over.subjects, self.vantage, self.clock())
        yield "series", lambda: self._relabel(over)
        yield "desks", lambda: self._deliver(old, new)
        for part in self.using:
            yield type(part).__name__, lambda part=part: part.use(new)  # type: ignore[misc]
        yield "own metrics", self.accepted

    def _judge(self, new: Estate, over: Handover, audit: Audit) -> None:
        """Alerts, incidents and what hangs on the names of checks, all at once."""
        now = self.clock()
        self.windows.use(new)
        self.routes.use(new)
        self.recorder.rename(over.renames, over.renamed)
        self.pipeline.carry_over(over.renamed, over.gone)
        self.pipeline.conclude(self.pipeline.judge.reload(new, now), now)
        self.pipeline.keep(audit=(audit,))

    def _relabel(self, over: Handover) -> None:
        """Series that bear another name or council go on with what was last read."""
        now = self.clock()
        for key in over.relabelled:
            result = self.pipeline.last.get(key)
            if result is not None:
                self.exposition.restore(result, state_of(result), self.recorder.last_success(*key), now)

    def _deliver(self, old: Estate, new: Estate) -> None:
        self.delivery.use(new.desks, queues_by_desk(new.routes))
        if old.desks != new.desks or old.routes != new.routes:
            self.own.desks(sorted(new.desks))

    def accepted(self) -> None:
        """The estate in force was read and found good, now."""
        kinds = Counter(spec.kind for spec in specs_of(self.estate))
        self.own.config_accepted(self.estate.revision, self.clock(), kinds)
