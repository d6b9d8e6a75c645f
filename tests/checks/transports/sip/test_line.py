"""A line hangs up whatever becomes of whoever took it: left, failed, cancelled, cut off, or stopped with the agent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from agent.demo.sip_echo import SipEcho
from checks.contract import Reason
from checks.transports import Transports
from checks.transports.fault import TransportFault
from checks.transports.names import Address
from checks.transports.rtp import offer
from checks.transports.sip import Carrier
from checks.transports.sip.calling import Calling
from checks.transports.sip.invitation import Invitation
from checks.transports.sip.line import Line, away
from testbeds.peers import free_port
from testbeds.telling import until

HOST = "127.0.0.1"
HERE = Address(socket.AF_INET, HOST)


@pytest.fixture
async def echo() -> AsyncIterator[SipEcho]:
    endpoint = SipEcho()
    endpoint.manner.rings = 0.0
    await endpoint.start()
    yield endpoint
    endpoint.stop()


@pytest.fixture
async def transports() -> AsyncIterator[Transports]:
    opened = Transports.open()
    yield opened
    await opened.close()
    assert opened.sip.lines == 0


def soon(seconds: float = 10.0) -> float:
    return asyncio.get_running_loop().time() + seconds


@contextlib.asynccontextmanager
async def called(
    transports: Transports, port: int, carrier: Carrier = Carrier.UDP
) -> AsyncIterator[tuple[Line, Calling]]:
    async with transports.sip.line(carrier, HERE, port, soon()) as line:
        yield line, line.invite(Invitation("5600", "test", "7001", "test", offer(HOST, 40_000, 1)))


async def answered(line: Line, call: Calling) -> None:
    assert await line.until(lambda: call.decided, soon())
    assert call.up


async def gone(echo: SipEcho, ended: str = "BYE") -> None:
    await until(lambda: echo.calls == 0 and echo.asked[ended] > 0, f"{ended} has come and no call is left")


@pytest.mark.parametrize("carrier", [Carrier.UDP, Carrier.TCP])
async def test_a_call_is_hung_up_by_leaving(echo: SipEcho, transports: Transports, carrier: Carrier) -> None:
    async with called(transports, echo.at[1], carrier) as (line, call):
        await answered(line, call)

    assert await line.settled(soon())
    assert call.told.bye_status == 200
    assert echo.calls == 0


async def test_a_call_is_hung_up_when_its_owner_fails(echo: SipEcho, transports: Transports) -> None:
    with pytest.raises(ZeroDivisionError):
        async with called(transports, echo.at[1]) as (line, call):
            await answered(line, call)
            raise ZeroDivisionError

    await gone(echo)


@pytest.mark.parametrize("ringing", [True, False])
async def test_a_call_is_ended_when_its_owner_is_cancelled(
    echo: SipEcho, transports: Transports, ringing: bool
) -> None:
    echo.manner.rings = 60.0 if ringing else 0.0
    begun = asyncio.Event()

    async def held() -> None:
        async with called(transports, echo.at[1]) as (line, call):
            await line.until(lambda: call.told.ringing_at is not None if ringing else call.decided, soon())
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(held())
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    await gone(echo, "CANCEL" if ringing else "BYE")


async def test_a_call_is_hung_up_when_the_agent_stops(echo: SipEcho) -> None:
    transports = Transports.open()

    async with called(transports, echo.at[1]) as (line, call):
        await answered(line, call)
        await transports.close()

        assert echo.calls == 0
        assert call.told.bye_status == 200


async def test_a_line_that_was_never_used_is_given_back(echo: SipEcho, transports: Transports) -> None:
    async with transports.sip.line(Carrier.UDP, HERE, echo.at[1], soon()):
        pass

    await until(lambda: transports.sip.lines == 0, "the line is given back")
    assert not echo.asked


async def test_a_connection_that_breaks_in_the_call_is_made_anew_for_the_bye(
    echo: SipEcho, transports: Transports
) -> None:
    async with called(transports, echo.at[1], Carrier.TCP) as (line, call):
        await answered(line, call)
        for writer in list(echo._streams):
            writer.transport.abort()
        await line.until(lambda: line.fault is not None, soon())

    await gone(echo)
    assert await line.settled(soon())
    assert call.told.bye_status == 200


async def test_a_closed_port_is_a_refusal(transports: Transports) -> None:
    async with called(transports, free_port(socket.SOCK_DGRAM)) as (line, call):
        assert await line.until(lambda: call.decided, soon())

    fault = away(line, "there")
    assert fault.reason is Reason.REFUSED
    await until(lambda: transports.sip.lines == 0, "the line is given back")


async def test_no_connection_is_a_fault_at_once(transports: Transports) -> None:
    with pytest.raises(TransportFault) as told:
        async with called(transports, free_port(), Carrier.TCP):
            pytest.fail("there is nobody")

    assert told.value.reason is Reason.REFUSED
    assert transports.sip.lines == 0


async def test_a_connection_that_says_nothing_leaves_the_call_undecided_and_is_no_answer(
    transports: Transports,
) -> None:
    left = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.transport.abort()
        left.set()

    mute = await asyncio.start_server(listen, HOST, 0)
    port = mute.sockets[0].getsockname()[1]

    async with called(transports, port, Carrier.TCP) as (line, call):
        decided = await line.until(lambda: call.decided, soon(0.2))

    await transports.close()
    await left.wait()
    mute.close()
    assert not decided
    assert away(line, "there").reason is Reason.NO_ANSWER


async def test_an_answer_from_another_address_is_not_heard(transports: Transports) -> None:
    class Elsewhere(asyncio.DatagramProtocol):
        """Answers from another port than the one that was asked."""

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                octets = data.replace(b"INVITE sip:5600@test SIP/2.0", b"SIP/2.0 200 OK", 1)
                other.sendto(octets.replace(b"To: <sip:5600@test>", b"To: <sip:5600@test>;tag=x"), addr)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Elsewhere, local_addr=(HOST, 0))
    port = transport.get_extra_info("sockname")[1]

    async with called(transports, port) as (line, call):
        decided = await line.until(lambda: call.decided, soon(0.7))

    transport.close()
    assert not decided and call.told.invites == 2
