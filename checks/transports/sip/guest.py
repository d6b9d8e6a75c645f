"""What we answer to requests of the far end inside of a call (RFC 3261, sections 12.2.2, 14 and 15). Pure."""

from __future__ import annotations

from checks.transports.sip.dialog import ALLOW, response_to
from checks.transports.sip.message import Request, Response

_ANSWERS = {
    "BYE": (200, "OK"),
    "OPTIONS": (200, "OK"),
    "INFO": (200, "OK"),
    # A change of the call is declined, and it goes on as it was agreed (section 14.2): we measure what we agreed to.
    "INVITE": (488, "Not Acceptable Here"),
    "UPDATE": (488, "Not Acceptable Here"),
    "CANCEL": (481, "Call/Transaction Does Not Exist"),
    "PRACK": (481, "Call/Transaction Does Not Exist"),
    "REFER": (603, "Decline"),
}


def answer_to(request: Request, known: bool) -> Response | None:
    """The response; None to an ACK, which has none. `known`: whether it belongs to a dialog of ours."""
    if request.method == "ACK":
        return None
    if not known:
        return response_to(request, 481, "Call/Transaction Does Not Exist")
    status, reason = _ANSWERS.get(request.method, (405, "Method Not Allowed"))
    more = (("allow", ALLOW),) if status == 405 or request.method == "OPTIONS" else ()
    return response_to(request, status, reason, *more)
