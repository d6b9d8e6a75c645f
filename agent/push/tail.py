"""The end of what a job printed: short, masked, and text. Pure, and cheap to import: the wrapper uses it as well."""

from __future__ import annotations

import re
from collections.abc import Iterable

from config.secrets import MASK

KEPT = 4096
"""Octets of the end that are kept."""
_LOOKED_AT = 4 * KEPT
_SHORTEST = 6
"""Shorter values of secrets are words as well, and are not looked for."""
_NAMED = re.compile(
    r"(?i)((?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|credential)[\w.-]{0,30}[\"']?\s{0,3}[=:]\s{0,3})"
    r"(\"[^\"\n]{0,500}\"|'[^'\n]{0,500}'|\S{1,500})"
)
_IN_URL = re.compile(r"(?i)([a-z0-9+.-]://[^\s/:@]{0,100}:)[^\s/@]{1,200}@")
_IN_PATH = re.compile(r"(/ping/)[^/\s?\"']{1,200}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def tail(octets: bytes, secrets: Iterable[str] = ()) -> str:
    """The last lines as text, at most KEPT octets, without these secrets and without what looks like one.

    It is masked before it is cut, so that no half of a secret is left over; give more than is kept for that. Every
    pattern is bounded: what is looked at may be anybody's.
    """
    text = _CONTROL.sub(" ", octets[-_LOOKED_AT:].decode("utf-8", "replace").replace("\r", "\n"))
    text = masked(text, secrets).strip("\n")
    cut = text.encode()[-KEPT:].decode("utf-8", "ignore")
    return cut if cut == text else cut.partition("\n")[2] or cut


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """Without these secrets, `password=…`, passwords in URLs, and keys of pings."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, MASK)
    text = _IN_URL.sub(rf"\1{MASK}@", text)
    text = _IN_PATH.sub(rf"\1{MASK}", text)
    return _NAMED.sub(rf"\1{MASK}", text)
