"""Sound between our sessions and the media of SIPp, which sends back what it gets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import Iterator

import pytest

from checks.transports.rtp import Codec, Heard, RtpTransport
from testbeds.peers import free_port, need

pytestmark = pytest.mark.acceptance


@contextlib.contextmanager
def sipp() -> Iterator[int]:
    """The port at which a SIPp echoes sound."""
    program, port = need("sipp"), free_port(socket.SOCK_DGRAM)
    command = [
        str(program), "-sn", "uas", "-rtp_echo", "-i", "127.0.0.1", "-mp", str(port),
        "-p", str(free_port(socket.SOCK_DGRAM)), "-nostdin",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield port
        finally:
            process.kill()


@pytest.mark.parametrize("codec", list(Codec))
async def test_sipp_sends_our_own_packets_back_and_the_way_there_and_back_is_measured_by_them(codec: Codec) -> None:
    loop, rtp = asyncio.get_running_loop(), RtpTransport()
    with sipp() as port:
        report = None
        async with asyncio.timeout(30):
            while report is None or not report.received:  # until SIPp listens
                async with rtp.opened("127.0.0.1", loop.time() + 10) as media:
                    media.start(("127.0.0.1", port), None, codec)
                    await asyncio.sleep(1.0)
                    report = await media.stop()

    assert report.heard is Heard.TONE and report.reflected and report.far_hears
    assert report.ssrc_changes == 0 and report.duplicates == 0
    assert report.round_trip_seconds is not None
