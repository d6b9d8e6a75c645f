"""RTP and RTCP as octets: what is read, what is refused, and that what is written is read alike."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.media import packet, rtcp
from checks.media.packet import Packet, RtpSyntaxError
from checks.media.rtcp import Block, Compound, Sent

numbers16, numbers32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)


@settings(deadline=None)
@given(st.integers(0, 127), st.booleans(), numbers16, numbers32, numbers32, st.binary(max_size=200))
def test_a_packet_is_read_as_it_was_written(
    kind: int, marker: bool, sequence: int, timestamp: int, ssrc: int, payload: bytes
) -> None:
    octets = packet.header(kind, marker, sequence, timestamp, ssrc) + payload

    assert packet.parsed(octets) == Packet(kind, marker, sequence, timestamp, ssrc, payload)


def test_sources_extension_and_padding_are_no_payload() -> None:
    head = bytes((0x80 | 0x20 | 0x10 | 2, 8)) + bytes(10)
    octets = head + b"s" * 8 + b"\xbe\xde\0\1" + b"e" * 4 + b"sound" + b"\0\0\3"

    assert packet.parsed(octets).payload == b"sound"


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "0 octets"),
        (bytes(11), "11 octets"),
        (b"\x80" + bytes(2048), "2049 octets"),
        (b"\x40" + bytes(20), "version 1"),
        (b"\x8f" + bytes(20), "longer than the packet"),
        (b"\x90" + bytes(11), "extension without its header"),
        (b"\x90" + bytes(13) + b"\xff\xff" + bytes(8), "longer than the packet"),
        (b"\xa0" + bytes(20), "padding"),
        (b"\xa0" + bytes(19) + b"\xff", "padding"),
    ],
)
def test_what_is_no_packet_is_refused_with_its_reason(octets: bytes, why: str) -> None:
    with pytest.raises(RtpSyntaxError, match=why):
        packet.parsed(octets)


blocks = st.builds(
    Block, numbers32, st.integers(0, 255), st.integers(-(1 << 23), (1 << 23) - 1), numbers32, numbers32, numbers32,
    numbers32,
)  # fmt: skip
sents = st.builds(Sent, st.integers(0, (1 << 64) - 1), numbers32, numbers32, numbers32)


@settings(deadline=None)
@given(numbers32, st.text("abcdefgh", max_size=40), st.none() | sents, st.none() | blocks, st.booleans())
def test_a_report_is_read_as_it_was_written(
    ssrc: int, name: str, sent: Sent | None, block: Block | None, goodbye: bool
) -> None:
    octets = rtcp.report(ssrc, name, sent, block, goodbye)

    assert rtcp.parsed(octets) == Compound(ssrc, sent, (block,) if block else (), (ssrc,) if goodbye else ())
    assert len(octets) % 4 == 0 and packet.is_rtcp(octets)


RR = struct.pack("!BBHI", 0x80, 201, 1, 7)
BYE = struct.pack("!BBHI", 0x81, 203, 1, 7)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "no packet at all"),
        (RR[:6], "longer than the datagram"),
        (RR + b"\x80", "a rest"),
        (b"\x40" + RR[1:], "version 1"),
        (BYE + RR, "does not begin with a report"),
        (struct.pack("!BBHI", 0x81, 201, 1, 7), "shorter than it says"),
        (struct.pack("!BBHI", 0x80, 200, 1, 7), "shorter than it says"),
        (RR + struct.pack("!BBHI", 0x83, 203, 1, 7), "fewer sources"),
        (struct.pack("!BBHI", 0xA0, 201, 1, 4) + RR, "padding where none may be"),
        (struct.pack("!BBHI", 0xA0, 201, 1, 0), "padding where none may be"),
        (RR * 33, "more than 32 packets"),
        (RR + b"\x80\xcf\0\0", "without a sender"),
        (RR + struct.pack("!BBHI", 0x80, 207, 2, 7) + b"\7\0\0\x08", "block that is longer"),
        (RR + struct.pack("!BBHI", 0x80, 207, 2, 7) + b"\7\0\0\0", "VoIP metrics of 0 words"),
        (bytes(3000), "3000 octets"),
    ],
)
def test_what_is_no_compound_packet_is_refused_with_its_reason(octets: bytes, why: str) -> None:
    with pytest.raises(RtpSyntaxError, match=why):
        rtcp.parsed(octets)


def test_padding_of_the_last_packet_and_packets_of_other_kinds_are_passed_over() -> None:
    application = struct.pack("!BBHI4s", 0x80, 204, 2, 7, b"name")
    padded = struct.pack("!BBHII", 0xA1, 203, 2, 7, 4)

    assert rtcp.parsed(RR + application + padded) == Compound(7, goodbyes=(7,))


def metrics(r: int, listening: int, conversational: int) -> bytes:
    return struct.pack(
        "!BBHI" "BBHI" "BBBB" "HHHH" "BBBB" "BBBB" "BBH" "HH",
        0x80, 207, 10, 7, 7, 0, 8, 9, 64, 32, 128, 16, 500, 4000, 120, 80, 127, 127, 127, 16,
        r, 127, listening, conversational, 0, 0, 60, 120, 200,
    )  # fmt: skip


def test_the_metrics_of_a_phone_are_read_in_their_units() -> None:
    (read,) = rtcp.parsed(RR + metrics(80, 38, 41)).metrics

    assert (read.ssrc, read.loss_ratio, read.discard_ratio) == (9, 0.25, 0.125)
    assert (read.burst_loss_ratio, read.gap_loss_ratio) == (0.5, 0.0625)
    assert (read.burst_seconds, read.gap_seconds) == (0.5, 4.0)
    assert (read.round_trip_seconds, read.end_system_seconds, read.jitter_buffer_seconds) == (0.12, 0.08, 0.06)
    assert (read.r, read.mos_listening, read.mos_conversational) == (80, 3.8, 4.1)


@pytest.mark.parametrize("nothing", [127, 255, 101])
def test_metrics_that_a_phone_has_not_are_none_and_never_a_number(nothing: int) -> None:
    (read,) = rtcp.parsed(RR + metrics(nothing, nothing, 9)).metrics

    assert (read.r, read.mos_listening, read.mos_conversational) == (None, None, None)


def block(last_report: int, delay: int) -> Block:
    return Block(7, 0, 0, 0, 0, last_report, delay)


def test_a_round_trip_is_what_is_left_of_the_time_after_the_other_sides_delay() -> None:
    now = 3 << 16

    assert rtcp.round_trip(now, block(1 << 16, 1 << 16)) == 1.0
    assert rtcp.round_trip(5, block(0xFFFF_FFFF, 0)) == pytest.approx(6 / 65_536)
    assert rtcp.round_trip(now, block(now, 3)) == 0.0  # rounding
    assert rtcp.round_trip(now, block(now, 1 << 16)) is None  # it answered before it was asked
    assert rtcp.round_trip(now, block(0, 0)) is None


def test_a_round_trip_may_cross_the_end_of_the_clock_by_its_two_halves() -> None:
    sent = rtcp.middle(rtcp.ntp(0xFFFF_FFFF + 0.9))

    assert rtcp.round_trip(rtcp.middle(rtcp.ntp(0x1_0000_0000 + 0.4)), block(sent, 0)) == pytest.approx(0.5, abs=1e-4)


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(octets: bytes) -> None:
    for read, text in ((packet.parsed, octets), (rtcp.parsed, octets), (rtcp.parsed, RR + octets)):
        try:
            read(text)
        except RtpSyntaxError as error:
            assert str(error)
