"""uvicorn inside our loop: several addresses, our signals, a quick stop."""

from __future__ import annotations

import asyncio
import signal
import socket

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from exporters.web.server import ListenError, WebServer, listen
from testbeds.peers import free_port


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["path"] == "/slow":
        await asyncio.sleep(60)
    await PlainTextResponse("hello")(scope, receive, send)


async def ask(host: str, port: int, path: str = "/") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await writer.drain()
    return reader, writer


async def test_every_address_is_served() -> None:
    server = WebServer(hello, listen(["127.0.0.1:0", "[::1]:0"]))
    await server.start()

    for host, port in server.addresses:
        reader, writer = await ask(host, port)
        assert b"200 OK" in await reader.readline()
        writer.close()

    await server.stop()


async def test_it_stops_within_two_seconds_with_open_connections_and_a_request_under_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = WebServer(hello, listen(["127.0.0.1:0"]))
    await server.start()
    _, port = server.addresses[0]
    idle = [await ask("127.0.0.1", port) for _ in range(3)]
    for reader, _ in idle:
        await reader.readuntil(b"hello")
    silent = await asyncio.open_connection("127.0.0.1", port)
    slow = await ask("127.0.0.1", port, "/slow")

    async with asyncio.timeout(2):
        await server.stop()

    for reader, writer in (*idle, silent, slow):
        await asyncio.wait_for(reader.read(), 5)
        writer.close()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_signals_stay_with_the_agent() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    server = WebServer(hello, listen(["127.0.0.1:0"]))

    await server.start()

    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    await server.stop()


async def test_a_server_that_never_started_can_be_stopped() -> None:
    (sock,) = listen(["127.0.0.1:0"])
    server = WebServer(hello, [sock])

    await server.stop()

    sock.close()


def test_a_taken_port_is_refused_by_name_and_leaves_no_socket_open() -> None:
    other = free_port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(
            ListenError, match=rf"127\.0\.0\.1:{port}: Address already in use; is another agent running"
        ):
            listen([f"127.0.0.1:{other}", f"127.0.0.1:{port}"])

    listen([f"127.0.0.1:{other}"])[0].close()


@pytest.mark.parametrize("address", ["10190", "127.0.0.1", "127.0.0.1:port", "127.0.0.1:70000", ""])
def test_an_address_that_is_none_is_refused_with_how_to_write_it(address: str) -> None:
    with pytest.raises(ListenError, match="write it as host:port"):
        listen([address])


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ListenError, match="is it an address of this machine"):
        listen(["192.0.2.1:0"])


def test_a_port_alone_means_every_address_of_the_machine() -> None:
    (sock,) = listen([":0"])

    with sock:
        port = sock.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
