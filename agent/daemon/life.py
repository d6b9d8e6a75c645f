"""How a process of ours lives: what it is allowed, when it is told to stop, and why it could not start."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal

import structlog


class StartError(Exception):
    """The agent cannot start; the message says why and how to mend it."""


def stop_event() -> asyncio.Event:
    """Set from SIGTERM or SIGINT on. Called inside the running loop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # A closed terminal ends the agent; a service must not end by it, since systemd would call that a clean end.
    loop.add_signal_handler(signal.SIGHUP, stop.set if os.isatty(0) else _stay)
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


def _stay() -> None:
    structlog.get_logger("agent").warning("SIGHUP changes nothing: restart to have a changed estate used")
