"""Where SIP is spoken for a name: its addresses, or the services that its SRV records name (RFC 2782, RFC 3263).

NAPTR records are not asked for: they choose the transport, and here the estate has chosen it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.contract import Reason
from checks.transports.dns import DnsTransport, Question, Reply
from checks.transports.fault import TransportFault
from checks.transports.names import Address, numeric
from checks.transports.sip.wire import Carrier

if TYPE_CHECKING:
    from dns.rdtypes.IN.SRV import SRV

MOST_SERVICES = 16
_MOST_SERVERS = 3
_SERVICES = {Carrier.UDP: "_sip._udp", Carrier.TCP: "_sip._tcp", Carrier.TLS: "_sips._tcp"}
Servers = Callable[[], Sequence[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class Place:
    """An address and a port of it."""

    address: Address
    port: int


@dataclass(frozen=True, slots=True)
class Places:
    """Every place, those that are to be used first in front."""

    found: tuple[Place, ...]
    nameless: tuple[tuple[str, str], ...] = ()
    """Hosts that SRV records name and that have no address, each with what is wrong."""


@dataclass(frozen=True, slots=True)
class Service:
    """What one SRV record names."""

    host: str
    port: int


def servers_of_this_machine() -> Sequence[tuple[str, int]]:
    """The DNS servers of resolv.conf(5), as dnspython reads it. Raises TransportFault with LOCAL: there are none."""
    from dns.exception import DNSException
    from dns.resolver import Resolver

    try:
        named = [(str(one), 53) for one in Resolver().nameservers]
    except (DNSException, OSError) as error:
        raise TransportFault(Reason.LOCAL, "this machine names no DNS server in /etc/resolv.conf") from error
    return named[:_MOST_SERVERS]


async def services(
    dns: DnsTransport, servers: Servers, carrier: Carrier, domain: str, deadline: float
) -> tuple[Service, ...]:
    """The services of a domain, the preferred ones first, at most `MOST_SERVICES`.

    Each server of this machine has its share of the time until `deadline` (loop time). Raises TransportFault: NAME when
    there is none, LOCAL.
    """
    name = f"{_SERVICES[carrier]}.{domain}"
    if numeric(domain) is not None:
        raise TransportFault(Reason.NAME, f"{domain}: an address has no SRV records; give `domain`, or take `srv` out")
    asked = await asyncio.to_thread(servers)
    fault = TransportFault(Reason.LOCAL, "this machine names no DNS server in /etc/resolv.conf")
    for number, (host, port) in enumerate(asked):
        now = asyncio.get_running_loop().time()
        until = now + (deadline - now) / (len(asked) - number)
        try:
            return _read(await _whole(dns, host, port, Question(name, "SRV"), until))
        except TransportFault as error:
            fault = error
            if error.reason is Reason.NAME:
                break  # an answer; another server would say the same
    raise TransportFault(Reason.NAME, f"{name}: {fault.message}; check DNS, or take `srv` out") from fault


async def _whole(dns: DnsTransport, host: str, port: int, question: Question, until: float) -> Reply:
    reply = await dns.ask(host, port, question, deadline=until)
    if reply.truncated:
        reply = await dns.ask(host, port, question, deadline=until, tcp=True)
    return reply


def _read(reply: Reply) -> tuple[Service, ...]:
    from dns.exception import DNSException
    from dns.message import QueryMessage
    from dns.rcode import NOERROR, NXDOMAIN, to_text

    message = reply.message
    code = message.rcode()
    if code == NXDOMAIN:
        raise TransportFault(Reason.NAME, "there is no such record")
    if code != NOERROR or not isinstance(message, QueryMessage):
        raise TransportFault(Reason.PROTOCOL, f"DNS answers {to_text(code)}")
    try:
        found = message.resolve_chaining().answer
    except DNSException as error:
        raise TransportFault(Reason.PROTOCOL, "DNS answers with records that do not fit together") from error
    if not found:
        raise TransportFault(Reason.NAME, "there is no such record")
    records: list[SRV] = sorted(found, key=lambda one: (one.priority, -one.weight, one.target, one.port))
    named = [
        Service(one.target.to_text(omit_final_dot=True), one.port) for one in records if len(one.target.labels) > 1
    ]
    if any(one.port == 0 for one in named):
        raise TransportFault(Reason.PROTOCOL, "a record names port 0")
    if not named:  # a target of "." (RFC 2782)
        raise TransportFault(Reason.NAME, "the record says that there is no such service")
    return tuple(dict.fromkeys(named))[:MOST_SERVICES]
