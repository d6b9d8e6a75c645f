"""What a call is worth to an ear, by the E-model (ITU-T G.107, 06/2015) in the short form that every tool uses. Pure.

    R      = 93.2 - Id - Ie_eff                            all other parameters at their defaults, A = 0
    Id     = 0.024 d + 0.11 (d - 177.3) [d > 177.3]        d = one-way delay from mouth to ear, ms
    Ie_eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl)     clause 7.5; Ppl in per cent
    MOS    = 1 for R <= 0, 4.5 for R >= 100, else 1 + 0.035 R + R (R - 60) (100 - R) 7e-6, never below 1    Annex B

Id is the approximation of Cole and Rosenbluth ("Voice over IP performance monitoring", 2001) for a line without echo;
93.2 is the R of the recommendation's own defaults. R speaks of narrowband: a wideband codec is *not rated*, as a MOS of
this scale would be another thing under the same name (G.107.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

BEST = 93.2
PACKETISATION_SECONDS = 0.02
"""Sound waits until a packet is full."""
_LARGEST_BURST_RATIO = 8.0
"""The range in which the recommendation holds (table 2)."""


class Coding(StrEnum):
    """A codec and what it does about lost packets."""

    G711 = "G.711"
    """Without concealment: a lost packet is silence."""
    G711_PLC = "G.711 with concealment"
    """G.711, Appendix I, as phones and gateways have it."""
    G729 = "G.729"
    G729A_VAD = "G.729A with silence suppression"
    G722 = "G.722"
    OPUS = "Opus"
    EVS = "EVS"


@dataclass(frozen=True, slots=True)
class _Impairment:
    ie: float
    bpl: float


_IMPAIRMENTS = {
    Coding.G711: _Impairment(0.0, 4.3),
    Coding.G711_PLC: _Impairment(0.0, 25.1),
    Coding.G729: _Impairment(10.0, 19.0),
    Coding.G729A_VAD: _Impairment(11.0, 19.0),
}
"""ITU-T G.113, Appendix I; the Bpl of G.729 is that of G.729A. Wideband codecs have none for this scale."""


class NotRated(ValueError):
    """This codec has no place on the scale; the message says so."""


@dataclass(frozen=True, slots=True)
class Rating:
    """`r` from 0 to 93.2, `mos` from 1 to 4.41."""

    r: float
    mos: float


def rated(coding: Coding, loss_ratio: float, one_way_seconds: float, burst_ratio: float = 1.0) -> Rating:
    """The rating of one direction of a call.

    `loss_ratio` is what an ear misses: lost on the network and too late for the jitter buffer. `one_way_seconds` is the
    whole way from mouth to ear (`mouth_to_ear`). Raises NotRated.
    """
    impairment = _IMPAIRMENTS.get(coding)
    if impairment is None:
        raise NotRated(f"{coding} is wideband: not rated on the narrowband scale")
    delay = max(0.0, one_way_seconds) * 1000
    percent = 100 * min(1.0, max(0.0, loss_ratio))
    burst = min(_LARGEST_BURST_RATIO, max(1.0, burst_ratio))
    impaired_by_delay = 0.024 * delay + 0.11 * max(0.0, delay - 177.3)
    impaired = impairment.ie + (95 - impairment.ie) * percent / (percent / burst + impairment.bpl)
    r = min(BEST, max(0.0, BEST - impaired_by_delay - impaired))
    return Rating(r, mos(r))


def mos(r: float) -> float:
    """The mean opinion score of an R (G.107, Annex B), held at 1 where the polynomial dips below it (R under 6.5)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def mouth_to_ear(round_trip_seconds: float, buffer_seconds: float) -> float:
    """One way, in seconds: half the round trip, as nothing better can be known from one end, and what both ends add."""
    return round_trip_seconds / 2 + buffer_seconds + PACKETISATION_SECONDS
