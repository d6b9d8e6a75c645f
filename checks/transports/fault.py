"""The one exception of the small transports: what failed, where, and whether the target can have answered."""

from __future__ import annotations

from checks.contract import Reason

_LONGEST = 500


class TransportFault(Exception):
    """A question got no usable answer.

    `reason` says whose fault it is and so whether trying again can help: it can for every reason but
    `LOCAL` and `FORBIDDEN`, where somebody has to mend something first. `message` is one line that
    says what, where and how to mend it.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message[:_LONGEST]
