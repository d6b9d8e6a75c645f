"""The one thread that speaks to one desk: takes leases, keeps pauses, sweeps and counts."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from functools import partial
from uuid import uuid4

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from agent.ledger import outbox
from agent.ledger.errors import LedgerError
from agent.ledger.lost import LostDay, lost_day
from agent.ledger.outbox import Backlog, Lease
from config.estate import DeskSpec
from config.secrets import SecretError
from exporters.desks.contract import DeskAdapter, DeskError, DeskKind, NotDone
from exporters.desks.fitness import Fitness
from exporters.desks.pace import Clock, Pace
from exporters.desks.parts import Ledger, Parts, Record, Step
from exporters.desks.protocol import Outcome, Result, deliver
from exporters.desks.status import StatusBoard
from exporters.desks.sweep import sweep

_DAY = 86_400.0
_TROUBLE = frozenset({Outcome.UNCERTAIN, Outcome.NOT_DONE, Outcome.REFUSED})

log = structlog.get_logger("ridgeway.desks")


class Worker:
    """Delivers the wishes for one desk until stopped. A desk that is down costs one try per pause, whatever waits."""

    def __init__(
        self,
        spec: DeskSpec,
        kind: DeskKind,
        queues: Sequence[str],
        ledger: Ledger,
        clock: Clock,
        pace: Pace,
        record: Record,
        probe: Callable[[Step], None],
    ) -> None:
        self.board = StatusBoard(spec.name, spec.new_tickets_per_day)
        self._spec, self._kind, self._queues = spec, kind, tuple(queues)
        self._ledger, self._clock, self._pace, self._record, self._probe = ledger, clock, pace, record, probe
        self._owner = f"{spec.name[:20]}:{uuid4().hex}"
        self._chance = random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"desk-{spec.name}", daemon=True)
        self._parts: Parts | None = None
        self._paused_until = 0.0
        self._sweep_due = self._counts_due = clock.now()
        self._swept_at: float | None = None
        self._hurry_until = clock.now() + pace.hurried_for
        self._lost: LostDay | None = None
        """Of a restored ledger, until nothing is left of it."""

    def start(self) -> None:
        self._thread.start()

    def succeed(self, before: Worker) -> None:
        """Take over what the desk's worker before this one has counted."""
        was = before.board.read()
        self.board.write(
            opened=was.opened, repaired=was.repaired, uncertain=was.uncertain, backlog=was.backlog,
            last_success_at=was.last_success_at,
        )  # fmt: skip

    def use_queues(self, queues: Sequence[str]) -> None:
        """Count the tickets in these queues from now on."""
        if tuple(queues) != self._queues:
            self._queues = tuple(queues)
            self.board.write(counts=())
            self._counts_due = self._clock.now()
            self.wake()

    def wake(self) -> None:
        """There may be something to deliver; costs nothing."""
        self._wake.set()

    def ask_to_stop(self) -> None:
        """End after the call under way."""
        self._stopping.set()
        self._wake.set()

    def stop(self, wait: float) -> bool:
        """End after the call under way, or cut it off when that takes too long; true when the thread has ended."""
        self.ask_to_stop()
        if self._thread.ident is None:
            return True
        self._thread.join(wait / 2)
        if self._thread.is_alive() and self._parts is not None:
            self._parts.adapter.close()
        self._thread.join(wait / 2)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                sleep = self.round()
            except (SecretError, DeskError) as error:
                sleep = self._trouble(str(error), error.retry_after if isinstance(error, NotDone) else None)
            except (LedgerError, SQLAlchemyError) as error:
                sleep = self._trouble(f"the ledger: {error}")
            except Exception as error:
                # An adapter may come from anybody. Whatever it throws pauses its own desk and nothing else.
                log.exception("desk.unexpected", desk=self._spec.name)
                sleep = self._trouble(f"unexpected {type(error).__name__}; the log has the details")
            self._wake.wait(sleep)
            self._wake.clear()
        if self._parts is not None:
            self._parts.adapter.close()

    def round(self) -> float:
        """Deliver for one incident, or sweep, or count; returns how long to sleep before the next round, seconds."""
        now = self._clock.now()
        if now < self._paused_until:
            self._look_at_backlog()
            return self._paused_until - now
        parts = self._made()
        if now >= self._sweep_due:
            self._sweep(parts)
        held, due = self._claim(parts)
        if held is not None:
            return self._judge(parts, self._deliver(parts, held))
        if now >= self._counts_due:
            self._count(parts)
        times = [now + self._pace.idle, self._sweep_due, self._counts_due, *([due] if due is not None else [])]
        return max(0.0, min(times) - self._clock.now())

    def _made(self) -> Parts:
        """The adapter is made when it is first needed, and blocked wishes get another chance then."""
        if self._parts is None:
            adapter: DeskAdapter = self._kind.make(self._spec.name, self._spec.options)
            self._parts = Parts(
                desk=self._spec.name,
                adapter=adapter,
                ledger=self._ledger,
                clock=self._clock,
                pace=self._pace,
                record=self._record,
                fitness=Fitness(self._spec.name, adapter),
                chance=self._chance,
                probe=self._probe,
            )
        return self._parts

    def _look_at_backlog(self) -> None:
        """What piles up while the desk is away must be seen, too."""
        since, desk = self._clock.at() - _DAY, self._spec.name
        self.board.write(backlog=self._ledger.call(lambda connection: outbox.backlog(connection, desk, since)))

    def _claim(self, parts: Parts) -> tuple[Lease | None, float | None]:
        """A lease if anything is due, else when something will be; the backlog on the board is refreshed on the way."""
        since, cap, desk = self._clock.at() - _DAY, self._spec.new_tickets_per_day, parts.desk
        now, seconds = self._clock.now(), self._pace.lease(parts.adapter.capabilities)

        def act(connection: Connection) -> tuple[Backlog, Lease | None, float | None]:
            backlog = outbox.backlog(connection, desk, since)
            may_create = backlog.created < cap
            held = outbox.lease(connection, desk, self._owner, now, seconds, may_create=may_create)
            due = outbox.next_due(connection, desk, now, may_create=may_create) if held is None else None
            return backlog, held, due

        backlog, held, due = parts.ledger.call(act)
        capped = backlog.created >= cap
        before = self.board.write(backlog=backlog, capped=capped)
        if capped and not before.capped:
            log.warning("desk.cap_reached", desk=desk, cap=cap, waiting=backlog.waiting)
        return held, due

    def _deliver(self, parts: Parts, held: Lease) -> Result:
        """`deliver`, but a fault of an adapter's code puts one incident aside instead of stopping all of them."""
        try:
            return deliver(parts, held)
        except (LedgerError, SQLAlchemyError):
            raise
        except Exception as error:
            log.exception("desk.unexpected", desk=parts.desk, incident=held.incident)
            text = f"unexpected {type(error).__name__} at {held.incident}; the log has the details"
            not_before = self._clock.now() + self._pace.retry_longest
            parts.ledger.call(lambda connection: outbox.release(connection, held, not_before, text))
            return Result(Outcome.NOT_DONE, text)

    def _judge(self, parts: Parts, result: Result) -> float:
        status = self.board.read()
        self.board.write(opened=status.opened + result.created, repaired=status.repaired + result.repaired)
        if result.outcome is Outcome.UNCERTAIN:
            # Its ticket, and a second one, may land late; look at everything once that can have happened.
            settled = self._clock.now() + 2 * self._pace.settle(parts.adapter.capabilities)
            self._sweep_due = min(self._sweep_due, settled)
            self.board.write(uncertain=status.uncertain + 1)
        if result.outcome in _TROUBLE:
            return self._trouble(result.error, result.retry_after)
        if result.outcome in (Outcome.BLOCKED, Outcome.LOST):
            log.error("desk.needs_a_person", desk=parts.desk, outcome=result.outcome.value, error=result.error)
            self.board.write(last_error=result.error, last_error_at=self._clock.at())
        self._well()
        return 0.0

    def _sweep(self, parts: Parts) -> None:
        at = self._clock.at()
        since = (self._swept_at if self._swept_at is not None else at - _DAY) - self._pace.sweep_overlap
        if self._swept_at is None:
            self._lost = self._ledger.call(lost_day)
        if self._lost is not None:
            since = min(since, self._lost.since - self._pace.sweep_overlap)
        swept = sweep(parts, since, self._lost)
        self._ledger.call(partial(outbox.unblock, desk=parts.desk))
        hurried = bool(swept.pending) and self._clock.now() < self._hurry_until
        self._swept_at, self._sweep_due = at, self._clock.now() + (self._pace.hurry if hurried else self._pace.sweep)
        if self._lost is not None and not swept.pending:
            self._lost = None
        for ticket in swept.closed:
            log.info("desk.closed_ticket_of_lost_incident", desk=parts.desk, ticket=ticket)
        repaired = self.board.read().repaired + swept.repaired
        self.board.write(repaired=repaired, swept_at=at, strangers=swept.strangers)
        if swept.trouble or swept.strangers:
            log.warning("desk.swept", desk=parts.desk, trouble=swept.trouble, strangers=swept.strangers[:20])
        self._well()

    def _count(self, parts: Parts) -> None:
        self._counts_due = self._clock.now() + self._pace.counts
        if self._queues:
            self.board.write(counts=tuple(parts.adapter.counts(self._queues)), counts_at=self._clock.at())
            self._well()

    def _trouble(self, error: str, retry_after: float | None = None) -> float:
        """Pause this desk; the pause grows with each failure in a row."""
        failures = self.board.read().failures + 1
        pause = self._pace.pause(failures, self._chance)
        if retry_after is not None:
            pause = min(max(retry_after, pause), self._pace.retry_asked)
        self._paused_until = self._clock.now() + pause
        before = self.board.write(failures=failures, last_error=error, last_error_at=self._clock.at())
        if before.failures == 0 or before.last_error != error:
            log.warning("desk.trouble", desk=self._spec.name, error=error, pause_seconds=round(pause, 1))
        return pause

    def _well(self) -> None:
        before = self.board.write(failures=0, last_success_at=self._clock.at())
        if before.failures:
            log.info("desk.well_again", desk=self._spec.name)
