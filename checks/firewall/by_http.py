"""Reading a firewall over HTTPS: its profile's questions, one after another, and nothing else.

A reading logs in, asks, logs out, and leaves no connection behind: a kept one goes with the address at a fail-over, and
the monitor is deaf at the very moment that counts. A device is read by one reading at a time. What a question brings
that is no answer to it ends that question; what means that nobody answers, or that we may not ask, ends the reading.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace

from checks.contract import Context, Fault, Reason, Target
from checks.firewall.answers import Cost
from checks.firewall.further import Reading
from checks.firewall.http.log_in import LOG_INS, LogIn
from checks.firewall.http.shape import understood
from checks.firewall.options import FirewallOptions
from checks.network.documents import Document, NotUnderstood
from checks.transports.aside import Crowded, Overdue, StillHanging
from checks.transports.fault import TransportFault
from checks.transports.http import HttpReply, Post, refusal
from checks.transports.http.line import LARGEST, SLOWEST, Line
from checks.transports.lockout import credential_fault
from config.patterns import LinePattern
from config.profiles.asks import Asks, HttpAsks, HttpQuestion, Read
from config.secrets import MASK

ROLE = "http"
_AT_ONCE = 32 * 1024
"""Octets of an answer that are read in the loop; a longer one is read aside from it."""
_SEARCHED = 4096
"""Characters of a refusal in which the device may say that it has no such thing."""
_LOG_OUT = 2.0
"""Seconds that are kept for the log-out."""
_SHORTEST = 4
"""Characters below which a secret would stand everywhere, by chance."""
_NOT_FOUND = 404
_BUSY = (429, 503)


async def read(
    target: Target, options: FirewallOptions, asks: Asks, names: Sequence[str], ctx: Context, deadline: float
) -> Reading:
    """The answers to the questions of these names, until `deadline` (loop time). A fault ends the reading."""
    assert asks.http is not None  # a reader gets the profiles of its way
    way = options.https
    line = Line(
        http=ctx.transports.http,
        target=target.name,
        address=target.address,
        port=way.port or asks.http.port,
        credential=target.credentials[ROLE],
        deadline=deadline - min(_LOG_OUT, max(0.0, deadline - asyncio.get_running_loop().time()) / 4),
        ca=way.ca,
        pins=way.pin,
        host=way.host,
    )
    poll = _Poll(line, asks.http, ctx, LOG_INS[asks.http.login]())
    try:
        async with ctx.transports.http.turns.at(target.address, line.deadline):
            await poll.run(names, deadline)
    except TransportFault as error:
        poll.fault = _fault(error, line)
    return Reading(poll.documents, poll.fault, Cost(line.questions, line.seconds, line.octets), line.certificate)


@dataclass(slots=True)
class _Poll:
    """One reading under way."""

    line: Line
    asks: HttpAsks
    ctx: Context
    log_in: LogIn
    documents: dict[str, Document | NotUnderstood] = field(default_factory=dict)
    fault: Fault | None = None
    replies: dict[tuple[str, Post | None], HttpReply] = field(default_factory=dict)
    refusals: list[TransportFault] = field(default_factory=list)
    """What the device said to the questions that it did not answer, where every one of them may say the same."""

    async def run(self, names: Sequence[str], deadline: float) -> None:
        """Log in, ask, log out whatever happens, a cancelled run included. Raises TransportFault."""
        try:
            # A log-in under way when the run is cancelled may be a session in the next moment.
            await _to_its_end(self.log_in.open(self.line))
            await self._ask_all(names)
        finally:
            # A session that cannot be closed ends by itself after a while; what was read counts.
            with contextlib.suppress(TransportFault):
                await _to_its_end(self.log_in.close(self.line, deadline))

    async def _ask_all(self, names: Sequence[str]) -> None:
        often, loop = list(Read), asyncio.get_running_loop()
        for name in sorted(names, key=lambda name: often.index(self.asks.questions[name].read)):
            until = loop.time() + SLOWEST
            try:
                self.documents[name] = await self._asked(self.asks.questions[name], min(until, self.line.deadline))
            except TransportFault as error:
                if error.reason is not Reason.LIMIT or loop.time() < until or not self.documents:
                    raise
                # This one rests for as long as an answer to it would hold. The device may still be at it.
                self.documents[name] = NotUnderstood("", f"no whole answer within {SLOWEST:g} s", slow=True)
                return
        if self.refusals and len(self.refusals) == len(names) and len({one.reason for one in self.refusals}) == 1:
            self.documents.clear()  # one cause: it is no matter of single questions
            raise self.refusals[0]

    async def _asked(self, question: HttpQuestion, until: float) -> Document | NotUnderstood:
        for path in question.paths:
            reply = await self._replied(question, path, until)
            if reply.status != _NOT_FOUND:
                break
        if reply.status == _NOT_FOUND and question.may_be_absent:
            return None
        before = len(self.refusals)
        found = await self._found(question, reply)
        if isinstance(found, NotUnderstood) and _says_absent(question, reply):
            del self.refusals[before:]
            return None
        return found

    async def _replied(self, question: HttpQuestion, path: str, until: float) -> HttpReply:
        """The answer to one path; what two questions of a profile ask alike is asked once in a reading."""
        asked = self.line.question(path)
        if question.post is not None:
            asked = replace(asked, post=_post(question))
        alike = (path, asked.post)
        if alike not in self.replies:
            reply = await self.line.send(self.log_in.dressed(self.line, asked), until)
            self.replies[alike] = replace(reply, body=self._clean(reply.body))
        return self.replies[alike]

    async def _found(self, question: HttpQuestion, reply: HttpReply) -> Document | NotUnderstood:
        refused = refusal(reply)
        if refused is not None and reply.status in _BUSY:
            raise refused
        if refused is not None:
            self.refusals.append(refused)
            return NotUnderstood.of(reply.text(), refused.message.removeprefix(reply.url.shown).strip())
        if reply.truncated:
            return NotUnderstood.of(reply.text(), f"it is longer than {LARGEST} octets")
        found = await self._read(question, reply)
        if isinstance(found, NotUnderstood) and "html" in reply.headers.get("content-type", "").lower():
            self.refusals.append(TransportFault(Reason.PROTOCOL, f"{reply.url.shown} answers with {found.why}"))
        return found

    async def _read(self, question: HttpQuestion, reply: HttpReply) -> Document | NotUnderstood:
        """The document; a long answer must not hold the loop."""
        if len(reply.body) <= _AT_ONCE:
            return understood(question, reply.body, reply.text())
        try:
            return await self.ctx.transports.aside.ask(
                self.line.address, lambda _tether: understood(question, reply.body, reply.text()), self.line.deadline
            )
        except (Overdue, StillHanging) as error:
            raise TransportFault(Reason.HANGING, f"{reply.url.shown}: the answer could not be read in time") from error
        except Crowded as error:
            raise TransportFault(Reason.LOCAL, f"{reply.url.shown}: {error}") from error

    def _clean(self, body: bytes) -> bytes:
        """The body without the session's identifiers: some APIs show the request they got."""
        for secret in self.line.secrets:
            if len(secret) >= _SHORTEST:
                body = body.replace(secret.encode(), MASK.encode())
        return body


async def _to_its_end(step: Coroutine[None, None, None]) -> None:
    """Do this even when the run is cancelled meanwhile; it ends by a deadline of its own."""
    doing = asyncio.ensure_future(step)
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        doing.exception()  # looked at, as nobody else will
        raise


def _says_absent(question: HttpQuestion, reply: HttpReply) -> bool:
    return question.absent_says is not None and LinePattern(question.absent_says).found(reply.text()[:_SEARCHED])


def _post(question: HttpQuestion) -> Post:
    body = question.body or "{}"
    kind = "application/xml" if body.startswith("<") else "application/json"
    return Post(body.encode(), kind, "the profile")


def _fault(error: TransportFault, line: Line) -> Fault:
    if error.reason in (Reason.AUTHENTICATION, Reason.WITHHELD):
        return credential_fault(error, line.credential)
    return Fault(error.reason, error.message, f"http/{error.reason.value}")


__all__ = ["ROLE", "SLOWEST", "read"]
