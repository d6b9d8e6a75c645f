"""Runs a verb and dies by SIGKILL just before the n-th act of the kinds that change a disk or a database.

With more acts than the verb has it ends as the verb does. Tells each act, so that a test sees where it died.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

from sqlalchemy import Engine, event

from agent.cli import answer

_EVENTS = ("os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate", "shutil.copyfile")


def keep(pipe: Connection, number: int, line: Sequence[str], environment: Mapping[str, str]) -> None:
    """For `testbeds.forked`."""
    left = number
    os.environ.clear()
    os.environ.update(environment)

    def act(what: str) -> None:
        nonlocal left
        left -= 1
        pipe.send(what)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(name: str, arguments: tuple[Any, ...]) -> None:
        writes = name == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if name in _EVENTS or writes:
            act(f"{name} {arguments[0]}")

    def commit(_connection: object) -> None:
        act("commit")

    def execute(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.lstrip()[:6].upper() in ("INSERT", "UPDATE", "DROP T", "CREATE"):
            act(statement.split("(")[0].strip()[:60])

    event.listen(Engine, "commit", commit)
    event.listen(Engine, "before_cursor_execute", execute)
    sys.addaudithook(audit)
    raise SystemExit(answer(line))
