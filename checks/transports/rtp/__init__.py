"""Sound of test calls (RFC 3550, RFC 3551): its grammar without I/O, what is measured, and the sessions themselves."""

from checks.media.codec import Codec
from checks.media.reception import BUFFER_SECONDS
from checks.media.report import Heard, MediaReport
from checks.transports.rtp.sdp import Description, Direction, SdpError, answer, offer
from checks.transports.rtp.transport import Media, RtpTransport

__all__ = [
    "BUFFER_SECONDS", "Codec", "Description", "Direction", "Heard", "Media", "MediaReport", "RtpTransport", "SdpError",
    "answer", "offer",
]  # fmt: skip
