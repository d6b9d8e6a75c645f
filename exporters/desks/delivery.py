"""Delivers the outbox: one thread per desk, so that a desk that is down delays nobody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from config.estate import DeskSpec, Route
from exporters.desks.contract import DeskKind
from exporters.desks.pace import Clock, Pace
from exporters.desks.parts import Ledger, Record, Step
from exporters.desks.status import DeskStatus
from exporters.desks.worker import Worker

_LEAVE_WITHIN = 10.0
"""Seconds that a call to a desk may take to end before it is cut off, when the desk's settings change."""


def unobserved(_step: Step) -> None:
    """The observer of a program that is not being tested."""


def queues_by_desk(routes: Iterable[Route]) -> Mapping[str, Sequence[str]]:
    """Which queues of each desk the routes use; shadow routes too, for their queues must exist one day."""
    queues: dict[str, list[str]] = {}
    for route in routes:
        for desk in route.desks:
            known = queues.setdefault(desk, [])
            if route.queue not in known:
                known.append(route.queue)
    return queues


class Delivery:
    """The workers of all desks.

    Raises KeyError at once for a desk whose kind is not in `kinds`; the loader has refused such an estate before.
    """

    def __init__(
        self,
        ledger: Ledger,
        desks: Mapping[str, DeskSpec],
        kinds: Mapping[str, DeskKind],
        queues: Mapping[str, Sequence[str]],
        clock: Clock,
        record: Record,
        pace: Pace | None = None,
        probe: Callable[[Step], None] = unobserved,
    ) -> None:
        self._kinds = kinds
        self._started = False
        self._leaving: list[tuple[Worker, threading.Thread]] = []
        self._specs = dict(desks)

        def worker(spec: DeskSpec, queues: Mapping[str, Sequence[str]]) -> Worker:
            kind = kinds[spec.kind]
            return Worker(spec, kind, queues.get(spec.name, ()), ledger, clock, pace or Pace(), record, probe)

        self._worker = worker
        self._workers = {name: worker(spec, queues) for name, spec in desks.items()}

    def start(self) -> None:
        """Begin; blocked wishes are tried once more, for a person may have mended their cause."""
        self._started = True
        for worker in self._workers.values():
            worker.start()

    def use(self, desks: Mapping[str, DeskSpec], queues: Mapping[str, Sequence[str]]) -> None:
        """Deliver to these desks from now on. Costs no waiting: a worker whose desk went or changed ends in a thread of
        its own, and its successor begins only when it has ended, so that no two speak to one desk.

        Raises KeyError, before anything is changed, for a desk whose kind is not there.
        """
        made: dict[str, Worker] = {}
        for name, spec in desks.items():
            if self._specs.get(name) != spec:
                made[name] = self._worker(spec, queues)
            else:
                self._workers[name].use_queues(queues.get(name, ()))
        before, self._specs = self._workers, dict(desks)
        self._workers = {name: made.get(name) or before[name] for name in desks}
        for name, worker in before.items():
            successor = made.get(name)
            if name not in desks or successor is not None:
                if successor is not None:
                    successor.succeed(worker)
                self._hand_over(worker, successor)
        if self._started:
            for name, worker in made.items():
                if name not in before:
                    worker.start()

    def _hand_over(self, worker: Worker, successor: Worker | None) -> None:
        started = self._started

        def leave() -> None:
            worker.stop(_LEAVE_WITHIN)
            if successor is not None:
                successor.succeed(worker)  # once more: it has counted on since
                if started:
                    successor.start()

        worker.ask_to_stop()
        thread = threading.Thread(target=leave, name="desk-hand-over", daemon=True)
        self._leaving = [(one, waiting) for one, waiting in self._leaving if waiting.is_alive()]
        self._leaving.append((worker, thread))
        thread.start()

    def wake(self, desks: Iterable[str] | None = None) -> None:
        """Call this after a commit that wrote wishes; from any thread, costs microseconds."""
        for name in self._workers if desks is None else desks:
            if name in self._workers:
                self._workers[name].wake()

    def status(self) -> Mapping[str, DeskStatus]:
        """Every desk as its worker last saw it."""
        return {name: worker.board.read() for name, worker in self._workers.items()}

    def stop(self, within: float = 4.0) -> bool:
        """End all workers within this many seconds; stop the ledger only afterwards. True when every thread has ended.

        A call under way is cut off when it takes longer; what it asked for is then uncertain, and the protocol's
        waiting time covers it.
        """
        end = time.monotonic() + within
        workers = [*(worker for worker, _ in self._leaving), *self._workers.values()]
        for worker in workers:
            worker.ask_to_stop()
        ended = [worker.stop(max(0.2, end - time.monotonic())) for worker in workers]
        for _, thread in self._leaving:
            thread.join(max(0.2, end - time.monotonic()))
        return all(ended)
