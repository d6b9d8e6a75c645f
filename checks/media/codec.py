"""G.711 (ITU-T G.711, RFC 3551 section 4.5.14) and the tone that is sent, encoded once.

The tone is 1,050 Hz: 21 whole periods in a packet of 20 ms, so that one payload repeated is a steady tone, and none of
the frequencies by which exchanges, faxes and keypads signal.
"""

from __future__ import annotations

import math
from enum import StrEnum
from functools import cache

CLOCK_RATE = 8000
"""Samples, octets and units of a timestamp in a second."""
PACKET_SECONDS = 0.02
SAMPLES = 160
"""In a packet of 20 ms."""
TONE_HERTZ = 1050
_AMPLITUDE = 4000
"""Of 32,124, which is +3.14 dBm0: about -15 dBm0, as loud as somebody who speaks."""


class Codec(StrEnum):
    """What a test call offers, by its name in SDP: A-law first, as it is spoken in Europe."""

    PCMA = "PCMA"
    PCMU = "PCMU"

    @property
    def payload_type(self) -> int:
        """The static payload type (RFC 3551, table 4)."""
        return 8 if self is Codec.PCMA else 0


@cache
def samples(codec: Codec) -> tuple[int, ...]:
    """The linear value, in 16 bits, of each of the 256 octets."""
    return tuple((_a_law if codec is Codec.PCMA else _mu_law)(octet) for octet in range(256))


@cache
def tone(codec: Codec) -> bytes:
    """The payload of 20 ms of tone."""
    return encoded(
        codec, [round(_AMPLITUDE * math.sin(2 * math.pi * TONE_HERTZ * at / CLOCK_RATE)) for at in range(SAMPLES)]
    )


@cache
def silence(codec: Codec) -> bytes:
    """The payload of 20 ms without any sound."""
    return encoded(codec, [0]) * SAMPLES


def encoded(codec: Codec, linear: list[int]) -> bytes:
    """Samples of 16 bits as octets: the nearest of the 256 values, which is what G.711's thresholds amount to."""
    values = samples(codec)
    return bytes(min(range(256), key=lambda octet: abs(values[octet] - sample)) for sample in linear)


def _a_law(octet: int) -> int:
    octet ^= 0x55
    segment = octet >> 4 & 0x07
    value = ((octet & 0x0F) << 4) + (0x08 if segment == 0 else 0x108)
    value <<= max(0, segment - 1)
    return value if octet & 0x80 else -value


def _mu_law(octet: int) -> int:
    octet = ~octet & 0xFF
    value = (((octet & 0x0F) << 3) + 0x84 << (octet >> 4 & 0x07)) - 0x84
    return -value if octet & 0x80 else value
