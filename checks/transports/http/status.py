"""What a status means to a check that reads: whose fault it is when there is no content."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.contract import Reason
from checks.transports.fault import TransportFault

if TYPE_CHECKING:
    from checks.transports.http.question import HttpReply

_RETRY_SHOWN = 40


def refusal(reply: HttpReply) -> TransportFault | None:
    """The fault of an answer that brings nothing to read; None for one of 200 to 299 (RFC 9110, section 15)."""
    status, where = reply.status, reply.url.shown
    if 200 <= status <= 299:
        return None
    if status == 401:
        return TransportFault(Reason.AUTHENTICATION, f"{where} wants a login (401); give it a credential")
    if status == 403:
        return TransportFault(Reason.FORBIDDEN, f"{where} may not be read (403); give the account the right to read it")
    if status == 407:
        return TransportFault(Reason.FORBIDDEN, f"{where}: a proxy on the way wants a login (407); none is used here")
    if status == 429:
        return TransportFault(Reason.LIMIT, f"{where} is asked too often (429{waits(reply)}); ask it less often")
    if status == 503:
        return TransportFault(Reason.LIMIT, f"{where} cannot serve now (503{waits(reply)})")
    if 300 <= status <= 399:
        return TransportFault(Reason.PROTOCOL, f"{where} sends on to another place ({status}), which is not followed")
    return TransportFault(Reason.PROTOCOL, f"{where} answers {status} {reply.reason}".rstrip())


def waits(reply: HttpReply) -> str:
    """What the peer says of when to come back (RFC 9110, section 10.2.3), to be added to a sentence."""
    said = reply.headers.get("retry-after", "")
    if not said:
        return ""
    return f", again in {said} s" if said.isdigit() and len(said) < 9 else f", again at {said[:_RETRY_SHOWN]}"
