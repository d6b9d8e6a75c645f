"""Sockets that take mail, in the agent's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import Sequence
from functools import partial

from exporters.maildrop.door import Door
from exporters.maildrop.session import MailSession
from exporters.web.access.tls import TurningContext

MOST_CONNECTIONS = 100
"""With more, the one that has been there for longest without naming a key is hung up on."""
_GOOD_BYE = 2.0
"""Seconds that connections have to end."""
_AT_ONCE = 32
_OF_A_JOB = 4
"""Mails on their way in at once, of 1 MiB each: whoever has one key keeps nobody else waiting."""


class MailServer:
    """Listens from `start` to `stop`."""

    def __init__(self, door: Door, sockets: Sequence[tuple[socket.socket, bool]], tls: TurningContext | None) -> None:
        """Each socket with whether it can be reached from other machines: there nothing is taken without TLS."""
        self._door = door
        self._sockets = sockets
        self._tls = tls
        self._sessions: dict[MailSession, None] = {}
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._places = _Places()
        self._servers: list[asyncio.Server] = []

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each socket, as bound."""
        return [sock.getsockname()[:2] for sock, _ in self._sockets]

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        for sock, exposed in self._sockets:
            self._servers.append(await loop.create_server(partial(self._open, exposed), sock=sock))

    async def stop(self) -> None:
        """Hang up on everybody: what was not answered is sent again."""
        for server in self._servers:
            server.close()
        for session in list(self._sessions):
            session.hang_up()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GOOD_BYE):
                await self._nobody.wait()

    def _open(self, exposed: bool) -> MailSession:
        session = MailSession(self._door, self._places, self._closed, tls=self._tls, must=self._must(exposed))
        self._sessions[session] = None
        self._nobody.clear()
        self._make_room()
        return session

    def _closed(self, session: MailSession) -> None:
        self._sessions.pop(session, None)
        if not self._sessions:
            self._nobody.set()

    def _must(self, exposed: bool) -> bool:
        """A client that has to show a certificate cannot do so in the clear."""
        return self._tls is not None and (exposed or self._tls.current.verify_mode is ssl.CERT_REQUIRED)

    def _make_room(self) -> None:
        if len(self._sessions) > MOST_CONNECTIONS:
            idle = (one for one in self._sessions if not one.believed)
            with contextlib.suppress(StopIteration):
                next(idle).hang_up()


class _Places:
    """Counts mails that are on their way in."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()
        self._all = 0

    def take(self, jobs: list[str]) -> bool:
        if self._all >= _AT_ONCE or any(self._taken[job] >= _OF_A_JOB for job in jobs):
            return False
        self._taken.update(jobs)
        self._all += 1
        return True

    def leave(self, jobs: list[str]) -> None:
        self._taken.subtract(jobs)
        self._taken += Counter()
        self._all -= 1
