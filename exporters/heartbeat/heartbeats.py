"""Pings every heartbeat of an estate at its pace, while the agent works, and never otherwise.

A ping that fails is not repeated before the next is due; it is a number and a line in the log. When the agent is
stopped nothing is sent either: whoever stops it for long says so where the alarm would sound.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from config.estate import Estate, HeartbeatSpec
from config.secrets import SecretError
from exporters.outbound import Caller, Failure, Outcome, Request, url_of
from exporters.prometheus.outbound import OutboundMetrics

SAY_EVERY = 3_600.0
"""Seconds between two lines of the log about the same trouble."""

log = structlog.get_logger("ridgeway.heartbeat")


class Heartbeats:
    """Belongs to the event loop, so that a loop that is held pings nobody."""

    def __init__(
        self,
        estate: Estate,
        caller: Caller,
        own: OutboundMetrics,
        clock: Callable[[], float],
        trouble: Callable[[], str],
    ) -> None:
        """`trouble` says why the agent does not work; nothing while it does."""
        self._caller, self._own, self._clock, self._trouble = caller, own, clock, trouble
        self._started = False
        self._specs: dict[str, HeartbeatSpec] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.use(estate)

    def use(self, estate: Estate) -> None:
        """Ping these from now on. What is unchanged keeps its pace."""
        before, self._specs = self._specs, dict(estate.heartbeats)
        self._own.heartbeats(self._specs)
        for name, spec in before.items():
            if self._specs.get(name) != spec and name in self._tasks:
                self._tasks.pop(name).cancel()
        if self._started:
            self.start()

    def start(self) -> None:
        """Ping each at once, and then at its pace."""
        self._started = True
        for name, spec in self._specs.items():
            if name not in self._tasks:
                self._tasks[name] = asyncio.create_task(self._beat(spec), name=f"heartbeat {name}")

    async def stop(self) -> None:
        """Send nothing more; a ping under way is cut off."""
        self._started = False
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _beat(self, spec: HeartbeatSpec) -> None:
        loop = asyncio.get_running_loop()
        said = _Said(spec.name)
        due = loop.time()
        while True:
            try:
                event, why = await self._once(spec)
            except Exception as error:
                # A defect of ours must not end the pings for good: that would page, and nobody would know why.
                log.exception("heartbeat.unexpected", heartbeat=spec.name)
                event, why = "heartbeat.failed", f"unexpected {type(error).__name__}; the log has the details"
            said.say(event, why, loop.time())
            due = max(due + spec.every, loop.time())
            await asyncio.sleep(due - loop.time())

    async def _once(self, spec: HeartbeatSpec) -> tuple[str, str]:
        """Ping, or hold it back; what there is to say of it, and why, which is empty when all is well."""
        trouble = self._trouble()
        self._own.held_back(spec.name, bool(trouble))
        if trouble:
            return "heartbeat.held_back", trouble
        outcome = await self._ping(spec)
        self._count(spec.name, outcome)
        return "heartbeat.failed", "" if outcome.failure is None else outcome.text

    async def _ping(self, spec: HeartbeatSpec) -> Outcome:
        try:
            url = await asyncio.to_thread(url_of, spec.url)
        except SecretError as error:
            return Outcome(Failure.LOCAL, str(error))
        return await self._caller.send(Request(url, spec.method, spec.timeout, spec.ca))

    def _count(self, name: str, outcome: Outcome) -> None:
        if outcome.failure is None:
            self._own.pinged(name, self._clock())
        else:
            self._own.not_pinged(name, outcome.failure)


class _Said:
    """Says each trouble of one heartbeat once an hour at most, and when it is over."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last = ("", "")
        self._at = 0.0

    def say(self, event: str, why: str, now: float) -> None:
        if not why:
            if self._last[1]:
                log.info("heartbeat.well_again", heartbeat=self._name)
            self._last = ("", "")
        elif (event, why) != self._last or now - self._at >= SAY_EVERY:
            self._last, self._at = (event, why), now
            log.warning(event, heartbeat=self._name, why=why)
