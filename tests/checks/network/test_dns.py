"""The dns check against a real dnsmasq: what it must find, and what happens when the server goes."""

import asyncio
import struct

import dns.message
import dns.rrset
import pytest
from pydantic import TypeAdapter, ValidationError

from checks.contract import Reason, State
from checks.network.dns import CHECK, DnsOptions
from checks.network.dns_reply import DnsAnswers
from testbeds import dnsmasq
from testbeds.datagrams import peer
from testbeds.peers import free_port
from testbeds.single import asked, check, subject

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def server():
    with dnsmasq.running() as started:
        yield started


async def _found(port, timeout=5.0, **options):
    """The findings of one run by key, and the observation."""
    chosen = DnsOptions(port=port, **options)
    observation = await asked(CHECK, chosen, "127.0.0.1", timeout)
    if observation.answers is None:
        return None, observation
    assessment = CHECK.assess(subject(check("dns", chosen)), (observation,), None, 1_000_000.0)
    return assessment, observation


@pytest.mark.parametrize("transport", ["udp", "tcp", "both"])
@pytest.mark.parametrize(
    ("query", "record", "expect"),
    [
        ("www.forum.test", "A", ["192.0.2.10"]),
        ("WWW.forum.test.", "AAAA", ["2001:DB8:0::10"]),
        ("alias.forum.test", "A", ["192.0.2.10"]),
        ("alias.forum.test", "CNAME", ["www.forum.test."]),
        ("forum.test", "MX", ["10 mail.forum.test"]),
        ("forum.test", "TXT", ["v=spf1 mx -all"]),
        ("_sip._udp.forum.test", "SRV", ["0 5 5060 sip.forum.test."]),
        ("192.0.2.10", "PTR", ["www.forum.test"]),
    ],
)
async def test_the_expected_records_are_ok(server, query, record, expect, transport):
    assessment, _ = await _found(server.port, query=query, type=record, expect=expect, transport=transport)

    (finding,) = assessment.findings
    assert finding.state is State.OK, finding.summary


async def test_lookup_time_and_answers_are_read(server):
    assessment, _ = await _found(server.port, query="www.forum.test", transport="both")

    readings = {(reading.family.name, reading.labels): reading.value for reading in assessment.readings}

    assert readings[("ridgeway_dns_answers", ("www.forum.test", "A"))] == 1
    assert {labels for name, labels in readings if name == "ridgeway_dns_lookup_seconds"} == {
        ("www.forum.test", "A", "udp"),
        ("www.forum.test", "A", "tcp"),
    }


async def test_a_record_that_is_wrong_is_named(server):
    assessment, _ = await _found(server.port, query="www.forum.test", expect=["192.0.2.11"])

    (finding,) = assessment.findings
    assert finding.state is State.CRITICAL
    assert "missing from the answer: 192.0.2.11" in finding.summary
    assert "not expected: 192.0.2.10" in finding.summary


async def test_a_filtered_name_is_ok_where_the_filter_is_tested(server):
    assessment, _ = await _found(server.port, query="casino.blocked.test", expect_rcode="NXDOMAIN")

    assert assessment.findings[0].state is State.OK


async def test_a_filter_that_lets_through_is_critical(server):
    assessment, _ = await _found(server.port, query="www.forum.test", expect_rcode="NXDOMAIN")

    (finding,) = assessment.findings
    assert finding.state is State.CRITICAL
    assert "192.0.2.10 where NXDOMAIN is expected" in finding.summary


async def test_a_name_that_does_not_exist_is_critical(server):
    assessment, _ = await _found(server.port, query="nobody.forum.test")

    (finding,) = assessment.findings
    assert finding.state is State.CRITICAL
    assert "NXDOMAIN" in finding.summary


async def test_a_name_without_records_of_the_type_is_never_ok_unless_told(server):
    empty, _ = await _found(server.port, query="sip.forum.test", type="AAAA")
    told, _ = await _found(server.port, query="sip.forum.test", type="AAAA", expect=[])

    assert empty.findings[0].state is State.CRITICAL
    assert "has no AAAA records" in empty.findings[0].summary
    assert told.findings[0].state is State.OK


async def test_a_server_that_refuses_is_critical(server):
    assessment, observation = await _found(server.port, query="www.example.org")

    assert observation.answers.replies["udp"].rcode == "REFUSED"
    assert assessment.findings[0].state is State.CRITICAL


async def test_an_answer_too_long_for_udp_is_asked_for_over_tcp(server):
    assessment, observation = await _found(server.port, query="long.forum.test", type="TXT", expect_count=10)

    assert observation.answers.replies["udp"].tcp is True
    assert observation.answers.replies["udp"].octets > 2_000
    assert assessment.findings[0].state is State.OK


async def test_a_server_that_does_not_vouch_for_its_answer_is_critical_where_it_must(server):
    assessment, _ = await _found(server.port, query="pool.forum.test", authenticated=True)

    assert assessment.findings[0].state is State.CRITICAL
    assert "DNSSEC" in assessment.findings[0].summary


async def test_a_server_that_stops_in_the_middle_is_no_answer_and_then_refused():
    with dnsmasq.running() as server:
        before, _ = await _found(server.port, query="www.forum.test")
        server.freeze()
        _, frozen = await _found(server.port, timeout=0.6, query="www.forum.test", transport="both")
        server.stop()
        _, gone = await _found(server.port, query="www.forum.test")

    assert before.findings[0].state is State.OK
    assert (frozen.fault.reason, frozen.fault.reached) == (Reason.NO_ANSWER, False)
    assert (frozen.fault.condition, frozen.fault.state) == ("dns/www.forum.test/A", State.CRITICAL)
    assert (gone.fault.reason, gone.fault.reached) == (Reason.REFUSED, True)
    assert (gone.fault.condition, gone.fault.state) == ("dns/www.forum.test/A", State.CRITICAL)


async def test_nobody_at_the_port_is_refused_over_tcp_too():
    _, observation = await _found(free_port(), query="www.forum.test", transport="tcp")

    assert observation.fault.reason is Reason.REFUSED


AUTHORITATIVE = (
    "--auth-server=ns.zone.test,127.0.0.1",
    "--auth-zone=zone.test",
    "--auth-soa=2026112301,admin.zone.test",
    "--auth-ttl=300",
    "--host-record=www.zone.test,192.0.2.40",
)


async def test_a_zone_of_the_servers_own_has_authority_a_serial_and_a_time_to_live():
    with dnsmasq.running(AUTHORITATIVE) as server:
        own, _ = await _found(server.port, query="www.zone.test", authoritative=True, min_ttl=300)
        short, _ = await _found(server.port, query="www.zone.test", authoritative=True, min_ttl=301)
        zone, _ = await _found(
            server.port, query="zone.test", type="SOA", serial=True, same_serial_as=["127.0.0.1"], serial_lag_seconds=0
        )

    assert [each.findings[0].state for each in (own, short)] == [State.OK, State.WARNING]
    assert {each.key: each.state for each in zone.findings} == {
        "dns/zone.test/SOA": State.OK,
        "dns/zone.test/serial": State.OK,
    }
    assert 2026112301 in [each.value for each in zone.readings]


async def test_a_reply_that_is_truncated_for_ever_is_a_fault_of_the_protocol():
    def cut(query):
        wire = bytearray(dns.message.make_response(dns.message.from_wire(query)).to_wire())
        wire[2] |= 0x02
        return bytes(wire)

    async def serve(reader, writer):
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        reply = cut(await reader.readexactly(size))
        writer.write(struct.pack("!H", len(reply)) + reply)
        await writer.drain()
        writer.close()

    async with peer(lambda query: [cut(query)]) as udp:
        tcp = await asyncio.start_server(serve, "127.0.0.1", udp.port)
        _, observation = await _found(udp.port, query="www.forum.test")
        tcp.close()
        await tcp.wait_closed()

    assert (observation.fault.reason, observation.fault.condition) == (Reason.PROTOCOL, "dns/protocol")
    assert "truncated even over TCP" in observation.fault.message


async def test_a_forged_reply_before_the_true_one_is_a_warning_and_not_an_answer():
    def forged_and_true(query):
        true = dns.message.make_response(dns.message.from_wire(query))
        true.answer.append(dns.rrset.from_text("www.forum.test.", 60, "IN", "A", "192.0.2.10"))
        forged = dns.message.make_response(dns.message.from_wire(query))
        forged.id ^= 1
        forged.answer.append(dns.rrset.from_text("www.forum.test.", 60, "IN", "A", "203.0.113.66"))
        return [forged.to_wire(), true.to_wire()]

    async with peer(forged_and_true) as server:
        assessment, observation = await _found(server.port, query="www.forum.test", expect=["192.0.2.10"])

    assert [each.value for each in observation.answers.replies["udp"].records] == ["192.0.2.10"]
    assert assessment.findings[0].state is State.WARNING


async def test_an_observation_travels_as_json(server):
    _, observation = await _found(server.port, query="forum.test", type="TXT", transport="both")
    codec = TypeAdapter(DnsAnswers)

    assert codec.validate_json(codec.dump_json(observation.answers)) == observation.answers


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"query": ""},
        {"query": "a b"},
        {"query": "-a.test"},
        {"query": "a..b"},
        {"query": "bücher.example"},
        {"query": "a" * 64 + ".test"},
        {"query": "a.test", "type": "ANY"},
        {"query": "a.test", "type": "AXFR"},
        {"query": "a.test", "expect": ["nonsense"]},
        {"query": "a.test", "type": "MX", "expect": ["mail.a.test"]},
        {"query": "a.test", "expect": ["192.0.2.1"], "expect_count": 2},
        {"query": "a.test", "expect": "192.0.2.1"},
        {"query": "a.test", "expect_rcode": "NXDOMAIN", "expect": ["192.0.2.1"]},
        {"query": "a.test", "expect_pattern": "("},
        {"query": "a.test", "serial": True},
        {"query": "a.test", "type": "SOA", "same_serial_as": ["192.0.2.1"]},
        {"query": "a.test", "min_ttl": 60},
        {"query": "a.test", "warning_seconds": 2, "critical_seconds": 1},
        {"query": "a.test", "signature_warning_days": 2, "signature_critical_days": 3},
        {"query": "a.test", "server": "192.0.2.1"},
    ],
    ids=str,
)
def test_options_that_cannot_be_meant_are_refused(options):
    with pytest.raises(ValidationError):
        DnsOptions(**options)
