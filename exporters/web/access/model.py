"""`web-config.yml` as Prometheus' exporter-toolkit defines it (docs/web-configuration.md there), key for key.

What that file can say and Python's ssl cannot do is refused in `suites` and `tls`, with a sentence.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, PlainValidator

from config.schema.access import read_person
from config.schema.words import Model

LARGEST_COST = 15
"""Each step doubles the work of a log-in; 15 takes about two seconds of a processor."""
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that the toolkit lets one set, and the values of those that have few."""

ClientAuth = Literal[
    "NoClientCert",
    "RequestClientCert",
    "RequireAnyClientCert",
    "RequireClientCert",
    "VerifyClientCertIfGiven",
    "RequireAndVerifyClientCert",
]
"""The five words of Go's crypto/tls; `RequireClientCert` is the toolkit's older word for the third."""
Version = Literal["TLS10", "TLS11", "TLS12", "TLS13"]
Curve = Literal["CurveP256", "CurveP384", "CurveP521", "X25519"]


def _read_hash(value: object) -> bytes:
    found = _BCRYPT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be a bcrypt hash, as `htpasswd -nBC 10 NAME` prints it; never the password itself")
    if not 4 <= int(found[1]) <= LARGEST_COST:
        raise ValueError(f"has a cost of {found[1]}; from 04 to {LARGEST_COST} is taken, 10 or 12 is usual")
    return found[0].encode()


def _read_user(value: object) -> str:
    if isinstance(value, str) and ":" in value:
        raise ValueError('is no name of a user: with ":" nobody could send it')
    return read_person(value)


def _read_text(value: object) -> str:
    if not isinstance(value, str) or not value or "\x00" in value:
        raise ValueError("must be text, and not empty")
    return value


def _read_headers(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError("must be a map of headers")
    for name, content in value.items():
        if name not in _HEADERS:
            raise ValueError(f"no header but {', '.join(_HEADERS)} can be set, spelt so")
        if not isinstance(content, str) or not content.isascii() or not content.isprintable():
            raise ValueError(f"{name} must be one line of ASCII text")
        if _HEADERS[name] and content not in _HEADERS[name]:
            raise ValueError(f"{name} is one of: {', '.join(_HEADERS[name])}")
    return dict(value)


Hash = Annotated[bytes, PlainValidator(_read_hash)]
Text = Annotated[str, PlainValidator(_read_text)]
User = Annotated[str, PlainValidator(_read_user)]
Headers = Annotated[dict[str, str], PlainValidator(_read_headers)]


class TlsModel(Model):
    """What is shown to clients, and what they must show."""

    cert_file: Text = ""
    key_file: Text = ""
    cert: Text = ""
    key: Text = ""
    client_ca_file: Text = ""
    client_ca: Text = ""
    client_auth_type: ClientAuth = "NoClientCert"
    client_allowed_sans: Annotated[list[Text], Field(max_length=1000)] = Field(default_factory=list)
    min_version: Version = "TLS12"
    max_version: Version = "TLS13"
    cipher_suites: Annotated[list[Text], Field(max_length=100)] = Field(default_factory=list)
    prefer_server_cipher_suites: bool = True
    curve_preferences: Annotated[list[Curve], Field(max_length=10)] = Field(default_factory=list)


class HttpModel(Model):
    """`http2` is said by the toolkit to be on unless turned off; this server speaks HTTP/1.1 whatever it says."""

    http2: bool = True
    headers: Headers = Field(default_factory=dict)


class WebConfigModel(Model):
    """The whole file."""

    tls_server_config: TlsModel | None = None
    http_server_config: HttpModel = HttpModel()
    basic_auth_users: Annotated[dict[User, Hash], Field(max_length=1000)] = Field(default_factory=dict)
