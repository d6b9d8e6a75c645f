"""Real senders of traps and informs: Net-SNMP's snmptrap, and its snmptrapd as a second receiver."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from testbeds.peers import free_port, need
from testbeds.snmpd import AUTH_PASSWORD, PRIVACY_PASSWORD

LINK_DOWN = "1.3.6.1.6.3.1.1.5.3"
ENGINE = "8000000001020304"
"""The engine id under which `snmptrap` sends, when it is told."""
INDEX = ("1.3.6.1.2.1.2.2.1.1.3", "i", "3")
"""ifIndex of the third interface."""


@dataclass(frozen=True, slots=True)
class Sent:
    """How a call of snmptrap ended."""

    status: int
    said: str


async def send(*arguments: str, patience: float = 0.5) -> Sent:
    """Call `snmptrap`; it tries once, for `patience` seconds, which count only for informs."""
    with tempfile.TemporaryDirectory() as scratch:
        process = await asyncio.create_subprocess_exec(
            str(need("snmptrap")), "-r", "0", "-t", f"{patience:g}", *arguments,
            env=os.environ | {"MIBS": "", "SNMP_PERSISTENT_DIR": scratch, "SNMPCONFPATH": scratch},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        return Sent(process.returncode or 0, said.decode())


def v1(place: str, community: str = "public", address: str = "127.0.0.1") -> list[str]:
    """A linkDown of version 1 by a device that calls itself `address`."""
    return ["-v1", "-c", community, place, "1.3.6.1.4.1.8072.3.2.10", address, "2", "0", "77", *INDEX]


def v2(place: str, community: str = "public", *more: str) -> list[str]:
    """A linkDown of version 2c."""
    return ["-v2c", "-c", community, place, "77", LINK_DOWN, *INDEX, *more]


def v3(place: str, user: str, level: str, auth: str = "", privacy: str = "", *options: str) -> list[str]:
    """A linkDown of version 3 with the passwords of `testbeds.snmpd`; `options` of snmptrap replace those before."""
    given = ["-v3", "-u", user, "-l", level]
    given += ["-a", auth, "-A", AUTH_PASSWORD] if auth else []
    given += ["-x", privacy, "-X", PRIVACY_PASSWORD] if privacy else []
    return [*given, *options, place, "77", LINK_DOWN, *INDEX]


def enterprise_v1(
    place: str, enterprise: str, specific: int, *variables: str, community: str = "public", address: str = "0.0.0.0"
) -> list[str]:
    """A trap of version 1 that an enterprise has defined."""
    return ["-v1", "-c", community, place, enterprise, address, "6", str(specific), "77", *variables]


def notification(place: str, trap: str, *variables: str, community: str = "public") -> list[str]:
    """Any notification of version 2c."""
    return ["-v2c", "-c", community, place, "77", trap, *variables]


async def captured(arguments: list[str]) -> bytes:
    """The datagram that such a call sends; its place must be `capture`."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.setblocking(False)
        place = f"127.0.0.1:{peer.getsockname()[1]}"
        await send(*[place if argument == "capture" else argument for argument in arguments])
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(peer, 65_535), 5)


class Snmptrapd:
    """A running snmptrapd, which writes a line for each notification that it believes."""

    def __init__(self, log: Path) -> None:
        self.port = free_port(socket.SOCK_DGRAM)
        self.log = log

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def lines(self) -> list[tuple[str, dict[str, str]]]:
        """Source and bindings (OID to text) of what it took, in the order of arrival."""
        found = []
        for line in self.log.read_text().splitlines():
            if line.startswith("TRAP|"):
                _, source, bindings = line.split("|", 2)
                address = re.search(r"\[([0-9a-f.:]+)\]", source)
                assert address is not None, line
                pairs = (part.split(" = ", 1) for part in bindings.split("~") if part)
                found.append((address[1], {oid.lstrip("."): text for oid, text in pairs}))
        return found


@contextlib.asynccontextmanager
async def snmptrapd(*configuration: str) -> AsyncIterator[Snmptrapd]:
    """A real receiver that believes the community `public` and whoever `configuration` adds."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        lines = ["authCommunity log public", r"format2 TRAP|%b|%V~%v\n", r"format1 TRAP|%b|%V~%v\n", *configuration]
        (home / "snmptrapd.conf").write_text("\n".join(lines) + "\n")
        daemon = Snmptrapd(home / "log")
        daemon.log.touch()
        with daemon.log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                str(need("snmptrapd")), "-f", "-n", "-On", "-Oe", "-Lo", "-C", "-c", str(home / "snmptrapd.conf"),
                "-p", str(home / "pid"), f"udp:{daemon.place}",
                env=os.environ | {"MIBS": "", "SNMP_PERSISTENT_DIR": str(home / "persistent")},
                stdout=log, stderr=log,
            )  # fmt: skip
        try:
            async with asyncio.timeout(10):
                while "NET-SNMP version" not in daemon.log.read_text():
                    await asyncio.sleep(0.02)
            yield daemon
        finally:
            process.terminate()
            await process.wait()
