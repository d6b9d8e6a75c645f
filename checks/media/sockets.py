"""The two sockets of a call: an even port for RTP and the next for RTCP (RFC 3550, section 11), marked and stamped.

They are unconnected, so that packets from elsewhere are seen and counted. The kernel gives each packet's time of
arrival and its mark, so that whoever is late to read is not late to measure.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from dataclasses import dataclass

from checks.media.packet import LARGEST

EXPEDITED = 0xB8
"""DSCP 46, EF (RFC 3246), as the octet of the header has it."""
_TIMESTAMPNS = 35
"""SO_TIMESTAMPNS: the kernel's own time of arrival, in nanoseconds, which Python's socket module does not name."""
_IP_RECVERR, _IPV6_RECVERR = 11, 25
_MSG_ERRQUEUE = 0x2000
_ANCILLARY = 128
_MOST_ERRORS = 8
_STAMP = struct.Struct("qq")


@dataclass(frozen=True, slots=True)
class Datagram:
    """What came, from where, when by the wall clock (0.0: unknown), and its DSCP."""

    octets: bytes
    address: str
    arrived: float
    dscp: int | None


def received(opened: socket.socket) -> Datagram | None:
    """The next datagram; None when there is none. Raises OSError for what ICMP told of ours."""
    try:
        octets, extras, flags, place = opened.recvmsg(LARGEST, _ANCILLARY, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    arrived, dscp = 0.0, None
    for level, kind, data in extras:
        if level == socket.SOL_SOCKET:
            if kind == _TIMESTAMPNS and len(data) >= _STAMP.size:
                seconds, nanoseconds = _STAMP.unpack_from(data)
                arrived = seconds + nanoseconds / 1e9
        elif (level, kind) in ((socket.IPPROTO_IP, socket.IP_TOS), (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)) and data:
            dscp = (data[0] if len(data) == 1 else struct.unpack_from("i", data)[0] & 0xFF) >> 2
    return Datagram(octets if not flags & socket.MSG_TRUNC else b"", str(place[0]).partition("%")[0], arrived, dscp)


def errors_told(opened: socket.socket) -> int:
    """How many errors of the network wait on this socket; they are taken off it."""
    for told in range(_MOST_ERRORS):
        try:
            opened.recvmsg(LARGEST, 512, _MSG_ERRQUEUE | socket.MSG_DONTWAIT)
        except OSError:
            return told
    return _MOST_ERRORS


def bound(family: int, place: tuple[str, int] | tuple[str, int, int, int]) -> socket.socket:
    """A socket there that is marked as voice, stamps what comes, and hears of errors. Raises OSError."""
    opened = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    with contextlib.ExitStack() as ours:
        ours.callback(opened.close)
        opened.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, EXPEDITED)
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
            opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        else:
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, EXPEDITED)
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
            opened.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        opened.bind(place)
        ours.pop_all()
    return opened
