"""One file per protocol, pooled and bounded. `Transports` is the set an agent owns and hands to every collect."""

from __future__ import annotations

from dataclasses import dataclass, field

from checks.transports.aside import Aside
from checks.transports.icmp import IcmpTransport
from checks.transports.names import Names
from checks.transports.snmp import SnmpTransport
from checks.transports.tcp import TcpTransport


@dataclass(frozen=True, slots=True)
class Transports:
    """All transports of one agent; made inside the running loop, closed with it."""

    snmp: SnmpTransport
    icmp: IcmpTransport
    tcp: TcpTransport
    aside: Aside = field(default_factory=Aside)
    """For calls that block and know no deadline; nothing has to be closed."""

    @classmethod
    def open(cls) -> Transports:
        """Transports that share one cache of names. Sockets are opened when they are first needed."""
        names = Names()
        return cls(SnmpTransport(names), IcmpTransport(names), TcpTransport(names))

    async def close(self) -> None:
        """Release every socket; safe to call twice."""
        await self.snmp.close()
        await self.icmp.close()
        await self.tcp.close()
