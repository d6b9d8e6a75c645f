"""The calls of the demo's SIP endpoint: each rings, is answered, echoes, and ends (RFC 3261, sections 13 to 15)."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from agent.demo.rtp_echo import Manner, RtpEcho
from agent.demo.sip_answers import response
from checks.transports.rtp import sdp
from checks.transports.sip.fields import address, cseq
from checks.transports.sip.message import Request, Response

Say = Callable[[Response], None]
Source = tuple[str, int]
_T1, _T2 = 0.5, 4.0
"""Seconds between two sendings of a 200: at first, and at most (section 13.3.1.4)."""
_UNHEARD = 64 * _T1
"""Seconds after which a 200 that nobody acknowledges is given up."""
_LONGEST = 120.0
"""Seconds after which a call that nobody ends is over."""
_MOST = 50
_REMEMBERED = 200
"""Calls that are over and whose last answer is kept, for those who have not heard it."""


@dataclass(slots=True)
class _Call:
    """One call; `say` sends to whoever called."""

    invite: Request
    source: Source
    say: Say
    media: RtpEcho | None = None
    last: Response | None = None
    answered: bool = False
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class EchoCalls:
    """Every call of one endpoint."""

    def __init__(self, host: str, contact: str, tag: str, manner: Manner) -> None:
        self._host = host
        self._contact = contact
        self._tag = tag
        self._manner = manner
        self._calls: dict[str, _Call] = {}
        self._over: dict[str, tuple[tuple[int, str], Response]] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def invited(self, request: Request, source: Source, say: Say) -> None:
        """A new call, or the same INVITE again."""
        name = _name(request)
        call, number = self._calls.get(name), cseq(request.headers)
        if call is not None and cseq(call.invite.headers) == number:
            if call.last is not None:
                say(call.last)
        elif name in self._over and self._over[name][0] == number:
            say(self._over[name][1])
        elif call is not None or len(self._calls) >= _MOST:
            say(self._to(request, source, 486))
        else:
            call = self._calls[name] = _Call(request, source, say)
            self._tell(call, 100)
            call.task = asyncio.get_running_loop().create_task(self._held(name, call))

    def acknowledged(self, request: Request) -> None:
        """An ACK."""
        call = self._calls.get(_name(request))
        if call is not None and cseq(call.invite.headers)[0] == cseq(request.headers)[0]:
            call.acknowledged.set()

    def cancelled(self, request: Request, source: Source) -> Response:
        """A CANCEL: an INVITE that has its answer is not touched by it (section 9.2)."""
        call = self._calls.get(_name(request))
        if call is None:
            return self._to(request, source, 481)
        if not call.answered:
            self._tell(call, 487)
            self._forget(_name(request))
        return self._to(request, source, 200)

    def ended(self, request: Request, source: Source) -> Response:
        """A BYE."""
        known = _name(request) in self._calls
        self._forget(_name(request))
        return self._to(request, source, 200 if known else 481)

    def hang_up(self) -> None:
        """Forget every call without a word, as a controller that dies."""
        for name in list(self._calls):
            self._forget(name)

    async def _held(self, name: str, call: _Call) -> None:
        """Ring, answer, say so again until that is acknowledged, and stay until somebody ends it."""
        try:
            codec = sdp.answer(call.invite.body).codec
            call.media = RtpEcho(self._manner, codec)
            await call.media.open(self._host)
            body = sdp.offer(self._host, call.media.port, secrets.randbelow(2**31), (codec,))
            self._tell(call, 180)
            await asyncio.sleep(self._manner.rings)
            call.answered = True
            async with asyncio.timeout(_LONGEST):
                async with asyncio.timeout(_UNHEARD):
                    await self._answer(call, body)
                await asyncio.Event().wait()
        except sdp.SdpError:
            self._tell(call, 488)
        except TimeoutError:
            pass  # nobody is there any more
        except OSError:
            self._tell(call, 500)  # no port is free for the sound
        finally:
            if self._calls.get(name) is call:
                self._forget(name)

    async def _answer(self, call: _Call, body: bytes) -> None:
        wait = _T1
        while not call.acknowledged.is_set():
            self._tell(call, 200, ("contact", self._contact), ("content-type", "application/sdp"), body=body)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.acknowledged.wait(), wait)
            wait = min(2 * wait, _T2)

    def _tell(self, call: _Call, status: int, *more: tuple[str, str], body: bytes = b"") -> None:
        call.last = self._to(call.invite, call.source, status, *more, body=body)
        call.say(call.last)

    def _forget(self, name: str) -> None:
        call = self._calls.pop(name, None)
        if call is None:
            return
        if call.media is not None:
            call.media.close()
        if call.task is not None and call.task is not asyncio.current_task():
            call.task.cancel()
        if call.last is not None:
            self._over[name] = cseq(call.invite.headers), call.last
            while len(self._over) > _REMEMBERED:
                del self._over[next(iter(self._over))]

    def _to(self, request: Request, source: Source, status: int, *more: tuple[str, str], body: bytes = b"") -> Response:
        return response(request, source, self._tag, status, *more, body=body)


def _name(request: Request) -> str:
    """A call by its Call-ID and the caller's tag. Raises SipSyntaxError."""
    return f"{request.headers.first('call-id')} {address(request.headers.first('from'), 'From').tag}"
