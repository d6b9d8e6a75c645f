"""Pings of backup jobs, put together: listeners of their own, the keys of the estate, the ledger, and the inbox."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from agent.daemon.dropping import Dropping
from agent.daemon.life import StartError
from agent.daemon.settings import Address, Settings
from agent.ledger.ledger import Ledger
from agent.push.keeping import Keeping, LedgerInbox
from agent.push.keys import Keys, mail_options, read_keys, wanted
from checks.transports.aside import Aside, Crowded, StillHanging
from config.estate import Access, Estate
from config.secrets import Secret
from exporters.web.access import AccessControl, AccessError
from exporters.web.pings import PingSite
from exporters.web.server import ListenError, WebServer, listen

REFRESH = 60.0
"""Seconds between two looks at the keys."""
_PATIENCE = 5.0
"""Seconds that keys may hold up the start, or a check."""
_MOST_CONNECTIONS = 400
"""A whole estate begins its backups at one o'clock."""


class Counting(Protocol):
    """Told what became of what came in, each way."""

    def push(self, outcome: str) -> None: ...
    def mail(self, outcome: str) -> None: ...
    def drop(self, outcome: str) -> None: ...


class Pushing:
    """`inbox` is there at once. Nothing is taken before `start`, and nothing ever without an address to listen at."""

    def __init__(
        self,
        estate: Estate,
        settings: Settings,
        ledger: Ledger,
        learn: Callable[[tuple[Secret, ...]], None],
        clock: Callable[[], float],
    ) -> None:
        """`learn` is told of keys, so that they are masked wherever they would be written."""
        self._use(estate)
        self._settings = settings
        self._keeping = Keeping(ledger.writer)
        self._learn = learn
        self._clock = clock
        self._keys = Keys()
        self._aside = Aside(1)
        self._changed = asyncio.Event()
        self._renewed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._told: dict[str, str] = {}
        self._log = structlog.get_logger("agent.push")
        self.inbox = LedgerInbox(ledger.reader, self._keys_of)
        self.addresses: list[tuple[str, int]] = []
        """Where pings are taken, once started."""
        self.mail_addresses: list[tuple[str, int]] = []

    def use(self, estate: Estate) -> None:
        """Take the pings of this estate's jobs from now on: its keys are read at once."""
        self._use(estate)
        self._changed.set()

    def _use(self, estate: Estate) -> None:
        self._wanted = wanted(estate)
        self._mails = mail_options(estate)

    async def start(self, parts: contextlib.AsyncExitStack, counts: Counting) -> None:
        """Begin to take what the settings say. What has to be let go of is pushed on `parts`. Raises StartError."""
        if not self._takes:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await self._renew()
        access = await self._let_in(parts)
        if self._settings.push:
            await self._take_pings(parts, access, counts.push)
        if self._settings.mail:
            await self._take_mails(parts, access, counts.mail)
        self._tasks.append(asyncio.create_task(self._follow(), name="keys of pings"))
        if self._settings.drop is not None:
            self._tasks.append(asyncio.create_task(self._dropping(self._settings.drop, counts.drop).run(), name="drop"))
            self._log.info("files are taken as pings", at=str(self._settings.drop), jobs=len(self._wanted))
        parts.push_async_callback(self._stop)

    @property
    def _takes(self) -> bool:
        return bool(self._settings.push or self._settings.mail or self._settings.drop)

    def _dropping(self, root: Path, count: Callable[[str], None]) -> Dropping:
        return Dropping(
            root, lambda: self._wanted, lambda key: self._keys.job_of(key), self._keeping.keep, count, self._clock
        )

    async def _take_pings(
        self, parts: contextlib.AsyncExitStack, access: AccessControl, count: Callable[[str], None]
    ) -> None:
        site = PingSite(lambda key: self._keys.job_of(key), self._keeping.keep, count, self._clock)
        sockets = _opened(self._settings.push, "--push.listen-address")
        server = WebServer(access.before(site), sockets, tls=access.tls, meet=access.meet, most=_MOST_CONNECTIONS)
        await server.start()
        parts.push_async_callback(server.stop)
        self.addresses = server.addresses
        self._log.info("pings are taken", at=_at(server.addresses), jobs=len(self._wanted))

    async def _take_mails(
        self, parts: contextlib.AsyncExitStack, access: AccessControl, count: Callable[[str], None]
    ) -> None:
        from exporters.maildrop import Door, MailServer  # loaded where mails are taken only

        door = Door(
            lambda key: self._keys.job_of(key),
            lambda job, sender: job in self._mails and self._mails[job].takes_from(sender),
            self._keeping.keep,
            count,
            self._clock,
            meet=access.meet,
        )
        addresses = self._settings.mail
        sockets = _opened(addresses, "--push.smtp-listen-address")
        exposed = [address.exposed for address in addresses]
        server = MailServer(door, list(zip(sockets, exposed, strict=True)), access.tls)
        await server.start()
        parts.push_async_callback(server.stop)
        self.mail_addresses = server.addresses
        self._log.info("mails are taken", at=_at(server.addresses), jobs=len(self._wanted))

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _let_in(self, parts: contextlib.AsyncExitStack) -> AccessControl:
        """TLS and certificates, by a file as the pages have it; who one is says the key."""
        path = self._settings.push_config
        access = AccessControl(Access(), path, _Uncounted(), self._clock, shows=False)
        parts.push_async_callback(access.stop)
        try:
            await access.start()
        except AccessError as error:
            raise StartError(str(error).replace("--web.config.file", "--push.config.file")) from error
        return access

    async def _keys_of(self, jobs: Sequence[str]) -> Keys | None:
        """A check may be made before the keys of its jobs are read, at a start or a reload: that is no trouble yet."""
        if not self._takes:
            return None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while not self._keys.known.issuperset(jobs):
                    await self._renewed.wait()
        return self._keys

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFRESH):
                    await self._changed.wait()
            self._changed.clear()
            await self._renew()

    async def _renew(self) -> None:
        """Read the keys; a file system that hangs leaves those that there were."""
        jobs = self._wanted
        try:
            keys = await self._aside.run("keys of pings", lambda: read_keys(jobs))
        except (StillHanging, Crowded):
            return
        if keys.jobs != self._keys.jobs:
            self._learn(keys.found)
        self._keys = keys
        renewed, self._renewed = self._renewed, asyncio.Event()
        renewed.set()
        for job, trouble in keys.troubles.items():
            if self._told.get(job) != trouble:
                self._log.error("pings of a job are not taken", job=job, reason=trouble)
        self._told = dict(keys.troubles)


def _opened(addresses: Sequence[Address], option: str) -> list[socket.socket]:
    try:
        return listen([str(address) for address in addresses], option)
    except ListenError as error:
        raise StartError(str(error)) from error


def _at(addresses: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{host} port {port}" for host, port in addresses)


class _Uncounted:
    """The metrics of access are those of the pages."""

    def refused(self, reason: str) -> None:
        del reason

    def accepted(self, at: float, not_after: float | None) -> None:
        del at, not_after

    def not_accepted(self) -> None: ...

    def tokens_unreadable(self, count: int) -> None:
        del count
