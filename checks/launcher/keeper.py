"""A keeper: reads an order, has it run, answers once, and goes. Standard library only."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
from typing import Any, NoReturn

from checks.launcher.proc import PDEATHSIG, SUBREAPER, prctl
from checks.launcher.run import Run, Stopped


def keep(run: socket.socket, parent: int, tasks: int) -> NoReturn:
    """The life of a keeper."""
    status = 1
    try:
        signal.signal(signal.SIGTERM, _stop)
        prctl(PDEATHSIG, signal.SIGTERM)
        prctl(SUBREAPER, 1)
        if os.getppid() == parent:
            answer = Run(_order(run), run.fileno(), tasks).go()
            run.setblocking(True)
            with contextlib.suppress(OSError):  # the agent has lost interest
                run.sendall(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))
        status = 0
    finally:
        os._exit(status)  # never back into the launcher's own loop, whatever happens


def _stop(*_: object) -> NoReturn:
    raise Stopped


def _order(run: socket.socket) -> dict[str, Any]:
    size = struct.unpack("!I", _exactly(run, 4))[0]
    order: dict[str, Any] = json.loads(_exactly(run, size))
    return order


def _exactly(run: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = run.recv(size - len(data))
        if not more:
            raise EOFError("the agent gave no order")
        data += more
    return data
