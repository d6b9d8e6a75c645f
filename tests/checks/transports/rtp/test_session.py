"""Media sessions between real sockets on loopback."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from checks.contract import Reason
from checks.media.codec import silence, tone
from checks.media.packet import header
from checks.transports import Transports
from checks.transports.fault import TransportFault
from checks.transports.rtp import Codec, Heard, MediaReport, RtpTransport
from testbeds.datagrams import Peer, peer

ROOT = Path(__file__).parents[4]
_AGENT = """
import asyncio
from checks.transports.rtp import Codec, RtpTransport

async def main():
    async with RtpTransport().opened("127.0.0.1", asyncio.get_running_loop().time() + 60) as media:
        media.start(("127.0.0.1", 9999), None, Codec.PCMA)
        print("ready", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def soon() -> float:
    return asyncio.get_running_loop().time() + 30.0


def media_processes(parent: int | None = None) -> list[psutil.Process]:
    """Those that are children of this process, or of another."""
    found = []
    for one in psutil.Process(parent).children():
        with suppress(psutil.Error):  # it has just ended
            found += [one] if "checks.media" in " ".join(one.cmdline()) else []
    return found


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


class Speaker:
    """A side that sends what a test wants, when it wants; what it is sent stays with the kernel."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.place: tuple[str, int] = self.socket.getsockname()[:2]

    def send(self, to: int, *numbers: int, ssrc: int = 7, kind: int = 8, payload: bytes = b"") -> None:
        """Packets of these numbers to a port of the same host."""
        for number in numbers:
            octets = header(kind, False, number, number * 160, ssrc) + (payload or tone(Codec.PCMA))
            self.socket.sendto(octets, (self.place[0], to))


@contextmanager
def speaker(host: str = "127.0.0.1") -> Iterator[Speaker]:
    one = Speaker(host)
    with one.socket:
        yield one


async def measured(act: Callable[[Speaker, int], None], host: str = "127.0.0.1") -> MediaReport:
    """A session to whose port a speaker does something, once the session is under way."""
    with speaker(host) as other:
        async with RtpTransport().opened(host, soon()) as media:
            media.start(other.place, None, Codec.PCMA)
            other.socket.settimeout(20)
            await asyncio.to_thread(other.socket.recv, 2048)
            act(other, media.port)
            return await media.stop()


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


async def test_the_ports_are_even_and_odd_and_free_again_afterwards_and_the_process_is_gone() -> None:
    async with echo() as other, RtpTransport().opened("127.0.0.1", soon()) as media:
        assert media.port % 2 == 0
        for port in (media.port, media.port + 1):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as third, pytest.raises(OSError, match="in use"):
                third.bind(("127.0.0.1", port))
        media.start(("127.0.0.1", other.port), None, Codec.PCMA)
        await until(lambda: len(other.questions) >= 2)
        assert len(media_processes()) == 1

    assert not media_processes()
    for port in (media.port, media.port + 1):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as third:
            third.bind(("127.0.0.1", port))


async def test_a_process_that_is_killed_is_told_and_the_next_call_has_another() -> None:
    rtp = RtpTransport()
    async with echo() as other, rtp.opened("127.0.0.1", soon()) as media:
        media.start(("127.0.0.1", other.port), None, Codec.PCMA)
        await until(lambda: len(other.questions) >= 2)
        media_processes()[0].kill()
        with pytest.raises(TransportFault, match="ended from outside") as caught:
            await media.stop()
        async with rtp.opened("127.0.0.1", soon()) as second:
            second.start(("127.0.0.1", other.port), None, Codec.PCMA)
            await until(lambda: len(other.questions) >= 10)
            report = await second.stop()

    assert caught.value.reason is Reason.LOCAL
    assert report.heard is not Heard.NOTHING
    assert not media_processes()


async def test_the_process_goes_with_an_agent_that_is_killed() -> None:
    agent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _AGENT, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )  # fmt: skip
    assert agent.stdout is not None
    async with asyncio.timeout(60):
        await agent.stdout.readline()
    await until(lambda: bool(media_processes(agent.pid)))
    (process,) = media_processes(agent.pid)

    agent.kill()
    await agent.wait()

    await until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE)


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


async def test_sound_from_another_address_is_counted_and_not_heard() -> None:
    def act(_: Speaker, port: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.2", 0))
            for number in range(50):
                stranger.sendto(header(8, False, number, number * 160, 7) + tone(Codec.PCMA), ("127.0.0.1", port))

    report = await measured(act)

    assert (report.foreign, report.foreign_address) == (50, "127.0.0.2")
    assert (report.received, report.heard) == (0, Heard.NOTHING)


async def test_sound_from_another_port_of_the_right_address_is_heard() -> None:
    def act(_: Speaker, port: int) -> None:
        with speaker() as same_host:
            same_host.send(port, *range(50))

    report = await measured(act)

    assert (report.foreign, report.received, report.heard) == (0, 50, Heard.TONE)


async def test_a_new_source_is_counted_and_loses_nothing_by_it() -> None:
    def act(other: Speaker, port: int) -> None:
        other.send(port, *range(20))
        other.send(port, *range(4000, 4020), ssrc=8)

    report = await measured(act)

    assert (report.received, report.lost, report.ssrc_changes) == (40, 0, 1)


async def test_the_mark_of_what_came_is_told_and_a_bleached_one_too() -> None:
    def act(other: Speaker, port: int) -> None:
        other.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0xB8)
        other.send(port, *range(20))
        other.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0)
        other.send(port, *range(20, 25))

    report = await measured(act)

    assert report.dscp == ((46, 20), (0, 5))
    assert report.received_dscp == 46


async def test_calls_over_ipv6_are_measured_alike() -> None:
    def act(other: Speaker, port: int) -> None:
        other.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0xB0)
        other.send(port, *range(20))

    report = await measured(act, "::1")

    assert (report.received, report.heard, report.received_dscp) == (20, Heard.TONE, 44)


@pytest.mark.parametrize(
    ("host", "level", "ask", "mark"),
    [
        ("127.0.0.1", socket.IPPROTO_IP, socket.IP_RECVTOS, socket.IP_TOS),
        ("::1", socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, socket.IPV6_TCLASS),
    ],
)
async def test_our_packets_are_marked_as_voice(host: str, level: int, ask: int, mark: int) -> None:
    with speaker(host) as other:
        other.socket.setsockopt(level, ask, 1)
        other.socket.settimeout(20)
        async with RtpTransport().opened(host, soon()) as media:
            media.start(other.place, None, Codec.PCMA)
            _, extras, _, _ = await asyncio.to_thread(other.socket.recvmsg, 2048, 64)

    assert [(kind, data[0]) for found, kind, data in extras if found == level] == [(mark, 0xB8)]


async def test_silence_and_packets_of_another_kind_are_no_sound() -> None:
    def act(other: Speaker, port: int) -> None:
        other.send(port, *range(30), payload=silence(Codec.PCMA))
        other.send(port, *range(30, 60), kind=101)

    report = await measured(act)

    assert (report.received, report.other_payload, report.heard, report.sound_ratio) == (60, 30, Heard.SILENCE, 0.0)


async def test_what_is_no_rtp_is_counted_and_harms_nothing() -> None:
    def act(other: Speaker, port: int) -> None:
        for octets in (b"", b"\x80", bytes(3000), b"\xff" * 100, b"\x80\xc9\0\1"):
            other.socket.sendto(octets, ("127.0.0.1", port))
        other.send(port, *range(20))

    report = await measured(act)

    assert (report.received, report.unreadable) == (20, 5)


async def test_early_media_is_no_part_of_what_is_measured() -> None:
    with speaker() as other:
        async with RtpTransport().opened("127.0.0.1", soon()) as media:
            other.send(media.port, *range(200))
            media.start(other.place, None, Codec.PCMA)
            other.socket.settimeout(20)
            await asyncio.to_thread(other.socket.recv, 2048)
            other.send(media.port, *range(1000, 1020))
            report = await media.stop()

    assert (report.received, report.lost) == (20, 0)


async def test_a_stream_that_breaks_off_has_lost_what_should_have_come() -> None:
    with speaker() as other:
        async with RtpTransport().opened("127.0.0.1", soon()) as media:
            media.start(other.place, None, Codec.PCMA)
            other.socket.settimeout(20)
            await asyncio.to_thread(other.socket.recv, 2048)
            other.send(media.port, *range(20))
            for _ in range(25):
                await asyncio.to_thread(other.socket.recv, 2048)
            report = await media.stop()

    assert report.received == 20
    assert report.cut_off_seconds > 0.3
    assert report.lost == round(report.cut_off_seconds / 0.02)
    assert report.longest_gap_seconds == pytest.approx(report.cut_off_seconds)


async def test_a_closed_port_is_told_by_the_network() -> None:
    with speaker() as other:
        place = other.place
    async with RtpTransport().opened("127.0.0.1", soon()) as media:
        media.start(place, None, Codec.PCMA)
        began = asyncio.get_running_loop().time()
        await until(lambda: asyncio.get_running_loop().time() > began + 0.5)
        report = await media.stop()

    assert report.nobody_there > 0
    assert report.heard is Heard.NOTHING


async def test_nothing_is_sent_after_the_deadline() -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 0.5
    async with echo() as other, RtpTransport().opened("127.0.0.1", deadline) as media:
        media.start(("127.0.0.1", other.port), None, Codec.PCMA)
        await until(lambda: loop.time() > deadline + 0.1)
        report = await media.stop()

    assert 1 <= report.sent <= 26


async def test_the_end_of_a_call_is_told_by_rtcp_also_when_the_call_is_given_up() -> None:
    with speaker() as rtp, speaker() as rtcp:

        async def call() -> None:
            async with RtpTransport().opened("127.0.0.1", soon()) as media:
                media.start(rtp.place, rtcp.place, Codec.PCMA)
                await asyncio.sleep(30)

        calling = asyncio.get_running_loop().create_task(call())
        rtp.socket.settimeout(20)
        rtcp.socket.settimeout(20)
        await asyncio.to_thread(rtp.socket.recv, 2048)
        calling.cancel()
        octets = await asyncio.to_thread(rtcp.socket.recv, 2048)

    assert octets[1] == 200
    assert octets[-8:-4] == b"\x81\xcb\0\1"
    with pytest.raises(asyncio.CancelledError):
        await calling


async def test_calls_end_with_the_agent_and_a_late_stop_still_gives_what_was_measured() -> None:
    transports = Transports.open()
    async with echo() as other, transports.rtp.opened("127.0.0.1", soon()) as media:
        media.start(("127.0.0.1", other.port), None, Codec.PCMA)
        await until(lambda: len(other.questions) >= 5)
        await transports.close()
        report = await media.stop()
        again = await media.stop()

    assert report.received >= 4
    assert again == report


async def test_calls_at_once_have_ports_of_their_own_and_the_next_call_has_others() -> None:
    rtp = RtpTransport()
    async with rtp.opened("127.0.0.1", soon()) as one, rtp.opened("127.0.0.1", soon()) as other:
        pass
    async with rtp.opened("127.0.0.1", soon()) as third:
        pass

    assert len({one.port, other.port, third.port}) == 3


async def test_where_all_ports_are_taken_it_is_said_how_to_find_who_has_them() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1] & ~1
        with pytest.raises(TransportFault, match="no pair of UDP ports is free") as caught:
            async with RtpTransport(ports=range(port, port + 2, 2)).opened("127.0.0.1", soon()):
                pass

    assert caught.value.reason is Reason.LOCAL
