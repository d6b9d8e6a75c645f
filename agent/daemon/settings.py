"""What the command line decides for one run of the daemon."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.estate import Estate
from exporters.web.access import WebConfigError, lacking, read_web_file
from exporters.web.guard import is_host_name

_PUSH, _MAIL, _DROP = "--push.listen-address", "--push.smtp-listen-address", "--push.drop-directory"


class SettingsError(Exception):
    """A setting that cannot be; the message says which and how to mend it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port to listen on; IPv6 hosts without brackets."""

    host: str
    port: int

    @property
    def exposed(self) -> bool:
        """Whether others than this machine can reach it."""
        return self.host != "localhost" and not ipaddress.ip_address(self.host).is_loopback

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
    traps: tuple[Address, ...] = ()
    """Where SNMP traps and informs are taken; nowhere unless somebody says so."""
    engine_id: bytes = b""
    """The SNMP engine id of this agent, if it shall not be made from names."""
    state: Path | None = None
    """The state directory, for what is kept beside a ledger on a server."""
    web_config: Path | None = None
    """The web configuration file: TLS, passwords, client certificates."""

    @property
    def exposed(self) -> bool:
        """Whether the pages can be reached from other machines."""
        return any(address.exposed for address in self.listen)

    push: tuple[Address, ...] = ()
    """Where pings of backup jobs are taken; nowhere unless somebody says so."""
    push_config: Path | None = None
    """TLS of that listener, as `web_config` has it; the one for mails has the same."""
    mail: tuple[Address, ...] = ()
    """Where mails of backup jobs are taken; nowhere unless somebody says so."""
    drop: Path | None = None
    """Where backup jobs leave pings as files."""
    lifecycle: bool = False
    """Whether `/-/reload` is for anybody who may read."""

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
        traps: Iterable[str] = (),
        engine_id: str | None = None,
        state: Path | None = None,
        web_config: Path | None = None,
        lifecycle: bool = False,
        push: Iterable[str] = (),
        push_config: Path | None = None,
        mail: Iterable[str] = (),
        drop: Path | None = None,
    ) -> Settings:
        """Check what the command line gave against the estate. Raises SettingsError."""
        place = vantage or estate.vantage
        if place not in estate.vantages:
            known = ", ".join(sorted(estate.vantages))
            raise SettingsError(f"--vantage: the estate has no vantage {place!r}; it has {known}")
        traps, push, mail = tuple(traps), tuple(push), tuple(mail)
        if (push or mail or drop) and place != estate.vantage:
            option = _PUSH if push else _MAIL if mail else _DROP
            raise SettingsError(
                f"{option}: only the agent at the estate's own vantage takes pings; have the jobs send theirs to that "
                "one"
            )
        if traps and place != estate.vantage:
            raise SettingsError(
                "--snmp.trap-address: only the agent at the estate's own vantage takes traps; have the devices send "
                "theirs to that one"
            )
        wrong = [name for name in hosts if not is_host_name(name)]
        if wrong:
            raise SettingsError(
                f"--web.allowed-host: {wrong[0]!r} is not a host name; write it without scheme and port"
            )
        made = cls(
            ledger_url,
            control_socket,
            tuple(read_address(text, "--web.listen-address") for text in listen),
            place,
            tuple(hosts),
            tuple(_trap_address(text) for text in traps),
            _engine_id(engine_id),
            state,
            web_config,
            tuple(read_address(text, _PUSH) for text in push),
            push_config,
            tuple(read_address(text, _MAIL) for text in mail),
            drop,
            lifecycle,
        )
        _check_access(made, estate)
        _check_push(made)
        return made


def _check_access(settings: Settings, estate: Estate) -> None:
    """Nothing but loopback without saying who one is, and nothing off it without TLS."""
    try:
        file = read_web_file(settings.web_config) if settings.web_config is not None else None
    except WebConfigError as error:
        raise SettingsError(f"--web.config.file: {error}") from error
    shows = settings.vantage == estate.vantage
    missing = lacking(file, estate.access, exposed=settings.exposed, shows=shows)
    if missing:
        raise SettingsError(missing)


def _check_push(settings: Settings) -> None:
    """A key that goes over a network in plain text is everybody's."""
    if settings.drop is not None and not (settings.drop.is_absolute() and settings.drop.is_dir()):
        raise SettingsError(f"{_DROP}: {settings.drop} is not the absolute path of a directory that is there")
    if settings.push_config is not None:
        try:
            file = read_web_file(settings.push_config)
        except WebConfigError as error:
            raise SettingsError(f"--push.config.file: {error}") from error
        if file.tls is not None:
            return
    for option, addresses in ((_PUSH, settings.push), (_MAIL, settings.mail)):
        if any(address.exposed for address in addresses):
            raise SettingsError(
                f"{option}: an address that is not on loopback needs TLS (`tls_server_config` in "
                "--push.config.file): keys of jobs go over it"
            )


def read_address(text: str, option: str) -> Address:
    """An address as an option has it. Raises SettingsError."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not colon or not port.isdigit() or not int(port) < 65_536:
        raise SettingsError(f"{option}: {text!r} is not an address; write 127.0.0.1:10190 or [::1]:10190")
    try:
        if host != "localhost":
            ipaddress.ip_address(host)
    except ValueError as error:
        raise SettingsError(f"{option}: {host!r} is not an IP address") from error
    return Address(host, int(port))


def _trap_address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        if colon and port.isascii() and port.isdigit() and 0 < int(port) < 65_536:
            return Address(ipaddress.ip_address(host).compressed, int(port))
    except ValueError:
        pass
    raise SettingsError(
        f"--snmp.trap-address: {text!r} is not an address and a port; write 192.0.2.1:162, [2001:db8::1]:162, or "
        "0.0.0.0:162 and [::]:162 for every address of this machine"
    )


def _engine_id(text: str | None) -> bytes:
    """RFC 3411, section 5: 5 to 32 octets, neither all 0 nor all 255."""
    if text is None:
        return b""
    try:
        identity = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        identity = b""
    if not 5 <= len(identity) <= 32 or identity.strip(b"\x00") == b"" or identity.strip(b"\xff") == b"":
        raise SettingsError(
            f"--snmp.engine-id: {text!r} is not an engine id; write 5 to 32 octets in hexadecimal (RFC 3411), or leave "
            "it out to have one made"
        )
    return identity
