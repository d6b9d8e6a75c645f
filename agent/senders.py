"""Which target is a notification about? Pure: addresses are told by the one who looks them up.

In this order (RFC 3584, section 3.1, for the first):

1. The device that a forwarder speaks for, if the notification proves a credential of that target.
2. The targets at the address that it came from, if it proves a credential of theirs.
3. Whatever its address is, the target that its sysName names, likewise: devices behind a translated address.

Several targets at one address are told apart by sysName; when that says nothing, all of them are meant. Of devices that
put their name into every notification in order to be told apart by it, the name counts before the address.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from checks.transports.names import numeric
from checks.transports.snmp.notification import Notification
from config.estate import Target

ROLES = ("snmp", "snmp-trap")
"""Roles of the credentials that a target's notifications may prove. The second is for devices that send theirs with
another community or user than they are asked with."""


class Nobody(Enum):
    """Why no target is meant."""

    UNKNOWN = "unknown"
    """Nobody in the estate has this address or name."""
    UNPROVEN = "unproven"
    """A target has the address, but the sender proved another target's credential."""


@dataclass(frozen=True, slots=True)
class _Sender:
    name: str
    accepts: frozenset[str]


class Senders:
    """The targets that may send, and where they are now."""

    def __init__(self, targets: Iterable[Target]) -> None:
        """Those of the targets that have a credential for it."""
        self._senders: dict[str, _Sender] = {}
        self._hosts: dict[str, list[str]] = {}
        self._named: dict[str, list[str]] = {}
        self._found: dict[str, frozenset[str]] = {}
        self._at: dict[str, tuple[str, ...]] = {}
        for target in targets:
            accepts = frozenset(target.credentials[role].name for role in ROLES if role in target.credentials)
            if accepts:
                self._senders[target.name] = _Sender(target.name, accepts)
                self._hosts.setdefault(target.address, []).append(target.name)
                for name in _names(target):
                    self._named.setdefault(name, []).append(target.name)
        for host in self._hosts:
            spelt = numeric(host)
            if spelt is not None:
                self._found[host] = frozenset((spelt.ip,))
        self._file()

    def successor(self, targets: Iterable[Target]) -> Senders:
        """The same for other targets; the addresses of names that stay are known already."""
        made = Senders(targets)
        for host in made.to_look_up():
            if host in self._found:
                made._found[host] = self._found[host]
        made._file()
        return made

    def to_look_up(self) -> list[str]:
        """The host names whose addresses have to be told."""
        return [host for host in self._hosts if numeric(host) is None]

    def told(self, host: str, addresses: frozenset[str]) -> None:
        """All addresses of a host, from now on."""
        if self._found.get(host) != addresses:
            self._found[host] = addresses
            self._file()

    def at(self, address: str) -> tuple[str, ...]:
        """The targets at an address, whatever was proved."""
        return self._at.get(address, ())

    def meant(
        self, said: Notification, origin_credentials: frozenset[str] = frozenset(), *, name_first: bool = False
    ) -> tuple[str, ...] | Nobody:
        """The targets that this is about. `origin_credentials`: what a forwarder says that the device had proved.

        `name_first`: a target that its sysName names is meant, whatever target has the address.
        """
        meant = self._proven(self._at.get(_plain(said.origin), ()), said.credentials | origin_credentials)
        if not meant:
            meant = self._proven(self._at.get(said.source, ()), said.credentials)
        named = self._proven(self._by_name(said.system_name), said.credentials)
        if meant and not (name_first and named):
            return tuple(name for name in meant if name in named) or meant
        if named:
            return named
        return Nobody.UNPROVEN if said.source in self._at else Nobody.UNKNOWN

    def _proven(self, names: Iterable[str], credentials: frozenset[str]) -> tuple[str, ...]:
        return tuple(name for name in names if self._senders[name].accepts & credentials)

    def _by_name(self, system_name: str) -> Iterable[str]:
        name = system_name.strip().casefold()
        return self._named.get(name) or self._named.get(name.partition(".")[0]) or ()

    def _file(self) -> None:
        at: dict[str, list[str]] = {}
        for host, addresses in self._found.items():
            for address in addresses:
                at.setdefault(address, []).extend(self._hosts[host])
        self._at = {address: tuple(names) for address, names in at.items()}


def _names(target: Target) -> set[str]:
    """What a device may call itself: the target's name, its title, its host name with and without the domain, and
    what the estate says that it calls itself."""
    names = {target.name, target.title, target.system_name}
    if numeric(target.address) is None:
        names |= {target.address, target.address.partition(".")[0]}
    return {name.casefold() for name in names if name}


def _plain(address: str) -> str:
    spelt = numeric(address)
    return spelt.ip if spelt is not None else ""
