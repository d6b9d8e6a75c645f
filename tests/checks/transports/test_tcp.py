"""Connections to real listeners, and to addresses that swallow everything."""

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.tcp import BANNER_OCTETS, Outcome, TcpTransport
from testbeds import network
from testbeds.peers import free_port


@pytest.fixture
async def transport():
    made = TcpTransport()
    yield made
    await made.close()


@pytest.fixture
async def listen():
    """Starts servers on loopback that do as they are told with each connection."""
    servers, connections = [], []

    async def start(behave, host="127.0.0.1"):
        async def serve(reader, writer):
            connections.append((asyncio.current_task(), writer))
            with contextlib.suppress(ConnectionError):
                await behave(reader, writer)
            writer.close()

        servers.append(await asyncio.start_server(serve, host, 0))
        return servers[-1].sockets[0].getsockname()[1]

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()
    for task, writer in connections:
        task.cancel()
        writer.transport.abort()
        await asyncio.gather(task, writer.wait_closed(), return_exceptions=True)


def _soon(seconds=5.0):
    return asyncio.get_running_loop().time() + seconds


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
async def test_a_listening_port_is_open(transport, listen, host):
    async def hang_up(reader, writer):
        writer.close()

    port = await listen(hang_up, "::1" if ":" in host else "127.0.0.1")

    made = await transport.connect(host, port, deadline=_soon(), family=0 if ":" in host else socket.AF_INET)

    assert made.outcome is Outcome.OPEN
    assert 0 < made.seconds < 5


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_port_nobody_listens_on_is_refused(transport, host):
    made = await transport.connect(host, free_port(host=host), deadline=_soon())

    assert made.outcome is Outcome.REFUSED


async def test_the_connection_is_closed_in_order_and_not_reset_even_when_the_peer_spoke(transport, listen):
    ended = asyncio.get_running_loop().create_future()

    async def greet(reader, writer):
        writer.write(b"220 mail ready\r\n")
        try:
            ended.set_result(await reader.read())
        except ConnectionResetError as error:
            ended.set_result(error)

    port = await listen(greet)

    made = await transport.connect("127.0.0.1", port, deadline=_soon(), banner=b"220 ")

    assert made.banner == b"220 mail ready\r\n"
    assert await asyncio.wait_for(ended, 5) == b""


async def test_an_endless_banner_is_cut_off(transport, listen):
    async def chatter(reader, writer):
        while True:
            writer.write(b"x" * 4096)
            await writer.drain()

    port = await listen(chatter)

    made = await transport.connect("127.0.0.1", port, deadline=_soon(), banner=b"never said")

    assert made.banner == b"x" * BANNER_OCTETS


async def test_a_dripping_banner_ends_at_the_deadline_with_what_was_said(transport, listen):
    async def drip(reader, writer):
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.02)

    port = await listen(drip)
    deadline = _soon(0.3)

    made = await transport.connect("127.0.0.1", port, deadline=deadline, banner=b"never said")

    assert asyncio.get_running_loop().time() >= deadline
    assert made.outcome is Outcome.OPEN
    assert set(made.banner) == {ord(".")}


@pytest.mark.timeout(20)
async def test_no_socket_is_left_open_whatever_happens(transport, listen):
    async def hang_up(reader, writer):
        writer.close()

    port = await listen(hang_up)
    await transport.connect("127.0.0.1", port, deadline=_soon())
    before = len(list(Path("/proc/self/fd").iterdir()))

    for _ in range(20):
        await transport.connect("127.0.0.1", port, deadline=_soon())
        await transport.connect("127.0.0.1", free_port(), deadline=_soon())
    cancelled = asyncio.ensure_future(transport.connect("127.0.0.1", port, deadline=_soon(), banner=b"never"))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)

    while len(list(Path("/proc/self/fd").iterdir())) > before:  # the servers' ends close a moment later
        await asyncio.sleep(0.01)


async def test_a_name_without_address_is_a_fault_of_names(transport):
    with pytest.raises(TransportFault) as caught:
        await transport.connect("nobody.invalid", 80, deadline=_soon(20))

    assert caught.value.reason is Reason.NAME
    assert "nobody.invalid" in caught.value.message


def test_silence_lost_routes_and_forbidden_ones_are_told_apart():
    said = network.run_python(
        """
        import asyncio
        from checks.transports.fault import TransportFault
        from checks.transports.tcp import TcpTransport

        async def main():
            transport, loop = TcpTransport(), asyncio.get_running_loop()
            for host in ("10.11.0.2", "203.0.113.1", "203.0.113.2"):
                try:
                    print((await transport.connect(host, 80, deadline=loop.time() + 0.3)).outcome.value)
                except TransportFault as fault:
                    print(fault.reason.value, fault.message)

        asyncio.run(main())
        """,
        (*network.SILENT, "ip route add unreachable 203.0.113.1", "ip route add prohibit 203.0.113.2"),
    )

    assert said.splitlines() == [
        "silent",
        "unreachable",
        "local 203.0.113.2 port 80: connecting is forbidden on this machine; look at its own firewall",
    ]


def test_running_out_of_descriptors_is_our_own_fault():
    said = network.run_python(
        """
        import asyncio, resource
        from checks.transports.fault import TransportFault
        from checks.transports.tcp import TcpTransport

        async def main():
            transport, loop = TcpTransport(), asyncio.get_running_loop()
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
            try:
                await transport.connect("127.0.0.1", 80, deadline=loop.time() + 1)
            except TransportFault as fault:
                print(fault.reason.value, fault.message)

        asyncio.run(main())
        """
    )

    assert said == "local 127.0.0.1 port 80: this process is out of file descriptors; raise LimitNOFILE\n"
