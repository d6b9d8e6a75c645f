"""`/probe`: the judge of the estate asks this agent to make one of its checks, and gets the observation as JSON.

`GET /probe?target=T&check=C`, or `POST /probe` with `{"target": T, "check": C}`. Only checks that the estate on this
side names are made, so the address, the options and the credentials come from here, never from the question. Without
the token everything is refused alike, before anything of the question has been looked at.

| status | meaning |
|---|---|
| 200 | `{"asked": digest, "observation": {…}}`, as `checks.wire` writes it |
| 400, 413 | not a question of this form |
| 401 | the token is missing or wrong |
| 404 | the estate has no such check for this vantage |
| 503 | too many questions at once |
| 504 | the judge stops waiting before the check has ended |
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import math
from collections.abc import Mapping
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from config.secrets import Secret

MOST = 256
"""Questions at once."""
_LONGEST_QUESTION = 4096
_LONGEST_NAME = 255
_LONGEST_WAIT = 3600.0


class Probing(Protocol):
    """What stands behind the route."""

    async def __call__(self, target: str, check: str) -> Mapping[str, Any] | None:
        """The answer's object, once the check has ended; None when there is no such check. Runs once at a time."""


class Counting(Protocol):
    def __call__(self, status: int) -> None:
        """An answer was given."""


class Probe:
    """The endpoint. `within` is the header in which the judge says how long it waits, seconds."""

    def __init__(self, probing: Probing, token: Secret, within: str, count: Counting) -> None:
        self._probing = probing
        self._token = _digest(token.reveal())
        self._within = within
        self._count = count
        self._under_way = 0

    def believe(self, token: Secret) -> None:
        """Answer to whoever shows this token from now on."""
        self._token = _digest(token.reveal())

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.probe, methods=["GET", "POST", "HEAD", "PUT", "DELETE"])])

    async def probe(self, request: Request) -> Response:
        """Everything that is asked of this listener."""
        response = await self._answer(request)
        self._count(response.status_code)
        return response

    async def _answer(self, request: Request) -> Response:
        scheme, _, brought = request.headers.get("authorization", "").partition(" ")
        # Both are hashed, so that neither length nor content shows in the time this takes.
        known = hmac.compare_digest(_digest(brought.strip()), self._token)
        if not known or scheme.lower() != "bearer":
            return _no(401, "a valid token is needed", {"WWW-Authenticate": "Bearer"})
        if request.url.path != "/probe" or request.method not in ("GET", "POST"):
            return _no(404, "there is only GET and POST /probe here")
        try:
            target, check = await _question(request)
            within = _seconds(request.headers.get(self._within))
        except _Odd as odd:
            return _no(odd.status, str(odd))
        if self._under_way >= MOST:
            return _no(503, f"{MOST} checks are being made already", {"Retry-After": "5"})
        self._under_way += 1
        try:
            async with asyncio.timeout(within):
                answer = await self._probing(target, check)
        except TimeoutError:
            return _no(504, "the check did not end while you wait")
        finally:
            self._under_way -= 1
        if answer is None:
            return _no(404, "the estate on this side has no such check for this vantage")
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})


class _Odd(Exception):
    """A question that is none."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def _question(request: Request) -> tuple[str, str]:
    if request.method == "GET":
        asked: object = dict(request.query_params)
    else:
        asked = await _body(request)
    if not isinstance(asked, dict) or asked.keys() != {"target", "check"}:
        raise _Odd(400, "say target and check, and nothing else")
    target, check = asked["target"], asked["check"]
    for name in (target, check):
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
            raise _Odd(400, "target and check are names")
    return target, check


async def _body(request: Request) -> object:
    body = b""
    try:
        async with asyncio.timeout(5.0):
            async for part in request.stream():
                body += part
                if len(body) > _LONGEST_QUESTION:
                    raise _Odd(413, f"a question has at most {_LONGEST_QUESTION} octets")
        return json.loads(body)
    except (ValueError, RecursionError, TimeoutError, ClientDisconnect) as error:
        raise _Odd(400, "the question is not JSON") from error


def _seconds(text: str | None) -> float:
    if text is None:
        return _LONGEST_WAIT
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _LONGEST_WAIT:
        raise _Odd(400, "the seconds that you wait are a number above 0 and at most 3600")
    return seconds


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


def _no(status: int, why: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": why}, status, {"Cache-Control": "no-store", **(headers or {})})
