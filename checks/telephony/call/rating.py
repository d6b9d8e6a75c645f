"""What a call was worth to either ear, and whether what was measured can be believed. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from checks.media.reception import BUFFER_SECONDS
from checks.telephony.call.answers import Sound
from checks.telephony.quality import Coding, Rating, mouth_to_ear, rated
from checks.transports.rtp import MediaReport

_FEWEST = 100
"""Packets, two seconds of sound, below which nothing is rated."""
_LATEST = 0.02
"""Seconds that our own packets may be late (p99) until what is measured may be ours."""
_MOST_SKIPPED = 0.01


@dataclass(frozen=True, slots=True)
class Worth:
    """The rating of the worse direction, and what it was made of."""

    rating: Rating
    codec: str
    loss: float
    """Of what we should have heard, late packets included."""
    far_loss: float | None
    delay: float
    """From mouth to ear, seconds."""
    delay_known: bool

    @property
    def words(self) -> str:
        """A MOS is no evidence without these."""
        far = f"{100 * self.far_loss:.1f} % there" if self.far_loss is not None else "there not known"
        way = "" if self.delay_known else ", the network's not known"
        return (
            f"R {self.rating.r:.1f}, MOS {self.rating.mos:.2f} ({self.codec}, PLC assumed; "
            f"loss {100 * self.loss:.1f} % here, {far}; delay {1000 * self.delay:.0f} ms{way}"
        )


def worth(sound: Sound) -> Worth | None:
    """The rating; None where too little was heard to rate it."""
    report = sound.report
    if report is None or sound.codec is None or report.received + report.lost < _FEWEST:
        return None
    loss = report.unheard_ratio
    if loss is None:
        return None
    delay = mouth_to_ear(report.round_trip_seconds or 0.0, BUFFER_SECONDS)
    here = rated(Coding.G711_PLC, loss, delay, report.burst_ratio)
    there = here if report.far_loss_ratio is None else rated(Coding.G711_PLC, report.far_loss_ratio, delay)
    return Worth(
        min(here, there, key=lambda one: one.r), str(sound.codec), loss, report.far_loss_ratio, delay,
        report.round_trip_seconds is not None,
    )  # fmt: skip


def doubtful(report: MediaReport) -> str:
    """Why what was measured may be the fault of this machine; empty where it is not."""
    late = report.lateness_p99_seconds
    if report.send_error:
        return f"this machine could not send all of its sound ({report.send_error})"
    if report.skipped > _MOST_SKIPPED * max(1, report.sent):
        return f"this machine was too busy to send {report.skipped} packets in time"
    if late is not None and late > _LATEST:
        return f"this machine was too busy: its packets left up to {1000 * late:.0f} ms late"
    return ""
