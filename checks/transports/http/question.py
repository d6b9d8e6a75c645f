"""What can be asked over HTTP and what comes back; plain values without any library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from checks.transports.http.url import Url

if TYPE_CHECKING:
    from config.estate import Credential


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read at most. Time is the deadline's business."""

    body: int = 1024 * 1024
    """Octets of the body after decoding; a longer one is cut and `truncated` says so."""
    head: int = 64 * 1024
    """Octets of the status line and all headers, interim answers included; more is a fault."""
    headers: int = 100
    """Header lines; more is a fault. The parser allows no more than 100."""
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Post:
    """The body of a POST. `allowed_by` names the profile that says this POST changes nothing on the device."""

    body: bytes = field(repr=False)
    content_type: str
    allowed_by: str


@dataclass(frozen=True, slots=True)
class HttpQuestion:
    """One request. Without `post` it is a GET or a HEAD: other methods cannot be said."""

    target: str
    """The target's name, for the guard of its account."""
    address: str
    """Whom to connect to, whatever host the URL names: a name or a numeric address."""
    url: Url
    method: Literal["GET", "HEAD"] = "GET"
    post: Post | None = None
    headers: tuple[tuple[str, str], ...] = ()
    family: int = 0
    """AF_INET or AF_INET6; 0 takes what the name gives."""
    credential: Credential | None = None
    key_header: str | None = None
    """The header that carries a `token` bare, where an API has one of its own; else it is `Authorization: Bearer`."""
    log_in: Callable[[str, str], Post] | None = None
    """Writes the POST that logs in, of the user and the password of the credential, which then has no header."""
    verdict: Callable[[HttpReply], bool | None] | None = None
    """What an answer says of the credential, where a 401 is not all: taken, refused, or nothing (None)."""
    ca: str | None = None
    """A file or a hashed folder of authorities, in place of the system's."""
    pins: tuple[str, ...] = ()
    """`sha256/BASE64` of the keys that are trusted, in place of any authority (RFC 7469, section 2.4)."""
    follow: bool = False
    """Follow redirects, on the same host only."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Phases:
    """Seconds that each part took, summed over redirects. `transfer` is the time from the first octet to the last."""

    resolve: float = 0.0
    connect: float = 0.0
    tls: float = 0.0
    first_byte: float = 0.0
    transfer: float = 0.0

    @property
    def total(self) -> float:
        return self.resolve + self.connect + self.tls + self.first_byte + self.transfer

    def __add__(self, other: Phases) -> Phases:
        return Phases(
            self.resolve + other.resolve,
            self.connect + other.connect,
            self.tls + other.tls,
            self.first_byte + other.first_byte,
            self.transfer + other.transfer,
        )


@dataclass(frozen=True, slots=True)
class TlsFacts:
    """What was agreed: version (`TLSv1.3`), cipher (OpenSSL's name), and the peer's certificate in DER."""

    version: str
    cipher: str
    certificate: bytes


@dataclass(frozen=True, slots=True)
class HttpReply:
    """The answer to the last request made: after redirects, the one where they ended."""

    status: int
    reason: str
    headers: Mapping[str, str]
    """Names in lower case; values of the same name joined by commas; nothing that is not printable."""
    body: bytes
    """Decoded. Cut at the limit, then `truncated` is true."""
    truncated: bool
    seconds: Phases
    address: str
    url: Url
    tls: TlsFacts | None = None
    redirects: int = 0

    def text(self) -> str:
        """The body as UTF-8, or as the charset that the answer names; what cannot be read becomes U+FFFD."""
        _, _, charset = self.headers.get("content-type", "").lower().partition("charset=")
        name = charset.partition(";")[0].strip(" \"'")
        codec = name if name in _CHARSETS else "utf-8"
        return self.body.decode(codec, "replace").removeprefix("\ufeff")  # .NET begins JSON with it (RFC 8259, 8.1)


_CHARSETS = frozenset({"utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16"})
"""Charsets that are honoured: decoding others costs memory, or runs codecs that are none."""
