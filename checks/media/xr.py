"""RTCP's extended reports (RFC 3611): the block of VoIP metrics, by which phones tell what they hear. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from checks.media.packet import RtpSyntaxError

_VOIP, _WORDS = 7, 8
_METRICS = struct.Struct("!IBBBBHHHHbbBBBBBBBxHHH")


@dataclass(frozen=True, slots=True)
class VoipMetrics:
    """Section 4.7. None is what the sender says it does not know."""

    ssrc: int
    loss_ratio: float
    discard_ratio: float
    """Too late for its jitter buffer, or too early."""
    burst_loss_ratio: float
    gap_loss_ratio: float
    burst_seconds: float
    gap_seconds: float
    round_trip_seconds: float
    end_system_seconds: float
    r: int | None
    mos_listening: float | None
    mos_conversational: float | None
    jitter_buffer_seconds: float
    """Its nominal delay."""


def voip_metrics(body: bytes) -> list[VoipMetrics]:
    """The blocks of an extended report that are VoIP metrics; others are passed over. Raises RtpSyntaxError."""
    found = []
    at = 4  # behind the SSRC of the one who reports
    if len(body) < at:
        raise RtpSyntaxError("an extended report without a sender")
    while at < len(body):
        if len(body) - at < 4:
            raise RtpSyntaxError("a rest that is no block")
        kind, words = body[at], int.from_bytes(body[at + 2 : at + 4])
        end = at + 4 + 4 * words
        if end > len(body):
            raise RtpSyntaxError("a block that is longer than its report")
        if kind == _VOIP:
            if words != _WORDS:
                raise RtpSyntaxError(f"VoIP metrics of {words} words")
            found.append(_metrics(body, at + 4))
        at = end
    return found


def _metrics(body: bytes, at: int) -> VoipMetrics:
    (
        ssrc, loss, discard, burst, gap, burst_ms, gap_ms, round_trip_ms, end_system_ms, _signal, _noise, _rerl, _gmin,
        r, _external, listening, conversational, _configuration, nominal_ms, _most, _absolute,
    ) = _METRICS.unpack_from(body, at)  # fmt: skip
    return VoipMetrics(
        ssrc, loss / 256, discard / 256, burst / 256, gap / 256, burst_ms / 1000, gap_ms / 1000, round_trip_ms / 1000,
        end_system_ms / 1000, r if r <= 100 else None, _mos(listening), _mos(conversational), nominal_ms / 1000,
    )  # fmt: skip


def _mos(tenths: int) -> float | None:
    """10 to 50; 127 is unavailable, and what else stands there is nothing that may."""
    return tenths / 10 if 10 <= tenths <= 50 else None
