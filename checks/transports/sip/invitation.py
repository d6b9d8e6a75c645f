"""What a test call asks for, and the INVITE that asks it (RFC 3261, section 13.2.1). Pure.

This is the one place where an INVITE is written, and no number leaves it that the deny list holds.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from checks.telephony.numbers import dialled
from checks.transports.sip.authorization import Account
from checks.transports.sip.dialog import ALLOW
from checks.transports.sip.message import Headers, Request
from checks.transports.sip.wire import Carrier

SESSION_SECONDS = 90
"""The shortest session interval there may be (RFC 4028, section 4.2): should this machine die in the middle of a call,
a far end that knows it hangs up by itself, since nobody refreshes the session. No test call lasts half as long."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whom to call, as whom, with what."""

    number: str
    domain: str
    """The host part of the URI, with a port where one is needed."""
    caller: str
    """The user part of From: a test extension, or a name that stands for this agent."""
    home: str
    """The host part of From."""
    offer: bytes
    """Our side of the sound (SDP)."""
    account: Account | None = None


@dataclass(frozen=True, slots=True)
class Naming:
    """What all requests of one call have in common."""

    call_id: str
    tag: str

    @classmethod
    def new(cls) -> Naming:
        return cls(secrets.token_hex(16), secrets.token_hex(8))


def invite(
    what: Invitation,
    named: Naming,
    number: int,
    own: str,
    carrier: Carrier,
    more: tuple[tuple[str, str], ...] = (),
    interval: int = SESSION_SECONDS,
) -> Request:
    """The INVITE without Via; `own` is our host and port, `number` its CSeq, `more` credentials.

    Raises NumberRefused for a number that is never dialled, whoever asks for it.
    """
    digits = dialled(what.number)
    uri = f"sip:{digits}@{what.domain}"
    via = "" if carrier is Carrier.UDP else f";transport={carrier}"
    fields = (
        ("max-forwards", "70"),
        ("from", f"<sip:{what.caller}@{what.home}>;tag={named.tag}"),
        ("to", f"<{uri}>"),
        ("call-id", named.call_id),
        ("cseq", f"{number} INVITE"),
        ("contact", f"<sip:{what.caller}@{own}{via}>"),
        ("allow", ALLOW),
        ("supported", "timer"),
        ("session-expires", f"{interval};refresher=uac"),
        ("min-se", str(interval)),
        ("accept", "application/sdp"),
        ("user-agent", "Ridgeway"),
        *more,
        ("content-type", "application/sdp"),
    )
    return Request("INVITE", uri, Headers(fields), what.offer)
