"""Why somebody is not let in, and the answer to that, which tells no more than it must."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus

import structlog
from starlette.responses import JSONResponse, PlainTextResponse, Response

from exporters.web.api import problem_json

EVERY = 60.0
"""Seconds in which one reason is logged once; how often it came is on `/metrics`."""


class Reason(StrEnum):
    """Label of `ridgeway_web_requests_refused_total`."""

    NO_CREDENTIALS = "no_credentials"
    MALFORMED = "malformed"
    PASSWORD = "password"  # noqa: S105  # a word of a label
    TOKEN = "token"  # noqa: S105  # a word of a label
    CERTIFICATE = "certificate"
    PROXY = "proxy"
    AMBIGUOUS = "ambiguous"
    NOT_LISTED = "not_listed"
    BUSY = "busy"


class Refused(Exception):
    """This request is not let in."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


_STATUS = {Reason.AMBIGUOUS: 400, Reason.NOT_LISTED: 403, Reason.BUSY: 503}
_TEXT = {
    400: "Two say who asks: the proxy's header and Authorization. Have the proxy drop the one that it does not mean.",
    401: "Say who you are.",
    403: "You are known, and may see nothing here.",
    503: "Too many are logging in at once. Try again.",
}


def answer(reason: Reason, path: str, schemes: tuple[str, ...]) -> Response:
    """`schemes` are those of WWW-Authenticate. Wrong, unknown and unreadable credentials are answered alike."""
    status = _STATUS.get(reason, 401)
    text = _TEXT[status]
    if status == 401 and not schemes:  # RFC 9110 wants a way to log in beside a 401, and there is none from here
        status, text = 403, "Ask by way of the proxy, or show the certificate, that says who you are."
    if path.startswith("/api/"):
        body = problem_json(status, HTTPStatus(status).phrase, text)
        made: Response = JSONResponse(body, status, media_type="application/problem+json")
    else:
        made = PlainTextResponse(f"{text}\n", status)
    made.headers["Cache-Control"] = "no-store"
    if status == 401:
        for scheme in schemes:
            made.headers.append("WWW-Authenticate", scheme)
    if status == 503:
        made.headers["Retry-After"] = "2"
    return made


class Told:
    """Says in the log that somebody was refused, seldom: by reason and address, never what they brought."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._log = structlog.get_logger("exporters.web")
        self._again: dict[Reason, float] = {}
        self._since: dict[Reason, int] = {}

    def refused(self, reason: Reason, address: str) -> None:
        """Somebody at this address was refused."""
        now = self._clock()
        self._since[reason] = self._since.get(reason, 0) + 1
        if now < self._again.get(reason, now):
            return
        self._again[reason] = now + EVERY
        self._log.warning("access refused", reason=reason.value, address=address, times=self._since.pop(reason))
