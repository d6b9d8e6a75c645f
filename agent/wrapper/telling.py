"""Notes on their way, in threads of their own: to the disk first, then to the agent, the oldest first.

The backup waits for none of it; when it has ended, the end of the telling is waited for, for so long and no longer. An
agent, or a resolver, that hangs keeps no note from the disk.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from agent.wrapper.note import Note
from agent.wrapper.sending import Fate, Sender
from agent.wrapper.spool import Spool

_AGAIN = 0.1
"""Seconds between two looks whether another process still tells notes of the same job."""
_OTHERS = 30.0
"""Seconds that another process may take for that."""


class _Kept:
    """A note is on the disk."""


class Telling:
    """`tell` notes, then `finish`."""

    def __init__(self, spool: Spool, sender: Sender, say: Callable[[str], None]) -> None:
        """`say` gets one line about whatever goes wrong."""
        self._spool = spool
        self._sender = sender
        self._say = say
        self._notes: SimpleQueue[Note | None] = SimpleQueue()
        self._to_tell: SimpleQueue[_Kept | Note | None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=work, name=work.__name__, daemon=True) for work in (self._keep, self._tell)
        ]
        for thread in self._threads:
            thread.start()

    def tell(self, note: Note) -> None:
        """Never blocks."""
        self._notes.put(note)

    def finish(self, seconds: float) -> bool:
        """Wait for so long; whether all was done by then. What was not told is told by the next run."""
        until = time.monotonic() + seconds
        self._notes.put(None)
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _keep(self) -> None:
        while (note := self._notes.get()) is not None:
            self._to_tell.put(_Kept() if self._kept(note) else note)
        self._to_tell.put(None)

    def _tell(self) -> None:
        while (waits := self._to_tell.get()) is not None:
            if isinstance(waits, _Kept):
                told_all(self._spool, self._sender, self._say)
                continue
            sent = self._sender.send(waits)
            if sent.fate is not Fate.TAKEN:
                self._say(f"and so this ping is lost: {sent.why}")

    def _kept(self, note: Note) -> bool:
        try:
            gone = self._spool.put(note)
        except OSError as error:
            self._say(f"pings cannot be kept for later: {error.strerror}: {error.filename}")
            return False
        if gone:
            self._say(f"{gone} pings that were never told are given up, since so many wait")
        return True


def told_all(spool: Spool, sender: Sender, say: Callable[[str], None]) -> bool:
    """Tell what waits, in its order; whether nothing waits any more. Stops at the first that is not taken."""
    until = time.monotonic() + _OTHERS
    try:
        while True:
            with spool.alone() as alone:
                if alone:
                    return _told(spool, sender, say)
            if time.monotonic() >= until:
                say("another run still tells its pings; the next one tells these")
                return False
            time.sleep(_AGAIN)
    except OSError as error:
        say(f"pings cannot be read: {error.strerror}: {error.filename}")
        return False


def _told(spool: Spool, sender: Sender, say: Callable[[str], None]) -> bool:
    while waiting := spool.waiting():
        for name in waiting:
            note = spool.read(name)
            if note is None:
                say("a ping that is damaged or too old is given up")
                spool.drop(name)
                continue
            sent = sender.send(note)
            if sent.fate is Fate.LATER:
                say(f"{sent.why}; {len(spool.waiting())} pings wait, the next run tells them")
                return False
            if sent.fate is Fate.NEVER:
                say(f"a ping is given up: {sent.why}")
            spool.drop(name)
    return True
