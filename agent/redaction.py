"""What must never leave the process: secrets, masked in any spelling, and control characters.

The composition root makes one `Redactor`, tells it every secret that the estate refers to, and hands it to whatever
writes for people or machines to read (`agent.logs`, errors of the command line).
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from urllib.parse import quote, quote_plus

from pydantic import BaseModel

from config.secrets import MASK, Secret, SecretError, SecretReference

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_SHORT = 4
"""Shorter secrets are masked only as words of their own: masking every `ab` would make a log unreadable."""


def plain(text: str, *, keep_lines: bool = False) -> str:
    """The text without control characters, bidirectional overrides and lone surrogates; tab and newline too become
    spaces unless `keep_lines`."""
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return text if keep_lines else text.replace("\n", " ").replace("\t", " ")


class Redactor:
    """Masks known secrets anywhere in a text, also as JSON, Python, HTML, URL and base64 would spell them."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._met: set[SecretReference | Secret] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Know these secrets from now on, beside those known before: a changed secret stays masked in its old form."""
        known = len(self._secrets)
        self._secrets.update(secret.reveal() for secret in secrets)
        if len(self._secrets) != known:
            spellings = sorted({form for text in self._secrets for form in _spellings(text)}, key=len, reverse=True)
            self._pattern = re.compile("|".join(_as_pattern(form) for form in spellings))

    def learn_estate(self, *parts: object) -> None:
        """Know every secret that is in, or is referred to from, anywhere inside these values (an estate, its options).

        A reference that cannot be resolved now is passed over: whoever needs it will say so. Those met before are
        resolved again, since what they refer to may be another secret by now.
        """
        self._met.update(_inside(parts))
        self.learn(_resolved(self._met))

    def __call__(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern is not None else text


def references(value: object) -> Iterator[SecretReference]:
    """Every secret reference inside a value made of dataclasses, pydantic models, mappings and sequences."""
    return (found for found in _inside(value) if isinstance(found, SecretReference))


def _inside(value: object) -> Iterator[SecretReference | Secret]:
    if isinstance(value, (SecretReference, Secret)):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:  # not what it keeps beside them, such as a compiled template
            yield from _inside(getattr(value, name))
        yield from _inside(value.model_extra)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _inside(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _inside(part)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for part in value:
            yield from _inside(part)


def _resolved(known: Iterable[SecretReference | Secret]) -> Iterator[Secret]:
    for found in known:
        if isinstance(found, Secret):
            yield found
            continue
        try:
            yield found.resolve()
        except SecretError:
            continue


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    for line in secret.splitlines():  # a key file: each of its lines is secret
        if len(line) >= _SHORT:
            yield line
    yield plain(secret)
    yield repr(secret)[1:-1]
    yield json.dumps(secret)[1:-1]
    yield html.escape(secret)
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield base64.b64encode(secret.encode()).decode()
    if len(secret) >= _SHORT:
        yield secret.encode().hex()


def _as_pattern(form: str) -> str:
    return re.escape(form) if len(form) >= _SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"
