"""SDP (RFC 8866) as far as one audio call needs it: our offer, and what an answer to it says (RFC 3264). Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from checks.media.codec import Codec

LARGEST = 16 * 1024
"""Octets of a description."""
_MOST_LINES = 500
_LONGEST_LINE = 1024
_MOST_FORMATS = 64
_LOWEST_PORT = 1024
"""No gateway takes sound below it, and no answer shall have us send to a service that listens there."""
_LINE = re.compile(r"([a-z])=(.*)")
_MEDIA = re.compile(r"([!-~]{1,64}) ([0-9]{1,5})(?:/[0-9]{1,5})? ([!-~]{1,64}) ([!-~][ -~]*)")
_CONNECTION = re.compile(r"IN (IP4|IP6) (\S{1,255})")
_RTCP = re.compile(r"([0-9]{1,5})(?: (IN IP[46] \S{1,255}))?")
_RTPMAP = re.compile(r"([0-9]{1,3}) ([A-Za-z0-9\-.+_]{1,64})/([0-9]{1,6})(?:/([0-9]{1,3}))?")
_PTIME = re.compile(r"([0-9]{1,4})(?:\.[0-9]{1,6})?")
_LONGEST_PTIME = 200


class SdpError(ValueError):
    """The description gives no call that can be heard; the message says why, in words for a person."""


class Direction(StrEnum):
    """Which way sound goes, as the side that describes itself sees it."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"


_DIRECTIONS = frozenset(Direction)


@dataclass(frozen=True, slots=True)
class Description:
    """One side of an audio call."""

    remote: tuple[str, int]
    """Where it wants RTP: a numeric address and a port."""
    remote_rtcp: tuple[str, int] | None
    """Where it wants RTCP; None where it wants none."""
    codec: Codec
    """The one it names first of those we know."""
    direction: Direction = Direction.SENDRECV
    ptime: int | None = None
    """Milliseconds of sound in a packet that it asks for; None where it says nothing."""


@dataclass(slots=True)
class _Media:
    port: int
    profile: str
    formats: tuple[str, ...]
    connection: str | None
    direction: Direction
    rtcp: str | None = None
    ptime: int | None = None
    maps: dict[str, str] = field(default_factory=dict)


def offer(
    address: str, port: int, session: int, codecs: Sequence[Codec] = tuple(Codec), direction: Direction | None = None
) -> bytes:
    """Our side of a call: G.711, 20 ms, RTCP on the next port (so no `a=rtcp`), no multiplexing, no name of anybody.

    `session` is a number that no other call of ours has. An answer is written alike, with the one codec chosen.
    """
    kind = "IP6" if ":" in address else "IP4"
    formats = " ".join(str(codec.payload_type) for codec in codecs)
    lines = [
        "v=0", f"o=- {session} {session} IN {kind} {address}", "s=-", f"c=IN {kind} {address}", "t=0 0",
        f"m=audio {port} RTP/AVP {formats}",
        *(f"a=rtpmap:{codec.payload_type} {codec}/8000" for codec in codecs),
        "a=ptime:20", f"a={direction or Direction.SENDRECV}",
    ]  # fmt: skip
    return "".join(f"{line}\r\n" for line in lines).encode()


def answer(octets: bytes) -> Description:
    """What the other side says; an offer is read alike. Raises SdpError."""
    media, others = _media(_lines(octets))
    if not media:
        raise SdpError(f"no audio in it, only {', '.join(others)[:60]}" if others else "no audio in it")
    open_ones = [one for one in media if one.port]
    if not open_ones:
        raise SdpError("it refuses the sound (port 0)")
    chosen = open_ones[0]
    if chosen.profile.upper() not in ("RTP/AVP", "RTP/AVPF"):
        wants = "encrypted sound (SRTP)" if "SAVP" in chosen.profile.upper() else "another transport than RTP"
        raise SdpError(f"it wants {wants}, {chosen.profile}; a test call is plain RTP")
    if not _LOWEST_PORT <= chosen.port <= 65535:
        raise SdpError(f"it wants sound at port {chosen.port}, where no sound goes")
    address = _address(chosen.connection)
    rtcp = _rtcp(chosen, address)
    return Description((address, chosen.port), rtcp, _codec(chosen), chosen.direction, chosen.ptime)


def _lines(octets: bytes) -> list[tuple[str, str]]:
    if len(octets) > LARGEST:
        raise SdpError(f"more than {LARGEST} octets")
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError:
        raise SdpError("it is not UTF-8") from None
    found = []
    rows = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    if len(rows) > _MOST_LINES:
        raise SdpError(f"more than {_MOST_LINES} lines")
    for row in rows:
        if len(row) > _LONGEST_LINE:
            raise SdpError(f"a line of more than {_LONGEST_LINE} characters")
        match = _LINE.fullmatch(row)
        if match is None:
            raise SdpError("a line that is none of SDP")
        found.append((match[1], match[2]))
    if found[0] != ("v", "0"):
        raise SdpError("it does not begin with version 0")
    return found


def _media(lines: Sequence[tuple[str, str]]) -> tuple[list[_Media], list[str]]:
    """The audio parts, and what the other parts are for."""
    session = _Media(0, "", (), None, Direction.SENDRECV)
    current: _Media | None = session
    found: list[_Media] = []
    others: list[str] = []
    for kind, value in lines:
        if kind == "m":
            match = _MEDIA.fullmatch(value)
            if match is None:
                raise SdpError("an m= line that is none")
            if match[1] != "audio":
                others.append("".join(filter(str.isalnum, match[1]))[:20])
                current = None
                continue
            formats = tuple(match[4].split()[:_MOST_FORMATS])
            current = replace(session, port=int(match[2]), profile=match[3], formats=formats, maps={})
            found.append(current)
        elif current is not None:
            _attribute(current, kind, value)
    return found, others


def _attribute(media: _Media, kind: str, value: str) -> None:
    """A line that belongs to a part, or to all."""
    if kind == "c":
        media.connection = value
    if kind != "a":
        return
    name, _, said = value.partition(":")
    if name in _DIRECTIONS:
        media.direction = Direction(name)
    elif name == "rtcp":
        media.rtcp = said
    elif name == "ptime" and (match := _PTIME.fullmatch(said.strip())):
        media.ptime = int(match[1]) if 0 < int(match[1]) <= _LONGEST_PTIME else None
    elif name == "rtpmap" and len(media.maps) < _MOST_FORMATS and (match := _RTPMAP.fullmatch(said.strip())):
        channels = f"/{match[4]}" if match[4] not in (None, "1") else ""
        media.maps[match[1]] = f"{match[2].upper()}/{match[3]}{channels}"


def _address(connection: str | None) -> str:
    """The numeric address of a c= line; a name is not looked up, as the other side must not have us ask for it."""
    match = _CONNECTION.fullmatch(connection) if connection is not None else None
    if match is None:
        raise SdpError("no address in it (c=)" if connection is None else "an address (c=) that is none")
    try:
        found = ipaddress.ip_address(match[2])
    except ValueError:
        raise SdpError("its address (c=) is a name, or has a TTL as multicast has; a numeric one is needed") from None
    if (found.version == 4) != (match[1] == "IP4"):
        raise SdpError(f"its address (c=) is none of {match[1]}")
    if found.is_unspecified:
        raise SdpError(f"it holds the call (c= is {found})")
    why = not_for_sound(str(found))
    if why:
        raise SdpError(f"its address (c=) {found} is {why}")
    return str(found)


def not_for_sound(address: str) -> str:
    """Why no packet of ours may ever go to this numeric address; empty when it may."""
    found: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if found.is_unspecified:
        return "no address at all"
    if found.is_multicast:
        return "one of multicast"
    if found == ipaddress.IPv4Address("255.255.255.255"):
        return "one of broadcast"
    return "a reserved one" if found.version == 4 and found.is_reserved else ""


def _rtcp(media: _Media, address: str) -> tuple[str, int] | None:
    """Where RTCP goes: the next port, or what `a=rtcp` says (RFC 3605)."""
    port, host = media.port + 1, address
    if media.rtcp is not None:
        match = _RTCP.fullmatch(media.rtcp.strip())
        if match is None:
            raise SdpError("an a=rtcp that is none")
        port, host = int(match[1]), _address(match[2]) if match[2] else address
    return (host, port) if _LOWEST_PORT <= port <= 65535 else None


def _codec(media: _Media) -> Codec:
    """The first format that is one of ours; a static number may be given away to something else by rtpmap."""
    static = {str(codec.payload_type): codec for codec in Codec}
    for number in media.formats:
        codec = static.get(number)
        if codec is not None and media.maps.get(number, f"{codec}/8000") == f"{codec}/8000":
            return codec
    names = ", ".join(media.maps.get(number, number) for number in media.formats[:8])
    raise SdpError(f"it speaks {names[:100]}; a test call speaks {' and '.join(Codec)}")
