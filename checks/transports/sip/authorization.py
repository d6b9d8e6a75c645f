"""A request that says who sends it: challenges of the other side and of proxies are answered (RFC 3261, section 22)."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.sip.client import Answer, transact
from checks.transports.sip.digest import NoSuchDigest, answer
from checks.transports.sip.fields import Challenge, challenges
from checks.transports.sip.message import Headers, Request, SipSyntaxError
from checks.transports.sip.wire import Wire
from config.secrets import Secret

_FIELDS = {401: ("www-authenticate", "authorization"), 407: ("proxy-authenticate", "proxy-authorization")}
_MOST_ROUNDS = 6
"""Requests of one exchange: the bare one, an answer to a proxy and one to the other side, and both stale once."""
_FIRST = 1_000_000
"""The first CSeq is at most this (section 8.1.1.5)."""


class ChallengeFault(TransportFault):
    """A challenge that cannot be answered, so the request was refused."""

    def __init__(self, message: str) -> None:
        super().__init__(Reason.PROTOCOL, message)


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """Whose log-in it is. Never printed."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Exchange:
    """The end of a request that was challenged, or was not."""

    answer: Answer
    proved: bool
    """Whether the request held credentials."""

    @property
    def refused(self) -> bool:
        """The credentials were seen and not taken. A 403 is counted as that: many say it of a wrong password."""
        return self.proved and self.answer.response.status in (401, 403, 407)


@dataclass(slots=True)
class _Held:
    """A challenge that is answered, and what became of it."""

    challenges: Sequence[Challenge]
    stale: bool
    used: int = 0


class Login:
    """Sends the requests of one Call-ID, numbers them, and answers challenges. `where` names the other side."""

    def __init__(self, account: Account, where: str) -> None:
        self._account = account
        self._where = where
        self._numbers = itertools.count(secrets.randbelow(_FIRST) + 1)
        self.sent = 0
        """Requests that were answered, and their retransmissions."""
        self.heard = False
        """Whether anything final ever came back."""

    async def exchange(self, wire: Wire, request: Request, deadline: float) -> Exchange:
        """Send a request without CSeq, no INVITE; where it is challenged, anew with credentials, until `deadline`.

        A nonce that is stale is exchanged once (RFC 7616, section 3.3); a second challenge that does not say so refuses
        the credentials and is the answer. Raises TransportFault as `transact`, and ChallengeFault.
        """
        held: dict[int, _Held] = {}
        for _ in range(_MOST_ROUNDS):
            found = await transact(wire, self._next(request, held), deadline, self._where)
            self.sent += found.sent
            self.heard = True
            status = found.response.status
            if status not in _FIELDS:
                break
            new = self._challenges(found, _FIELDS[status][0])
            stale = any(one.parameters.get("stale", "").lower() == "true" for one in new)
            before = held.get(status)
            if before is not None and (before.stale or not stale):
                break
            held[status] = _Held(new, stale=before is not None)
        return Exchange(found, bool(held))

    def _challenges(self, found: Answer, field: str) -> Sequence[Challenge]:
        try:
            return challenges(found.response.headers, field)
        except SipSyntaxError as error:
            raise ChallengeFault(f"{self._where}: its challenge cannot be read: {error}") from error

    def _next(self, request: Request, held: dict[int, _Held]) -> Request:
        """The request with the next number (section 22.2) and an answer to every challenge so far."""
        fields = [*request.headers.fields, ("cseq", f"{next(self._numbers)} {request.method}")]
        for status, one in held.items():
            one.used += 1
            account, cnonce = self._account, secrets.token_hex(8)
            try:
                value = answer(
                    one.challenges, account.user, account.password.reveal(), request.method, request.uri, cnonce,
                    one.used,
                )  # fmt: skip
            except NoSuchDigest as error:
                raise ChallengeFault(f"{self._where}: its challenge cannot be answered: {error}") from error
            fields.append((_FIELDS[status][1], value))
        return replace(request, headers=Headers(tuple(fields)))
