"""SIP messages (RFC 3261) as values: read from octets and written to them, without any I/O.

What is sent is strict. What is taken is bounded and never guessed: a message that breaks the grammar where it matters
(RFC 4475, section 3.1.2) is refused with its reason. Leniency is for spaces alone, as RFC 3261 allows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

LARGEST = 64 * 1024
"""Octets of one message."""
_LONGEST_LINE = 8 * 1024
_MOST_HEADERS = 200
_WORD = r"[A-Za-z0-9\-.!%*_+`'~]+"
_REQUEST_LINE = re.compile(rf"({_WORD}) ([^\s<>\"]+) SIP/([0-9]+)\.([0-9]+)")
_STATUS_LINE = re.compile(r"SIP/([0-9]+)\.([0-9]+) ([0-9]{3}) (.*)", re.DOTALL)
_NAME = re.compile(rf"({_WORD})[ \t]*")
_LONGEST_NAME = 64
"""Characters of a name that may be remembered."""
_COMPACT = {
    "i": "call-id", "m": "contact", "e": "content-encoding", "l": "content-length", "c": "content-type", "f": "from",
    "s": "subject", "k": "supported", "t": "to", "v": "via", "o": "event", "r": "refer-to", "u": "allow-events",
}  # fmt: skip
"""Compact forms (RFC 3261, section 7.3.3, and the registry of IANA)."""
_BARE = re.compile(r"(?<!\r)\n|\r(?!\n)")
_GROUPING = re.compile(r'["<>]')
_LARGEST_NUMBER = 2**31
"""CSeq is below it (section 8.1.1.5), and no other number that matters to us is larger."""


class SipSyntaxError(ValueError):
    """What came is no SIP message that can be used; the message says which part is wrong, never with a value."""


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in their order, by their long names in small letters."""

    fields: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> list[str]:
        """Every value of that name; those joined by commas in one field are still one."""
        return [value for key, value in self.fields if key == name]

    def first(self, name: str) -> str | None:
        """The first value of that name."""
        for key, value in self.fields:
            if key == name:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Request:
    """A request."""

    method: str
    uri: str
    headers: Headers
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """A response."""

    status: int
    reason: str
    headers: Headers
    body: bytes = b""


Message = Request | Response


def parsed(octets: bytes) -> Message:
    """One datagram. What stands behind the body's length is dropped (section 18.3). Raises SipSyntaxError."""
    if len(octets) > LARGEST:
        raise SipSyntaxError(f"more than {LARGEST} octets")
    start, headers, begin = _head(octets)
    rest = octets[begin:]
    length = content_length(headers)
    if length is None:
        body = rest
    elif length > len(rest):
        raise SipSyntaxError("its body is shorter than Content-Length says")
    else:
        body = rest[:length]
    return _message(start, headers, body)


class Stream:
    """Messages out of a stream (TCP, TLS): framed by Content-Length, which is not optional there (section 18.3)."""

    def __init__(self) -> None:
        self._octets = bytearray()

    @property
    def waiting(self) -> int:
        """Octets that are no whole message yet."""
        return len(self._octets)

    def fed(self, octets: bytes) -> Iterator[Message]:
        """The messages that are whole now. Raises SipSyntaxError, after which the stream is of no use any more."""
        self._octets += octets
        while True:
            while self._octets[:2] in (b"\r\n",):  # keep-alives (RFC 5626, section 3.5.1)
                del self._octets[:2]
            end = self._octets.find(b"\r\n\r\n")
            if end < 0:
                if len(self._octets) > LARGEST:
                    raise SipSyntaxError(f"a header of more than {LARGEST} octets")
                return
            start, headers, begin = _head(bytes(self._octets[: end + 4]))
            length = content_length(headers)
            if length is None:
                raise SipSyntaxError("no Content-Length in a stream")
            if begin + length > LARGEST:
                raise SipSyntaxError(f"more than {LARGEST} octets")
            if len(self._octets) < begin + length:
                return
            body = bytes(self._octets[begin : begin + length])
            del self._octets[: begin + length]
            yield _message(start, headers, body)


def written(message: Message) -> bytes:
    """The octets of a message, with Content-Length as it is."""
    if isinstance(message, Request):
        lines = [f"{message.method} {message.uri} SIP/2.0"]
    else:
        lines = [f"SIP/2.0 {message.status} {message.reason}"]
    lines += [f"{_spelt(name)}: {value}" for name, value in message.headers.fields if name != "content-length"]
    lines += [f"Content-Length: {len(message.body)}", "", ""]
    return "\r\n".join(lines).encode() + message.body


def number(text: str | None, what: str) -> int:
    """A header's number. Raises SipSyntaxError for anything else, and for one that is larger than may be."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) >= _LARGEST_NUMBER:
        raise SipSyntaxError(f"{what} is no number below 2^31")
    return int(text)


def content_length(headers: Headers) -> int | None:
    """Content-Length; None without one. Raises SipSyntaxError for what is no number, or for several that differ."""
    said = headers.all("content-length")
    if not said:
        return None
    if any(value.strip() != said[0].strip() for value in said[1:]):
        raise SipSyntaxError("several Content-Length that differ")
    return number(said[0].strip(), "Content-Length")


def parts(value: str, separator: str) -> list[str]:
    """A header's value parted where the separator stands outside of quotes and angle brackets.

    Raises SipSyntaxError for quotes or brackets that do not close.
    """
    if not _GROUPING.search(value):
        return [part.strip() for part in value.split(separator)]
    found: list[str] = []
    begin, quoted, depth, escaped = 0, False, 0, False
    for at, character in enumerate(value):
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        elif character == "<":
            depth += 1
        elif character == ">":
            depth -= 1
        elif character == separator and depth == 0:
            found.append(value[begin:at].strip())
            begin = at + 1
        if depth not in (0, 1):
            raise SipSyntaxError("angle brackets that do not fit")
    if quoted or depth:
        raise SipSyntaxError("a quotation or a bracket that does not close")
    found.append(value[begin:].strip())
    return found


def _head(octets: bytes) -> tuple[str, Headers, int]:
    """The start line, the header fields, and where the body begins."""
    begin = 0
    while octets[begin : begin + 2] == b"\r\n":  # before a start line they are of no account (section 7.5)
        begin += 2
    end = octets.find(b"\r\n\r\n", begin)
    if end < 0:
        raise SipSyntaxError("its header does not end")
    try:
        text = octets[begin:end].decode("utf-8")
    except UnicodeDecodeError:
        raise SipSyntaxError("its header is not UTF-8") from None
    if _BARE.search(text):
        raise SipSyntaxError("a bare CR or LF in its header")
    start, *rest = text.split("\r\n")
    return start, Headers(tuple(_fields(rest))), end + 4


def _fields(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    folded: list[str] = []
    for line in lines:
        if len(line) > _LONGEST_LINE:
            raise SipSyntaxError(f"a header line of more than {_LONGEST_LINE} characters")
        if line[:1] in (" ", "\t"):
            if not folded:
                raise SipSyntaxError("a folded line that belongs to no header")
            folded[-1] = f"{folded[-1].rstrip()} {line.strip()}"
            if len(folded[-1]) > _LONGEST_LINE:
                raise SipSyntaxError(f"a header of more than {_LONGEST_LINE} characters")
        else:
            folded.append(line)
            if len(folded) > _MOST_HEADERS:
                raise SipSyntaxError(f"more than {_MOST_HEADERS} header fields")
    for line in folded:
        name, colon, value = line.partition(":")
        if not colon:
            raise SipSyntaxError("a line that is no header field")
        yield _known(name) if len(name) <= _LONGEST_NAME else _read(name), value.strip()


def _read(name: str) -> str:
    """A field's long name in small letters."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise SipSyntaxError("a line that is no header field")
    small = match[1].lower()
    return _COMPACT.get(small, small)


_known = lru_cache(maxsize=512)(_read)


def _message(start: str, headers: Headers, body: bytes) -> Message:
    if len(start) > _LONGEST_LINE:
        raise SipSyntaxError(f"a first line of more than {_LONGEST_LINE} characters")
    request = _REQUEST_LINE.fullmatch(start)
    status = None if request else _STATUS_LINE.fullmatch(start)
    if request is None and status is None:
        raise SipSyntaxError("its first line is neither a request's nor a response's")
    version = (request[3], request[4]) if request else (status[1], status[2]) if status else ("", "")
    if version != ("2", "0"):
        raise SipSyntaxError("it is not of version 2.0 of SIP")
    if request:
        return Request(request[1], request[2], headers, body)
    assert status is not None  # for mypy
    if not 100 <= int(status[3]) <= 699:
        raise SipSyntaxError("a status that does not exist")
    return Response(int(status[3]), status[4].strip(), headers, body)


@lru_cache(maxsize=256)
def _spelt(name: str) -> str:
    return _SPELT.get(name) or "-".join(part.capitalize() for part in name.split("-"))


_SPELT = {"call-id": "Call-ID", "cseq": "CSeq", "www-authenticate": "WWW-Authenticate", "mime-version": "MIME-Version"}
