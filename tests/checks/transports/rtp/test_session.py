"""Media sessions between real sockets on loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.rtp import Codec, Heard, RtpTransport
from testbeds.datagrams import Peer, peer


def soon() -> float:
    return asyncio.get_running_loop().time() + 30.0


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def echo() -> AsyncIterator[Peer]:
    async with peer(lambda data: [data]) as other:
        yield other


@pytest.mark.parametrize("codec", list(Codec))
async def test_a_tone_that_is_sent_back_is_heard_and_measured(codec: Codec) -> None:
    rtp = RtpTransport()

    async with echo() as other, rtp.opened("127.0.0.1", soon()) as media:
        media.start(("127.0.0.1", other.port), None, codec)
        await until(lambda: len(other.questions) >= 40)
        report = await media.stop()

    assert report.heard is Heard.TONE and report.reflected
    assert report.received >= 39 and report.lost == 0 and report.sent >= 40
    assert report.round_trip_seconds is not None and report.round_trip_seconds >= 0
    assert {len(packet) for packet in other.questions} == {172}


async def test_nothing_that_comes_back_is_no_loss_of_zero() -> None:
    rtp = RtpTransport()

    async with peer(lambda _: []) as other, rtp.opened("127.0.0.1", soon()) as media:
        media.start(("127.0.0.1", other.port), None, Codec.PCMA)
        await until(lambda: len(other.questions) >= 5)
        report = await media.stop()

    assert report.heard is Heard.NOTHING
    assert (report.received, report.loss_ratio, report.unheard_ratio, report.jitter_seconds) == (0, None, None, None)
    assert report.first_packet_after_seconds is None


async def test_the_ports_are_even_and_odd_and_free_again_afterwards_and_the_thread_is_gone() -> None:
    rtp = RtpTransport()

    async with rtp.opened("127.0.0.1", soon()) as media:
        assert media.port % 2 == 0
        for port in (media.port, media.port + 1):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other, pytest.raises(OSError, match="in use"):
                other.bind(("127.0.0.1", port))

    await until(lambda: not any(thread.name == "media" for thread in threading.enumerate()))
    for port in (media.port, media.port + 1):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("127.0.0.1", port))


async def test_too_many_calls_are_refused_and_a_place_that_is_given_back_is_free() -> None:
    rtp = RtpTransport(most=1)

    async with rtp.opened("127.0.0.1", soon()):
        with pytest.raises(TransportFault) as caught:
            async with rtp.opened("127.0.0.1", soon()):
                pass
    async with rtp.opened("127.0.0.1", soon()):
        pass

    assert caught.value.reason is Reason.LIMIT


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (("224.0.0.1", 5004), "multicast"),
        (("255.255.255.255", 5004), "broadcast"),
        (("0.0.0.0", 5004), "no address at all"),
        (("::1", 5004), "another family"),
        (("media.example", 5004), "no numeric address"),
    ],
)
async def test_no_packet_goes_where_no_sound_may_go(place: tuple[str, int], why: str) -> None:
    rtp = RtpTransport()

    async with rtp.opened("127.0.0.1", soon()) as media:
        with pytest.raises(TransportFault, match=why) as caught:
            media.start(place, None, Codec.PCMA)
        report = await media.stop()

    assert caught.value.reason is Reason.PROTOCOL
    assert report.sent == 0


@pytest.mark.parametrize("local", ["192.0.2.77", "0.0.0.0", "nowhere.example"])
async def test_an_address_that_is_not_ours_is_refused(local: str) -> None:
    with pytest.raises(TransportFault) as caught:
        async with RtpTransport().opened(local, soon()):
            pass

    assert caught.value.reason is Reason.LOCAL
