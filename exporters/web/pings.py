"""The listener for pings of backup jobs: `/ping/<key>[/start|/fail|/log|/<exit status>]`, and nothing else.

It may be reached by machines that reach nothing else of the agent. Whoever has no key learns nothing from it: every
other path, method and key has the same answer. A key stands in no log and no answer.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from urllib.parse import parse_qsl

import structlog
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from agent.push.keeping import NotKept
from agent.push.keys import keys_in
from agent.push.limits import Limits, network_of
from agent.push.tail import tail
from checks.transports.inbox import OLDEST, Ping, Sign

LARGEST_BODY = 64 * 1024
BODY_WITHIN = 10.0
"""Seconds from the head of a request to the end of its body."""
LARGEST = 2**53
_LONGEST_QUERY = 1000
_RID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_NUMBER = re.compile(r"[0-9]{1,16}(?:\.[0-9]{1,9})?")
_CODE = re.compile(r"[0-9]{1,3}")
_METHODS = frozenset({"GET", "HEAD", "POST"})
_WORDS = {"": Sign.SUCCESS, "start": Sign.START, "fail": Sign.FAIL, "log": Sign.LOG}
_LATER = "30"
"""Seconds, for Retry-After."""
_CLOSE = {"Connection": "close"}
"""A job pings once in a while; and whoever sends a body for ever is let go of with the answer."""


class Outcome(StrEnum):
    """What became of a request, for the metrics."""

    TAKEN = "taken"
    UNKNOWN = "unknown"
    """No such key, or no such path."""
    LIMITED = "limited"
    UNFIT = "unfit"
    """A key of ours, with a method or a body that cannot be taken."""
    NOT_KEPT = "not_kept"
    """The ledger could not keep it."""


@dataclass(slots=True)
class PingSite:
    """The ASGI application. Belongs to the event loop's thread."""

    job_of: Callable[[str], str | None]
    keep: Callable[[Ping], Awaitable[None]]
    """Done once it is on the disk. Raises NotKept."""
    count: Callable[[str], None]
    clock: Callable[[], float]
    monotonic: Callable[[], float] = time.monotonic
    limits: Limits = field(default_factory=Limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            said = await self._answer(scope, receive)
        except _Refused as refused:
            self.count(refused.outcome.value)
            await refused.answer()(scope, receive, send)
            return
        self.count(Outcome.TAKEN.value)
        await PlainTextResponse(said, headers=_CLOSE)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> str:
        """What whoever sent it is told. Raises _Refused."""
        now = self.monotonic()
        address = _address(scope)
        if not self.limits.addresses.take(address, now) or not self.limits.all.take(now):
            raise _Refused(Outcome.LIMITED, 429, "too many pings; send it again later")
        key, sign, code = _read_path(scope["path"])
        job = self.job_of(key)
        if job is None or sign is None:
            self._unknown(address, now)
            raise _Refused(Outcome.UNKNOWN, 404, "not found")
        if scope["method"] not in _METHODS:
            raise _Refused(Outcome.UNFIT, 405, "send GET, HEAD or POST")
        if not self.limits.jobs.take(job, now):
            raise _Refused(Outcome.LIMITED, 429, "this job pings too often; 12 times a minute is the most")
        body = await _body(receive) if scope["method"] == "POST" else b""
        ping, left_out = self._ping(job, sign, code, scope["query_string"])
        log = await asyncio.to_thread(self._log, body) if body else ""
        try:
            await self.keep(replace(ping, log=log))
        except NotKept:
            raise _Refused(Outcome.NOT_KEPT, 503, "the ledger cannot keep it now; send it again later") from None
        return "OK" + (f", without {', '.join(left_out)}: that cannot be read" if left_out else "") + "\n"

    def _log(self, body: bytes) -> str:
        """The end of a log, without any key of ours."""
        return tail(body, keys_in(body.decode("ascii", "replace"), self.job_of))

    def _ping(self, job: str, sign: Sign, code: int | None, query: bytes) -> tuple[Ping, list[str]]:
        """The ping, and what had to be left out of it: a wrong size must not cost the signal."""
        said, now = _Query(query), self.clock()
        rid = said.word("rid", _RID)
        if self.job_of(rid) is not None:
            said.left_out.append("rid")
            rid = ""
        ping = Ping(
            job,
            now - (said.number("ago", OLDEST) or 0.0),
            sign,
            now,
            code,
            rid,
            said.count("bytes"),
            said.count("files"),
            said.count("errors"),
            said.number("seconds", OLDEST),
        )
        return ping, said.left_out

    def _unknown(self, address: str, now: float) -> None:
        if self.limits.may_tell(address, now):
            structlog.get_logger("exporters.web").warning("ping with a key that nobody has, ignored", address=address)


class _Refused(Exception):
    def __init__(self, outcome: Outcome, status: int, words: str) -> None:
        super().__init__(words)
        self.outcome = outcome
        self._status = status
        self._words = words

    def answer(self) -> PlainTextResponse:
        later = {"Retry-After": _LATER} if self._status in (429, 503) else {}
        return PlainTextResponse(f"{self._words}\n", self._status, {**later, **_CLOSE})


def _read_path(path: str) -> tuple[str, Sign | None, int | None]:
    """Key, what is said and exit status; no sign where there is no such path."""
    parts = path.split("/")
    if len(parts) not in (3, 4) or parts[:2] != ["", "ping"]:
        return "", None, None
    said = parts[3] if len(parts) == 4 else ""
    if _CODE.fullmatch(said) and int(said) <= 255:
        return parts[2], Sign.EXIT, int(said)
    return parts[2], _WORDS.get(said), None


async def _body(receive: Receive) -> bytes:
    """The whole body. Raises _Refused."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Refused(Outcome.UNFIT, 400, "the body is not whole")
                body += message.get("body", b"")
                if len(body) > LARGEST_BODY:
                    raise _Refused(Outcome.UNFIT, 413, "send the last 4 KiB of the log: tail -c 4096")
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise _Refused(Outcome.UNFIT, 408, "the body comes too slowly") from None


class _Query:
    """What is asked beside the path, and the names of what cannot be read."""

    def __init__(self, query: bytes) -> None:
        self.left_out: list[str] = []
        self._said: dict[str, str] = {}
        try:
            if len(query) > _LONGEST_QUERY:
                raise ValueError
            self._said = dict(parse_qsl(query.decode("latin-1"), max_num_fields=20))
        except ValueError:
            self.left_out.append("what is asked")

    def word(self, name: str, form: re.Pattern[str]) -> str:
        text = self._said.get(name, "")
        if not text or form.fullmatch(text):
            return text
        self.left_out.append(name)
        return ""

    def number(self, name: str, most: float) -> float | None:
        text = self.word(name, _NUMBER)
        if not text:
            return None
        value = float(text)
        if value <= most:
            return value
        self.left_out.append(name)
        return None

    def count(self, name: str) -> int | None:
        value = self.number(name, LARGEST)
        return None if value is None else int(value)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return network_of(str(client[0])) if client else ""
