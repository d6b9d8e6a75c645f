"""Octets, socket options and error numbers of ICMP on Linux: what `icmp` sends and how it reads what comes back."""

from __future__ import annotations

import errno
import socket
import struct

from checks.contract import Reason
from checks.transports.fault import TransportFault

TOKEN = 8
"""Octets at the head of the payload that tell our replies from everybody else's."""

_ECHO = struct.Struct("!BBHHH")
_EXTENDED_ERROR = struct.Struct("=IBBBBII")
"""struct sock_extended_err of linux/errqueue.h: errno, origin, type, code, pad, info, data."""
_TIMESPEC = struct.Struct("@ll")
_INT = struct.Struct("@i")

_IP_TTL, _IP_RECVERR, _IP_RECVTTL = 2, 11, 12
_IPV6_RECVERR, _IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT = 25, 51, 52
_SO_TIMESTAMPNS = 35
_SOL_RAW, _ICMP_FILTER = 255, 1
_ICMP6_FILTER = 1
_RECEIVE_BUFFER = 1 << 20

_REQUEST, _REPLY = 8, 0
_REQUEST6, _REPLY6 = 128, 129
_UNREACHABLE, _TIME_EXCEEDED = 3, 11
_UNREACHABLE6, _TOO_BIG6, _TIME_EXCEEDED6 = 1, 2, 3
_ORIGIN_LOCAL = 1

_CODES = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    4: "packet too big for the path",
    5: "source route failed",
}
_PROHIBITED = frozenset({9, 10, 13})
_CODES6 = {
    0: "no route to it",
    1: "administratively prohibited",
    3: "host unreachable",
    4: "port unreachable",
    5: "source address refused by a policy",
    6: "route rejected",
}
_FILL = bytes(range(0x10, 0x100)) * 7
_AWAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})


def open_socket(family: socket.AddressFamily) -> tuple[socket.socket, bool]:
    """A non-blocking ICMP socket of the family, and whether it is a raw one. Raises PermissionError or OSError."""
    protocol = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
    try:
        opened, raw = socket.socket(family, socket.SOCK_DGRAM, protocol), False
    except PermissionError:
        opened, raw = socket.socket(family, socket.SOCK_RAW, protocol), True
    opened.setblocking(False)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    if family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, 1)
        opened.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)
        if raw:
            blocked = bytearray(b"\xff" * 32)
            struct.pack_into("=I", blocked, 4 * (_REPLY6 >> 5), 0xFFFFFFFF & ~(1 << (_REPLY6 & 31)))
            opened.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, bytes(blocked))
    else:
        opened.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, 1)
        opened.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        if raw:
            opened.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFF & ~(1 << _REPLY)))
    return opened, raw


def request(v6: bool, ident: int, sequence: int, token: bytes, octets: int, *, checksum: bool) -> bytes:
    """An echo request with `octets` of payload; the kernel does the checksum unless asked to here (raw IPv4)."""
    payload = token + _FILL[: octets - TOKEN]
    kind = _REQUEST6 if v6 else _REQUEST
    if not checksum:
        return _ECHO.pack(kind, 0, 0, ident, sequence) + payload
    return _ECHO.pack(kind, 0, _checksum(_ECHO.pack(kind, 0, 0, ident, sequence) + payload), ident, sequence) + payload


def _checksum(packet: bytes) -> int:
    """RFC 1071."""
    if len(packet) & 1:
        packet += b"\0"
    total: int = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def reply(data: bytes, *, v6: bool, header: bool) -> tuple[int, int, bytes] | None:
    """Id, sequence and token of an echo reply; None for anything else. `header`: an IPv4 header comes first."""
    start = (data[0] & 0x0F) * 4 if header and data else 0
    if len(data) < start + _ECHO.size + TOKEN:
        return None
    kind, code, _, ident, sequence = _ECHO.unpack_from(data, start)
    if kind != (_REPLY6 if v6 else _REPLY) or code:
        return None
    return ident, sequence, data[start + _ECHO.size : start + _ECHO.size + TOKEN]


def quoted(data: bytes) -> tuple[int, int] | None:
    """Id and sequence of our own request, as an ICMP error quotes it (at least its first eight octets)."""
    if len(data) < _ECHO.size:
        return None
    kind, _, _, ident, sequence = _ECHO.unpack_from(data)
    return (ident, sequence) if kind in (_REQUEST, _REQUEST6) else None


def extras(messages: list[tuple[int, int, bytes]]) -> tuple[int | None, int]:
    """Hop limit if told, and the kernel's receive time in nanoseconds of wall time (0 if not told)."""
    hops: int | None = None
    received = 0
    for level, kind, data in messages:
        if level == socket.SOL_SOCKET:
            if kind == _SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
                seconds, nanoseconds = _TIMESPEC.unpack_from(data)
                received = seconds * 1_000_000_000 + nanoseconds
        elif len(data) >= _INT.size and (level, kind) in (
            (socket.IPPROTO_IP, _IP_TTL),
            (socket.IPPROTO_IPV6, _IPV6_HOPLIMIT),
        ):
            (hops,) = _INT.unpack_from(data)
    return hops, received


def error_fault(messages: list[tuple[int, int, bytes]], ip: str, *, v6: bool) -> TransportFault | None:
    """What an entry of the socket's error queue says about a request to `ip`; None when it is no verdict."""
    wanted = (socket.IPPROTO_IPV6, _IPV6_RECVERR) if v6 else (socket.IPPROTO_IP, _IP_RECVERR)
    for level, kind, data in messages:
        if (level, kind) != wanted or len(data) < _EXTENDED_ERROR.size:
            continue
        number, origin, icmp, code, _, info, _ = _EXTENDED_ERROR.unpack_from(data)
        if origin == _ORIGIN_LOCAL:
            return send_fault(OSError(number, errno.errorcode.get(number, str(number))), ip)
        what = _verdict6(icmp, code, info) if v6 else _verdict(icmp, code, info)
        if what is None:
            return None
        by = _offender(data[_EXTENDED_ERROR.size :], v6=v6)
        return TransportFault(Reason.UNREACHABLE, f"{ip}: {what}, says {by}" if by else f"{ip}: {what}")
    return None


def _verdict(icmp: int, code: int, info: int) -> str | None:
    if icmp == _TIME_EXCEEDED:
        return "hop limit exceeded on the way (a routing loop?)"
    if icmp != _UNREACHABLE:
        return None
    if code in _PROHIBITED:
        return "administratively prohibited"
    what = _CODES.get(code, f"unreachable (code {code})")
    return f"{what} (MTU {info})" if code == 4 else what


def _verdict6(icmp: int, code: int, info: int) -> str | None:
    if icmp == _TIME_EXCEEDED6:
        return "hop limit exceeded on the way (a routing loop?)"
    if icmp == _TOO_BIG6:
        return f"packet too big for the path (MTU {info})"
    return _CODES6.get(code, f"unreachable (code {code})") if icmp == _UNREACHABLE6 else None


def _offender(data: bytes, *, v6: bool) -> str:
    """The address of the router that sent the error: a sockaddr behind the extended error (ip(7), SO_EE_OFFENDER)."""
    if len(data) < (24 if v6 else 8):
        return ""
    (family,) = struct.unpack_from("=H", data)
    if family == socket.AF_INET6 and v6:
        return socket.inet_ntop(socket.AF_INET6, data[8:24])
    return socket.inet_ntop(socket.AF_INET, data[4:8]) if family == socket.AF_INET else ""


def send_fault(error: OSError, ip: str) -> TransportFault:
    """What a refused send means: no way to the target from here, or a fault of this machine's own."""
    why = error.strerror or str(error)
    if error.errno in _AWAY:
        return TransportFault(Reason.UNREACHABLE, f"{ip}: {why}, says this machine's own routing")
    if error.errno in (errno.EPERM, errno.EACCES):
        return TransportFault(Reason.LOCAL, f"{ip}: sending is forbidden on this machine; look at its own firewall")
    if error.errno == errno.EMSGSIZE:
        return TransportFault(
            Reason.LOCAL, f"{ip}: the echo request is too big for this machine's interface; lower `payload_bytes`"
        )
    return TransportFault(Reason.LOCAL, f"{ip}: this machine could not send: {why}")
