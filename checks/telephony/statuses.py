"""What a SIP status says of the one who sent it. Pure.

The answer to OPTIONS is meant to be what an INVITE would have got (RFC 3261, section 11), so most refusals are signs of
life: whoever says 403 or 486 is there and works. Comparing with 200 would be wrong of many carriers for ever.
"""

from __future__ import annotations

from enum import StrEnum

from checks.contract import State


class Sign(StrEnum):
    """How the other side is."""

    UP = "up"
    GUARDED = "up, and wants to know who asks"
    UNWELCOME = "up, and does not welcome the question"
    MOVED = "up, and says that it is asked elsewhere"
    DEGRADED = "overloaded, or in maintenance"
    BEHIND = "up, but what stands behind it does not answer"
    FAILING = "up, but it fails"


_SIGNS = {401: Sign.GUARDED, 407: Sign.GUARDED, 408: Sign.BEHIND, 504: Sign.BEHIND, 503: Sign.DEGRADED}
_UNWELCOME = frozenset({501, 505, 513, 600, 603, 604, 606, 607})
_STATES = {Sign.DEGRADED: State.WARNING, Sign.BEHIND: State.CRITICAL, Sign.FAILING: State.WARNING}


def sign(status: int, retry_after: float | None = None) -> Sign:
    """What a final response means; `retry_after` is the seconds of its Retry-After, if it has one."""
    if 200 <= status < 300:
        return Sign.UP
    if 300 <= status < 400:
        return Sign.MOVED
    known = _SIGNS.get(status)
    if known is not None:
        return known
    if status == 500 and retry_after is not None:
        return Sign.DEGRADED
    return Sign.UNWELCOME if 400 <= status < 500 or status in _UNWELCOME else Sign.FAILING


def state(what: Sign) -> State:
    """How bad that is."""
    return _STATES.get(what, State.OK)
