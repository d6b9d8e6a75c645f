"""The one thread that writes. Everything submitted while a transaction was on its way goes into the next one.

Nobody waits for the disk unless they want to: `submit` returns at once, whatever state the database is in. While it is
away (full disk, locked, gone) batches stay in memory and are written in order when it is back; `health` tells.
"""

from __future__ import annotations

import threading
from asyncio import wrap_future
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from agent.ledger.backlog import Entry, Numbers, compact
from agent.ledger.batch import Batch
from agent.ledger.errors import LedgerClosed, LedgerError, LedgerUnavailable, LedgerUnusable
from agent.ledger.session import Session, refusal

T = TypeVar("T")

GROUP = 500
"""Most batches written in one transaction."""
COMPACT_AFTER = 1_000
"""Batches that may wait before the backlog is made shorter, and that it must grow by before that is done again."""
BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class LedgerHealth:
    """Whether what is submitted reaches the disk. Not ok: show it, and page."""

    ok: bool = True
    since: float = 0.0
    """Unix time of the last change of `ok`."""
    error: str = ""
    """What is wrong and how to mend it."""
    queued: int = 0
    """Batches waiting in memory."""
    refused: int = 0
    """Batches that the database refused for good since the start: a defect of ours; each is in the log."""
    committed_at: float | None = None
    """Unix time of the last commit; None before the first."""
    given_up: int = 0
    """Rows of history (spans, runs) dropped from a very long backlog since the start."""


@dataclass(slots=True)
class _Call:
    work: Callable[[Connection], Any]
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """Owns the writing session. Safe to use from any thread, and from coroutines through `write` and `ask`."""

    def __init__(
        self,
        session: Session,
        *,
        clock: Callable[[], float],
        on_health: Callable[[LedgerHealth], None] | None = None,
    ) -> None:
        """`on_health` is called in the writer's thread each time `ok` changes."""
        self._session = session
        self._clock = clock
        self._on_health = on_health
        self.back_off = BACK_OFF
        """Seconds between attempts while the database is away; the last one is repeated."""
        self._log = structlog.get_logger("ledger")
        self._waiting: deque[Entry | _Call] = deque()
        self._group: list[Entry] = []
        """What is being written. It stays until it is: an unanswered commit is settled with the same batches."""
        self._wake = threading.Condition()
        self._stopping = False
        self._health = LedgerHealth(since=clock())
        self._compact_at = COMPACT_AFTER
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)

    def start(self) -> None:
        """Begin to write. The session is the thread's own from now on."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the thread is (still) there."""
        return self._thread.is_alive()

    @property
    def health(self) -> LedgerHealth:
        return replace(self._health, queued=self._queued())

    def submit(self, batch: Batch) -> Future[Numbers]:
        """Keep this batch, whole or not at all. Never blocks.

        The future is done once the batch is committed (see `Batch.durable` for what a power cut may take); its result
        are the sequence numbers of the batch's events. It fails with LedgerRefused or LedgerClosed, nothing else.
        """
        future: Future[Numbers] = Future()
        with self._wake:
            if self._stopping:
                future.set_exception(LedgerClosed("the ledger is closed"))
                return future
            self._waiting.append(Entry(batch, [future]))
            self._wake.notify()
        return future

    async def write(self, batch: Batch) -> Numbers:
        """`submit`, for coroutines that want to know when it is done."""
        return await wrap_future(self.submit(batch))

    def submit_call(self, work: Callable[[Connection], T]) -> Future[T]:
        """Run `work(connection)` in a durable transaction of its own, after everything submitted so far.

        What `work` raises rolls back and goes to the future. While the database is away the future fails at once with
        LedgerUnavailable: a call is never kept for later, for its owner would act on a promise not kept yet.
        """
        call = _Call(work)
        with self._wake:
            if self._stopping:
                call.future.set_exception(LedgerClosed("the ledger is closed"))
            elif not self._health.ok:
                call.future.set_exception(LedgerUnavailable(self._health.error))
            else:
                self._waiting.append(call)
                self._wake.notify()
        return call.future

    def call(self, work: Callable[[Connection], T], timeout: float = 30.0) -> T:
        """`submit_call`, waiting at most `timeout` seconds. For threads; the event loop uses `ask`."""
        assert threading.current_thread() is not self._thread, "a call from within a call would wait for itself"
        future = self.submit_call(work)
        try:
            return future.result(timeout)
        except FutureTimeout:
            if future.done():
                raise  # the work itself raised it
            begun = not future.cancel()
            message = f"the ledger did not {'answer' if begun else 'get to this'} within {timeout:g} s"
            raise LedgerUnavailable(message, uncertain=begun) from None

    async def ask(self, work: Callable[[Connection], T]) -> T:
        """`submit_call`, for coroutines."""
        return await wrap_future(self.submit_call(work))

    def stop(self, timeout: float = 4.0) -> int:
        """Write what waits, then end. Returns how many batches could not be written; their futures were told."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self._thread.join(timeout)
        with self._wake:
            lost = [*self._group, *self._waiting]
            self._waiting.clear()
        for item in lost:
            _fail(item, LedgerClosed("the ledger was closed before this could be written"))
        batches = sum(isinstance(item, Entry) for item in lost)
        if batches:
            self._log.error("ledger closed with batches unwritten", batches=batches, error=self._health.error)
        return batches

    def _queued(self) -> int:
        with self._wake:
            return len(self._group) + sum(isinstance(item, Entry) for item in self._waiting)

    def _run(self) -> None:
        failures = 0
        while self._wait(failures):
            call = self._take()
            try:
                if call is not None:
                    self._answer(call)
                else:
                    self._write(self._group)
            except LedgerError as error:
                failures += 1
                self._went_away(error)
            else:
                failures = 0
                self._came_back()
        self._session.close()

    def _wait(self, failures: int) -> bool:
        """Until there is work, or the back-off is over. False: it is time to end."""
        with self._wake:
            if failures:
                if self._stopping:
                    return False
                pause = self.back_off[min(failures, len(self.back_off)) - 1]
                self._wake.wait_for(lambda: self._stopping, timeout=pause)
                return True
            self._wake.wait_for(lambda: self._waiting or self._stopping)
            return bool(self._waiting)

    def _take(self) -> _Call | None:
        """The call whose turn it is; or None, and the next batches are in `_group` (none: only prove that it works)."""
        with self._wake:
            while self._waiting and len(self._group) < GROUP:
                item = self._waiting[0]
                if isinstance(item, _Call):
                    if self._group:
                        return None
                    self._waiting.popleft()
                    return item
                self._group.append(item)
                self._waiting.popleft()
        return None

    def _write(self, group: list[Entry]) -> None:
        try:
            numbers = self._session.write([entry.batch for entry in group])
        except LedgerError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect in one batch, whatever it is, must not end all writing
            self._write_apart(group, error)
            return
        for entry, own in zip(group, numbers, strict=True):
            entry.done(own)
        group.clear()

    def _write_apart(self, group: list[Entry], error: Exception) -> None:
        """Something in this group is refused: write its batches one by one, so that it takes no other along."""
        if len(group) == 1:
            entry = group.pop()
            refused = refusal(error)
            # No traceback: some renderings show every value of every frame, and evidence belongs in no log.
            self._log.error("ledger refused a batch", error=str(refused), holding=entry.batch.holding)
            self._health = replace(self._health, refused=self._health.refused + 1)
            _fail(entry, refused)
            return
        while group:
            alone = group[:1]
            self._write(alone)
            del group[0]

    def _answer(self, call: _Call) -> None:
        if not call.future.set_running_or_notify_cancel():
            return
        try:
            result = self._session.call(call.work)
        except LedgerError as error:
            call.future.set_exception(error)
            if isinstance(error, LedgerUnavailable | LedgerUnusable):
                raise
        except BaseException as error:  # noqa: BLE001 - whatever the work raised belongs to whoever gave it
            call.future.set_exception(error)
        else:
            call.future.set_result(result)

    def _went_away(self, error: LedgerError) -> None:
        with self._wake:
            calls = [item for item in self._waiting if isinstance(item, _Call)]
            entries = [item for item in self._waiting if isinstance(item, Entry)]
            given_up = 0
            if len(entries) >= self._compact_at:
                entries, given_up = compact(entries)
                self._compact_at = len(entries) + COMPACT_AFTER
            self._waiting = deque(entries)
            was_ok = self._health.ok
            self._health = replace(
                self._health,
                ok=False,
                since=self._clock() if was_ok else self._health.since,
                error=str(error),
                given_up=self._health.given_up + given_up,
            )
        for call in calls:
            _fail(call, LedgerUnavailable(str(error)))
        if was_ok:
            self._log.error("ledger cannot be written; what happens is kept in memory", error=str(error))
            self._tell()

    def _came_back(self) -> None:
        now = self._clock()
        if self._health.ok:
            self._health = replace(self._health, committed_at=now)
            return
        with self._wake:
            self._compact_at = COMPACT_AFTER
            self._health = replace(self._health, ok=True, since=now, error="", committed_at=now)
        self._log.info("ledger can be written again", queued=self._queued())
        self._tell()

    def _tell(self) -> None:
        if self._on_health is None:
            return
        try:
            self._on_health(self.health)
        except Exception:  # noqa: BLE001 - a listener's defect must not end all writing
            self._log.exception("listener of the ledger's health failed")


def _fail(item: Entry | _Call, error: LedgerError) -> None:
    if isinstance(item, Entry):
        item.failed(error)
    elif item.future.set_running_or_notify_cancel():
        item.future.set_exception(error)
