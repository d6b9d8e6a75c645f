"""The demo's SIP endpoint: asked by our own client, by a caller written out here, and by sipp."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.demo.sip_echo import SipEcho
from checks.contract import Reason
from checks.media.codec import silence as silent
from checks.transports.fault import TransportFault
from checks.transports.names import Address
from checks.transports.rtp import Codec, Heard, MediaReport, RtpTransport
from checks.transports.rtp.sdp import answer as described
from checks.transports.sip import Answer, Carrier, Headers, Request, Response, transact
from checks.transports.sip.digest import answer as digest
from checks.transports.sip.fields import challenges, top_via
from checks.transports.sip.message import parsed, written
from checks.transports.sip.wire import opened
from testbeds.peers import need

HOST = "127.0.0.1"
OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {} RTP/AVP {}\r\n"
BRANCH = "z9hG4bKtest"


@pytest.fixture
async def echo() -> AsyncIterator[SipEcho]:
    endpoint = SipEcho()
    await endpoint.start()
    yield endpoint
    endpoint.stop()


async def ask(
    endpoint: SipEcho, method: str, *more: tuple[str, str], carrier: Carrier = Carrier.UDP, seconds: float = 10.0
) -> Answer:
    """Ask by the client of the checks."""
    address, port = Address(socket.AF_INET, endpoint.at[0]), endpoint.at[1]
    fields = (
        ("max-forwards", "70"), ("from", "<sip:5999@test>;tag=a"), ("to", "<sip:5999@test>"), ("call-id", "one"),
        ("cseq", f"1 {method}"), *more,
    )  # fmt: skip
    deadline = asyncio.get_running_loop().time() + seconds
    async with opened(carrier, address, port, deadline) as wire:
        return await transact(wire, Request(method, "sip:test", Headers(fields)), deadline, "the echo")


class Caller(asyncio.DatagramProtocol):
    """A telephone that says what it is told, over UDP, and keeps what comes back."""

    def __init__(self, endpoint: SipEcho, call: str = "a-call") -> None:
        self._endpoint = endpoint
        self._call = call
        self.came: asyncio.Queue[Response] = asyncio.Queue()
        self.port = 0

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=(HOST, 0), remote_addr=self._endpoint.at
        )
        self.port = self._transport.get_extra_info("sockname")[1]

    def close(self) -> None:
        self._transport.abort()

    def datagram_received(self, data: bytes, addr: object) -> None:
        message = parsed(data)
        assert isinstance(message, Response)
        self.came.put_nowait(message)

    def say(self, method: str, body: str = "", number: int = 1) -> None:
        fields = (
            ("via", f"SIP/2.0/UDP {HOST}:{self.port};branch={BRANCH};rport"), ("max-forwards", "70"),
            ("from", "<sip:5999@test>;tag=a"), ("to", "<sip:echo@test>"), ("call-id", self._call),
            ("cseq", f"{number} {method}"), ("content-type", "application/sdp"),
        )  # fmt: skip
        self._transport.sendto(written(Request(method, "sip:echo@test", Headers(fields), body.encode())))

    async def until(self, status: int) -> Response:
        """What comes, up to that status."""
        async with asyncio.timeout(10):
            while (response := await self.came.get()).status != status:
                pass
        return response

    async def answered(self, codec: int = 8) -> int:
        """Call and be answered; the port of the other side's voice."""
        self.say("INVITE", OFFER.format(self.port, codec))
        body = (await self.until(200)).body
        self.say("ACK")
        return described(body).remote[1]


@pytest.fixture
async def caller(echo: SipEcho) -> AsyncIterator[Caller]:
    telephone = Caller(echo)
    await telephone.open()
    yield telephone
    telephone.close()


class Voice(asyncio.DatagramProtocol):
    """Sends numbered packets of A-law and keeps what comes back."""

    def __init__(self) -> None:
        self.came: list[bytes] = []

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.came.append(data)


async def spoken(port: int, packets: int, expected: int, between: float = 0.0) -> list[bytes]:
    """Packets to a port, and what has come back when `expected` have, or nothing more does."""
    loop = asyncio.get_running_loop()
    transport, voice = await loop.create_datagram_endpoint(Voice, local_addr=(HOST, 0), remote_addr=(HOST, port))
    for number in range(packets):
        transport.sendto(packet(number))
        await asyncio.sleep(between)
    try:
        async with asyncio.timeout(5 if expected else 0.2):
            while len(voice.came) < max(expected, 1):
                await asyncio.sleep(0.005)
    except TimeoutError:
        assert not expected
    transport.close()
    return voice.came


def packet(number: int, kind: int = 8) -> bytes:
    return bytes((0x80, kind)) + number.to_bytes(2) + (160 * number).to_bytes(4) + b"ours" + b"\x11" * 160


@pytest.mark.parametrize("carrier", [Carrier.UDP, Carrier.TCP])
async def test_it_answers_options_over_both_carriers(echo: SipEcho, carrier: Carrier) -> None:
    answer = await ask(echo, "OPTIONS", carrier=carrier)

    via = top_via(answer.response.headers)
    assert (answer.response.status, via.parameters["received"]) == (200, HOST)
    assert int(via.parameters["rport"]) > 0
    assert echo.asked == {"OPTIONS": 1}


async def test_it_says_the_status_it_is_told_and_then_works_again(echo: SipEcho) -> None:
    echo.manner.status = 503
    told = await ask(echo, "OPTIONS")
    echo.manner.status = None

    again = await ask(echo, "OPTIONS")

    assert (told.response.status, told.response.headers.first("retry-after")) == (503, "30")
    assert again.response.status == 200


async def test_silent_it_takes_questions_and_answers_none(echo: SipEcho) -> None:
    echo.manner.silent = True

    with pytest.raises(TransportFault) as silence:
        await ask(echo, "OPTIONS", seconds=0.7)

    assert silence.value.reason is Reason.NO_ANSWER


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_a_user_registers_by_password_and_leaves_again(algorithm: str) -> None:
    echo = SipEcho(users={"5999": "right"}, algorithm=algorithm)
    await echo.start()
    contact = ("contact", "<sip:5999@127.0.0.1:9>")

    first = (await ask(echo, "REGISTER", contact, ("expires", "60"))).response
    asked = challenges(first.headers, "www-authenticate")
    proofs = [
        ("authorization", digest(asked, "5999", password, "REGISTER", "sip:test", "c"))
        for password in ("wrong", "right")
    ]
    answers = [await ask(echo, "REGISTER", contact, ("expires", "60"), proof) for proof in proofs]
    bound = dict(echo.bindings)
    await ask(echo, "REGISTER", contact, ("expires", "0"), proofs[1])
    echo.stop()

    assert [first.status, *(one.response.status for one in answers)] == [401, 401, 200]
    assert answers[1].response.headers.first("contact") == "<sip:5999@127.0.0.1:9>;expires=60"
    assert (bound, echo.bindings) == ({"sip:5999@test": "<sip:5999@127.0.0.1:9>;expires=60"}, {})


async def test_a_call_rings_is_answered_and_echoes_until_it_is_ended(echo: SipEcho, caller: Caller) -> None:
    port = await caller.answered()

    heard = await spoken(port, 10, 10)
    during = echo.calls
    caller.say("BYE", number=2)
    ended = await caller.until(200)

    assert [one[:8] + one[12:] for one in heard] == [packet(n)[:8] + packet(n)[12:] for n in range(10)]
    assert len({one[8:12] for one in heard}) == 1 and heard[0][8:12] != b"ours"
    assert (during, echo.calls, ended.headers.first("cseq")) == (1, 0, "2 BYE")


async def test_a_cancelled_call_is_terminated_and_never_answered(echo: SipEcho, caller: Caller) -> None:
    echo.manner.rings = 60
    caller.say("INVITE", OFFER.format(caller.port, 8))
    await caller.until(180)

    caller.say("CANCEL")

    assert (await caller.until(487)).headers.first("cseq") == "1 INVITE"
    assert (await caller.until(200)).headers.first("cseq") == "1 CANCEL"
    assert echo.calls == 0


async def test_an_invite_that_comes_again_is_the_same_call_also_when_it_is_over(echo: SipEcho, caller: Caller) -> None:
    await caller.answered()
    caller.say("INVITE", OFFER.format(caller.port, 8))
    again = await caller.until(200)
    during = echo.calls
    caller.say("BYE", number=2)
    await caller.until(200)

    caller.say("INVITE", OFFER.format(caller.port, 8))

    assert again.headers.first("cseq") == (await caller.until(200)).headers.first("cseq") == "1 INVITE"
    assert (during, echo.calls) == (1, 0)


async def test_an_answer_that_nobody_acknowledges_is_said_again(echo: SipEcho, caller: Caller) -> None:
    caller.say("INVITE", OFFER.format(caller.port, 8))

    first, second = await caller.until(200), await caller.until(200)

    assert first == second


async def test_a_call_without_a_codec_of_ours_is_not_acceptable(echo: SipEcho, caller: Caller) -> None:
    caller.say("INVITE", OFFER.format(caller.port, 18))

    await caller.until(488)

    assert echo.calls == 0


async def test_who_ends_a_call_that_is_none_is_told_so(caller: Caller) -> None:
    caller.say("BYE")

    assert (await caller.until(481)).status == 481


async def test_lost_packets_are_the_share_that_was_told(echo: SipEcho, caller: Caller) -> None:
    port = await caller.answered()
    echo.manner.line.loss = 0.2

    heard = await spoken(port, 100, 80)

    assert len(heard) == 80


async def test_delayed_packets_keep_their_order(echo: SipEcho, caller: Caller) -> None:
    port = await caller.answered()
    echo.manner.line.delay, echo.manner.line.jitter = 0.02, 0.03

    heard = await spoken(port, 20, 20, between=0.001)

    assert [int.from_bytes(one[2:4]) for one in heard] == list(range(20))


async def test_a_call_one_way_hears_nothing_and_a_mute_one_silence(echo: SipEcho, caller: Caller) -> None:
    port = await caller.answered()
    echo.manner.line.mute = True
    silence = await spoken(port, 1, 1)
    echo.manner.line.mute, echo.manner.line.one_way = False, True

    nothing = await spoken(port, 5, 0)

    assert silence[0][12:] == silent(Codec.PCMA)
    assert nothing == []


async def test_a_silent_endpoint_is_not_heard_in_its_calls_either(echo: SipEcho, caller: Caller) -> None:
    port = await caller.answered()

    echo.manner.silent = True

    assert await spoken(port, 3, 0) == []


async def test_a_controller_that_dies_forgets_its_calls(echo: SipEcho, caller: Caller) -> None:
    port = await caller.answered()

    echo.hang_up()

    assert echo.calls == 0
    assert await spoken(port, 3, 0) == []


async def heard(port: int, packets: int = 60) -> MediaReport:
    """What the media session of the checks makes of a call to that port."""
    until = asyncio.get_running_loop().time() + 30
    async with RtpTransport().opened(HOST, until) as media:
        media.start((HOST, port), (HOST, port + 1), Codec.PCMA)
        await asyncio.sleep(packets * 0.02)
        return await media.stop()


async def test_the_checks_hear_their_own_tone_their_way_there_and_back_and_the_mark(
    echo: SipEcho, caller: Caller
) -> None:
    report = await heard(await caller.answered())

    assert (report.heard, report.received_dscp, report.reflected) == (Heard.TONE, 46, False)
    assert report.round_trip_seconds is not None and report.far_hears
    assert (report.loss_ratio, report.far_loss_ratio) == (0, 0)


async def test_the_checks_hear_what_the_line_does(echo: SipEcho, caller: Caller) -> None:
    port = await caller.answered()
    echo.manner.line.loss, echo.manner.line.marked = 0.2, False

    report = await heard(port)

    assert report.loss_ratio == pytest.approx(0.2, abs=0.02)
    assert (report.received_dscp, report.far_loss_ratio) == (0, 0)


@pytest.mark.acceptance
async def test_sipp_makes_its_calls_against_it(echo: SipEcho, tmp_path: Path) -> None:
    sipp = str(need("sipp"))
    command = [sipp, "-sn", "uac", f"{HOST}:{echo.at[1]}", "-i", HOST, "-m", "5", "-r", "50", "-d", "100", "-nostdin"]

    ended = await asyncio.to_thread(
        subprocess.run, [*command, "-timeout", "20"], cwd=tmp_path, capture_output=True, timeout=60, check=False
    )

    assert ended.returncode == 0, ended.stdout[-2000:]
    assert (echo.asked["INVITE"], echo.asked["BYE"], echo.calls) == (5, 5, 0)
