"""A SIP client's transactions (RFC 3261, section 17.1): one request, its retransmissions, its final answer."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.sip.fields import address, cseq, top_via
from checks.transports.sip.message import Headers, Request, Response, SipSyntaxError, written
from checks.transports.sip.wire import Carrier, Wire

T1 = 0.5
"""Seconds: the estimate of a round trip (section 17.1.1.1), and the first wait over UDP."""
T2 = 4.0
"""Seconds: the longest wait between two retransmissions of a request that is no INVITE."""
TIMER_F = 64 * T1
"""Seconds after which a request without an answer is given up."""
_BRANCH = "z9hG4bK"
_MOST_STRAYS = 200
"""Responses that are not to our request, after which we listen no longer."""


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
    return replace(request, headers=Headers((("via", via), *request.headers.fields)))


async def transact(wire: Wire, request: Request, deadline: float, where: str) -> Answer:
    """Send a request that is no INVITE and wait for its final response.

    Over UDP it is sent anew after T1, 2 T1, 4 T1 … at most T2 apart, for Timer F or until `deadline` (loop time).
    Raises TransportFault: NO_ANSWER, REFUSED, UNREACHABLE, PROTOCOL, LOCAL.
    """
    loop = asyncio.get_running_loop()
    name = branch()
    octets = written(with_via(request, wire, name))
    number, _ = cseq(request.headers)
    begun = loop.time()
    until = min(deadline, begun + TIMER_F)
    wait, sent = T1, 0
    provisional: list[int] = []
    again, strays = begun, 0
    while True:
        if loop.time() >= again and (wire.carrier is Carrier.UDP or not sent):
            wire.send(octets)
            sent += 1
            again = loop.time() + (T2 if provisional else wait)
            wait = min(2 * wait, T2)
        response = await _next(wire, until if wire.carrier is not Carrier.UDP else min(again, until))
        if response is None:
            if loop.time() >= until:
                raise TransportFault(Reason.NO_ANSWER, _silence(wire, where, sent, provisional))
            continue
        if not _is_ours(response, wire, name, number, request):
            strays += 1
            if strays > _MOST_STRAYS:
                raise TransportFault(Reason.PROTOCOL, f"{where}: sends messages without end that are no answers")
            continue
        if response.status >= 200:
            return Answer(response, loop.time() - begun, sent, tuple(provisional))
        provisional.append(response.status)


def _silence(wire: Wire, where: str, sent: int, provisional: list[int]) -> str:
    if provisional:
        return f"{where}: answers {provisional[-1]} and then nothing that is final"
    if wire.unreadable:
        return f"{where}: what comes back is no SIP message: {wire.unreadable}"
    times = "once" if sent == 1 else f"{sent} times"
    return f"{where}: no answer to SIP; it was asked {times}"


async def _next(wire: Wire, until: float) -> Response | None:
    """The next response of whatever transaction; None when the time is over."""
    try:
        async with asyncio.timeout_at(until):
            while True:
                came = await wire.inbox.get()
                if isinstance(came, TransportFault):
                    raise came
                if isinstance(came, Response):
                    return came  # requests that come here are none of ours to answer
    except TimeoutError:
        return None


def _is_ours(response: Response, wire: Wire, name: str, number: int, request: Request) -> bool:
    """Whether a response belongs to the transaction (section 17.1.3) and repeats what it must (section 8.2.6.2)."""
    said, asked = response.headers, request.headers
    try:
        return (
            top_via(said).branch == name
            and cseq(said) == (number, request.method)
            and said.first("call-id") == asked.first("call-id")
            and _same_sender(said.first("from"), asked.first("from"))
        )
    except SipSyntaxError as error:
        wire.unreadable = str(error)
        return False


def _same_sender(said: str | None, asked: str | None) -> bool:
    """Whether From has our tag; it comes back letter by letter from nearly everybody."""
    return said == asked or address(said, "From").tag == address(asked, "From").tag
