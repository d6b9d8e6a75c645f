"""Asking for the time: honest servers, liars, and servers that do not want to be asked."""

import asyncio
import os
import socket
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.contract import Reason
from checks.transports import ntp_wire as wire
from checks.transports.fault import TransportFault
from checks.transports.ntp import LONGEST, SLOWER, KissOfDeath, NtpTransport
from testbeds import network
from testbeds.datagrams import peer
from testbeds.ntp_server import NOW, reply
from testbeds.peers import free_port


@pytest.fixture
async def transport():
    made = NtpTransport(clock=lambda: NOW)
    yield made
    await made.close()


async def _asked(transport, port, seconds=2.0):
    return await transport.ask("127.0.0.1", port, deadline=asyncio.get_running_loop().time() + seconds)


async def _fault(transport, answer, seconds=2.0):
    async with peer(answer) as server:
        with pytest.raises(TransportFault) as caught:
            await _asked(transport, server.port, seconds)
    return caught.value


@pytest.mark.parametrize("ahead", [0.0, 0.25, -0.25, 3600.0, -3600.0, 86_400.0 * 365 * 30, -86_400.0 * 365 * 30])
async def test_the_offset_of_a_server_is_measured_also_into_the_next_era(transport, ahead):
    async with peer(lambda question: [reply(question, ahead=ahead)]) as server:
        sample = await _asked(transport, server.port)

    assert sample.offset == pytest.approx(ahead, abs=sample.delay / 2 + 1e-4)
    assert 0 <= sample.delay < 2
    assert (sample.answer.stratum, sample.answer.leap, sample.answer.version) == (2, 0, 4)


async def test_a_question_tells_nothing_but_that_it_is_one():
    questions = [wire.question() for _ in range(50)]

    assert {octets[:40] for octets, _ in questions} == {b"\x23" + bytes(39)}
    assert len({token for _, token in questions}) == 50
    assert all(octets[40:] == token.to_bytes(8) for octets, token in questions)


async def test_every_question_comes_from_a_port_of_its_own(transport):
    places = []

    async with peer(lambda question: [reply(question)]) as server:
        received = server.datagram_received
        server.datagram_received = lambda data, addr: (places.append(addr), received(data, addr))
        for _ in range(5):
            await _asked(transport, server.port)

    assert len({port for _, port in places}) > 1


async def test_answers_to_other_questions_are_passed_over(transport):
    def answer(question):
        return [b"", b"x" * 47, reply(bytes(48)), reply(question[:40] + bytes(8)), question, reply(question, ahead=9.0)]

    async with peer(answer) as server:
        sample = await _asked(transport, server.port)

    assert sample.offset == pytest.approx(9.0, abs=0.1)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"mode": 3}, "in mode 3"),
        ({"mode": 5}, "in mode 5"),
        ({"version": 0}, "version 0"),
        ({"version": 7}, "version 7"),
        ({"stratum": 17}, "stratum 17"),
        ({"stratum": 255}, "stratum 255"),
        ({"sent": 0}, "does not say what time it is"),
        ({"received": 0}, "does not say what time it is"),
        ({"thinks": -1.0}, "before it was asked"),
        ({"thinks": 60.0}, "taken longer to answer than the whole exchange"),
    ],
)
async def test_an_answer_that_breaks_the_protocol_is_not_believed(transport, changed, said):
    fault = await _fault(transport, lambda question: [reply(question, **changed)])

    assert fault.reason is Reason.PROTOCOL
    assert said in fault.message


async def test_a_flood_of_strangers_ends(transport):
    fault = await _fault(transport, lambda question: [bytes(48)] * 100)

    assert fault.reason is Reason.PROTOCOL


async def test_wrong_origins_only_are_no_answer(transport):
    fault = await _fault(transport, lambda question: [reply(bytes(48))], seconds=0.2)

    assert fault.reason is Reason.NO_ANSWER


async def test_silence_is_no_answer_and_a_closed_port_is_refused(transport):
    silent = await _fault(transport, lambda question: [], seconds=0.2)
    with pytest.raises(TransportFault) as refused:
        await _asked(transport, free_port(socket.SOCK_DGRAM))

    assert (silent.reason, refused.value.reason) == (Reason.NO_ANSWER, Reason.REFUSED)


async def test_a_server_that_is_asked_too_often_is_spared_longer_each_time():
    now = [0.0]
    transport = NtpTransport(clock=lambda: NOW, monotonic=lambda: now[0])
    reasons = []
    async with peer(lambda question: [reply(question, stratum=0, reference=b"RATE")]) as server:
        for at in (0.0, 1.0, SLOWER + 1, SLOWER * 2, SLOWER * 3 + 2, SLOWER * 8):
            now[0] = at
            with pytest.raises(KissOfDeath) as caught:
                await _asked(transport, server.port)
            reasons.append(caught.value.reason)
        asked = len(server.questions)
    await transport.close()

    limit, withheld = Reason.LIMIT, Reason.WITHHELD
    assert reasons == [limit, withheld, limit, withheld, limit, limit]
    assert asked == 4


@pytest.mark.parametrize("code", [b"DENY", b"RSTR"])
async def test_a_server_that_denies_is_not_asked_for_hours(code):
    now = [0.0]
    transport = NtpTransport(clock=lambda: NOW, monotonic=lambda: now[0])
    async with peer(lambda question: [reply(question, stratum=0, reference=code)]) as server:
        with pytest.raises(KissOfDeath) as denied:
            await _asked(transport, server.port)
        now[0] = LONGEST - 1
        with pytest.raises(KissOfDeath) as spared:
            await _asked(transport, server.port)
    await transport.close()

    assert (denied.value.reason, spared.value.reason) == (Reason.FORBIDDEN, Reason.WITHHELD)
    assert len(server.questions) == 1


async def test_only_the_server_itself_can_ask_for_silence(transport):
    def answer(question):
        return [reply(bytes(48), stratum=0, reference=b"DENY"), reply(question)]

    async with peer(answer) as server:
        sample = await _asked(transport, server.port)

    assert sample.answer.stratum == 2


@pytest.mark.parametrize("code", [b"INIT", b"STEP", b"\0\0\0\0", b"\x1b[2J"])
async def test_stratum_0_without_a_command_means_not_synchronised(transport, code):
    async with peer(lambda question: [reply(question, stratum=0, leap=3, reference=code)]) as server:
        sample = await _asked(transport, server.port)

    assert (sample.answer.stratum, sample.answer.leap) == (16, 3)
    assert sample.answer.reference.isprintable()


async def test_no_socket_stays_open(transport):
    async with peer(lambda question: []) as server:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            with pytest.raises(TransportFault):
                await _asked(transport, server.port, seconds=0.01)
            task = asyncio.create_task(_asked(transport, server.port))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        assert len(os.listdir("/proc/self/fd")) == before


def test_a_target_that_swallows_everything_gives_no_answer():
    tests = str(Path(network.__file__).parents[1])
    said = network.run_python(
        f"""
        import asyncio, sys, time
        sys.path.insert(0, {tests!r})
        from checks.transports.ntp import NtpTransport
        from checks.transports.fault import TransportFault
        async def ask(host):
            try:
                await NtpTransport().ask(host, deadline=time.monotonic() + 0.3)
            except TransportFault as error:
                print(error.reason.value)
        asyncio.run(ask("10.11.0.2"))
        asyncio.run(ask("203.0.113.1"))
        """,
        (*network.SILENT, "ip route add unreachable 203.0.113.1"),
    )

    assert said.splitlines() == ["no-answer", "unreachable"]


@given(st.binary(max_size=200), st.booleans())
def test_any_datagram_is_an_answer_or_passed_over_or_not_believed(octets, echoed):
    token = 0x1122334455667788
    if echoed and len(octets) >= 48:
        octets = octets[:24] + struct.pack(">Q", token) + octets[32:]

    try:
        said = wire.answer(octets, token)
        if said is not None and said.stratum:
            offset, delay = wire.offset_and_delay(NOW, NOW + 0.1, said)
            assert delay >= 0
            assert abs(offset) <= 2**32
            assert said.reference.isprintable()
    except wire.NotBelieved as error:
        assert str(error).isprintable()


def test_offset_and_delay_are_those_of_rfc_5905():
    octets, token = wire.question()
    said = wire.answer(reply(octets, ahead=1.1, thinks=0.1), token)

    offset, delay = wire.offset_and_delay(NOW, NOW + 0.4, said)

    assert offset == pytest.approx((1.1 + 0.8) / 2, abs=1e-6)
    assert delay == pytest.approx(0.3, abs=1e-6)


@given(st.floats(0, 5e9), st.floats(-2e9, 2e9))
def test_differences_hold_across_eras(at, apart):
    assert wire.difference(wire.timestamp(at + apart), wire.timestamp(at)) == pytest.approx(apart, abs=1e-5)
