"""What the daemon does several times a second beside probing: time passes, metrics of its own, signs of life."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import structlog

from agent.daemon.pipeline import Pipeline
from agent.daemon.view import AgentView
from agent.ledger.ledger import Ledger
from agent.ledger.recorder import Recorder
from agent.notify import Notifier
from agent.records import IncidentState
from agent.run import Runner
from agent.schedule import Scheduler
from checks.transports import Transports
from exporters.desks.delivery import Delivery
from exporters.desks.status import DeskStatus
from exporters.feed.hub import Hub
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics

EVERY = 0.25
"""Seconds between two looks at the time."""
OWN_EVERY = 1.0
"""Seconds between two looks at the agent itself."""


class Pulse:
    """One task of the event loop."""

    def __init__(
        self,
        pipeline: Pipeline,
        recorder: Recorder,
        ledger: Ledger,
        scheduler: Scheduler,
        runner: Runner,
        delivery: Delivery,
        own: OwnMetrics,
        view: AgentView,
        notifier: Notifier,
        clock: Callable[[], float],
        exposition: Exposition,
        dropped: Callable[[], int],
        transports: Transports,
        hub: Hub,
    ) -> None:
        self._pipeline = pipeline
        self._recorder = recorder
        self._ledger = ledger
        self._scheduler = scheduler
        self._runner = runner
        self._delivery = delivery
        self._own = own
        self._view = view
        self._notifier = notifier
        self._clock = clock
        self._exposition = exposition
        self._dropped_now = dropped
        self._transports = transports
        self._hub = hub
        self._log = structlog.get_logger("agent")
        self._task: asyncio.Task[None] | None = None
        self._changed = True
        self._dropped = 0
        self._skipped = 0
        self._readers_dropped = 0
        self._desks: dict[str, DeskStatus] = {}

    def soon(self) -> None:
        """An incident changed: the next look recounts."""
        self._changed = True

    def start(self) -> None:
        self._task = asyncio.create_task(self._beat(), name="pulse")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        own_due = loop.time()
        while True:
            before = loop.time()
            await asyncio.sleep(EVERY)
            self._own.loop_held(max(0.0, loop.time() - before - EVERY))
            now = self._clock()
            self._pipeline.tick(now)
            self._recorder.tick(now)
            if loop.time() >= own_due:
                own_due = loop.time() + OWN_EVERY
                self._look_at_itself(now)

    def _look_at_itself(self, now: float) -> None:
        self._exposition.tick(now)
        dropped = self._dropped_now()
        self._own.log_dropped(dropped - self._dropped)
        self._dropped = dropped
        self._own.skipped(self._runner.skipped - self._skipped)
        self._skipped = self._runner.skipped
        self._own.under_way(self._runner.running, self._runner.hanging + self._transports.aside.hanging)
        refused = self._transports.lockout.refused()
        self._own.credential_refusals({name: len(targets) for name, targets in refused.items()})
        health = self._ledger.health
        self._own.ledger(
            waiting=health.queued,
            healthy=health.ok,
            last_commit=health.committed_at,
            refused=health.refused,
            given_up=health.given_up,
            left_out=self._recorder.series_left_out,
        )
        self._own.progress(now - (asyncio.get_running_loop().time() - self._scheduler.last_progress))
        self._own.isolated(self._view.isolated_since() is not None)
        hub = self._hub
        self._own.feed(sequence=hub.position.newest, readers=hub.readers, dropped=hub.dropped - self._readers_dropped)
        self._readers_dropped = hub.dropped
        self._look_at_desks()
        if self._changed:
            self._changed = False
            live = self._pipeline.incidents.live.values()
            counts = Counter(
                (incident.priority, incident.cause.council)
                for incident in live
                if incident.state is not IncidentState.SUSPECT
            )
            self._own.incidents_open(self._view.councils(), counts)
            self._notifier.status(self._view.status_line())
        self._notifier.progress(self._scheduler.last_progress)

    def _look_at_desks(self) -> None:
        known, self._desks = self._desks, dict(self._delivery.status())
        for name, status in self._desks.items():
            before = known.get(name, status)
            self._own.desk_state(
                name,
                lost=status.backlog.lost,
                capped=status.capped,
                repaired=max(0, status.repaired - before.repaired),
                uncertain=max(0, status.uncertain - before.uncertain),
            )
            self._own.outbox(name, status.backlog.waiting, status.backlog.oldest_at)
            self._own.tickets_blocked(name, status.backlog.blocked)
            for count in status.counts:
                self._own.desk_queue(name, count.queue, open_=count.open, pending=count.pending)
