"""Which programs may be run: plain names, found in directories the agent was told of, safe from others."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from checks.contract import Reason
from checks.transports.fault import TransportFault

VARIABLE = "RIDGEWAY_PLUGINS"
"""The environment variable with the directories, parted by colons."""
DIRECTORIES = ("/usr/lib/nagios/plugins", "/usr/lib/monitoring-plugins", "/usr/local/lib/ridgeway/plugins")
"""Used where the variable is not set."""
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,99}")


def directories(told: str | None) -> tuple[Path, ...]:
    """The directories of a value of `RIDGEWAY_PLUGINS`; only absolute paths count."""
    places = DIRECTORIES if told is None else tuple(told.split(":"))
    return tuple(Path(place) for place in places if place.startswith("/"))


def find(name: str, places: Sequence[Path]) -> Path:
    """The path of the program `name` in the first of the directories that has it. Raises TransportFault (LOCAL).

    A link may lead to another program of the same directory, or of another allowed one, and nowhere else. The program,
    and every directory down to it, must belong to root or to the agent's user, and nobody else may alter them.
    """
    if not NAME.fullmatch(name):
        raise TransportFault(Reason.LOCAL, "a plug-in is given by its plain name, without a path")
    roots = [Path(os.path.realpath(place)) for place in places]
    for place in places:
        path = place / name
        if os.path.lexists(path):
            _examine(path, roots)
            return path
    listed = ":".join(str(place) for place in places) or "no directory at all"
    raise TransportFault(
        Reason.LOCAL, f"there is no plug-in {name} in {listed}; install it there, or set {VARIABLE} to where it is"
    )


def _examine(path: Path, roots: Sequence[Path]) -> None:
    real = Path(os.path.realpath(path))
    if real.parent not in roots:
        raise TransportFault(
            Reason.LOCAL, f"{path} is a link to {real}, outside the plug-in directories; copy the program there instead"
        )
    try:
        status = real.stat()
        if not stat.S_ISREG(status.st_mode):
            raise TransportFault(Reason.LOCAL, f"{path} is not a file that can be run")
        if not os.access(real, os.X_OK):
            raise TransportFault(Reason.LOCAL, f"{path} is not executable for the agent's user; run: chmod +rx {real}")
        _trust(real, status, stat.S_IWGRP | stat.S_IWOTH)
        _trust(real.parent, real.parent.stat(), stat.S_IWGRP | stat.S_IWOTH)
        for parent in real.parent.parents:
            # Debian lets the group staff write to /usr/local; strangers are what matters further up.
            _trust(parent, parent.stat(), stat.S_IWOTH)
    except OSError as error:
        raise TransportFault(Reason.LOCAL, f"{path} cannot be looked at: {error.strerror}") from error


def _trust(path: Path, status: os.stat_result, forbidden: int) -> None:
    if status.st_uid not in (0, os.geteuid()):
        raise TransportFault(
            Reason.LOCAL,
            f"{path} belongs to user {status.st_uid}, who could alter it; run: chown root {path}",
        )
    if status.st_mode & forbidden and not status.st_mode & stat.S_ISVTX:
        who = "every user" if status.st_mode & stat.S_IWOTH else "its group"
        raise TransportFault(Reason.LOCAL, f"{path} can be altered by {who}, so it is not run; run: chmod go-w {path}")
