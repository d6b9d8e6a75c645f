"""What the agent tells the outside by itself: its webhooks and its heartbeats."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from agent.daemon.control import Verb
from agent.daemon.webhook_verbs import WebhookVerbs
from agent.ledger.ledger import Ledger
from agent.schedule import Scheduler
from agent.webhook_commands import WebhookCommands
from config.estate import Estate
from exporters.feed.hub import Hub
from exporters.heartbeat.heartbeats import Heartbeats
from exporters.outbound import Caller
from exporters.prometheus.outbound import OutboundMetrics
from exporters.webhooks.delivery import Webhooks

STALLED_AFTER = 60.0
"""Seconds without progress of the scheduler, which shows it every second, from which on the agent does not work."""
UNKEPT_AFTER = 60.0
"""Seconds for which the ledger cannot be written, from which on it does not."""


class Outbound:
    """Both, with the threads in which their requests wait. Made inside the running loop."""

    def __init__(
        self,
        estate: Estate,
        ledger: Ledger,
        hub: Hub,
        scheduler: Scheduler,
        own: OutboundMetrics,
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger, self._scheduler, self._clock, self._monotonic = ledger, scheduler, clock, monotonic
        self._caller = Caller()
        self.webhooks = Webhooks(estate, ledger.reader, ledger.writer, hub, self._caller, own, clock)
        self._heartbeats = Heartbeats(estate, self._caller, own, clock, self.trouble)

    def verbs(self) -> Mapping[str, Verb]:
        """What people may ask of it at the control socket."""
        commands = WebhookCommands(self.webhooks, self._ledger.writer.ask, self._clock)
        return WebhookVerbs(self.webhooks, commands).verbs()

    def start(self) -> None:
        self.webhooks.start()
        self._heartbeats.start()

    def use(self, estate: Estate) -> None:
        """Go by this estate from now on."""
        self.webhooks.use(estate)
        self._heartbeats.use(estate)

    async def stop(self) -> None:
        """Send nothing more, at the latest after a second."""
        await self._heartbeats.stop()
        await self.webhooks.stop()
        await self._caller.close()

    def trouble(self) -> str:
        """Why the agent does not do its work, so that no heartbeat may say it does; nothing while it does."""
        idle = self._monotonic() - self._scheduler.last_progress
        if idle >= STALLED_AFTER:
            return "the scheduler starts no checks"
        health = self._ledger.health
        if not health.ok and self._clock() - health.since >= UNKEPT_AFTER:
            return "the ledger cannot be written, so incidents and tickets wait"
        return ""
