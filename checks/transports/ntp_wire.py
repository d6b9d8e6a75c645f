"""The 48 octets of NTP (RFC 5905, section 7.3), as a client asks and as it may believe an answer. Pure.

A question says nothing but that it is one: its transmit timestamp is random, so that an answer proves that its sender
has seen the question, and nobody learns this machine's clock. All arithmetic is on differences of timestamps, modulo
2**64, so that the eras of NTP (the next begins on 7 February 2036) need no care as long as two clocks are less than 68
years apart.
"""

from __future__ import annotations

import secrets
import struct
from dataclasses import dataclass

OCTETS = 48
_PACKET = struct.Struct(">BBbbII4sQQQQ")
_CLIENT, _SERVER = 3, 4
_VERSION = 4
_NO_STRATUM = 16
KISSES = frozenset({"RATE", "DENY", "RSTR"})
"""Codes that say how to behave (RFC 5905, section 7.4). Others, such as INIT, say why a server has no time yet."""
_TICK = 0.05
"""Seconds by which a coarse clock may make the way there and back look negative."""
_EPOCH = 2_208_988_800
"""Seconds from 1900, where NTP's first era begins, to 1970."""
_FRACTION = 1 << 32
_WHOLE = 1 << 64


class NotBelieved(Exception):
    """An answer to this question that breaks the protocol; the text says how, in one line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. Seconds, unless said otherwise."""

    leap: int
    """0 none, 1 and 2 a leap second is announced, 3 not synchronised."""
    version: int
    stratum: int
    """1 to 15; 16 not synchronised, which is 0 in a packet; 0 here is a kiss-o'-death with its code as `reference`."""
    precision: float
    root_delay: float
    root_dispersion: float
    reference: str
    """Kiss code or kind of clock (strata 0, 1, 16), or the upstream's address or hash in eight hexadecimal digits."""
    received: int
    """As a 64-bit NTP timestamp, like `sent`."""
    sent: int


def question() -> tuple[bytes, int]:
    """A request, and the random timestamp that its answer must echo."""
    token = secrets.randbits(64) or 1
    return _PACKET.pack(_VERSION << 3 | _CLIENT, 0, 0, 0, 0, 0, b"", 0, 0, 0, token), token


def answer(octets: bytes, token: int) -> Answer | None:
    """What a datagram says; None when it is no answer to this question at all. Raises NotBelieved."""
    if len(octets) < OCTETS:
        return None
    first, stratum, _poll, precision, delay, dispersion, reference, _, origin, received, sent = _PACKET.unpack(
        octets[:OCTETS]
    )
    if origin != token:
        return None
    mode, version = first & 7, first >> 3 & 7
    if mode != _SERVER:
        raise NotBelieved(f"answers in mode {mode}, not as a server does (4)")
    if not 1 <= version <= _VERSION:
        raise NotBelieved(f"answers in version {version} of NTP, which does not exist")
    if stratum > _NO_STRATUM:
        raise NotBelieved(f"claims stratum {stratum}, which does not exist")
    said = _reference(reference, stratum)
    kissed = stratum == 0 and said in KISSES
    if not kissed:
        stratum = stratum or _NO_STRATUM
        if not sent or not received:
            raise NotBelieved("does not say what time it is (its timestamps are zero)")
        if difference(sent, received) < 0:
            raise NotBelieved("claims to have answered before it was asked")
    return Answer(
        leap=first >> 6,
        version=version,
        stratum=stratum,
        precision=2.0 ** max(-32, min(precision, 32)),
        root_delay=_short(delay),
        root_dispersion=_short(dispersion),
        reference=said,
        received=received,
        sent=sent,
    )


def timestamp(seconds: float) -> int:
    """Unix seconds as an NTP timestamp, whatever the era."""
    return round((seconds + _EPOCH) * _FRACTION) % _WHOLE


def difference(later: int, earlier: int) -> float:
    """Seconds between two timestamps that are less than 68 years apart."""
    apart = (later - earlier) % _WHOLE
    return (apart - _WHOLE if apart >= _WHOLE // 2 else apart) / _FRACTION


def offset_and_delay(asked: float, heard: float, said: Answer) -> tuple[float, float]:
    """The server's clock minus this one, and the time on the way there and back (RFC 5905, section 8).

    `asked` and `heard` are Unix seconds by this machine's clock. The true difference lies within half the delay.
    Raises NotBelieved when the server claims to have thought for longer than question and answer took in all.
    """
    there = difference(said.received, timestamp(asked))
    back = difference(said.sent, timestamp(heard))
    delay = (heard - asked) - difference(said.sent, said.received)
    if delay < -max(_TICK, min(said.precision, 1.0)):
        raise NotBelieved("claims to have taken longer to answer than the whole exchange took")
    return (there + back) / 2, max(delay, 0.0)


def _short(value: int) -> float:
    """Seconds, of which 16 bits are whole and 16 a fraction (RFC 5905, section 6)."""
    return value / 65_536


def _reference(octets: bytes, stratum: int) -> str:
    if 1 < stratum < _NO_STRATUM:
        return octets.hex()
    return "".join(
        char if char.isascii() and char.isprintable() else "." for char in octets.rstrip(b"\0").decode("latin-1")
    )
