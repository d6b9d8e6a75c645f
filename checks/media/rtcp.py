"""RTCP (RFC 3550, section 6): reports, names and goodbyes, read and written as compound packets. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from checks.media.packet import LARGEST, RtpSyntaxError
from checks.media.xr import VoipMetrics, voip_metrics

_SR, _RR, _SDES, _BYE, _XR = 200, 201, 202, 203, 207
_BLOCK = struct.Struct("!IB3sIIII")
_SENDER = struct.Struct("!QIII")
_MOST_PACKETS = 32
"""Of one compound packet."""
_CNAME = 1
NTP_SECOND = 1 << 32


@dataclass(frozen=True, slots=True)
class Block:
    """What one receiver says about one source (section 6.4.1)."""

    ssrc: int
    fraction: int
    """Of 256, lost since the last report."""
    lost: int
    """Since the beginning; below 0 where duplicates came."""
    highest: int
    jitter: int
    """In units of the timestamp."""
    last_report: int
    """The middle 32 bits of the NTP timestamp of the last sender report; 0 when none came."""
    delay: int
    """Since that report, in 1/65,536 s."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender says about itself."""

    ntp: int
    """64 bits, seconds since 1900 in the upper half."""
    timestamp: int
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class Compound:
    """What a compound packet holds that matters here; the names in it are nobody's affair and are not kept."""

    ssrc: int
    sent: Sent | None = None
    blocks: tuple[Block, ...] = ()
    goodbyes: tuple[int, ...] = ()
    metrics: tuple[VoipMetrics, ...] = ()


def parsed(octets: bytes) -> Compound:
    """One datagram, by the rules of appendix A.2. Raises RtpSyntaxError."""
    if len(octets) > LARGEST:
        raise RtpSyntaxError(f"{len(octets)} octets")
    ssrc: int | None = None
    sent: Sent | None = None
    blocks: list[Block] = []
    goodbyes: list[int] = []
    metrics: list[VoipMetrics] = []
    for kind, count, body in _packets(octets):
        if kind in (_SR, _RR):
            reporter, told, more = _report(kind, count, body)
            ssrc = reporter if ssrc is None else ssrc
            sent = told or sent
            blocks += more
        elif ssrc is None:
            raise RtpSyntaxError("a compound packet that does not begin with a report")
        elif kind == _BYE:
            if len(body) < 4 * count:
                raise RtpSyntaxError("a goodbye of fewer sources than it says")
            goodbyes += struct.unpack_from(f"!{count}I", body)
        elif kind == _XR:
            metrics += voip_metrics(body)
    if ssrc is None:
        raise RtpSyntaxError("no packet at all")
    return Compound(ssrc, sent, tuple(blocks), tuple(goodbyes), tuple(metrics))


def report(ssrc: int, name: str, sent: Sent | None, block: Block | None, goodbye: bool = False) -> bytes:
    """A compound packet of ours: a sender report (a receiver report while nothing is sent), our name, a goodbye."""
    heard = _BLOCK.pack(
        block.ssrc, block.fraction, (block.lost & 0xFFFFFF).to_bytes(3), block.highest, block.jitter,
        block.last_report, block.delay,
    ) if block else b""  # fmt: skip
    count, own = int(block is not None), struct.pack("!I", ssrc)
    if sent is None:
        octets = _packet(_RR, count, own + heard)
    else:
        octets = _packet(_SR, count, own + _SENDER.pack(sent.ntp, sent.timestamp, sent.packets, sent.octets) + heard)
    item = bytes((_CNAME, len(name))) + name.encode()
    octets += _packet(_SDES, 1, own + item + bytes(4 - len(item) % 4))
    if goodbye:
        octets += _packet(_BYE, 1, own)
    return octets


def ntp(seconds: float) -> int:
    """An NTP timestamp of 64 bits."""
    return int(seconds * NTP_SECOND) & 0xFFFFFFFFFFFFFFFF


def middle(timestamp: int) -> int:
    """The 32 bits of it that a report gives back."""
    return timestamp >> 16 & 0xFFFFFFFF


def round_trip(now: int, block: Block) -> float | None:
    """Seconds, by `now` as the middle of our own clock (section 6.4.1); None where it cannot be told."""
    if not block.last_report:
        return None
    units = (now - block.last_report - block.delay) & 0xFFFFFFFF
    if units >= 1 << 31:  # the other side's delay is rounded: it may seem to have answered before it was asked
        return 0.0 if (1 << 32) - units <= 65 else None
    return units / 65536


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def _packets(octets: bytes) -> list[tuple[int, int, bytes]]:
    """Type, count and body of each; padding is allowed to the last alone."""
    found: list[tuple[int, int, bytes]] = []
    at = 0
    while at < len(octets):
        if len(octets) - at < 4:
            raise RtpSyntaxError("a rest that is no packet")
        first, kind, words = struct.unpack_from("!BBH", octets, at)
        end = at + 4 + 4 * words
        if first >> 6 != 2:
            raise RtpSyntaxError(f"version {first >> 6}")
        if end > len(octets):
            raise RtpSyntaxError("a packet that is longer than the datagram")
        body = octets[at + 4 : end]
        if first & 0x20:
            if end != len(octets) or not body or not 1 <= body[-1] <= len(body):
                raise RtpSyntaxError("padding where none may be")
            body = body[: -body[-1]]
        found.append((kind, first & 0x1F, body))
        if len(found) > _MOST_PACKETS:
            raise RtpSyntaxError(f"more than {_MOST_PACKETS} packets in one")
        at = end
    return found


def _report(kind: int, count: int, body: bytes) -> tuple[int, Sent | None, list[Block]]:
    begin = 4 + (_SENDER.size if kind == _SR else 0)
    if len(body) < begin + count * _BLOCK.size:
        raise RtpSyntaxError("a report that is shorter than it says")
    sent = Sent(*_SENDER.unpack_from(body, 4)) if kind == _SR else None
    blocks = []
    for number in range(count):
        ssrc, fraction, lost, *rest = _BLOCK.unpack_from(body, begin + number * _BLOCK.size)
        blocks.append(Block(ssrc, fraction, int.from_bytes(lost, signed=True), *rest))
    return int.from_bytes(body[:4]), sent, blocks
