"""Is there sound in what came back, and is it our tone? Nothing of it is kept but three counts."""

from __future__ import annotations

import math
from operator import mul

from checks.media.codec import CLOCK_RATE, SAMPLES, TONE_HERTZ, Codec, samples
from checks.media.report import Heard

_EVERY = 5
"""One packet of so many is listened to: ten a second."""
_SHORTEST = 80
_SOUND = 90.0
"""Root mean square in 16 bits: about -45 dBm0. A quiet line has -65, a voice -20."""
_TONE_SHARE = 0.5
"""Of a packet's energy, that must be at our tone's frequency."""
_ENOUGH = 3
"""Packets that must agree, as a click is no sound."""
_COSINE = tuple(math.cos(2 * math.pi * TONE_HERTZ * at / CLOCK_RATE) for at in range(SAMPLES))
_SINE = tuple(math.sin(2 * math.pi * TONE_HERTZ * at / CLOCK_RATE) for at in range(SAMPLES))


class Listening:
    """Takes the payloads of one session."""

    __slots__ = ("_came", "_value", "listened", "loud", "ours")

    def __init__(self, codec: Codec) -> None:
        self._value = samples(codec).__getitem__
        self._came = 0
        self.listened = 0
        self.loud = 0
        self.ours = 0

    def take(self, payload: bytes) -> None:
        """One packet's payload."""
        self._came += 1
        if self._came % _EVERY or len(payload) < _SHORTEST:
            return
        linear = list(map(self._value, payload[:SAMPLES]))
        energy = sum(map(mul, linear, linear))
        self.listened += 1
        if energy < _SOUND**2 * len(linear):
            return
        self.loud += 1
        # One bin of a discrete Fourier transform; a pure tone has all of its energy there.
        real, imaginary = sum(map(mul, linear, _COSINE)), sum(map(mul, linear, _SINE))
        if 2 * (real * real + imaginary * imaginary) >= _TONE_SHARE * energy * len(linear):
            self.ours += 1

    @property
    def heard(self) -> Heard:
        """What it was, all in all."""
        if self.ours >= _ENOUGH:
            return Heard.TONE
        if self.loud >= _ENOUGH:
            return Heard.SOUND
        return Heard.SILENCE if self._came else Heard.NOTHING
