"""JSON and text as both databases take them: compact, no NUL, no lone surrogates, no NaN.

What a device sends is cleaned at its source; here the last gate stands, because one refused row would take its whole
batch, and with it an incident, along.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import isfinite

_REPLACEMENT = "\ufffd"


def plain(text: str, limit: int | None = None) -> str:
    """The text without NUL and lone surrogates (each becomes U+FFFD), at most `limit` characters."""
    if "\x00" in text:
        text = text.replace("\x00", _REPLACEMENT)
    if not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    return text


def dumps(value: object) -> str:
    """Compact JSON. Numbers that JSON lacks (NaN, infinities) become their names as text."""
    try:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text if text.isascii() else plain(text)


def _finite(value: object) -> object:
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(item) for item in value]
    return value
