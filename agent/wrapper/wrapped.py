"""A backup from its first ping to its last."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agent.push.tail import tail
from agent.wrapper.command import Ring, run
from agent.wrapper.note import Note
from agent.wrapper.sending import NotReady, Sender, read_key
from agent.wrapper.spool import Place, Spool
from agent.wrapper.telling import Telling

_SECRET_NAMES = ("PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL")


def wrapped(
    place: Place,
    command: Sequence[str],
    directory: Path,
    say: Callable[[str], None],
    *,
    timeout: float,
    patience: float,
    with_log: bool,
) -> int:
    """Run the command and tell of it; returns the command's own status, whatever becomes of the telling."""
    rid = os.urandom(8).hex()
    telling = Telling(Spool(directory, place), Sender(place, timeout), say)
    telling.tell(Note(time.time(), "start", rid))
    begun = time.monotonic()
    ring = Ring() if with_log else None
    status = run(command, ring, say)
    seconds = time.monotonic() - begun
    log = tail(ring.end(), _secrets(place, os.environ)) if ring is not None else ""
    telling.tell(Note(time.time(), str(status), rid, seconds, log))
    if not telling.finish(patience):
        say(f"the agent was not told within {patience:g} s; the next run tells it")
    return status


def _secrets(place: Place, environ: Mapping[str, str]) -> list[str]:
    """What must not stand in a log: the key, and what the environment calls a secret."""
    found = [value for name, value in environ.items() if any(word in name.upper() for word in _SECRET_NAMES)]
    with contextlib.suppress(OSError, NotReady):  # without a key there is none to mask, and the sender says why
        found.append(read_key(Path(place.key_file)))
    return found
