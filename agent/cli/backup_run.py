"""`ridgeway backup run -- COMMAND` and `ridgeway backup replay`: on the machine that makes backups.

Neither reads an estate or needs an agent here; what is imported is what the start of every backup waits for. Paths are
plain text: a file that is not as it should be must keep no backup from being made.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import click

_spool = click.option(
    "--spool",
    "directory",
    default=None,
    show_default="~/.local/state/ridgeway/pings",
    help="Where pings lie until the agent has taken them.",
)
_timeout = click.option(
    "--timeout",
    type=click.FloatRange(0.1, 60),
    default=5.0,
    show_default=True,
    help="Seconds for each step of a ping.",
)


@click.command("run")
@click.option("--url", required=True, help="Where the agent takes pings: https://agent.example:10192.")
@click.option(
    "--key-file",
    required=True,
    help="The file with the job's key. The key itself belongs on no command line.",
)
@click.option("--ca", default="", help="The authority that signed the agent's certificate, in PEM.")
@_spool
@_timeout
@click.option(
    "--patience",
    type=click.FloatRange(0, 600),
    default=10.0,
    show_default=True,
    help="Seconds that the telling may take after the command has ended.",
)
@click.option("--no-log", "no_log", is_flag=True, help="Leave the command its own output; nothing of it is told.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    url: str,
    key_file: str,
    ca: str,
    directory: str | None,
    timeout: float,
    patience: float,
    no_log: bool,
    command: tuple[str, ...],
) -> int:
    """Run COMMAND, and tell the agent when it begins and how it ends.

    Its output goes through as it is, signals reach it, and its exit status is this one's: 128 and the number of a
    signal that ended it, 127 where there is no such command. What the agent cannot be told now is told by the next run.
    """
    from agent.wrapper.spool import Place, home
    from agent.wrapper.wrapped import wrapped

    place = Place(url, str(Path(key_file).absolute()), str(Path(ca).absolute()) if ca else "")
    spool = Path(directory) if directory else home()
    return wrapped(place, command, spool, _said(), timeout=timeout, patience=patience, with_log=not no_log)


@click.command("replay")
@_spool
@_timeout
def replay(directory: str | None, timeout: float) -> int:
    """Tell the agent of everything that it has not been told; exit status 1 where something waits still."""
    from agent.wrapper.sending import Sender
    from agent.wrapper.spool import Spool, home, places
    from agent.wrapper.telling import told_all

    at, say = Path(directory) if directory else home(), _said()
    done = [told_all(Spool(at, place), Sender(place, timeout), say) for place in places(at, say)]
    return 0 if all(done) else 1


def _said() -> Callable[[str], None]:
    """Says each thing once on standard error, if anybody takes it: cron mails what is written there."""
    said: set[str] = set()

    def say(line: str) -> None:
        if line not in said:
            said.add(line)
            with contextlib.suppress(OSError):
                os.write(2, f"ridgeway: {line}\n".encode("utf-8", "replace"))

    return say
