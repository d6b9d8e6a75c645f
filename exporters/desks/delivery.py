"""Delivers the outbox: one thread per desk, so that a desk that is down delays nobody else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from config.estate import DeskSpec, Route
from exporters.desks.contract import DeskKind
from exporters.desks.pace import Clock, Pace
from exporters.desks.parts import Ledger, Record, Step
from exporters.desks.status import DeskStatus
from exporters.desks.worker import Worker


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
    """The workers of all desks. Make a new one when the estate is reloaded.

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
        self._workers = {
            name: Worker(spec, kinds[spec.kind], queues.get(name, ()), ledger, clock, pace or Pace(), record, probe)
            for name, spec in desks.items()
        }

    def start(self) -> None:
        """Begin; blocked wishes are tried once more, for a person may have mended their cause."""
        for worker in self._workers.values():
            worker.start()

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
        for worker in self._workers.values():
            worker.ask_to_stop()
        ended = [worker.stop(max(0.2, end - time.monotonic())) for worker in self._workers.values()]
        return all(ended)
