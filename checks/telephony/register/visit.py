"""One registrar visited: the test extension registered, the answer read, and the registration taken back.

Only our own Contact is ever taken back, by its own URI and never by `*`, and whatever comes between: a refusal,
silence, a broken connection, the deadline or being cancelled. Each REGISTER begins without credentials, so that a nonce
used twice is never counted as a wrong password.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Any

from checks.contract import Fault, Reason
from checks.printable import printable
from checks.telephony.numbers import masked
from checks.telephony.register.bindings import Binding, bindings, parted, seconds, shown
from checks.telephony.register.options import RegisterOptions
from checks.telephony.way import contact
from checks.transports.fault import TransportFault
from checks.transports.lockout import Try
from checks.transports.sip import (
    Account,
    Carrier,
    ChallengeFault,
    Exchange,
    Headers,
    Login,
    Request,
    Response,
    SipSyntaxError,
    Wire,
)
from checks.transports.sip.fields import retry_after

_FOR_REGISTERING = 0.6
"""Of a registrar's time; the rest is kept for taking the registration back."""
_HURRY = 0.8
"""Seconds to take a registration back when the check is cancelled: the runner waits for one."""
_LONGEST = 3600
"""Seconds that a registrar may ask for by Min-Expires: it may not refuse an hour (RFC 3261, section 10.3, step 7)."""
_MOST_SHOWN = 5
Opening = Callable[[float], AbstractAsyncContextManager[Wire]]
"""Opens a way to the registrar until a moment (loop time)."""


@dataclass(frozen=True, slots=True)
class Registrar:
    """What became of one visit."""

    name: str
    """As metrics and findings call it: `udp:192.0.2.10:5060`."""
    status: int | None = None
    """Of the final answer to the registration; None without one."""
    reason: str = ""
    seconds: float = 0.0
    """From the first REGISTER to the last answer."""
    sent: int = 0
    retry_after: float | None = None
    elsewhere: str = ""
    """Where a redirect points."""
    granted: float | None = None
    """Seconds for which the registrar holds our binding; None where it does not say, or does not list it."""
    listed: bool = False
    """Whether our binding is in its answer."""
    others: int = 0
    """Bindings of others."""
    other_hosts: tuple[str, ...] = ()
    left: str = ""
    """Why it is not proved that the registration was taken back; empty where it was, or where there was none."""
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Extension:
    """Who is registered, and where. Never printed."""

    user: str
    """As it stands in a URI."""
    domain: str
    account: Account


class Visit:
    """A visit to one registrar, which `where` names in messages."""

    def __init__(self, name: str, where: str, options: RegisterOptions, extension: Extension) -> None:
        self._name = name
        self._where = where
        self._options = options
        self._user = extension.user
        self._uri = f"{options.scheme}:{extension.domain}"
        self._aor = f"<{options.scheme}:{extension.user}@{extension.domain}>"
        self._login = Login(extension.account, where)
        self._token = f"ridgeway-{secrets.token_hex(8)}"
        self._call_id = secrets.token_hex(16)
        self._tag = secrets.token_hex(8)
        self._expires = options.expires
        self._contact = ""
        self._bound = False
        """Whether a binding of ours may be there."""
        self._left = ""

    @property
    def heard(self) -> bool:
        """Whether the registrar has answered anything."""
        return self._login.heard

    @property
    def left(self) -> str:
        """Why it is not proved that the registration was taken back; empty for whoever says nothing at all."""
        return self._left if self.heard else ""

    async def made(self, opening: Opening, attempt: Try, until: float) -> Registrar:
        """Register, read and take back, all before `until` (loop time). Tells `attempt` how the log-in ended.

        Raises TransportFault: REFUSED, NO_ANSWER, UNREACHABLE, PROTOCOL, LOCAL, AUTHENTICATION; see `left` then too.
        """
        loop = asyncio.get_running_loop()
        by = loop.time() + (until - loop.time()) * _FOR_REGISTERING
        async with opening(by) as wire:
            self._contact = contact(self._options, self._token, wire.own)
            broken = False
            try:
                outcome = await self._asked(wire, attempt, by)
            except asyncio.CancelledError:
                until = loop.time() + _HURRY
                raise
            except TransportFault:
                broken = wire.carrier is not Carrier.UDP
                raise
            finally:
                if self._bound:
                    await _to_its_end(self._taken_back(None if broken else wire, opening, attempt, until))
        return replace(outcome, left=self.left)

    async def _asked(self, wire: Wire, attempt: Try, by: float) -> Registrar:
        began = asyncio.get_running_loop().time()
        response = (await self._registered(wire, attempt, by)).answer.response
        took = asyncio.get_running_loop().time() - began
        ours, others = self._bindings(response) if 200 <= response.status < 300 else (None, ())
        granted = None
        if ours is not None:
            granted = seconds(response.headers.first("expires")) if ours.expires is None else ours.expires
        return Registrar(
            self._name, response.status, self._masked(response.reason), took, self._login.sent,
            retry_after(response.headers), _elsewhere(response), granted, ours is not None and granted != 0,
            len(others), tuple(dict.fromkeys(shown(one) for one in others[:_MOST_SHOWN])),
        )  # fmt: skip

    async def _registered(self, wire: Wire, attempt: Try, by: float) -> Exchange:
        """The last answer to our registration, which is asked for longer once where it is too brief."""
        for last in (False, True):
            self._bound = True
            try:
                done = await self._login.exchange(wire, self._request(self._expires), by)
            except ChallengeFault:
                self._bound = False
                raise
            response = done.answer.response
            self._bound = 200 <= response.status < 300
            _conclude(done, attempt)
            if done.refused:
                raise TransportFault(
                    Reason.AUTHENTICATION,
                    f"{self._where}: it answers {response.status} to the test extension's password; look at the "
                    "extension there, then at the secret",
                )
            least = seconds(response.headers.first("min-expires"))
            if response.status != 423 or last or least is None or not self._expires < least <= _LONGEST:
                break
            self._expires = int(least)
        return done

    async def _taken_back(self, wire: Wire | None, opening: Opening, attempt: Try, until: float) -> None:
        """Take our Contact back: over the same way, which some registrars go by, else over a new one."""
        loop = asyncio.get_running_loop()
        if wire is not None:
            stream = wire.carrier is not Carrier.UDP
            try:
                half = loop.time() + (until - loop.time()) / 2
                self._left = self._still_there(await self._removed(wire, attempt, half if stream else until))
                return
            except TransportFault as error:
                self._left = error.message
                if not stream:
                    return
        try:
            async with opening(until) as fresh:
                self._left = self._still_there(await self._removed(fresh, attempt, until))
        except TransportFault as error:
            self._left = error.message

    async def _removed(self, wire: Wire, attempt: Try, until: float) -> Response:
        done = await self._login.exchange(wire, self._request(0), until)
        _conclude(done, attempt)
        return done.answer.response

    def _still_there(self, response: Response) -> str:
        """Why the answer does not prove that our binding is gone; empty where it does."""
        if not 200 <= response.status < 300:
            return f"{self._where}: answers {response.status} when it is taken back"
        try:
            ours, _ = self._bindings(response)
        except TransportFault as error:
            return error.message
        if ours is not None and ours.expires != 0:
            return f"{self._where}: still lists it after it was taken back"
        return ""

    def _bindings(self, response: Response) -> tuple[Binding | None, tuple[Binding, ...]]:
        try:
            return parted(bindings(response.headers), self._token)
        except SipSyntaxError as error:
            raise TransportFault(
                Reason.PROTOCOL, f"{self._where}: its list of registrations cannot be read: {error}"
            ) from error

    def _request(self, expires: int) -> Request:
        """REGISTER (RFC 3261, section 10.2) without Via and CSeq. Expires stands by itself too, for old gear."""
        fields = (
            ("max-forwards", "70"),
            ("from", f"{self._aor};tag={self._tag}"),
            ("to", self._aor),
            ("call-id", self._call_id),
            ("contact", f"{self._contact};expires={expires}"),
            ("expires", str(expires)),
            ("user-agent", "Ridgeway"),
        )
        return Request("REGISTER", self._uri, Headers(fields))

    def _masked(self, reason: str) -> str:
        """What it says of its status, without a number of anybody."""
        return masked(printable(reason, 60).replace(self._user, "…"))


def _conclude(done: Exchange, attempt: Try) -> None:
    """What an exchange says of the password. Once it was taken, a later refusal is of something else."""
    if attempt.verdict is None and done.refused:
        attempt.refused()
    elif attempt.verdict is None and done.proved and 200 <= done.answer.response.status < 300:
        attempt.accepted()


def _elsewhere(response: Response) -> str:
    if not 300 <= response.status < 400:
        return ""
    with contextlib.suppress(SipSyntaxError):
        for one in bindings(response.headers):
            return shown(one)
    return ""


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Await work that bounds itself, whoever cancels meanwhile; being cancelled is passed on afterwards."""
    task = asyncio.get_running_loop().create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.done():
                break
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()
