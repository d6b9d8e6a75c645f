"""The header fields that a client needs to understand (RFC 3261, section 20). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from checks.transports.sip.message import Headers, SipSyntaxError, number, parts

_VIA = re.compile(r"SIP\s*/\s*2\.0\s*/\s*([A-Za-z0-9\-]{1,20})\s+(.+)", re.DOTALL)
_HOST_PORT = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.\-]{1,255})(?:\s*:\s*([0-9]{1,5}))?")
_URI = re.compile(
    r"(sips?):(?:[^@\s<>]*@)?(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.\-]{1,255})(?::([0-9]{1,5}))?(?:[;?].*)?", re.I
)
_PARAMETER = re.compile(r"([A-Za-z0-9\-.!%*_+`'~]+)(?:\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^\s\";,]+))?")
_DISPLAY = re.compile(r'"(?:[^"\\]|\\.)*"\s*')
_SCHEME = re.compile(r"([A-Za-z]{1,20})\s+(.+)", re.DOTALL)
_MOST_PARAMETERS = 50


@dataclass(frozen=True, slots=True)
class Via:
    """One hop."""

    transport: str
    host: str
    port: int | None
    parameters: Mapping[str, str]

    @property
    def branch(self) -> str:
        return self.parameters.get("branch", "")


@dataclass(frozen=True, slots=True)
class Address:
    """To, From, Contact: a URI with the parameters of the header; the display name is nobody's affair."""

    uri: str
    parameters: Mapping[str, str]

    @property
    def tag(self) -> str:
        return self.parameters.get("tag", "")


@dataclass(frozen=True, slots=True)
class Challenge:
    """WWW-Authenticate or Proxy-Authenticate (section 22.4, RFC 7616)."""

    scheme: str
    """In small letters."""
    parameters: Mapping[str, str]


def top_via(headers: Headers) -> Via:
    """The first hop, which is ours in a response. Raises SipSyntaxError."""
    value = headers.first("via")
    if not value:
        raise SipSyntaxError("no Via")
    match = _VIA.fullmatch(parts(value, ",")[0])
    if match is None:
        raise SipSyntaxError("a Via that is none")
    place, *rest = parts(match[2], ";")
    host = _HOST_PORT.fullmatch(place)
    if host is None:
        raise SipSyntaxError("a Via without a host")
    return Via(match[1].upper(), host[1], _port(host[2]), _parameters(rest, "Via"))


def address(value: str | None, what: str) -> Address:
    """A header's address. Raises SipSyntaxError."""
    if not value:
        raise SipSyntaxError(f"no {what}")
    first, *rest = parts(parts(value, ",")[0], ";")
    first = _DISPLAY.sub("", first, count=1) if first[:1] == '"' else first
    if "<" in first:
        uri = first[first.index("<") + 1 : first.rindex(">")]
        if uri != uri.strip() or first[first.rindex(">") + 1 :].strip():
            raise SipSyntaxError(f"{what} is no address")
    else:
        uri = first
    if not uri or any(character.isspace() for character in uri):
        raise SipSyntaxError(f"{what} is no address")
    return Address(uri, _parameters(rest, what))


def host_of(uri: str) -> tuple[str, int | None]:
    """Host and port of a SIP URI. Raises SipSyntaxError."""
    match = _URI.fullmatch(uri)
    if match is None:
        raise SipSyntaxError("a URI that is none of SIP")
    return match[2], _port(match[3])


def cseq(headers: Headers) -> tuple[int, str]:
    """Number and method. Raises SipSyntaxError."""
    words = (headers.first("cseq") or "").split()
    if len(words) != 2:
        raise SipSyntaxError("CSeq is not a number and a method")
    return number(words[0], "CSeq"), words[1]


def challenges(headers: Headers, name: str) -> list[Challenge]:
    """Every challenge of that name, in the order in which the other side prefers them. Raises SipSyntaxError."""
    found = []
    for value in headers.all(name):
        match = _SCHEME.fullmatch(value.strip())
        if match is None:
            raise SipSyntaxError("a challenge without a scheme")
        found.append(Challenge(match[1].lower(), _parameters(parts(match[2], ","), "the challenge")))
    return found


def retry_after(headers: Headers) -> float | None:
    """Seconds (section 20.33); None where nothing is said that could be read."""
    said = headers.first("retry-after")
    match = re.match(r"([0-9]{1,9})(?:\s*[;(]|\s*$)", said) if said else None
    return float(match[1]) if match else None


def unquoted(text: str) -> str:
    """A quoted string's text."""
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] == '"' else text


def _parameters(texts: list[str], what: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    if len(texts) > _MOST_PARAMETERS:
        raise SipSyntaxError(f"{what} has more than {_MOST_PARAMETERS} parameters")
    for text in texts:
        if not text:
            continue  # `;;` and a last `;` say nothing
        match = _PARAMETER.fullmatch(text)
        if match is None:
            raise SipSyntaxError(f"{what} has a parameter that is none")
        found.setdefault(match[1].lower(), unquoted(match[2] or ""))
    return MappingProxyType(found)


def _port(text: str | None) -> int | None:
    if text is None:
        return None
    port = int(text)
    if not 0 < port < 65_536:
        raise SipSyntaxError("a port that does not exist")
    return port
