"""What the readers of REST APIs share: an answer as a JSON object, or in words why it is none. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from checks.transports.http import HttpReply

LARGEST = 16 * 1024 * 1024
"""Octets of one answer that are read; more is refused."""
Row = Mapping[str, Any]


class Unfit(Exception):
    """What came is not what the API is to answer; the message says what."""


def document(reply: HttpReply) -> Row:
    """The answer's JSON object. Raises Unfit."""
    if reply.truncated:
        raise Unfit(f"{reply.url.shown} answers more than {LARGEST // 1024**2} MiB")
    try:
        said = json.loads(reply.text())
    except (ValueError, RecursionError) as error:
        raise Unfit(f"{reply.url.shown} answers no JSON") from error
    if not isinstance(said, dict):
        raise Unfit(f"{reply.url.shown} answers no JSON object")
    return said


def clock_of(reply: HttpReply) -> float | None:
    """The server's own clock, by its header Date."""
    try:
        return parsedate_to_datetime(reply.headers.get("date", "")).timestamp()
    except (ValueError, TypeError, IndexError):
        return None
