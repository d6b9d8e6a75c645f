"""A mail, as far as a ping needs it: subject, text, of when it is, who says to have sent it. Pure; takes any octets.

Headers are read by the standard library's older policy, since that of `email.policy.default` ends in a RecursionError
on 500 brackets. HTML is taken out by RE2: `html.parser` takes 21 s for 60 KB of open quotes (docs/decisions/0087).
"""

from __future__ import annotations

import codecs
import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError, MessageError
from email.header import decode_header
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from email.utils import mktime_tz, parsedate_tz

from checks.transports.inbox import OLDEST

KEPT = 16 * 1024
"""Characters of the text that are kept: half of them from its beginning, half from its end."""
TOLERANCE = 5400.0
"""Seconds by which a mail may be older than its arrival and still be of now: queues, and clocks an hour wrong."""
_MOST_PARTS = 15
_MOST_HEADERS = 200
_MOST_LINES = 50_000
_LONGEST_HEADER = 1000
_LONGEST_HEAD = 64 * 1024
_LONGEST_SUBJECT = 200
_LOOKED_AT = 256 * 1024
"""Octets of one part that are made text."""
_CHARSETS = re.compile(r"ascii|utf-8|utf-16(?:-[bl]e)?|iso8859-\d+|cp(?:125\d|437|850)|latin[_-]?1|koi8-[ru]")
_NESTING = re.compile(rb"(?i)\b(?:multipart|message)/")
_STUMBLES = (TypeError, ValueError, LookupError, AttributeError, MessageError)
"""What the library's reader raises where it should not: a TypeError, say, for `charset*` beside `charset*0`."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BREAKS = r"(?i)</?(?:p|div|br|tr|li|h[1-6]|table|ul|ol|pre)(?:\s[^>]*)?/?>"
_HIDDEN = r"(?is)<(?:style|script|head)[\s>].*?</(?:style|script|head)\s*>|<!--.*?-->"
_TAG = r"<[^>]*>"
_ADDRESS = re.compile(r"[^\s<>(),;:\"@]{1,64}@[a-z0-9.-]{1,255}")


@dataclass(frozen=True, slots=True)
class Letter:
    """What is left of a mail."""

    subject: str = ""
    text: str = ""
    left_out: int = 0
    """Characters of the text that were left out, or octets that could not be read."""
    dated: float | None = None
    """The oldest moment that its headers name, Unix seconds."""
    id: str = ""
    """The same for the same mail sent again; empty where it has no date, and so could be another one of the kind."""
    sender: str = ""
    """The address of its `From`, in small letters; empty where there is none."""
    automatic: bool = False
    """An answer of a machine to a mail: a bounce, an absence, a receipt."""


class _Bounded(Compat32):
    """Cuts headers where they are taken up: what reads them takes the square of their length."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, _, value = "".join(sourcelines[:_MOST_HEADERS])[: 2 * _LONGEST_HEADER].partition(":")
        return name[:_LONGEST_HEADER], value.strip()[:_LONGEST_HEADER]


_PARSER = BytesParser(policy=_Bounded())


def read_letter(octets: bytes) -> Letter:
    """What is in a mail. Whatever cannot be read of it is counted as left out."""
    head = octets.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    message = _PARSER.parsebytes(head[:_LONGEST_HEAD] + b"\n\n", headersonly=True)
    raw = [(name.lower(), _text(value)) for name, value in message.raw_items()][:_MOST_HEADERS]
    headers: dict[str, str] = {}
    for name, value in raw:
        headers.setdefault(name, value)
    subject = _decoded(headers.get("subject", ""))
    text, unread = _body(octets) if len(head) <= _LONGEST_HEAD else ("", len(octets))
    dated = _seconds(headers.get("date", ""))
    kept = _kept(text)
    return Letter(
        subject,
        kept,
        max(0, len(text) - len(kept)) + unread,
        _oldest(dated, [value for name, value in raw if name == "received"]),
        _id(headers, subject, text) if dated is not None else "",
        _sender(headers.get("from", "")),
        _automatic(headers),
    )


def sent_at(dated: float | None, now: float) -> float:
    """When a mail was sent as far as it is believed: the older moment, but none older than queues keep mails."""
    if dated is None or dated > now - TOLERANCE or dated < now - OLDEST:
        return now
    return dated


def _sender(value: str) -> str:
    """The last address of it: names come first. The library's reader ends in a RecursionError on 500 brackets."""
    found = _ADDRESS.findall(value.lower())
    return found[-1] if found else ""


def _automatic(headers: dict[str, str]) -> bool:
    """RFC 3834, section 5; RFC 3462; `auto-generated` is what cron and backup programs say."""
    said = headers.get("auto-submitted", "").partition(";")[0].strip().lower()
    precedence = headers.get("precedence", "").strip().lower()
    report = headers.get("content-type", "").lower().startswith("multipart/report")
    return said == "auto-replied" or precedence == "auto_reply" or report


def _oldest(dated: float | None, received: list[str]) -> float | None:
    moments = [dated, *(_seconds(value.rpartition(";")[2]) for value in received)]
    return min((moment for moment in moments if moment is not None), default=None)


def _seconds(date: str) -> float | None:
    """RFC 5322, section 3.3; without a zone UTC. None for what is none, or cannot be."""
    try:
        parts = parsedate_tz(date)
        moment = None if parts is None else float(mktime_tz((*parts[:9], parts[9] or 0)))
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return moment if moment is not None and 0 <= moment < 2**33 else None


def _id(headers: dict[str, str], subject: str, text: str) -> str:
    """By all that a mail server leaves as it is: there are programs whose mails all have one Message-ID."""
    parts = (*(headers.get(name, "") for name in ("date", "message-id", "from")), subject, text)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _body(octets: bytes) -> tuple[str, int]:
    """The text of a mail, and how much of it could not be read."""
    if len(_NESTING.findall(octets)) > _MOST_PARTS or octets.count(b"\n") > _MOST_LINES:
        return "", len(octets)
    try:
        return _text_of(_PARSER.parsebytes(octets))
    except _STUMBLES:
        return "", len(octets)


def _text_of(message: Message) -> tuple[str, int]:
    """The text of all parts that are text, HTML only where there is nothing else; and octets left out of it."""
    found: dict[str, list[Message]] = {}
    for part in message.walk():
        if not part.is_multipart() and part.get_content_disposition() != "attachment":
            found.setdefault(part.get_content_type(), []).append(part)
    for kind in ("text/plain", "text/html"):
        shown, unread = [], 0
        for part in found.get(kind, []):
            octets, missing = _octets(part)
            unread += missing + max(0, len(octets) - _LOOKED_AT)
            text = _in_charset(octets[:_LOOKED_AT], part)
            shown.append(_lines(text if kind == "text/plain" else _without_markup(text)))
        if unread or any(shown):
            return "\n".join(shown), unread
    return "", 0


def _octets(part: Message) -> tuple[bytes, int]:
    """What a part holds; and 1 where it is not what it says to be."""
    octets = part.get_payload(decode=True)
    return (octets, 0) if isinstance(octets, bytes) else (b"", 1)


def _in_charset(octets: bytes, part: Message) -> str:
    said = part.get_param("charset", "utf-8")
    return _by_charset(octets, said if isinstance(said, str) else "utf-8")


def _by_charset(octets: bytes, charset: str) -> str:
    """Only by charsets that are tables: punycode, for one, takes the square of the length."""
    try:
        name = codecs.lookup(charset[:40]).name
    except (LookupError, ValueError):
        name = "utf-8"
    return octets.decode(name if _CHARSETS.fullmatch(name) else "utf-8", "replace")


def _without_markup(text: str) -> str:
    import re2

    text = re2.sub(_HIDDEN, " ", text.encode("utf-8", "replace").decode())
    return html.unescape(re2.sub(_TAG, " ", re2.sub(_BREAKS, "\n", text)))


def _lines(text: str) -> str:
    """Without control characters, and no run of blanks."""
    lines = (" ".join(line.split()) for line in _CONTROL.sub(" ", text.replace("\r\n", "\n")).split("\n"))
    return "\n".join(_squeezed(lines)).strip()


def _squeezed(lines: Iterator[str]) -> Iterator[str]:
    before = ""
    for line in lines:
        if line or before:
            yield line
        before = line


def _kept(text: str) -> str:
    if len(text) <= KEPT:
        return text
    half = KEPT // 2
    return f"{text[:half].rpartition(chr(10))[0]}\n[…]\n{text[-half:].partition(chr(10))[2]}"


def _decoded(value: str) -> str:
    """RFC 2047, on one line."""
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError):  # as binascii.Error is
        parts = [(value, None)]
    text = "".join(part if isinstance(part, str) else _by_charset(part, charset or "utf-8") for part, charset in parts)
    return " ".join(_CONTROL.sub(" ", text).split())[:_LONGEST_SUBJECT]


def _text(value: object) -> str:
    """A header as text; what is not ASCII is UTF-8, or nothing that matters."""
    return " ".join(str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())
