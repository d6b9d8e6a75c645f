"""SRV records followed by the checks: every host's every address is asked, and a host without one is a finding."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import dns.message
import dns.rrset

from checks.contract import Assessment, CheckKind, Context, Observation, State
from checks.telephony import register, sip_options
from checks.transports import Transports
from checks.transports.dns import DnsTransport
from checks.transports.names import Names
from checks.transports.sip import SipTransport
from config.estate import Credential
from config.secrets import SecretReference
from testbeds.datagrams import peer
from testbeds.hosts import look_up
from testbeds.registrar import USER, Registrar
from testbeds.single import check, subject, target, wall
from testbeds.sip_peer import always, over_udp

NAMELESS = "nobody.invalid"


def naming(ports: list[int], nameless: str) -> Any:
    """A DNS server that names `localhost` at these ports, and a host that has no address."""

    def answer(query: bytes) -> list[bytes]:
        made = dns.message.make_response(dns.message.from_wire(query))
        records = [f"{at} 0 {port} localhost." for at, port in enumerate(ports)] + [f"9 0 5060 {nameless}."]
        made.answer.append(dns.rrset.from_text(made.question[0].name.to_text(), 60, "IN", "SRV", *records))
        return [made.to_wire()]

    return peer(answer)


async def asked(kind: CheckKind, options: Any, dns_port: int) -> Observation:
    opened = Transports.open()  # whose own ways to SIP hold nothing
    names = Names(look_up=look_up({"localhost": ["127.0.0.1"]}))
    sip = SipTransport(names, DnsTransport(Names()), lambda: [("127.0.0.1", dns_port)])
    transports = replace(opened, sip=sip)
    spec = check(kind.kind, options, timeout=8.0)
    credential = Credential("test", "password", {"user": USER, "password": SecretReference.parse("env:TEST_EXTENSION")})
    context = Context("here", transports, wall, asyncio.get_running_loop().time() + 8.0)
    try:
        return await kind.collect(replace(target(spec), credentials={"sip": credential}), options, context)
    finally:
        await transports.close()


def judged(kind: CheckKind, options: Any, observation: Observation) -> Assessment:
    assert observation.answers is not None, observation.fault
    return kind.assess(subject(check(kind.kind, options)), [observation], None, wall())


async def test_options_go_to_every_port_that_the_records_name() -> None:
    async with (
        over_udp(always(200)) as one,
        over_udp(always(503)) as two,
        naming([one.port, two.port], NAMELESS) as server,
    ):
        options = sip_options.SipOptions(srv=True, domain="trunk.example")
        observation = await asked(sip_options.CHECK, options, server.port)

    assessment = judged(sip_options.CHECK, options, observation)
    found = {finding.key: finding.state for finding in assessment.findings}
    assert found == {
        f"sip_options/srv/{NAMELESS}": State.WARNING,
        f"sip_options/udp:127.0.0.1:{one.port}": State.OK,
        f"sip_options/udp:127.0.0.1:{two.port}": State.WARNING,
    }
    assert one.asked[0].uri == two.asked[0].uri == "sip:trunk.example"


async def test_the_extension_is_registered_at_every_registrar_one_after_another() -> None:
    one, two = Registrar(), Registrar()

    async with (
        over_udp(one.answer) as first,
        over_udp(two.answer) as second,
        naming([first.port, second.port], NAMELESS) as server,
    ):
        options = register.RegisterOptions(srv=True, domain="trunk.example")
        observation = await asked(register.CHECK, options, server.port)

    assessment = judged(register.CHECK, options, observation)
    bad = {finding.key: finding.state for finding in assessment.findings if finding.state is not State.OK}
    assert bad == {f"sip_register/srv/{NAMELESS}": State.WARNING}
    assert len(assessment.findings) == 7
    assert len(one.asked) == len(two.asked) == 4
    assert one.bindings == two.bindings == {}


async def test_a_refused_password_is_not_tried_at_the_next_registrar() -> None:
    one, two = Registrar(password="another"), Registrar()

    async with (
        over_udp(one.answer) as first,
        over_udp(two.answer) as second,
        naming([first.port, second.port], NAMELESS) as server,
    ):
        options = register.RegisterOptions(srv=True, domain="trunk.example")
        observation = await asked(register.CHECK, options, server.port)

    assert observation.fault is not None and observation.fault.condition == "credential/test"
    assert one.wrong == 1
    assert two.asked == []
