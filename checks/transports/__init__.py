"""One file per protocol, pooled and bounded. `Transports` is the set an agent owns and hands to every collect."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.transports.aside import Aside
from checks.transports.icmp import IcmpTransport
from checks.transports.lockout import Lockout
from checks.transports.names import Names
from checks.transports.snmp import SnmpTransport
from checks.transports.tcp import TcpTransport

THREADS = 512
"""Blocking calls at once: as many as runs, so that devices that hang never keep the others from being asked."""


@dataclass(frozen=True, slots=True)
class Transports:
    """All transports of one agent; made inside the running loop, closed with it."""

    snmp: SnmpTransport
    icmp: IcmpTransport
    tcp: TcpTransport
    aside: Aside = field(default_factory=lambda: Aside(THREADS))
    """For calls that block; nothing has to be closed."""
    lockout: Lockout = field(default_factory=Lockout)
    """Asked before any attempt to log in."""

    @classmethod
    def open(cls, lockout: Lockout | None = None) -> Transports:
        """Transports that share one cache of names. Sockets are opened when they are first needed."""
        names, aside, lockout = Names(), Aside(THREADS), lockout or Lockout()
        return cls(SnmpTransport(names), IcmpTransport(names), TcpTransport(names), aside, lockout)

    async def close(self) -> None:
        """Release every socket; safe to call twice."""
        await self.snmp.close()
        await self.icmp.close()
        await self.tcp.close()
