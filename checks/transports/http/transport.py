"""`HttpTransport`: one question over HTTP, answered whole or refused, never later than its deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from checks.contract import Reason
from checks.transports.aside import Aside, Crowded, Overdue, StillHanging
from checks.transports.fault import TransportFault
from checks.transports.http.access import Access, access
from checks.transports.http.question import HttpQuestion, HttpReply, Phases
from checks.transports.http.trust import TrustStore
from checks.transports.turns import Turns
from config.secrets import MASK

if TYPE_CHECKING:
    from checks.transports.aside import Tether
    from checks.transports.lockout import Lockout, Try
    from checks.transports.names import Address, Names

_SHOWN = 40
_SHORTEST = 4


class HttpTransport:
    """Asks over HTTP. Every connection is for one request and closed with it; only TLS contexts are kept."""

    def __init__(
        self,
        names: Names,
        aside: Aside,
        lockout: Lockout,
        now: Callable[[], float] = time.time,
        turns: Turns | None = None,
    ) -> None:
        self._names = names
        self._aside = aside
        self._lockout = lockout
        self._now = now
        self._trust = TrustStore()
        self.turns = turns or Turns()
        """For those who ask a device several questions, and would be in each other's way; shared with SSH."""

    async def ask(self, question: HttpQuestion, *, deadline: float) -> HttpReply:
        """The answer to one question, whatever its status, until `deadline` (loop time).

        Raises TransportFault: NAME, NO_ANSWER and UNREACHABLE (no connection), REFUSED, LIMIT (too slow, too much),
        PROTOCOL (not HTTP; as TlsFault, no trusted TLS), AUTHENTICATION (a 401 to a request that had a credential, or
        a client certificate refused), WITHHELD (the account is spared), LOCAL, HANGING.
        """
        begun = time.monotonic()
        address = await self._address(question, deadline)
        resolve = time.monotonic() - begun
        given = access(question.credential, question.key_header, question.log_in)
        if given.post is not None:
            question = replace(question, post=given.post)
        if question.credential is None:
            reply = await self._exchange(question, address, given, deadline)
        else:
            async with self._lockout.trial(question.credential, question.target, deadline, given.identity) as attempt:
                try:
                    reply = await self._exchange(question, address, given, deadline)
                except TransportFault as fault:
                    if fault.reason is Reason.AUTHENTICATION:
                        attempt.refused()
                    raise
                _conclude(reply, attempt, question)
            reply = _without(reply, given)
        return replace(reply, seconds=reply.seconds + Phases(resolve=resolve))

    async def _address(self, question: HttpQuestion, deadline: float) -> Address:
        at_hand = self._names.at_hand(question.address, question.family)
        if at_hand is not None:
            return at_hand
        try:
            async with asyncio.timeout_at(deadline):
                return await self._names.address(question.address, question.family)
        except TimeoutError:
            raise TransportFault(
                Reason.NAME, f"{question.address}: no answer from DNS in time; check this machine's resolvers"
            ) from None

    async def _exchange(self, question: HttpQuestion, address: Address, given: Access, deadline: float) -> HttpReply:
        def call(tether: Tether) -> HttpReply:
            # requests is imported when it is first needed, and here, where half a second holds nobody.
            from checks.transports.http.exchange import Exchange

            return Exchange(question, address, given, self._trust, self._now, tether).reply()

        try:
            return await self._aside.ask(question.address, call, deadline)
        except (Overdue, StillHanging) as error:
            raise TransportFault(Reason.HANGING, f"{question.url.shown}: {error}") from error
        except Crowded as error:
            raise TransportFault(Reason.LOCAL, f"{question.url.shown}: {error}") from error


def _conclude(reply: HttpReply, attempt: Try, question: HttpQuestion) -> None:
    """What an answer says about the credential: 401 refuses it (RFC 9110, 15.5.2); an overload says nothing."""
    said = None if question.verdict is None else question.verdict(reply)
    if reply.status == 401 or said is False:
        attempt.refused()
        name = question.credential.name if question.credential is not None else ""
        offered = reply.headers.get("www-authenticate", "").partition(" ")[0].rstrip(",")[:_SHOWN]
        asks = f", it asks for {offered}" if offered else ""
        raise TransportFault(
            Reason.AUTHENTICATION,
            f"{question.target}: {question.url.shown} does not take the credential {name} ({reply.status}{asks}); "
            "check the account, then what its references point to",
        )
    if said is True or (question.verdict is None and reply.status < 500 and reply.status not in (407, 429)):
        attempt.accepted()


def _posted(given: Access) -> tuple[str, ...]:
    return () if given.post is None else (given.identity[-1].reveal(),)


def _without(reply: HttpReply, given: Access) -> HttpReply:
    """The reply without our own login in it: some pages show the request they got."""
    body, headers = reply.body, dict(reply.headers)
    for secret in (*(value.rpartition(" ")[2] for _, value in given.headers), *_posted(given)):
        if len(secret) < _SHORTEST:  # it would stand everywhere, by chance
            continue
        body = body.replace(secret.encode(), MASK.encode())
        headers = {name: said.replace(secret, MASK) for name, said in headers.items()}
    return replace(reply, body=body, headers=headers)
