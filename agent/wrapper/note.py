"""One ping that is to be told, as it is kept until it has been."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

LONGEST = 32 * 1024
"""Octets of a note; a longer one is none of ours."""


@dataclass(frozen=True, slots=True)
class Note:
    at: float
    """By this machine's clock. The agent is told how long ago that is, so the two clocks need not agree."""
    sign: str
    """As in the address: `start`, or an exit status."""
    rid: str
    seconds: float | None = None
    log: str = ""

    def packed(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def unpacked(octets: bytes) -> Note | None:
    """The note; None where the octets are none, as after a power cut."""
    try:
        told = json.loads(octets)
        seconds = told["seconds"]
        return Note(
            float(told["at"]),
            str(told["sign"]),
            str(told["rid"]),
            None if seconds is None else float(seconds),
            str(told["log"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
