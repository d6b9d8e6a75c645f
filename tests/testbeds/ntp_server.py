"""Answers of a time server, honest unless told otherwise, for a `datagrams.peer`."""

from __future__ import annotations

import struct

from checks.transports import ntp_wire as wire

NOW = 1_780_272_000.0
"""What the tests' own clock says, in Unix seconds: 1 June 2026."""


def reply(
    question: bytes,
    *,
    ahead: float = 0.0,
    thinks: float = 0.0,
    leap: int = 0,
    version: int = 4,
    mode: int = 4,
    stratum: int = 2,
    root_delay: float = 0.01,
    root_dispersion: float = 0.01,
    reference: bytes = b"\x0a\0\0\x01",
    received: int | None = None,
    sent: int | None = None,
    now: float = NOW,
) -> bytes:
    """An answer to a question, from a clock that is `ahead` seconds ahead and `thinks` so long about it."""
    came = wire.timestamp(now + ahead) if received is None else received
    goes = wire.timestamp(now + ahead + thinks) if sent is None else sent
    head = struct.pack(">BBbb", leap << 6 | version << 3 | mode, stratum, 6, -20)
    root = struct.pack(">II4s", round(root_delay * 65_536), round(root_dispersion * 65_536), reference)
    return head + root + struct.pack(">Q", came) + question[40:48] + struct.pack(">QQ", came, goes)
