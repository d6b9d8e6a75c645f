"""Reading a changed estate without holding the event loop: in a process of its own (`agent.cli.reader`).

A thread would do for a small estate. Of 10,000 checks it held the loop for 30 ms at a time where all was well and for
230 ms where 2,000 things were wrong (docs/decisions/0054-reload.md), and what it took of memory the agent would keep.
The process stays for a minute, because a plan is soon followed by another or put in force.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from agent.parcel import LARGEST, Mark, ParcelError, Piece, Unpacker, problems_of
from config.estate import Estate
from config.problems import EstateError

WITHIN = 60.0
"""Seconds that reading an estate may take; the largest one that is allowed took 12."""
IDLE = 60.0
"""Seconds after which a reader that nobody asked is let go."""
_BREATH = 0.004
"""Seconds of unpacking after which others have the loop."""
READER = (sys.executable, "-P", "-m", "agent.cli.reader")
_RESTART = "restart the agent to have the changed estate used"


class LoadError(Exception):
    """The estate could not be read for a reason that lies in this installation; the message says how to mend it."""


class Loader:
    """Reads the estate at one path. For the event loop; one call at a time."""

    def __init__(
        self, path: Path, *, command: Sequence[str] = READER, within: float = WITHIN, idle: float = IDLE
    ) -> None:
        self.path = path
        self._command = tuple(command)
        self._within = within
        self._idle = idle
        self._version = version("ridgeway")
        self._unpacker = Unpacker()
        self._process: asyncio.subprocess.Process | None = None
        self._leave: asyncio.TimerHandle | None = None
        self._leaving: asyncio.Task[None] | None = None

    async def __call__(self, before: Estate, path: Path | None = None) -> Estate:
        """The estate as it is now, there or at another path; targets as they were in `before` are the same objects.

        Raises EstateError for what a person wrote, LoadError for everything else.
        """
        path = path or self.path
        if self._leave is not None:
            self._leave.cancel()
        try:
            async with asyncio.timeout(self._within):
                return await self._read(before, path)
        except TimeoutError:
            await self.close()
            raise LoadError(f"{path} was not read within {self._within:g} s; the old estate stays") from None
        except (ParcelError, OSError, asyncio.IncompleteReadError) as error:
            await self.close()
            raise LoadError(f"The process that reads {path} failed ({_said(error)}): {_RESTART}") from error
        except asyncio.CancelledError:
            await self.close()
            raise
        finally:
            if self._process is not None:
                self._leave = asyncio.get_running_loop().call_later(self._idle, self._let_go)

    async def close(self) -> None:
        """End the reader; safe to call twice."""
        if self._leave is not None:
            self._leave.cancel()
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()
        if self._leaving is not None and self._leaving is not asyncio.current_task():
            await asyncio.gather(self._leaving, return_exceptions=True)

    def _let_go(self) -> None:
        self._leaving = asyncio.get_running_loop().create_task(self.close(), name="let the reader go")

    async def _read(self, before: Estate, path: Path) -> Estate:
        process = await self._started()
        assert process.stdin is not None and process.stdout is not None  # both are pipes
        process.stdin.write(json.dumps(str(path)).encode() + b"\n")
        await process.stdin.drain()
        self._unpacker.begin(before.targets)
        wrong = None
        breath = time.monotonic()
        while (piece := await _piece(process.stdout)).mark is not Mark.END:
            if piece.mark is Mark.PROBLEMS:
                wrong = problems_of(piece)
            else:
                self._unpacker.take(piece)
            if time.monotonic() - breath > _BREATH:
                await asyncio.sleep(0)
                breath = time.monotonic()
        if wrong is not None:
            raise EstateError(wrong)
        return self._unpacker.estate()

    async def _started(self) -> asyncio.subprocess.Process:
        process = self._process
        if process is None or process.returncode is not None:
            environment = {name: value for name, value in os.environ.items() if name != "NOTIFY_SOCKET"}
            process = self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env={**environment, "PYTHONHASHSEED": "0"},  # so that equal sets give equal digests
                start_new_session=True,
                limit=1024 * 1024,
            )
            assert process.stdout is not None  # it is a pipe
            hello = await _piece(process.stdout)
            installed = hello.body.decode()
            if hello.mark is not Mark.HELLO or installed != self._version:
                await self.close()
                raise LoadError(f"Version {installed} is installed, and {self._version} runs: {_RESTART}")
        return process


async def _piece(stream: asyncio.StreamReader) -> Piece:
    head = await stream.readexactly(5)
    length = int.from_bytes(head[1:], "big")
    try:
        mark = Mark(head[:1].decode("latin-1"))
    except ValueError:
        raise ParcelError("something that is no piece of an estate") from None
    if length > LARGEST:
        raise ParcelError(f"a piece of {length:,} octets")
    return Piece(mark, await stream.readexactly(length))


def _said(error: Exception) -> str:
    return "it ended in the middle" if isinstance(error, asyncio.IncompleteReadError) else str(error)
