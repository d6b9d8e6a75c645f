"""One file per protocol, pooled and bounded. `Transports` is the set an agent owns and hands to every collect."""

from __future__ import annotations

from dataclasses import dataclass

from checks.transports.icmp import IcmpTransport
from checks.transports.snmp import SnmpTransport
from checks.transports.tcp import TcpTransport


@dataclass(frozen=True, slots=True)
class Transports:
    """All transports of one agent; made inside the running loop, closed with it."""

    snmp: SnmpTransport
    icmp: IcmpTransport
    tcp: TcpTransport

    async def close(self) -> None:
        """Release every socket; safe to call twice."""
        await self.snmp.close()
        await self.icmp.close()
        await self.tcp.close()
