"""Whom a client certificate names. Only certificates that OpenSSL has checked come here."""

from __future__ import annotations

import ipaddress
import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from config.schema.access import read_person

_NAMING = frozenset({"DNS", "email", "IP Address", "URI"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate that was shown and checked."""

    person: str | None
    """Its first alternative name, else its common name; None where that is no name a person could have."""
    names: frozenset[str]
    """Its alternative names, as `client_allowed_sans` lists them."""
    ends: float
    """Unix seconds: a line, or a session of TLS that is taken up again, may last longer than its certificate."""


def shown_by(certificate: Mapping[str, object] | None) -> Shown | None:
    """From what `ssl.SSLObject.getpeercert` gives; None where nobody showed one, or nobody checked it."""
    if not certificate:
        return None
    names = [
        _address(value) if kind == "IP Address" else value
        for kind, value in _pairs(certificate.get("subjectAltName"))
        if kind in _NAMING
    ]
    subject = certificate.get("subject")
    parts = subject if isinstance(subject, tuple) else ()
    common = [value for part in parts for key, value in _pairs(part) if key == "commonName"]
    ends = certificate.get("notAfter")
    return Shown(
        _person([*names, *common]),
        frozenset(names),
        ssl.cert_time_to_seconds(ends) if isinstance(ends, str) else math.inf,
    )


def _pairs(value: object) -> list[tuple[str, str]]:
    found = value if isinstance(value, tuple) else ()
    return [(pair[0], pair[1]) for pair in found if isinstance(pair[1], str)]


def _address(text: str) -> str:
    """As Go writes it, by which the toolkit compares: OpenSSL does not shorten IPv6."""
    try:
        return ipaddress.ip_address(text.strip()).compressed
    except ValueError:
        return text


def _person(names: list[str]) -> str | None:
    try:
        return read_person(names[0]) if names else None
    except ValueError:
        return None
