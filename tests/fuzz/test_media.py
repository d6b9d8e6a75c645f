"""SDP, RTP and RTCP, mutated: each is read or refused with a reason, and the account of a stream stays bounded."""

from __future__ import annotations

import struct

from checks.media import packet, rtcp
from checks.media.codec import Codec, tone
from checks.media.packet import RtpSyntaxError
from checks.media.reception import Reception
from checks.media.source import LONGEST, MAX_DROPOUT
from checks.transports.rtp.sdp import Description, SdpError, answer, offer
from testbeds.mutation import mutated

SDP = (
    offer("192.0.2.1", 16384, 5),
    offer("2001:db8::1", 16384, 6),
    b"v=0\r\no=mitel 1 2 IN IP4 192.0.2.7\r\ns=SIP Call\r\nc=IN IP4 192.0.2.7\r\nb=AS:80\r\nt=0 0\r\na=sendonly\r\n"
    b"m=audio 50000 RTP/AVP 8 0 101\r\nc=IN IP4 192.0.2.8\r\na=rtpmap:8 PCMA/8000/1\r\na=rtpmap:101 telephone-event/"
    b"8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=rtcp:50009 IN IP4 192.0.2.9\r\na=rtcp-mux\r\na=recvonly\r\n",
    b"v=0\no=- 1 1 IN IP4 h\ns=-\nc=IN IP4 224.2.1.1/127/3\nt=0 0\nm=video 0 RTP/SAVP 96\nm=audio 0/2 RTP/AVP 9\n",
)
RTP = (
    packet.header(8, True, 65_535, 0xFFFFFFF0, 7) + tone(Codec.PCMA),
    packet.header(0, False, 0, 160, 7) + tone(Codec.PCMU),
    b"\xb1\x08\0\1\0\0\0\xa0\0\0\0\7" + b"csrc" + b"\xbe\xde\0\1ext " + b"sound" + b"\0\0\3",
)
_BLOCK = rtcp.Block(7, 5, -2, 70_000, 12, 0x12345678, 4096)
RTCP = (
    rtcp.report(7, "name", rtcp.Sent(1 << 62, 160, 100, 16_000), _BLOCK, goodbye=True),
    rtcp.report(7, "abc", None, _BLOCK),
    rtcp.report(7, "", None, None)
    + struct.pack("!BBHI", 0x80, 207, 10, 7)
    + struct.pack("!BBHI", 7, 0, 8, 9)
    + bytes(range(28)),
)


def test_a_description_is_read_or_refused_with_a_reason() -> None:
    for octets in mutated(SDP):
        assert _description(octets)


def test_a_packet_is_read_or_refused_with_a_reason() -> None:
    for octets in mutated(RTP):
        try:
            assert len(packet.parsed(octets).payload) <= len(octets)
        except RtpSyntaxError as error:
            assert str(error)


def test_a_report_is_read_or_refused_with_a_reason() -> None:
    for octets in mutated(RTCP):
        try:
            read = rtcp.parsed(octets)
        except RtpSyntaxError as error:
            assert str(error)
        else:
            assert len(read.blocks) * 24 + len(read.goodbyes) * 4 + len(read.metrics) * 36 <= len(octets)


def test_whatever_packets_come_an_account_of_them_is_bounded_and_adds_up() -> None:
    reception, at = Reception(), 0.0
    for number, octets in enumerate(mutated(RTP)):
        at += 0.02
        try:
            reception.take(packet.parsed(octets), at)
        except RtpSyntaxError:
            continue
        if number % 1000 == 0:
            assert _adds_up(reception)
            reception = Reception()
    assert _adds_up(reception)


def _adds_up(reception: Reception) -> bool:
    return all(
        0 <= source.lost < source.expected <= LONGEST + MAX_DROPOUT
        and 0 <= source.late <= source.received
        and sum(source.gaps()) == source.lost + source.late
        and source.jitter >= 0
        for source in reception.sources
    )


def _description(octets: bytes) -> Description | str:
    try:
        return answer(octets)
    except SdpError as error:
        return str(error)
