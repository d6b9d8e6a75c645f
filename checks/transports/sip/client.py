"""A SIP client's transactions (RFC 3261, section 17.1): one request, its retransmissions, its final answer."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.sip.fields import address, cseq, top_via
from checks.transports.sip.message import Headers, Message, Request, Response, SipSyntaxError, written
from checks.transports.sip.wire import MOST_OTHERS, Carrier, Wire, endless

T1 = 0.5
"""Seconds: the estimate of a round trip (section 17.1.1.1), and the first wait over UDP."""
T2 = 4.0
"""Seconds: the longest wait between two retransmissions of a request that is no INVITE."""
TIMER_F = 64 * T1
"""Seconds after which a request without an answer is given up."""
_BRANCH = "z9hG4bK"


@dataclass(frozen=True, slots=True)
class Answer:
    """A final response and how it came."""

    response: Response
    seconds: float
    """From the first sending to the final response."""
    sent: int
    """How often the request was sent."""
    provisional: tuple[int, ...] = ()
    """Statuses of the provisional responses before it."""


def branch() -> str:
    """A branch that no other transaction has (section 8.1.1.7)."""
    return _BRANCH + secrets.token_hex(10)


def with_via(request: Request, wire: Wire, name: str) -> Request:
    """The request with our Via on top."""
    via = f"SIP/2.0/{wire.carrier.upper()} {wire.own};branch={name};rport"
    return Request(request.method, request.uri, Headers((("via", via), *request.headers.fields)), request.body)


async def transact(wire: Wire, request: Request, deadline: float, where: str) -> Answer:
    """Send a request that is no INVITE and wait for its final response.

    Over UDP it is sent anew after T1, 2 T1, 4 T1 … at most T2 apart, for Timer F or until `deadline` (loop time).
    Raises TransportFault: NO_ANSWER, REFUSED, UNREACHABLE, PROTOCOL, LOCAL.
    """
    loop = asyncio.get_running_loop()
    sent_as = with_via(request, wire, branch())
    octets = written(sent_as)
    begun = loop.time()
    until = min(deadline, begun + TIMER_F)
    wait, sent = T1, 0
    provisional: list[int] = []
    again, others = begun, 0
    while True:
        if loop.time() >= again and (wire.carrier is Carrier.UDP or not sent):
            wire.send(octets)
            sent += 1
            again = loop.time() + (T2 if provisional else wait)
            wait = min(2 * wait, T2)
        came = await _next(wire, until if wire.carrier is not Carrier.UDP else min(again, until))
        if came is None:
            if loop.time() >= until:
                raise TransportFault(Reason.NO_ANSWER, _silence(wire, where, sent, provisional))
            continue
        # Requests that come here are none of ours to answer.
        if isinstance(came, Response) and _is_ours(came, wire, sent_as):
            if came.status >= 200:
                return Answer(came, loop.time() - begun, sent, tuple(provisional))
            provisional.append(came.status)
        others += 1
        if others > MOST_OTHERS:
            raise endless(where)


def _silence(wire: Wire, where: str, sent: int, provisional: list[int]) -> str:
    if provisional:
        return f"{where}: answers {provisional[-1]} and then nothing that is final"
    if wire.unreadable:
        return f"{where}: what comes back is no SIP message: {wire.unreadable}"
    times = "once" if sent == 1 else f"{sent} times"
    return f"{where}: no answer to SIP; it was asked {times}"


async def _next(wire: Wire, until: float) -> Message | None:
    """The next message of whatever transaction; None when the time is over."""
    try:
        came = await wire.inbox.get(until)
    except TimeoutError:
        return None
    if isinstance(came, TransportFault):
        raise came
    return came


def _is_ours(response: Response, wire: Wire, sent: Request) -> bool:
    """Whether a response belongs to the transaction (section 17.1.3) and repeats what it must (section 8.2.6.2).

    Nearly everybody repeats it letter by letter; only what differs is taken apart.
    """
    said, asked = response.headers, sent.headers
    try:
        return (
            _same_hop(said, asked)
            and (said.first("cseq") == asked.first("cseq") or cseq(said) == cseq(asked))
            and said.first("call-id") == asked.first("call-id")
            and _same_sender(said.first("from"), asked.first("from"))
        )
    except SipSyntaxError as error:
        wire.unreadable = str(error)
        return False


def _same_hop(said: Headers, asked: Headers) -> bool:
    """Whether the topmost Via has our branch."""
    ours, theirs = (asked.first("via") or "").removesuffix(";rport"), said.first("via") or ""
    if theirs.startswith(ours) and theirs[len(ours) : len(ours) + 1] in (";", ","):
        return True
    return top_via(said).branch == top_via(asked).branch


def _same_sender(said: str | None, asked: str | None) -> bool:
    """Whether From has our tag; it comes back letter by letter from nearly everybody."""
    return said == asked or address(said, "From").tag == address(asked, "From").tag
