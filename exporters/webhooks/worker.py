"""Tells one subscription every event that concerns it, in order, until stopped.

A task of the event loop that only ever waits: for the ledger, for the receiver, for something to tell. What came of a
request is on disk before the next one leaves, so after a kill at most one event is told twice, with the same id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import Protocol, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from agent.ledger import webhooks
from agent.ledger.errors import LedgerError
from agent.ledger.read import KeptEvent
from agent.ledger.untold import Untold, untold
from agent.ledger.webhooks import DeadLetter, Place, WebhookState
from config.estate import WebhookSpec
from config.secrets import SecretError
from exporters.feed.cloudevents import CONTENT_TYPE
from exporters.outbound import Caller, Failure, Outcome, Request, url_of
from exporters.prometheus.outbound import OutboundMetrics
from exporters.webhooks import schedule
from exporters.webhooks.message import Message, event_message
from exporters.webhooks.signing import key_of, signed

T = TypeVar("T")

BATCH = 50
"""Most events read at once."""
IDLE = 60.0
"""The longest sleep, seconds: a wake-up call that was lost delays nothing for longer."""
LOCAL_PAUSE = 60.0
"""Between two tries while something is missing on this side."""
_AWAY_PAUSE = 5.0
"""Between two tries while the ledger is away."""
_PASS_AFTER = 1_000
"""Events that do not concern it, after which its place is moved over them; else that is done once an hour."""
_PASS_EVERY = 3_600.0

log = structlog.get_logger("ridgeway.webhooks")


class Step(StrEnum):
    """Where telling an event stands; an observer is told after each (at SENDING: just before)."""

    CHOSEN = "1 chosen"
    SENDING = "2 about to send"
    ANSWERED = "3 answered"
    KEPT = "4 kept"


class Reader(Protocol):
    """The ledger's reader, as far as this side needs it."""

    def read(self, work: Callable[[Connection], T], /) -> T:
        """Run `work` in one read-only transaction."""


class Writer(Protocol):
    """The ledger's writer, as far as this side needs it."""

    def submit_call(self, work: Callable[[Connection], T], /) -> Future[T]:
        """Run `work` in one transaction; the future is done once that is on disk."""


@dataclass(frozen=True, slots=True)
class Means:
    """What all subscriptions share."""

    estate: Callable[[], str]
    """The name of the estate in force."""
    reader: Reader
    writer: Writer
    caller: Caller
    own: OutboundMetrics
    clock: Callable[[], float]
    """Unix seconds: when an event is tried again must outlive the process."""
    chance: Random
    looks: asyncio.Semaphore
    """Bounds the threads that read the ledger at once."""
    probe: Callable[[Step], None]

    async def look(self, work: Callable[[Connection], T]) -> T:
        """Read the ledger in a thread. Raises LedgerError."""
        async with self.looks:
            return await asyncio.to_thread(self.reader.read, work)

    async def keep(self, work: Callable[[Connection], T]) -> T:
        """Write the ledger. Cancelling the wait does not take back what is written. Raises LedgerError."""
        return await asyncio.shield(asyncio.wrap_future(self.writer.submit_call(work)))

    async def send(self, spec: WebhookSpec, message: Message) -> Outcome:
        """Send this message to this subscription, once."""
        try:
            request = await asyncio.to_thread(_prepared, spec, message, int(self.clock()))
        except SecretError as error:
            return Outcome(Failure.LOCAL, str(error))
        return await self.caller.send(request)


def _prepared(spec: WebhookSpec, message: Message, timestamp: int) -> Request:
    """Secrets are read for each request, so that a changed file is in force at once. Raises SecretError."""
    return Request(
        url=url_of(spec.url),
        method="POST",
        timeout=spec.timeout,
        ca=spec.ca,
        headers=signed([key_of(reference) for reference in spec.secrets], message.id, timestamp, message.body),
        body=message.body,
        content_type=CONTENT_TYPE,
    )


class Worker:
    """One subscription. Nothing it meets, a receiver that hangs or a ledger that is away, holds another one."""

    def __init__(self, spec: WebhookSpec, means: Means) -> None:
        self.spec = spec
        self._means = means
        self._wake = asyncio.Event()
        self._stopping = False
        self._unkept: Callable[[Connection], object] | None = None
        """What came of the last request, while it is not on disk: nothing else is sent before it is."""
        self._trouble = ""
        self._gap_said = 0
        self._passed_at = means.clock()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"webhook {self.spec.name}")

    def wake(self) -> None:
        """There may be something to tell, or a person has said something. For the event loop's thread."""
        self._wake.set()

    def ask_to_stop(self) -> None:
        """Send nothing after the request under way."""
        self._stopping = True
        self._wake.set()

    async def stop(self, within: float) -> None:
        """End after the request under way; cut it off when that takes longer. It is told again, then."""
        self.ask_to_stop()
        if self._task is not None:
            _, late = await asyncio.wait([self._task], timeout=within)
            for task in late:
                task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._stopping:
            try:
                rest = await self._round()
            except (LedgerError, SQLAlchemyError) as error:
                rest = self._say_trouble(f"the ledger: {error}", _AWAY_PAUSE)
            except Exception as error:
                # A defect of ours delays its own subscription and ends nothing.
                log.exception("webhook.unexpected", webhook=self.spec.name)
                rest = self._say_trouble(f"unexpected {type(error).__name__}; the log has the details", IDLE)
            if rest > 0 and not self._stopping:
                await self._sleep(rest)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
        finally:
            self._wake.clear()

    async def _round(self) -> float:
        """Tell what is due; returns how long to sleep then, seconds."""
        if self._unkept is not None:
            await self._keep(self._unkept)
        found = await self._means.look(lambda connection: untold(connection, self.spec, BATCH))
        if found is None:
            return IDLE  # dropped, or not settled yet
        self._show(found.place, found.events, found.dead)
        if found.place.state is WebhookState.OFF:
            return IDLE
        if found.wanted:
            return await self._tell_again(found)
        wait = found.place.not_before - self._means.clock()
        if 0 < wait <= schedule.LONGEST:
            return min(wait, IDLE)
        self._look_for_gap(found)
        return await self._tell_all(found)

    async def _tell_all(self, found: Untold) -> float:
        place = found.place
        for number, kept in enumerate(found.events, 1):
            if self._stopping or not await self._tell(found, kept, place):
                return 0.0
            place = replace(place, attempts=0, in_a_row=0, state=WebhookState.ACTIVE)
            self._show(place, found.events[number:], found.dead)
        if found.more:
            return 0.0
        await self._pass_over(found)
        return IDLE

    async def _tell(self, found: Untold, kept: KeptEvent, place: Place) -> bool:
        """Send one event and keep what came of it; whether the receiver took it."""
        outcome, now = await self._send(found, kept)
        name, sequence = self.spec.name, kept.sequence
        if outcome.failure is None:
            await self._keep(lambda connection: webhooks.told(connection, name, sequence, now))
            self._taken()
            return True
        error = outcome.text
        if outcome.failure is Failure.GONE:
            log.error("webhook.off", webhook=name, error=error, mend=f"ridgeway webhooks resume {name}")
            await self._keep(lambda connection: webhooks.switched_off(connection, name, error, now))
            return False
        sent = outcome.failure is not Failure.LOCAL  # what was not sent was not refused either
        attempts = place.attempts + sent
        pause = schedule.pause(attempts, outcome, place.in_a_row, self._means.chance) if sent else LOCAL_PAUSE
        if pause is None:
            log.error("webhook.dead_letter", webhook=name, sequence=sequence, attempts=attempts, error=error)
            await self._keep(lambda connection: webhooks.buried(connection, name, sequence, attempts, error, now))
        else:
            self._say_trouble(error, pause)
            again = now + pause
            await self._keep(lambda connection: webhooks.failed(connection, name, attempts, again, error, now))
        return False

    async def _tell_again(self, found: Untold) -> float:
        """Dead letters that somebody wants told, each once."""
        name = self.spec.name
        for letter, kept in found.wanted:
            if self._stopping:
                break
            outcome, now = await self._send(found, kept)
            if outcome.failure is None:
                await self._keep(_of_letter(letter, now, None))
                self._taken()
                continue
            await self._keep(_of_letter(letter, now, outcome.text))
            if outcome.status not in schedule.REFUSALS:
                log.warning("webhook.not_told_again", webhook=name, error=outcome.text)
                await self._keep(lambda connection: webhooks.letters_left(connection, name))
                break
        return 0.0

    async def _send(self, found: Untold, kept: KeptEvent) -> tuple[Outcome, float]:
        means, spec = self._means, self.spec
        means.probe(Step.CHOSEN)
        message = event_message(kept, found.log, means.estate(), spec.councils)
        means.probe(Step.SENDING)
        outcome = await means.send(spec, message)
        means.probe(Step.ANSWERED)
        if outcome.failure is not None:
            means.own.not_told(spec.name, outcome.failure)
        return outcome, means.clock()

    async def _keep(self, work: Callable[[Connection], object]) -> None:
        self._unkept = work
        await self._means.keep(work)
        self._unkept = None
        self._means.probe(Step.KEPT)

    async def _pass_over(self, found: Untold) -> None:
        """Move its place over what does not concern it, so that it is not taken for one that was left behind."""
        name, last = self.spec.name, found.log.newest
        over, now = last - max([found.place.sequence, *(kept.sequence for kept in found.events)]), self._means.clock()
        if over >= _PASS_AFTER or (over > 0 and now - self._passed_at >= _PASS_EVERY):
            await self._means.keep(lambda connection: webhooks.passed(connection, name, last))
            self._passed_at = now

    def _look_for_gap(self, found: Untold) -> None:
        removed = found.log.oldest - 1
        if found.place.sequence < removed and self._gap_said != removed:
            self._gap_said = removed
            self._means.own.gap(self.spec.name)
            log.error(
                "webhook.gap", webhook=self.spec.name, told_up_to=found.place.sequence, removed_up_to=removed,
                meaning="events were removed for their age before this webhook was told; it goes on with what is kept",
            )  # fmt: skip

    def _show(self, place: Place, waiting: tuple[KeptEvent, ...], dead: int) -> None:
        if self._stopping:
            return  # its series may have ended with a reload
        oldest = waiting[0].event.at if waiting else None
        self._means.own.webhook(self.spec.name, place.state, oldest, dead)

    def _taken(self) -> None:
        self._means.own.told(self.spec.name)
        if self._trouble:
            log.info("webhook.well_again", webhook=self.spec.name)
        self._trouble = ""

    def _say_trouble(self, error: str, pause: float) -> float:
        if error != self._trouble:
            log.warning("webhook.trouble", webhook=self.spec.name, error=error, pause_seconds=round(pause, 1))
        self._trouble = error
        return pause


def _of_letter(letter: DeadLetter, now: float, error: str | None) -> Callable[[Connection], None]:
    if error is None:
        return lambda connection: webhooks.letter_told(connection, letter.subscription, letter.sequence, now)
    return lambda connection: webhooks.letter_failed(connection, letter, error, now)
