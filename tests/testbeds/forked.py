"""Processes that begin with everything imported, for tests that start many only to kill them.

They are forked from one that has imported the agent's commands, which each would take a second or two for.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest.mock import patch

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["testbeds.warm"])
_TESTS = str(Path(__file__).parents[1])


def forked(target: Callable[..., object], *arguments: object) -> tuple[BaseProcess, Connection]:
    """A process that does `target(pipe, *arguments)`, and the end of that pipe at which is heard what it tells.

    A message is told whole or not at all, whenever the process is killed. Its end is an EOFError.
    """
    hearing, telling = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=target, args=(telling, *arguments))
    with patch.dict(os.environ, {"PYTHONPATH": _TESTS}):  # for the process they are forked from, which starts here
        process.start()
    telling.close()
    return process, hearing


def heard(hearing: Connection) -> list[object]:
    """All that is told from now to the process's end."""
    told: list[object] = []
    with hearing:
        while True:
            try:
                told.append(hearing.recv())
            except EOFError:
                return told
