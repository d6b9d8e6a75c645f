"""RTP's header (RFC 3550, section 5.1), read and written. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_FIXED = struct.Struct("!BBHII")
LARGEST = 2048
"""Octets of a packet that are read at all."""


class RtpSyntaxError(ValueError):
    """What came is no RTP or RTCP; the message says which part is wrong."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def parsed(octets: bytes) -> Packet:
    """One datagram. Raises RtpSyntaxError."""
    if not _FIXED.size <= len(octets) <= LARGEST:
        raise RtpSyntaxError(f"{len(octets)} octets")
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(octets)
    if first >> 6 != 2:
        raise RtpSyntaxError(f"version {first >> 6}")
    begin, end = _FIXED.size + 4 * (first & 0x0F), len(octets)
    if first & 0x10:
        if begin + 4 > end:
            raise RtpSyntaxError("an extension without its header")
        begin += 4 + 4 * int.from_bytes(octets[begin + 2 : begin + 4])
    if first & 0x20:
        if not 1 <= octets[-1] <= end - begin:
            raise RtpSyntaxError("padding that is longer than the packet")
        end -= octets[-1]
    if begin > end:
        raise RtpSyntaxError("a header that is longer than the packet")
    return Packet(second & 0x7F, bool(second & 0x80), sequence, timestamp, ssrc, octets[begin:end])


def header(payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int) -> bytes:
    """The header of a packet of ours: no padding, no extension, no contributing sources."""
    return _FIXED.pack(0x80, marker << 7 | payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)


def is_rtcp(octets: bytes) -> bool:
    """Whether a datagram on RTP's own port is RTCP, by its second octet (RFC 5761, section 4)."""
    return len(octets) >= 2 and 192 <= octets[1] <= 223
