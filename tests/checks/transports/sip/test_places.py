"""SRV records: every address of every host, at its port, and what is said of records that lead nowhere."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from checks.contract import Reason
from checks.transports.dns import DnsTransport
from checks.transports.fault import TransportFault
from checks.transports.names import Names
from checks.transports.sip import Carrier, Places, SipTransport
from testbeds import dnsmasq
from testbeds.datagrams import peer
from testbeds.dnsmasq import Dnsmasq
from testbeds.hosts import look_up
from testbeds.peers import free_port

HOSTS = {"one.trunk.test": ["192.0.2.1", "2001:db8::1"], "two.trunk.test": ["192.0.2.2"], "three.trunk.test": []}
RECORDS = (
    "--srv-host=_sip._udp.trunk.test,two.trunk.test,5070,20,1",
    "--srv-host=_sip._udp.trunk.test,one.trunk.test,5060,10,1",
    "--srv-host=_sip._udp.trunk.test,three.trunk.test,5060,30,1",
    "--srv-host=_sip._tcp.trunk.test,three.trunk.test,5060,1,1",
    "--srv-host=_sips._tcp.trunk.test,one.trunk.test,5061,1,1",
    "--cname=_sip._udp.alias.test,_sip._udp.trunk.test",
)


def transport(*ports: int) -> SipTransport:
    names = Names(look_up=look_up(HOSTS))
    servers: Sequence[tuple[str, int]] = [("127.0.0.1", port) for port in ports]
    return SipTransport(names, DnsTransport(Names()), lambda: servers)


async def services(sip: SipTransport, domain: str, carrier: Carrier = Carrier.UDP, **how: Any) -> Places:
    return await sip.services(domain, carrier, asyncio.get_running_loop().time() + 3.0, **how)


async def why(sip: SipTransport, domain: str, carrier: Carrier = Carrier.UDP) -> TransportFault:
    with pytest.raises(TransportFault) as caught:
        await services(sip, domain, carrier)
    return caught.value


def shown(places: Places) -> list[str]:
    return [f"{place.address.ip} {place.port}" for place in places.found]


@pytest.fixture(scope="module")
def server() -> Iterator[Dnsmasq]:
    with dnsmasq.running(RECORDS) as started:
        yield started


@pytest.mark.acceptance
async def test_every_address_of_every_host_is_found_the_preferred_first(server: Dnsmasq) -> None:
    found = await services(transport(server.port), "trunk.test")
    over_tls = await services(transport(server.port), "trunk.test", Carrier.TLS, family=socket.AF_INET6)

    assert shown(found) == ["192.0.2.1 5060", "2001:db8::1 5060", "192.0.2.2 5070"]
    assert [host for host, _ in found.nameless] == ["three.trunk.test"]
    assert "has no address here" in found.nameless[0][1]
    assert shown(over_tls) == ["2001:db8::1 5061"]


@pytest.mark.acceptance
async def test_an_alias_is_followed(server: Dnsmasq) -> None:
    assert shown(await services(transport(server.port), "alias.test"))[0] == "192.0.2.1 5060"


@pytest.mark.acceptance
async def test_records_that_lead_nowhere_are_a_fault_of_the_name(server: Dnsmasq) -> None:
    none = await why(transport(server.port), "nothing.test")
    nameless = await why(transport(server.port), "trunk.test", Carrier.TCP)
    numeric = await why(transport(server.port), "192.0.2.1")

    assert {none.reason, nameless.reason, numeric.reason} == {Reason.NAME}
    assert "_sip._udp.nothing.test: there is no such record" in none.message
    assert "no host of its SRV records has an address" in nameless.message
    assert "give `domain`" in numeric.message


@pytest.mark.acceptance
async def test_a_dead_server_does_not_keep_the_next_one_from_being_asked(server: Dnsmasq) -> None:
    dead = free_port(socket.SOCK_DGRAM)

    found = await services(transport(dead, server.port), "trunk.test")
    fault = await why(transport(dead), "trunk.test")

    assert len(found.found) == 3
    assert fault.reason is Reason.NAME
    assert "no server listens there" in fault.message


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("0 0 5060 .", "no such service"),
        ("0 0 0 one.trunk.test.", "port 0"),
    ],
)
async def test_a_record_that_names_nobody_is_said(record: str, words: str) -> None:
    import dns.message
    import dns.rrset

    def answer(query: bytes) -> list[bytes]:
        made = dns.message.make_response(dns.message.from_wire(query))
        made.answer.append(dns.rrset.from_text("_sip._udp.trunk.test.", 60, "IN", "SRV", record))
        return [made.to_wire()]

    async with peer(answer) as odd:
        fault = await why(transport(odd.port), "trunk.test")

    assert fault.reason is Reason.NAME
    assert words in fault.message


@pytest.mark.parametrize("code", [2, 3, 5])
async def test_an_error_of_dns_is_said(code: int) -> None:
    def answer(query: bytes) -> list[bytes]:
        return [query[:2] + bytes([0x80, code]) + bytes(8)]

    async with peer(answer) as odd:
        fault = await why(transport(odd.port), "trunk.test")

    assert fault.reason is Reason.NAME
    assert ("no such record" if code == 3 else "DNS answers") in fault.message
