"""What a request must be before any page sees it, and the headers of every answer.

A page in somebody's browser is the attacker to expect: a Host header must be one of ours (DNS rebinding), frames and
foreign scripts are refused (Content-Security-Policy), and what changes something is refused where the browser says that
another site asks (a browser sends passwords, certificates and cookies of a proxy whoever asks).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 64 * 1024
LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})
_READING = ("GET", "HEAD")
_ACTING = ("POST", "DELETE")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,252}[a-z0-9])?\.?\Z")
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9.-]{1,254})(:\d{1,5})?\Z")

SECURITY_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


@dataclass(frozen=True, slots=True)
class Hosts:
    """The names under which this agent may be asked. Addresses are always allowed: rebinding needs a name."""

    names: frozenset[str]

    @classmethod
    def of(cls, configured: Iterable[str]) -> Hosts:
        """Loopback names and those configured (machine's own names, the host of the external URL)."""
        names = {name.strip().rstrip(".").lower() for name in configured}
        wrong = sorted(name for name in names if not is_host_name(name))
        if wrong:
            raise ValueError(f"not a host name: {', '.join(wrong)}; write names without scheme, port or path")
        return cls(LOOPBACK_NAMES | names)

    def allows(self, header: str) -> bool:
        """Whether a Host header names this agent."""
        found = _HOST.match(header.strip().lower())
        if found is None:
            return False
        host = found[1].strip("[]")
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host.rstrip(".") in self.names
        return True


def is_host_name(name: str) -> bool:
    """Whether this can stand in a Host header as a name."""
    return _NAME.match(name.lower()) is not None


class Guard:
    """ASGI middleware: host, method and size of a request; security headers of the answer."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = _with_security(message["headers"])
            await send(message)

        refusal = self._refusal(scope)
        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
        if len(hosts) != 1 or not self._hosts.allows(hosts[0]):
            text = "This agent does not go by that name. Ask by its address, or add the name with --web.allowed-host.\n"
            return PlainTextResponse(text, 421)
        allowed = methods_of(scope["path"])
        if scope["method"] not in allowed:
            text = f"Only {', '.join(allowed[:-1])} and {allowed[-1]}.\n"
            return PlainTextResponse(text, 405, {"Allow": ", ".join(allowed)})
        # What comes without a length is refused unread.
        lengths = [value for name, value in headers if name == b"content-length"]
        chunked = any(name == b"transfer-encoding" for name, _ in headers)
        if chunked or any(not length.isdigit() or int(length) > LARGEST_BODY for length in lengths):
            return PlainTextResponse("That request is too large.\n", 413, {"Connection": "close"})
        return None if scope["method"] in _READING else _refusal_of_act(scope["method"], scope["path"], headers)


def _with_security(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What the operator set stands in the place of ours; of policies of contents a browser keeps both."""
    said = list(headers)
    taken = {name for name, _ in said} - {b"content-security-policy"}
    return [*said, *(header for header in SECURITY_HEADERS if header[0] not in taken)]


def methods_of(path: str) -> tuple[str, ...]:
    """The methods that may be asked of this path at all."""
    if path.startswith("/api/"):
        return (*_READING, *_ACTING)
    return (*_READING, "POST", "PUT") if path == "/-/reload" else _READING


def _refusal_of_act(method: str, path: str, headers: list[tuple[bytes, bytes]]) -> PlainTextResponse | None:
    if from_another_site(headers):
        text = "Another site's page asks for this. Ask from the agent's own pages, or from a program.\n"
        return PlainTextResponse(text, 403)
    kinds = [value.decode("latin-1") for name, value in headers if name == b"content-type"]
    json = len(kinds) == 1 and kinds[0].partition(";")[0].strip().lower() == "application/json"
    if method == "POST" and path.startswith("/api/") and not json:
        return PlainTextResponse("Say Content-Type: application/json, and send that.\n", 415)
    return None


def from_another_site(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a browser says that the page of another origin asks; programs say nothing, and are not meant.

    Fetch Metadata (W3C, `Sec-Fetch-Site`) where it is sent; else `Origin` against `Host`, as Go's
    CrossOriginProtection does it.
    """
    said: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        said.setdefault(name, []).append(value.strip().lower())
    sites = said.get(b"sec-fetch-site")
    if sites is not None:
        return sites not in ([b"same-origin"], [b"none"])
    origins = said.get(b"origin")
    if origins is None:
        return False
    try:
        places = [urlsplit(origin.decode("latin-1")).netloc for origin in origins]
    except ValueError:
        return True
    return [place.encode("latin-1") for place in places] != said.get(b"host")
