"""A dialog as its caller sees it (RFC 3261, section 12), and what is written in it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from checks.transports.sip.fields import address, host_of
from checks.transports.sip.message import Headers, Request, Response, SipSyntaxError, parts

_TAG = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]{1,256}")
_LOOSE = re.compile(r";lr(?:[=;?>]|$)", re.I)
_MOST_ROUTES = 20
_LONGEST_WAY = 4096
"""Characters of all their URIs: what is longer would not go into a datagram, and the call could not be ended."""
ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO"
"""What we take inside of a call."""


@dataclass(frozen=True, slots=True)
class Dialog:
    """Who speaks with whom, and through which proxies."""

    call_id: str
    local: str
    """From, with our tag."""
    remote: str
    """To, with theirs."""
    target: str
    """The URI that their Contact names."""
    routes: tuple[str, ...] = ()
    """URIs of the proxies that want to see every request, the nearest first."""

    def request(self, method: str, number: int, *more: tuple[str, str]) -> Request:
        """A request in the dialog (section 12.2.1.1), without Via."""
        uri, routes = self.target, self.routes
        if routes and not _LOOSE.search(routes[0]):
            uri, routes = routes[0], (*routes[1:], self.target)  # a strict router, as RFC 2543 knew them
        fields = (
            *(("route", f"<{route}>") for route in routes),
            ("max-forwards", "70"),
            ("from", self.local),
            ("to", self.remote),
            ("call-id", self.call_id),
            ("cseq", f"{number} {method}"),
            ("user-agent", "Ridgeway"),
            *more,
        )
        return Request(method, uri, Headers(fields))


def dialog_of(invite: Request, response: Response) -> Dialog:
    """The dialog that a 2xx makes (section 12.1.2).

    Where Contact or Record-Route cannot be read, the dialog goes to the URI that was called: it has to be ended all the
    same. Raises SipSyntaxError without a tag that can be used.
    """
    headers = response.headers
    try:
        uri = _usable(address(headers.first("contact"), "Contact").uri)
        recorded = [one for value in headers.all("record-route") for one in parts(value, ",")]
        if len(recorded) > _MOST_ROUTES:
            raise SipSyntaxError(f"more than {_MOST_ROUTES} proxies")
        routes = tuple(_usable(address(one, "Record-Route").uri) for one in reversed(recorded))
        if sum(map(len, (uri, *routes))) > _LONGEST_WAY:
            raise SipSyntaxError("a way that is too long to be written down")
    except SipSyntaxError:
        uri, routes = invite.uri, ()
    return Dialog(
        invite.headers.first("call-id") or "", invite.headers.first("from") or "", _with_tag(invite, response), uri,
        routes,
    )  # fmt: skip


def remote_tag(headers: Headers, name: str) -> str:
    """The tag of their side: `to` of a response, `from` of a request; empty without one. Raises SipSyntaxError."""
    tag = address(headers.first(name), name.capitalize()).tag
    if tag and not _TAG.fullmatch(tag):
        raise SipSyntaxError("a tag that is none")
    return tag


def acknowledgement(invite: Request, response: Response) -> Request:
    """The ACK for a final response that is no 2xx (section 17.1.1.3): of the INVITE's own transaction, Via included."""
    kept = [(name, value) for name, value in invite.headers.fields if name in ("route", "max-forwards", "from")]
    number = (invite.headers.first("cseq") or "").split()[0]
    fields = (
        ("via", invite.headers.first("via") or ""),
        *kept,
        ("to", _with_tag(invite, response)),
        ("call-id", invite.headers.first("call-id") or ""),
        ("cseq", f"{number} ACK"),
    )
    return Request("ACK", invite.uri, Headers(fields))


def cancellation(invite: Request) -> Request:
    """The CANCEL of an INVITE (section 9.1): its Via, its number, no credentials."""
    wanted = ("via", "route", "max-forwards", "from", "to", "call-id")
    kept = tuple((name, value) for name, value in invite.headers.fields if name in wanted)
    number = (invite.headers.first("cseq") or "").split()[0]
    return Request("CANCEL", invite.uri, Headers((*kept, ("cseq", f"{number} CANCEL"))))


def response_to(request: Request, status: int, reason: str, *more: tuple[str, str]) -> Response:
    """Our answer to a request of theirs in a dialog (section 8.2.6), whose To has our tag already."""
    kept = tuple(
        (name, _flat(value))
        for name, value in request.headers.fields
        if name in ("via", "from", "to", "call-id", "cseq")
    )
    return Response(status, reason, Headers((*kept, *more)))


def authorised(request: Request, fields: tuple[tuple[str, str], ...]) -> Request:
    """The request with credentials."""
    return replace(request, headers=Headers((*request.headers.fields, *fields))) if fields else request


def _usable(uri: str) -> str:
    host_of(uri)
    if not uri.isprintable():
        raise SipSyntaxError("a URI that cannot be sent")
    return uri


def _with_tag(invite: Request, response: Response) -> str:
    tag = remote_tag(response.headers, "to")
    to = invite.headers.first("to") or ""
    return f"{to};tag={tag}" if tag else to


def _flat(value: str) -> str:
    """A header of theirs as it may be sent: without line breaks that are none (a lone CR or LF)."""
    return re.sub(r"[\x00-\x1f\x7f]", " ", value)
