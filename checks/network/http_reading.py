"""What a page holds of that which is expected of it: the few plain values that are kept of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from checks.network import json_pointer
from checks.network.certificate import Certificate, Unreadable, read
from checks.network.json_pointer import Scalar
from checks.network.shown import shown
from checks.transports.http import TlsFacts, TlsFault, TlsProblem
from checks.transports.http.status import waits
from config.patterns import line_pattern

if TYPE_CHECKING:
    from checks.network.http_options import HttpOptions
    from checks.transports.http import HttpReply

_HEADER_MOST = 300


@dataclass(frozen=True, slots=True)
class Tls:
    """The encrypted connection, or why there is none: then `problem` is set, and nothing was asked."""

    version: str = ""
    cipher: str = ""
    certificate: Certificate | None = None
    unreadable: str = ""
    """Why the certificate could not be read."""
    problem: TlsProblem | None = None
    said: str = ""
    """The problem in words."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer, reduced. `texts`: what is expected, by the option's name, and whether the page holds it."""

    status: int
    reason: str
    phases: dict[str, float]
    """Seconds by phase: resolve, connect, tls (where spoken), first_byte, transfer; their sum is the whole time."""
    size: int
    """Octets of the body that were read, decoded."""
    truncated: bool
    location: str = ""
    again: str = ""
    """What the server says of when to come back, as part of a sentence."""
    redirects: int = 0
    headers: dict[str, str | None] = field(default_factory=dict)
    """Of those expected, by name as the estate writes it."""
    texts: dict[str, bool | None] = field(default_factory=dict)
    """None: the time was over before the whole page had been searched."""
    values: dict[str, Scalar] = field(default_factory=dict)
    """By pointer; a pointer that is missing here is in `missing`."""
    missing: dict[str, str] = field(default_factory=dict)
    not_json: str = ""
    excerpt: str = ""
    """How the page begins, masked; only where something is expected of it."""


@dataclass(frozen=True, slots=True)
class HttpAnswers:
    """What one run brought: a page, or a TLS problem in its place."""

    url: str
    address: str
    port: int
    page: Page | None
    tls: Tls | None


def kept(reply: HttpReply, options: HttpOptions) -> HttpAnswers:
    """What is kept of an answer."""
    return HttpAnswers(
        reply.url.shown, reply.address, reply.url.port, _page(reply, options),
        None if reply.tls is None else _tls(reply.tls),
    )  # fmt: skip


def without_page(fault: TlsFault, url: str, address: str, port: int) -> HttpAnswers:
    """What is kept where TLS was refused."""
    certificate, unreadable = _certificate(fault.certificate)
    tls = Tls(certificate=certificate, unreadable=unreadable, problem=fault.problem, said=fault.message)
    return HttpAnswers(url, address, port, None, tls)


def _page(reply: HttpReply, options: HttpOptions) -> Page:
    seconds = reply.seconds
    phases = {"resolve": seconds.resolve, "connect": seconds.connect}
    if reply.tls is not None:
        phases["tls"] = seconds.tls
    phases |= {"first_byte": seconds.first_byte, "transfer": seconds.transfer}
    headers = {name: _header(reply, name) for name in options.expect_header}
    page = Page(
        reply.status, reply.reason, phases, len(reply.body), reply.truncated,
        (_header(reply, "location") or "").partition("?")[0], waits(reply), reply.redirects, headers,
    )  # fmt: skip
    if not options.reads_the_page:
        return page
    text = reply.text()
    _search(page, text, options)
    not_json = "" if page.truncated or not options.json_values else _read_values(page, text, options)
    return replace(page, not_json=not_json, excerpt=shown(text))


def _search(page: Page, text: str, options: HttpOptions) -> None:
    for name in ("expect_text", "not_expect_text"):
        wanted: str | None = getattr(options, name)
        if wanted is not None:
            page.texts[name] = wanted in text
    for name in ("expect_pattern", "not_expect_pattern"):
        wanted = getattr(options, name)
        if wanted is not None:
            page.texts[name] = line_pattern(wanted).found(text)


def _read_values(page: Page, text: str, options: HttpOptions) -> str:
    """Fill in the values; why the page is no JSON, or nothing."""
    try:
        tree = json_pointer.document(text)
    except json_pointer.NotJson as error:
        return str(error)
    for pointer in options.json_values:
        try:
            page.values[pointer] = json_pointer.value(tree, pointer)
        except json_pointer.NoSuchValue as error:
            page.missing[pointer] = str(error)
    return ""


def _header(reply: HttpReply, name: str) -> str | None:
    value = reply.headers.get(name.lower())
    return None if value is None else value[:_HEADER_MOST]


def _tls(facts: TlsFacts) -> Tls:
    certificate, unreadable = _certificate(facts.certificate)
    return Tls(facts.version, facts.cipher, certificate, unreadable)


def _certificate(der: bytes | None) -> tuple[Certificate | None, str]:
    if not der:
        return None, ""
    try:
        return read(der), ""
    except Unreadable as error:
        return None, str(error)
