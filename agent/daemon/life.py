"""How a process of ours lives: what it is allowed, when it is told to stop, and why it could not start."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Callable


class StartError(Exception):
    """The agent cannot start; the message says why and how to mend it."""


class HangUps:
    """SIGHUP, for whoever hears it; one that came before anybody did is heard then."""

    def __init__(self) -> None:
        self._ear: Callable[[], None] | None = None
        self._early = False

    def __call__(self) -> None:
        if self._ear is None:
            self._early = True
        else:
            self._ear()

    def heard_by(self, ear: Callable[[], None]) -> None:
        """Call `ear` for each from now on."""
        self._ear = ear
        if self._early:
            ear()


def stop_event(hang_up: Callable[[], None]) -> asyncio.Event:
    """Set from SIGTERM or SIGINT on; SIGHUP calls `hang_up`. Called inside the running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    by_hand = os.isatty(0)

    def hung_up() -> None:
        """A closed terminal, which is one no more, ends the agent; anybody else who sends this wants a reload."""
        if by_hand and not os.isatty(0):
            stop.set()
        else:
            hang_up()

    loop.add_signal_handler(signal.SIGHUP, hung_up)
    return stop


def spare_the_collector() -> None:
    """Keep Python's garbage collector from holding the event loop.

    Its oldest generation is visited whenever a quarter of the heap is new, which the last results of all checks soon
    are: 290 to 460 ms at 5,000 targets. What was made at the start stays for good, and a result is freed by its count
    of references; so the one is left out and the other looked at less often (docs/benchmarks.md has the figures).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 5, 1_000)


def raise_descriptor_limit() -> None:
    """Every device that is being asked takes a descriptor; the soft limit of a shell is far below the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def take_short_turns() -> None:
    """Let the event loop have its turn soon while a thread computes, as the judgement of a thousand backups does.

    A loop that waits for a socket gives Python's lock away and has to wait a whole interval for it each time: with the
    default of 5 ms some ten times for one request, while requests go on to come.
    """
    sys.setswitchinterval(0.0005)
