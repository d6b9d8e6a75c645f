"""Looks for secrets in everything an agent shows or keeps, in every spelling in which one may slip out."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus


def spellings(secret: str) -> Mapping[str, bytes]:
    """A secret as plain text, and as JSON, HTML, URLs, base64, hexadecimal and UTF-16 would write it."""
    raw = secret.encode()
    found = {
        "plain": raw,
        "JSON": json.dumps(secret)[1:-1].encode(),
        "JSON in JSON": json.dumps(json.dumps(secret)[1:-1])[1:-1].encode(),
        "repr": repr(secret)[1:-1].encode(),
        "HTML": html.escape(secret).encode(),
        "URL": quote(secret, safe="").encode(),
        "URL, slashes kept": quote(secret).encode(),
        "form": quote_plus(secret).encode(),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "UTF-16": secret.encode("utf-16-le"),
    }
    for offset in range(3):
        found[f"base64 at {offset}"] = _in_the_midst(base64.b64encode(b"\0" * offset + raw), offset, len(raw))
        found[f"URL base64 at {offset}"] = _in_the_midst(
            base64.urlsafe_b64encode(b"\0" * offset + raw), offset, len(raw)
        )
    return found


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret, by its name, that stands in a place; `around` is the text in which it stands."""

    secret: str
    spelling: str
    place: str
    around: bytes


def leaks(places: Mapping[str, bytes], secrets: Mapping[str, str]) -> list[Leak]:
    """The first of each secret, spelling and place."""
    return list(_found(places, secrets))


def _found(places: Mapping[str, bytes], secrets: Mapping[str, str]) -> Iterator[Leak]:
    for name, secret in secrets.items():
        for spelling, form in spellings(secret).items():
            for place, content in places.items():
                at = content.find(form)
                if at >= 0:
                    yield Leak(name, spelling, place, content[max(0, at - 60) : at + len(form) + 20])


def _in_the_midst(encoded: bytes, offset: int, length: int) -> bytes:
    """The letters that stand for whole sextets of the secret, whatever goes before it and after."""
    first = -(-offset * 8 // 6)
    last = (offset + length) * 8 // 6
    return encoded[first:last]
