"""One request of the agent's own accord, and what became of it, in words that show neither the URL nor the peer's own.

The request goes by the bounded wire that checks use too (`checks.transports.http`): it ends at its deadline whatever
the peer does, no redirect is followed, nothing is repeated, and of an answer no more is read than a few kilobytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from checks.contract import Reason
from checks.transports.aside import Aside
from checks.transports.fault import TransportFault
from checks.transports.http import HttpQuestion, HttpReply, HttpTransport, Limits, Post, TlsFault, Url
from checks.transports.lockout import Lockout
from checks.transports.names import Names
from config.schema.outbound import checked_url
from config.secrets import Secret, SecretError, SecretReference
from exporters.retry_after import retry_after

THREADS = 32
"""Requests under way at once. They have threads of their own, so that neither these nor the checks wait for others."""
_LIMITS = Limits(body=4096, head=16_384, redirects=0)


class Failure(StrEnum):
    """Why a request brought nothing; the values of the label `reason`."""

    UNREACHABLE = "unreachable"
    """No connection: the name, the network, the port."""
    TLS = "tls"
    TIMEOUT = "timeout"
    """No whole answer in time, or one without end."""
    PROTOCOL = "protocol"
    """What came is no answer of HTTP, or was cut off."""
    REDIRECT = "redirect"
    REFUSED = "refused"
    """A 4xx that is none of the others."""
    GONE = "gone"
    OVERLOADED = "overloaded"
    """429, 502, 503, 504."""
    SERVER_ERROR = "server-error"
    LOCAL = "local"
    """Ours: a secret, a file, a thread is missing. Nothing was sent."""


_OVERLOAD = frozenset({429, 502, 503, 504})
_FAULTS: Mapping[Reason, tuple[Failure, str]] = {
    Reason.NAME: (Failure.UNREACHABLE, "its name has no address here"),
    Reason.NO_ANSWER: (Failure.UNREACHABLE, "nothing answers at its address"),
    Reason.UNREACHABLE: (Failure.UNREACHABLE, "its address cannot be reached"),
    Reason.REFUSED: (Failure.UNREACHABLE, "its port refuses connections"),
    Reason.LIMIT: (Failure.TIMEOUT, "no whole answer came in time, or one without end"),
    Reason.HANGING: (Failure.TIMEOUT, "no whole answer came in time, or one without end"),
    Reason.PROTOCOL: (Failure.PROTOCOL, "it hangs up, or what comes back is not HTTP"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request. Without a `failure` it was answered with 2xx."""

    failure: Failure | None
    text: str
    """For a person and the ledger: no URL, nothing of the peer's."""
    status: int | None = None
    retry_after: float | None = None
    """What the peer asks for, seconds."""


@dataclass(frozen=True, slots=True)
class Request:
    url: Url
    method: Literal["GET", "POST"]
    timeout: float
    ca: str | None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str = "text/plain"


def url_of(url: Secret | SecretReference) -> Url:
    """Where requests go. Reads a file where that is what is referred to. Raises SecretError, which never shows it."""
    text = url.resolve().reveal() if isinstance(url, SecretReference) else url.reveal()
    try:
        return Url.read(checked_url(text), "")
    except ValueError as error:
        raise SecretError(f"{url} {error}" if isinstance(url, SecretReference) else str(error)) from error


class Caller:
    """Sends requests; belongs to the event loop, and never holds it."""

    def __init__(self, threads: int = THREADS) -> None:
        self._names = Names()
        self._http = HttpTransport(self._names, Aside(threads), Lockout())

    async def send(self, request: Request) -> Outcome:
        """Send one request, once. Raises nothing but what cancelling raises; that cuts the connection."""
        question = HttpQuestion(
            target="outbound",
            address=request.url.host,
            url=request.url,
            post=Post(request.body, request.content_type, "outbound") if request.method == "POST" else None,
            headers=request.headers,
            ca=request.ca,
            limits=_LIMITS,
        )
        try:
            reply = await self._http.ask(question, deadline=asyncio.get_running_loop().time() + request.timeout)
        except TransportFault as fault:
            return _fault(fault, request.url)
        return _answer(reply)

    async def close(self) -> None:
        """Let go of name look-ups; safe to call twice."""
        await self._names.close()


def _answer(reply: HttpReply) -> Outcome:
    status = reply.status
    asked = retry_after(reply.headers.get("retry-after", ""), reply.headers.get("date", ""))
    if 200 <= status <= 299:
        return Outcome(None, str(status), status)
    if status in _OVERLOAD:
        return Outcome(Failure.OVERLOADED, f"it answers {status}: it cannot take it now", status, asked)
    if status == 410:
        return Outcome(Failure.GONE, "it answers 410: it is gone for good", status)
    if 300 <= status <= 399:
        return Outcome(Failure.REDIRECT, f"it answers {status} and names another URL; put that one there", status)
    if 400 <= status <= 499:
        return Outcome(Failure.REFUSED, f"it answers {status}", status, asked)
    return Outcome(Failure.SERVER_ERROR, f"it answers {status}", status, asked)


def _fault(fault: TransportFault, url: Url) -> Outcome:
    if isinstance(fault, TlsFault):
        return Outcome(Failure.TLS, f"TLS fails: {fault.problem.value}")
    known = _FAULTS.get(fault.reason)
    if known is not None:
        return Outcome(*known)
    # What is missing here may be said, as the name of a file; but never where the request was to go.
    said = url.host in fault.message or (len(url.path) > 1 and url.path in fault.message)
    return Outcome(Failure.LOCAL, "this machine has no thread or descriptor for it" if said else fault.message)
