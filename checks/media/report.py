"""What a media session measured."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from checks.media.xr import VoipMetrics


class Heard(StrEnum):
    """What came back, the more the later."""

    NOTHING = "nothing"
    """Not one packet of the other side."""
    SILENCE = "silence"
    """Packets in which there is no sound."""
    SOUND = "sound"
    """Some sound: an announcement, music, speech."""
    TONE = "tone"
    """Our own tone: the sound goes there and comes back."""


@dataclass(frozen=True, slots=True)
class MediaReport:
    """Counts are packets of this session; what was never measured is None, never 0."""

    sent: int = 0
    """RTP packets of ours."""
    seconds: float = 0.0
    """From `start` to `stop`."""
    received: int = 0
    """RTP packets of the other side, each once."""
    lost: int = 0
    """Gaps in its numbers, and what should have come after its last packet (`cut_off_seconds`)."""
    duplicates: int = 0
    reordered: int = 0
    """Came behind a packet of a higher number (RFC 4737)."""
    late: int = 0
    """Received, but too late for the jitter buffer: nobody would have heard them."""
    burst_ratio: float = 1.0
    """Average length of the gaps that are heard, over that of random ones (G.107, clause 7.5)."""
    foreign: int = 0
    """From another address than the answer's; counted, never heard."""
    foreign_address: str | None = None
    """The first of those addresses."""
    unreadable: int = 0
    """From the right address, but no RTP, or of no source that proved itself."""
    other_payload: int = 0
    """Of another payload type than the codec's; they count as received, and are not listened to."""
    ssrc_changes: int = 0
    restarts: int = 0
    """The numbers jumped without a new SSRC: the other side began anew."""
    jitter_seconds: float | None = None
    """At the end (RFC 3550, appendix A.8); the worst source's, where there were several."""
    worst_jitter_seconds: float | None = None
    """The highest it ever was."""
    round_trip_seconds: float | None = None
    """By RTCP, or by our own packets where the other side sends them back as they are; the median."""
    reflected: bool = False
    """The other side sends our own packets back: what is lost was lost on either way."""
    far_hears: bool | None = None
    """Whether the other side's reports speak of our packets; None where it sends none."""
    far_loss_ratio: float | None = None
    """What the other side lost of ours, by its receiver reports."""
    far_jitter_seconds: float | None = None
    far_metrics: VoipMetrics | None = None
    """Its extended report (RFC 3611), where it sends one."""
    rtcp_received: int = 0
    goodbye: bool = False
    """The other side ended its stream (RTCP BYE) before we did."""
    dscp: tuple[tuple[int, int], ...] = ()
    """Each mark that was seen and on how many packets, the most frequent first."""
    heard: Heard = Heard.NOTHING
    sound_ratio: float | None = None
    """Of the packets that were listened to, those with any sound."""
    first_packet_after_seconds: float | None = None
    longest_gap_seconds: float | None = None
    """The longest time without a packet, that before the first and after the last one included."""
    cut_off_seconds: float = 0.0
    """Time without a packet at the end, where it is too long to be chance."""
    nobody_there: int = 0
    """ICMP said so often that nobody listens where we send."""
    send_error: str | None = None
    """Why this machine could not send some of ours, by its name in errno(3)."""
    skipped: int = 0
    """Packets of ours left out because this machine was too late for them."""
    lateness_p50_seconds: float | None = None
    """How late our own packets left."""
    lateness_p99_seconds: float | None = None

    @property
    def loss_ratio(self) -> float | None:
        """Of what the other side sent, the share that the network lost; None where nothing came at all."""
        return self.lost / (self.received + self.lost) if self.received else None

    @property
    def unheard_ratio(self) -> float | None:
        """The same with the late ones: the share that an ear misses (Ppl of G.107)."""
        return (self.lost + self.late) / (self.received + self.lost) if self.received else None

    @property
    def received_dscp(self) -> int | None:
        """The most frequent mark."""
        return self.dscp[0][0] if self.dscp else None
