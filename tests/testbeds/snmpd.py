"""A real snmpd (Net-SNMP) on free loopback ports, IPv4 and IPv6, with a user for each kind of SNMPv3 security."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from checks.transports.snmp import Device
from config.estate import Credential
from testbeds.peers import free_port, need, wait_until

AUTH_PASSWORD = "authpass123"
PRIVACY_PASSWORD = "privpass123"
USERS = {
    "noauth": ("", ""),
    "sha1": ("SHA", ""),
    "sha384": ("SHA-384", ""),
    "sha1aes128": ("SHA", "AES"),
    "sha224aes128": ("SHA-224", "AES"),
    "sha256aes256": ("SHA-256", "AES256"),
    "sha512aes192": ("SHA-512", "AES192"),
    "sha1aes192": ("SHA", "AES192"),
    "sha1aes256": ("SHA", "AES256"),
    "sha224aes256": ("SHA-224", "AES256"),
    "sha1aes256c": ("SHA", "AES256C"),
}
"""User to the protocols as snmpd.conf spells them."""
_SYSTEM = "1.3.6.1.2.1.1"
TEN = [
    f"{_SYSTEM}.{number}.0" for number in (1, 2, 3, 4, 5, 6, 8)
] + ["1.3.6.1.2.1.25.1.1.0", "1.3.6.1.2.1.25.1.5.0", "1.3.6.1.2.1.25.1.6.0"]  # fmt: skip
"""Ten scalars that any snmpd on Linux has."""


class Snmpd:
    """One snmpd; `start` and `stop` may alternate, and then it keeps its port, engine id and count of boots."""

    def __init__(self, directory: Path, further: Sequence[str] = ()) -> None:
        """`further` are lines of its configuration, such as `override OID TYPE VALUE`."""
        self._program = need("snmpd")
        self.port = free_port(socket.SOCK_DGRAM)
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None
        lines = ["rocommunity public", "rocommunity6 public"]
        for user, (auth, privacy) in USERS.items():
            keys = f" {auth} {AUTH_PASSWORD}" if auth else ""
            keys += f" {privacy} {PRIVACY_PASSWORD}" if privacy else ""
            lines.append(f"createUser {user}{keys}")
            lines.append(f"rouser {user} {'priv' if privacy else 'auth' if auth else 'noauth'}")
        lines += further
        (directory / "snmpd.conf").write_text("\n".join(lines) + "\n")

    def start(self) -> None:
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    self._program, "-C", "-c", str(self._directory / "snmpd.conf"), "-Lo", "-f",
                    "-p", str(self._directory / "pid"), f"udp:127.0.0.1:{self.port}", f"udp6:[::1]:{self.port}",
                ],
                stdout=log, stderr=log,
                env=os.environ | {"MIBS": "", "SNMP_PERSISTENT_DIR": str(self._directory / "persistent")},
            )  # fmt: skip
        wait_until(self._answers, "snmpd answers a question")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        asked = bytes.fromhex("302602010104067075626c6963a019020101020100020100300e300c06082b060102010103000500")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.1)
            client.connect(("127.0.0.1", self.port))
            with contextlib.suppress(OSError):
                client.send(asked)
                return bool(client.recv(2000))
        return False

    def device(self, credential: Credential, host: str = "127.0.0.1", **settings: int) -> Device:
        return Device(host, credential, **({"port": self.port} | settings))


@contextlib.contextmanager
def running(further: Sequence[str] = ()) -> Iterator[Snmpd]:
    with tempfile.TemporaryDirectory() as scratch:
        agent = Snmpd(Path(scratch), further)
        try:
            agent.start()
            yield agent
        finally:
            agent.stop()


def community(text: str = "public", version: str = "2c") -> Credential:
    return Credential(f"community-{version}", f"snmp-v{version}", {"community": text})


def user(
    name: str, *, auth_password: str = AUTH_PASSWORD, privacy_password: str = PRIVACY_PASSWORD, **settings: str
) -> Credential:
    """The credential of one of `USERS`; `settings` replace what follows from its protocols."""
    auth, privacy = USERS.get(name, ("", ""))
    found: dict[str, str] = {"user": name}
    if auth:
        found |= {"auth_protocol": auth, "auth_password": auth_password}
    if privacy:
        found |= {"privacy_protocol": privacy, "privacy_password": privacy_password}
    return Credential(name, "snmp-v3", found | settings)


def soon(seconds: float = 5.0) -> float:
    """A deadline in loop time."""
    return asyncio.get_running_loop().time() + seconds
