"""Who may read what the agent keeps, and whether its secrets can be had."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.diagnosis import Line, broken, ok, unknown, warning
from config.secrets import SecretError, SecretReference


def private_lines(what: str, place: Path, owner: int | None) -> Iterator[Line]:
    """A file or directory that is for the agent's user only; one that is not there is somebody else's matter.

    `owner`: the user id of the running agent, if one is known.
    """
    try:
        found = place.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        yield unknown(what, f"cannot be looked at: {error.strerror}", "ask as root (sudo)", str(place))
        return
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o007 or (mode & 0o070 and stat.S_ISREG(found.st_mode)):
        mend = f"chmod {mode & 0o700:o} {place}"
        yield warning(what, f"mode {mode:04o}: others than the agent's user may use it", mend, str(place))
    elif owner is not None and found.st_uid != owner:
        mend = f"chown {owner} {place}, with the agent stopped"
        yield broken(what, f"belongs to user {found.st_uid}, the agent runs as user {owner}", mend, str(place))
    else:
        yield ok(what, f"mode {mode:04o}, user {found.st_uid}", str(place))


def writable_lines(place: Path) -> Iterator[Line]:
    """The state directory of an agent that would be started by this user."""
    if place.is_dir() and not os.access(place, os.W_OK | os.X_OK):
        yield warning("state directory", "not writable for you", "ask as the agent's user or root (sudo)", str(place))


def secret_lines(references: Iterable[SecretReference]) -> Iterator[Line]:
    """Each is fetched once and thrown away; nobody is shown it, and nobody logs in with it."""
    whole, trouble = 0, 0
    for reference in sorted(set(references), key=str):
        whole += 1
        try:
            reference.resolve()
        except SecretError as error:
            trouble += 1
            if reference.scheme == "credential" and not os.environ.get("CREDENTIALS_DIRECTORY"):
                mend = "ask as the unit sees it: env CREDENTIALS_DIRECTORY=/etc/ridgeway/credentials ridgeway doctor"
                yield unknown("secret", "only the unit is given it by systemd", mend, str(reference))
            else:
                yield broken("secret", str(error).partition(": ")[2], "see docs/operating.md, Secrets", str(reference))
    if whole > trouble:
        yield ok("secrets", f"{whole - trouble} of {whole} can be read")
