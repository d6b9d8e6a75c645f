"""Pings over real sockets, in networks of their own where something has to be dead, forbidden or missing."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.contract import Reason
from checks.transports import icmp_wire as wire
from checks.transports.fault import TransportFault
from testbeds import network

PING = """
import asyncio
from checks.transports.fault import TransportFault
from checks.transports.icmp import IcmpTransport

async def ping(transport, host, **options):
    wait = options.pop("wait", 1.0)
    try:
        echoes = await transport.ping(host, deadline=asyncio.get_running_loop().time() + wait, **options)
        return f"{echoes.address} {len(echoes.round_trips)}/{echoes.sent} hops {echoes.hop_limit}"
    except TransportFault as fault:
        return f"{fault.reason.value}: {fault.message}"

async def main():
    transport = IcmpTransport()
"""


def _script(*lines: str) -> str:
    body = "\n".join(f"    {line}" for line in (*lines, "await transport.close()"))
    return f"{PING}{body}\n\nasyncio.run(main())\n"


@pytest.mark.parametrize("setup", [network.PINGABLE, network.UNPINGABLE], ids=["ping socket", "raw socket"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_every_request_to_a_living_host_is_answered_by_either_kind_of_socket(setup, host):
    said = network.run_python(_script(f"print(await ping(transport, {host!r}, count=3, spacing=0.05))"), setup)

    assert said == f"{host} 3/3 hops 64\n"


def test_the_socket_is_unprivileged_where_the_kernel_allows_that():
    script = _script(
        "print(await ping(transport, '127.0.0.1'))", "print([lane.raw for lane in transport._lanes.values()])"
    )

    said = network.run_python(script, network.PINGABLE, network.NO_RAW)

    assert said.splitlines() == ["127.0.0.1 1/1 hops 64", "[False]"]


def test_without_permission_the_fault_is_local_and_says_how_to_allow_it():
    said = network.run_python(_script("print(await ping(transport, '127.0.0.1'))"), network.UNPINGABLE, network.NO_RAW)

    assert said.startswith("local: ICMP is not permitted to this process")
    assert "net.ipv4.ping_group_range" in said
    assert "AmbientCapabilities=CAP_NET_RAW" in said


@pytest.mark.parametrize("setup", [network.PINGABLE, network.UNPINGABLE], ids=["ping socket", "raw socket"])
def test_a_host_that_swallows_everything_gives_no_answer(setup):
    script = _script("print(await ping(transport, '10.11.0.2', count=2, spacing=0.05, wait=0.3))")

    said = network.run_python(script, (*network.SILENT, *setup))

    assert said == "no-answer: 10.11.0.2: no answer to 2 echo requests\n"


@pytest.mark.parametrize("setup", [network.PINGABLE, network.UNPINGABLE], ids=["ping socket", "raw socket"])
def test_an_icmp_error_is_told_to_the_one_it_is_about_and_to_nobody_else(setup):
    script = _script(
        "dead = asyncio.ensure_future(ping(transport, '10.12.0.2', wait=20))",
        "alive = []",
        "while not dead.done():",
        "    alive.append(await ping(transport, '127.0.0.1'))",
        "print(await dead)",
        "print(set(alive))",
    )

    said = network.run_python(script, (*network.ABSENT, *setup)).splitlines()

    assert said == [
        "unreachable: 10.12.0.2: host unreachable, says 10.12.0.1",
        "{'127.0.0.1 1/1 hops 64'}",
    ]


def test_a_lost_route_is_unreachable_and_a_forbidden_one_is_our_own_fault():
    script = _script("print(await ping(transport, '203.0.113.1'))", "print(await ping(transport, '203.0.113.2'))")
    routes = ("ip route add unreachable 203.0.113.1", "ip route add prohibit 203.0.113.2")

    said = network.run_python(script, (*routes, *network.PINGABLE)).splitlines()

    assert said[0].startswith("unreachable: 203.0.113.1: No route to host")
    assert said[1].startswith("local: 203.0.113.2: sending is forbidden on this machine")


def test_a_ping_socket_that_lost_an_answer_is_replaced_once_it_is_old_and_closed_with_its_last_run():
    script = _script(
        "slow = asyncio.ensure_future(ping(transport, '10.11.0.2', wait=0.6))",
        "print(await ping(transport, '10.11.0.3', wait=0.1))",
        "(first,) = transport._lanes.values()",
        "first.born -= 60",
        "print(await ping(transport, '127.0.0.1'))",
        "(second,) = transport._lanes.values()",
        "print(second is first, first.socket.fileno() >= 0)",
        "print(await slow)",
        "print(first.socket.fileno() >= 0)",
    )

    said = network.run_python(script, (*network.SILENT, *network.PINGABLE)).splitlines()

    assert said == [
        "no-answer: 10.11.0.3: no answer to echo request",
        "127.0.0.1 1/1 hops 64",
        "False True",
        "no-answer: 10.11.0.2: no answer to echo request",
        "False",
    ]


def test_five_hundred_pings_at_once_share_one_socket():
    script = _script(
        "answers = await asyncio.gather(*(ping(transport, '127.0.0.1', wait=10) for _ in range(500)))",
        "print(set(answers), len(transport._lanes))",
    )

    said = network.run_python(script, network.UNPINGABLE)

    assert said == "{'127.0.0.1 1/1 hops 64'} 1\n"


def test_closing_ends_the_pings_that_still_wait():
    script = _script(
        "waiting = asyncio.ensure_future(ping(transport, '10.11.0.2', wait=50))",
        "await asyncio.sleep(0.05)",
        "await transport.close()",
        "print(await waiting)",
    )

    said = network.run_python(script, (*network.SILENT, *network.PINGABLE), seconds=30)

    assert said == "local: the agent is stopping\n"


@given(st.binary(max_size=200), st.booleans(), st.booleans())
def test_no_octets_from_the_network_can_break_the_reader(data, v6, header):
    reply = wire.reply(data, v6=v6, header=header)
    quoted = wire.quoted(data)

    assert reply is None or len(reply[2]) == wire.TOKEN
    assert quoted is None or 0 <= quoted[1] <= 0xFFFF


def test_a_raw_request_carries_a_right_checksum():
    packet = wire.request(False, 0x1234, 7, b"12345678", 57, checksum=True)

    total = sum(int.from_bytes((packet + b"\0")[at : at + 2]) for at in range(0, len(packet), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF
    assert len(packet) == 8 + 57


def _error(origin: int, icmp: int, code: int, number: int = 113, info: int = 0) -> list[tuple[int, int, bytes]]:
    offender = b"\x02\x00" + b"\x00\x00" + bytes((192, 0, 2, 254)) + bytes(8)
    return [(0, 11, wire._EXTENDED_ERROR.pack(number, origin, icmp, code, 0, info, 0) + offender)]


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        (_error(2, 3, 1), "10.0.0.1: host unreachable, says 192.0.2.254"),
        (_error(2, 3, 13), "10.0.0.1: administratively prohibited, says 192.0.2.254"),
        (_error(2, 3, 4, info=1400), "10.0.0.1: packet too big for the path (MTU 1400), says 192.0.2.254"),
        (_error(2, 11, 0), "10.0.0.1: hop limit exceeded on the way (a routing loop?), says 192.0.2.254"),
    ],
)
def test_an_icmp_error_is_put_into_words_with_the_router_that_sent_it(messages, text):
    fault = wire.error_fault(messages, "10.0.0.1", v6=False)

    assert fault is not None
    assert (fault.reason, fault.message) == (Reason.UNREACHABLE, text)


def test_a_source_quench_is_no_verdict():
    assert wire.error_fault(_error(2, 4, 0), "10.0.0.1", v6=False) is None


async def test_a_host_without_an_address_is_a_fault_of_names():
    from checks.transports.icmp import IcmpTransport

    transport = IcmpTransport()

    with pytest.raises(TransportFault) as caught:
        await transport.ping("nobody.invalid", deadline=asyncio.get_running_loop().time() + 20)
    await transport.close()

    assert caught.value.reason is Reason.NAME
