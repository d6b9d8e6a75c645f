"""One ping over HTTP. The standard library's client: what can be done without is not imported (docs/decisions/0081)."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from agent.push.tail import masked
from agent.wrapper.note import Note
from agent.wrapper.spool import Place

_KEY = re.compile(r"[A-Za-z0-9._~-]{16,128}")
_NEVER = frozenset({400, 405, 413, 414})
_WHY = {
    404: "the agent does not know this key; is it the key of a job of its estate?",
    429: "the agent is pinged too often",
    503: "the agent's ledger cannot keep it now",
}


class Fate(StrEnum):
    TAKEN = "taken"
    LATER = "later"
    """Not now; keep it."""
    NEVER = "never"
    """Not this one, whenever it comes."""


@dataclass(frozen=True, slots=True)
class Sent:
    fate: Fate
    why: str = ""
    """One line without the key; empty where it was taken."""


class Sender:
    """Tells one agent of one job."""

    def __init__(self, place: Place, timeout: float) -> None:
        """`timeout`: seconds for each step of a request."""
        self._place = place
        self._timeout = timeout

    def send(self, note: Note) -> Sent:
        """Blocks. Raises nothing that a network, a file or an agent can cause."""
        from http.client import HTTPException

        try:
            return self._send(note, read_key(Path(self._place.key_file)))
        except NotReady as wrong:
            return Sent(Fate.LATER, str(wrong))
        except (OSError, HTTPException, UnicodeError, ValueError) as error:
            why = (
                error.strerror if isinstance(error, OSError) and error.strerror else str(error) or type(error).__name__
            )
            return Sent(Fate.LATER, f"{self._host()} is not told: {masked(why)[:200]}")

    def _send(self, note: Note, key: str) -> Sent:
        from http.client import HTTPConnection, HTTPSConnection

        url = urlsplit(self._place.url)
        if url.scheme == "http" and not _on_loopback(url.hostname):
            raise NotReady(f"{self._host()}: a key is sent over https only, or to this machine itself")
        if url.scheme not in ("http", "https") or not url.hostname:
            raise NotReady("--url is written as https://agent.example:10192")
        line: HTTPConnection
        if url.scheme == "https":
            import ssl

            context = ssl.create_default_context(cafile=self._place.ca or None)
            line = HTTPSConnection(url.hostname, url.port, timeout=self._timeout, context=context)
        else:
            line = HTTPConnection(url.hostname, url.port, timeout=self._timeout)
        facts = {"rid": note.rid, "ago": f"{max(0.0, time.time() - note.at):.3f}"}
        if note.seconds is not None:
            facts["seconds"] = f"{note.seconds:.3f}"
        try:
            path = f"{url.path.rstrip('/')}/ping/{key}/{note.sign}?{urlencode(facts)}"
            line.request("POST", path, note.log.encode(), {"User-Agent": "ridgeway-backup", "Connection": "close"})
            status = line.getresponse().status
        finally:
            line.close()
        if status == 200:
            return Sent(Fate.TAKEN)
        why = f"{self._host()} answers {status}" + (f": {_WHY[status]}" if status in _WHY else "")
        return Sent(Fate.NEVER if status in _NEVER else Fate.LATER, why)

    def _host(self) -> str:
        return masked(urlsplit(self._place.url).netloc.rpartition("@")[2]) or "the agent"


class NotReady(Exception):
    """Nothing can be sent before somebody has mended something; the message says what."""


def read_key(path: Path) -> str:
    """The key in this file. Raises NotReady and OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        key = file.read(1024).decode("ascii", "replace").strip()
    if not _KEY.fullmatch(key):
        raise NotReady(
            f"--key-file {path}: holds no key, which is 16 to 128 letters, digits, dots, hyphens, underscores"
        )
    return key


def _on_loopback(host: str | None) -> bool:
    return host is not None and (host in ("localhost", "::1") or re.fullmatch(r"127(?:\.\d{1,3}){3}", host) is not None)
