"""What the command line decides for one run of the daemon."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.estate import Estate
from exporters.web.guard import is_host_name


class SettingsError(Exception):
    """A setting that cannot be; the message says which and how to mend it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port to listen on; IPv6 hosts without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    ledger_url: str
    control_socket: Path
    listen: tuple[Address, ...]
    vantage: str
    hosts: tuple[str, ...] = ()
    """Names, beside the machine's own, under which the pages may be asked."""

    @classmethod
    def make(
        cls,
        estate: Estate,
        *,
        ledger_url: str,
        control_socket: Path,
        listen: Iterable[str],
        vantage: str | None = None,
        hosts: Sequence[str] = (),
    ) -> Settings:
        """Check what the command line gave against the estate. Raises SettingsError."""
        place = vantage or estate.vantage
        if place not in estate.vantages:
            known = ", ".join(sorted(estate.vantages))
            raise SettingsError(f"--vantage: the estate has no vantage {place!r}; it has {known}")
        wrong = [name for name in hosts if not is_host_name(name)]
        if wrong:
            raise SettingsError(
                f"--web.allowed-host: {wrong[0]!r} is not a host name; write it without scheme and port"
            )
        return cls(ledger_url, control_socket, tuple(_address(text) for text in listen), place, tuple(hosts))


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not colon or not port.isdigit() or not int(port) < 65_536:
        raise SettingsError(f"--web.listen-address: {text!r} is not an address; write 127.0.0.1:10190 or [::1]:10190")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise SettingsError(f"--web.listen-address: {host!r} is not an IP address") from error
    if not loopback:
        raise SettingsError(
            f"--web.listen-address: {text!r} is not on loopback. The pages have no authentication yet, so nothing but "
            "loopback is served; put a reverse proxy with authentication before it."
        )
    return Address(host, int(port))
