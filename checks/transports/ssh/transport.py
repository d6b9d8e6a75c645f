"""The SSH transport: what a check asks, each question bounded in time and size."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from checks.contract import Reason
from checks.transports.aside import Aside, Crowded, Overdue, StillHanging, Tether
from checks.transports.fault import TransportFault
from checks.transports.lockout import Lockout
from checks.transports.names import Address, Names
from checks.transports.ssh import pins
from checks.transports.ssh.credentials import Access, AccessCache
from checks.transports.ssh.faults import NotOpened
from checks.transports.ssh.kept import IDLE, Kept, Line
from checks.transports.ssh.kept import MOST as MOST_KEPT
from checks.transports.ssh.model import LIMIT, MOST, HostKey, Listing, Ran, ShellProfile, SshDevice
from checks.transports.turns import Turns

if TYPE_CHECKING:
    from checks.transports.ssh.connect import Connection
    from checks.transports.ssh.login import Keys

T = TypeVar("T")
_OVERHEAD = 64
"""Octets on the wire for one octet of output, at worst: a packet of its own (RFC 4253, section 6)."""
_BASE = 1024 * 1024
_SESSION_ENDS = 0.2
"""Seconds that a device is given to end a session before another one is asked for, when it has so few."""
_ENTRY = 2048
"""Octets that an entry of a directory may take: its name twice, and attributes."""


class SshTransport:
    """Asks devices over SSH. paramiko is imported aside, when the first one is asked."""

    def __init__(
        self,
        names: Names,
        aside: Aside,
        lockout: Lockout,
        *,
        idle: float = IDLE,
        most_kept: int = MOST_KEPT,
        turns: Turns | None = None,
    ) -> None:
        self._names = names
        self._aside = aside
        self._lockout = lockout
        self._accesses = AccessCache()
        self._kept: Kept[Connection] = Kept(idle, most_kept)
        self._keys: Keys | None = None
        self._turns = turns or Turns()

    @property
    def kept(self) -> int:
        """Connections that are open now."""
        return len(self._kept)

    async def run(self, device: SshDevice, command: str, *, deadline: float, limit: int = LIMIT) -> Ran:
        """Run one command, once. Output over `limit` octets (both streams together) is cut off, and said so.

        Raises TransportFault, of which `ssh_fault` makes a check's Fault.
        """

        def call(connection: Connection, tether: Tether) -> Ran:
            from checks.transports.ssh import command as commands

            return commands.run(connection, command, limit, tether)

        return await self._ask(device, deadline, limit * _OVERHEAD, call)

    async def shell(
        self,
        device: SshDevice,
        commands: Sequence[str],
        shell: ShellProfile,
        *,
        deadline: float,
        limit: int = LIMIT,
    ) -> list[str]:
        """The output of each command, typed into the device's command line on a terminal.

        What a person would see: escape sequences obeyed, echo, prompts and pagers taken off. Raises TransportFault:
        PROTOCOL when no prompt comes, LIMIT when more than `limit` octets come altogether.
        """

        def call(connection: Connection, tether: Tether) -> list[str]:
            from checks.transports.ssh.shell import converse

            answers: list[str] = []
            converse(connection, commands, shell, limit, tether, answers.append)
            return answers

        return await self._ask(device, deadline, limit * _OVERHEAD, call)

    async def alone(
        self,
        device: SshDevice,
        commands: Sequence[str],
        shell: ShellProfile | None,
        *,
        answers: list[Ran],
        deadline: float,
        limit: int = LIMIT,
    ) -> None:
        """Add the output of each command to `answers`, over a connection made for this and closed at the end.

        Without a `shell` each command is run as `run` does. No other such reading of the same address, nor one
        over HTTPS, goes on meanwhile. What was whole before a fault is in `answers`. Raises TransportFault, LIMIT as
        `shell` does.
        """
        async with self._turns.at(device.address, deadline):
            pins.kinds(device.target, device.host_keys)
            connection = await self._open(device, self._accesses.access(device.credential), deadline)
            try:
                connection.wire.allow(limit * _OVERHEAD + _BASE)
                call = partial(_one_by_one, commands, shell, limit, answers)
                await self._aside_ask(device.target, partial(call, connection), deadline)
            finally:
                connection.close()

    async def files(self, device: SshDevice, directory: str, *, deadline: float, most: int = MOST) -> Listing:
        """The entries of a directory over SFTP, at most so many. Raises NoSuchPath, else TransportFault."""

        def call(connection: Connection, tether: Tether) -> Listing:
            from checks.transports.ssh.files import listing

            return listing(connection, directory, most, tether)

        return await self._ask(device, deadline, most * _ENTRY, call)

    async def read(self, device: SshDevice, path: str, *, deadline: float, limit: int = LIMIT) -> bytes:
        """A whole file over SFTP. Raises NoSuchPath, else TransportFault: LIMIT when it is larger than `limit`."""

        def call(connection: Connection, tether: Tether) -> bytes:
            from checks.transports.ssh.files import content

            return content(connection, path, limit, tether)

        return await self._ask(device, deadline, limit * 2, call)

    async def scan(self, address: str, port: int, deadline: float) -> list[HostKey]:
        """Every host key that the server shows, one connection for each kind. No user name and no password is sent.

        Raises OnlySha1 when it has none that can be used, else TransportFault.
        """
        at = await self._address(address, deadline)

        def call(tether: Tether) -> list[HostKey]:
            from checks.transports.ssh.scan import scan

            return scan(address, at, port, tether)

        return await self._aside_ask(address, call, deadline)

    async def close(self) -> None:
        """Close every connection and forget every secret; safe to call twice."""
        self._kept.close()
        self._accesses.forget()
        if self._keys is not None:
            self._keys.forget()

    async def _ask(self, device: SshDevice, deadline: float, grant: int, call: Callable[[Connection, Tether], T]) -> T:
        """The answer to one question. It is put once; again only when no channel could be opened for it."""
        pins.kinds(device.target, device.host_keys)
        access = self._accesses.access(device.credential)
        key = (
            device.target, device.address, device.port, device.credential.name, device.host_keys, device.keep,
            device.interactive,
        )  # fmt: skip
        refused = False
        while True:
            open_line = partial(self._open, device, access, deadline)
            async with self._kept.line(key, access.identity, device.keep, deadline, open_line) as line:
                first = line.uses == 1
                try:
                    return await self._on(line, device.target, deadline, grant, call)
                except NotOpened as fault:
                    shared = line.users > 1
                    refused = fault.reason is Reason.FORBIDDEN and (shared or not refused)
                    late = refused and asyncio.get_running_loop().time() + _SESSION_ENDS > deadline
                    if first or late:
                        raise
                    if not refused:
                        self._kept.retire(key, line)
                        continue
                    if shared:
                        self._kept.narrow(line)
            await asyncio.sleep(_SESSION_ENDS)

    async def _on(
        self, line: Line[Connection], target: str, deadline: float, grant: int, call: Callable[[Connection, Tether], T]
    ) -> T:
        wire = line.connection.wire
        wire.allow(grant + _BASE)
        try:
            return await self._aside_ask(target, partial(call, line.connection), deadline)
        except asyncio.CancelledError:
            line.connection.broken = True  # its socket was shut down
            raise
        finally:
            if line.users == 1:
                wire.settle()

    async def _open(self, device: SshDevice, access: Access, deadline: float) -> Connection:
        """Connect and check the host key; then, with a turn from the lock-out guard, log in."""
        address = await self._address(device.address, deadline)
        connection = await self._aside_ask(device.target, partial(self._connect, device, access, address), deadline)
        try:
            await self._log_in(device, access, connection, deadline)
        except BaseException:
            connection.close()
            raise
        connection.wire.settle()
        return connection

    def _connect(self, device: SshDevice, access: Access, address: Address, tether: Tether) -> Connection:
        from checks.transports.ssh.connect import connect
        from checks.transports.ssh.login import Keys

        self._keys = self._keys or Keys()
        if access.key:
            self._keys.key(access)  # a key that cannot be read is said before anything is sent
        return connect(device.target, address, device.port, device.host_keys, tether)

    async def _log_in(self, device: SshDevice, access: Access, connection: Connection, deadline: float) -> None:
        from checks.transports.ssh.login import Refused, log_in

        keys = self._keys
        assert keys is not None  # made by _connect

        def call(tether: Tether) -> None:
            log_in(connection, access, keys.key(access) if access.key else None, device.interactive, tether)

        async with self._lockout.trial(device.credential, device.target, deadline, access.identity) as attempt:
            try:
                await self._aside_ask(device.target, call, deadline)
            except Refused:
                attempt.refused()
                self._accesses.renew(device.credential)
                raise
            except TransportFault as fault:
                if fault.reason is Reason.FORBIDDEN:
                    attempt.accepted()  # right, but not enough
                raise
            attempt.accepted()

    async def _address(self, host: str, deadline: float) -> Address:
        known = self._names.at_hand(host)
        if known is not None:
            return known
        try:
            async with asyncio.timeout_at(deadline):
                return await self._names.address(host)
        except TimeoutError:
            raise TransportFault(
                Reason.NAME, f"{host}: its name was not resolved until the deadline; check DNS"
            ) from None

    async def _aside_ask(self, place: str, call: Callable[[Tether], T], deadline: float) -> T:
        try:
            return await self._aside.ask(place, call, deadline)
        except (StillHanging, Overdue) as error:
            raise TransportFault(Reason.HANGING, f"{place}: {error}") from error
        except Crowded as error:
            raise TransportFault(Reason.LOCAL, f"{place}: {error}") from error


def _one_by_one(
    commands: Sequence[str],
    shell: ShellProfile | None,
    limit: int,
    answers: list[Ran],
    connection: Connection,
    tether: Tether,
) -> None:
    from checks.transports.ssh import command as runs
    from checks.transports.ssh.shell import converse

    if shell is None:
        for command in commands:
            answers.append(runs.run(connection, command, limit, tether))
        return
    begun = time.monotonic()

    def heard(text: str) -> None:
        answers.append(Ran(text, "", None, False, time.monotonic() - begun))

    converse(connection, commands, shell, limit, tether, heard)
