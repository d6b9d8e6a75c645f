"""How a call proves who makes it: each realm's challenge is answered once (RFC 3261, section 22). Without I/O."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from checks.transports.sip.authorization import Account
from checks.transports.sip.digest import NoSuchDigest, answer
from checks.transports.sip.fields import Challenge, challenges
from checks.transports.sip.message import Response, SipSyntaxError

CHALLENGES = {401: ("www-authenticate", "authorization"), 407: ("proxy-authenticate", "proxy-authorization")}
_MOST_REALMS = 5
_Fields = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class _Held:
    challenges: list[Challenge]
    renewed: bool
    """Whether its nonce was stale once already."""
    used: int = 0


class Proofs:
    """The challenges of one call, each by the status and the realm that it came with."""

    def __init__(self, account: Account | None) -> None:
        self._account = account
        self._held: dict[tuple[int, str], _Held] = {}
        self.refused = False
        """The log-in was seen and not taken."""
        self.trouble = ""
        """Why a challenge could not be answered."""

    @property
    def used(self) -> bool:
        """Whether the log-in was shown to anybody."""
        return any(one.used for one in self._held.values())

    def take(self, response: Response) -> bool:
        """Whether the request may be sent again with `shown`; if not, `refused` or `trouble` says why."""
        if self._account is None:
            self.trouble = "it wants to know who calls"
            return False
        try:
            found = challenges(response.headers, CHALLENGES[response.status][0])
        except SipSyntaxError as error:
            self.trouble = f"its challenge cannot be read: {error}"
            return False
        realms: dict[tuple[int, str], list[Challenge]] = {}
        for one in found:
            realms.setdefault((response.status, one.parameters.get("realm", "")), []).append(one)
        if not realms or len(realms) + len(self._held) > _MOST_REALMS:
            self.trouble = "it names no realm, or realms without end"
            return False
        for realm, offered in realms.items():
            before = self._held.get(realm)
            stale = any(one.parameters.get("stale", "").lower() == "true" for one in offered)
            if before is not None and (before.renewed or not stale):
                self.refused = True
                return False
            self._held[realm] = _Held(offered, before is not None)
        return True

    def shown(self, method: str, uri: str) -> _Fields:
        """The header fields that answer every challenge so far; none where one cannot be answered."""
        if self._account is None:
            return ()
        fields = []
        for (status, _), one in self._held.items():
            one.used += 1
            user, password = self._account.user, self._account.password.reveal()
            try:
                value = answer(one.challenges, user, password, method, uri, secrets.token_hex(8), one.used)
            except NoSuchDigest as error:
                self.trouble = str(error)
                return ()
            fields.append((CHALLENGES[status][1], value))
        return tuple(fields)
