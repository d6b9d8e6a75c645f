"""What the demo's SIP endpoint says, without I/O: responses, and who may speak to it."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping

from checks.transports.sip.fields import challenges
from checks.transports.sip.message import Headers, Request, Response, SipSyntaxError

REASONS = {
    100: "Trying", 180: "Ringing", 200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
    405: "Method Not Allowed", 481: "Call/Transaction Does Not Exist", 486: "Busy Here", 487: "Request Terminated",
    488: "Not Acceptable Here", 500: "Server Internal Error", 503: "Service Unavailable",
}  # fmt: skip
METHODS = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER"
REALM = "ridgeway-demo"
_KEPT = frozenset({"via", "from", "call-id", "cseq", "record-route"})
_ASKED_PORT = re.compile(r";\s*rport(?=\s*(?:;|$))", re.IGNORECASE)


def response(
    request: Request, source: tuple[str, int], tag: str, status: int, *more: tuple[str, str], body: bytes = b""
) -> Response:
    """A response to a request that came from `source` (RFC 3261, sections 8.2.6 and 18.2.1; RFC 3581)."""
    fields: list[tuple[str, str]] = []
    for name, value in request.headers.fields:
        if name in _KEPT:
            first = name == "via" and not any(kept == "via" for kept, _ in fields)
            fields.append((name, _from(value, source) if first else value))
    to = request.headers.first("to") or ""
    if status > 100 and ";tag=" not in to:
        to = f"{to};tag={tag}"
    return Response(status, REASONS.get(status, ""), Headers((*fields, ("to", to), *more)), body)


def _from(via: str, source: tuple[str, int]) -> str:
    """Our caller's Via with the address and port from which it really came."""
    return _ASKED_PORT.sub(f";received={source[0]};rport={source[1]}", via, count=1)


def challenge(nonce: str, algorithm: str) -> tuple[str, str]:
    """The header that asks who is there (RFC 7616)."""
    return "www-authenticate", f'Digest realm="{REALM}", nonce="{nonce}", qop="auth", algorithm={algorithm}'


def proved(request: Request, users: Mapping[str, str], nonce: str, algorithm: str) -> bool:
    """Whether the request brings the password of one of the users, for this nonce.

    Reckoned here and not by the client's `digest`, so that one mistake does not prove itself.
    """
    try:
        brought = challenges(request.headers, "authorization")
    except SipSyntaxError:
        return False
    if len(brought) != 1 or brought[0].scheme != "digest":
        return False
    said = {name: brought[0].parameters.get(name, "") for name in _NEEDED}
    password = users.get(said["username"])
    if password is None or said["nonce"] != nonce or said["realm"] != REALM or said["qop"] != "auth":
        return False

    def hashed(*parts: str) -> str:
        return hashlib.new(algorithm.replace("-", ""), ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    secret, what = hashed(said["username"], REALM, password), hashed(request.method, said["uri"])
    right = hashed(secret, nonce, said["nc"], said["cnonce"], "auth", what)
    return hmac.compare_digest(right.encode(), said["response"].encode())


_NEEDED = ("username", "realm", "nonce", "uri", "qop", "nc", "cnonce", "response")
