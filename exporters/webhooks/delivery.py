"""All subscriptions of an estate: who is told, from where on, and that they notice when there is something to tell."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

import structlog
from sqlalchemy.exc import SQLAlchemyError

from agent.ledger import untold, webhooks
from agent.ledger.errors import LedgerError
from config.estate import Estate, WebhookSpec
from config.secrets import SecretError
from exporters.feed.hub import Hub
from exporters.outbound import Caller, Outcome, url_of
from exporters.prometheus.outbound import OutboundMetrics
from exporters.webhooks.message import sample_message
from exporters.webhooks.worker import Means, Reader, Step, Worker, Writer

TEST_WITHIN = 8.0
"""Seconds: whoever tries a webhook by hand waits for it."""
AGAIN = 5.0
"""Seconds until the ledger is tried again."""
_LOOKS = 4
"""Threads that read the ledger for subscriptions at once."""

log = structlog.get_logger("ridgeway.webhooks")


def unobserved(_step: Step) -> None:
    """The observer of a program that is not being tested."""


class Webhooks:
    """Belongs to the event loop. The ledger is asked and written in threads, the receivers by tasks that only wait."""

    def __init__(
        self,
        estate: Estate,
        reader: Reader,
        writer: Writer,
        hub: Hub,
        caller: Caller,
        own: OutboundMetrics,
        clock: Callable[[], float],
        probe: Callable[[Step], None] = unobserved,
    ) -> None:
        chance = Random()  # noqa: S311 - spreads retries, guards nothing
        looks = asyncio.Semaphore(_LOOKS)
        self._means = Means(lambda: hub.estate, reader, writer, caller, own, clock, chance, looks, probe)
        self._hub = hub
        self._seen = -1
        self._specs: Mapping[str, WebhookSpec] = {}
        self._workers: dict[str, Worker] = {}
        self._changed = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self.use(estate)

    @property
    def specs(self) -> Mapping[str, WebhookSpec]:
        """The subscriptions of the estate in force, by name."""
        return self._specs

    def use(self, estate: Estate) -> None:
        """Tell these subscriptions from now on. What is unchanged is not disturbed."""
        self._specs = dict(estate.webhooks)
        for worker in self._not_in(self._specs):
            worker.ask_to_stop()
        self._means.own.webhooks(self._specs)
        self._changed.set()

    def start(self) -> None:
        """Begin; the hub has been started."""
        self._hub.listeners.append(self._wake_if_new)
        self._following = asyncio.create_task(self._follow(), name="webhooks")

    async def stop(self, within: float = 1.0) -> None:
        """End every request, at the latest after so many seconds. What was cut off is told again, with the same id."""
        if self._following is not None:
            self._hub.listeners.remove(self._wake_if_new)
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
            self._following = None
        await asyncio.gather(*(worker.stop(within) for worker in self._workers.values()))
        self._workers.clear()

    def wake(self, name: str | None = None) -> None:
        """There may be something to tell, or a person has said something. For the event loop's thread."""
        for worker in self._workers.values():
            if name in (None, worker.spec.name):
                worker.wake()

    async def test(self, name: str, by: str) -> Outcome:
        """Send an event that says it is a test, once and now, also while the subscription is off. Raises KeyError."""
        means, spec = self._means, self._specs[name]
        message = sample_message(name, by, means.estate(), means.clock())
        return await means.send(replace(spec, timeout=min(spec.timeout, TEST_WITHIN)), message)

    async def standings(self) -> Mapping[str, untold.Standing]:
        """How every subscription stands, by name. Raises LedgerError."""
        specs = tuple(self._specs.values())
        return await self._means.look(lambda connection: untold.standings(connection, specs))

    async def letters(self, name: str, limit: int) -> tuple[untold.ShownLetter, ...]:
        """Dead letters of a subscription, the oldest event first. Raises LedgerError."""
        return await self._means.look(lambda connection: untold.letters(connection, name, limit))

    async def _follow(self) -> None:
        """Bring workers and ledger in line with the estate whenever it has changed."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            specs = self._specs
            await self._end_those_not_in(specs)
            if not await self._settle(specs):
                await asyncio.sleep(AGAIN)
                self._changed.set()
            if self._changed.is_set():
                continue
            for name, spec in specs.items():
                if name not in self._workers:
                    self._workers[name] = worker = Worker(spec, self._means)
                    worker.start()

    async def _end_those_not_in(self, specs: Mapping[str, WebhookSpec]) -> None:
        gone = self._not_in(specs)
        await asyncio.gather(*(worker.stop(worker.spec.timeout) for worker in gone))
        for worker in gone:
            del self._workers[worker.spec.name]

    def _not_in(self, specs: Mapping[str, WebhookSpec]) -> list[Worker]:
        return [worker for worker in self._workers.values() if specs.get(worker.spec.name) != worker.spec]

    async def _settle(self, specs: Mapping[str, WebhookSpec]) -> bool:
        try:
            endpoints = await asyncio.to_thread(lambda: {name: _endpoint(spec) for name, spec in specs.items()})
            now = self._means.clock()
            done = await self._means.keep(lambda connection: webhooks.settle(connection, endpoints, now))
        except (LedgerError, SQLAlchemyError) as error:
            log.warning("webhooks.not_settled", error=str(error))
            return False
        for what in done:
            log.info("webhooks.settled", what=what)
        return True

    def _wake_if_new(self) -> None:
        """Wake the workers when events have been written, by whomever."""
        newest = self._hub.position.newest
        if newest != self._seen:
            self._seen = newest
            self.wake()


def _endpoint(spec: WebhookSpec) -> str | None:
    """What tells this URL from another without showing it; None while it cannot be read."""
    try:
        return hashlib.sha256(str(url_of(spec.url)).encode()).hexdigest()
    except SecretError:
        return None
