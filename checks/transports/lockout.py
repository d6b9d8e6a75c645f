"""The guard against locking accounts: a password that was refused is not tried again fast.

Councils keep their accounts in a directory that locks one after a handful of wrong passwords, for every device at once.
So with one credential no more than `TRIES` attempts to log in are refused within `WINDOW` seconds, over all targets:

* An attempt is a *try*. Of a credential that works any number can follow each other, but refusals that count and tries
  under way are never more than `TRIES` together: were the password changed this moment, those would be refused.
* A target that refused, while the credential may be good elsewhere, is tried again only when no refusal counts, one
  such target at a time. So a device on which the account is missing costs one try an hour and blinds no other device.
* A log-in that works takes back what its target refused before it began, never what another one met meanwhile: a page
  for everybody beside a private one says nothing of the password.
* A device that takes a password and then says nothing holds its try until it is cut. Targets that did so last time
  share a single place, so that two of them cannot keep everybody else from logging in.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from checks.contract import Fault, Reason
from checks.transports.fault import TransportFault
from config.cron import LONDON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from config.estate import Credential

TRIES = 2
"""Attempts with one credential that may fail within the window, over all targets."""
WINDOW = 3600.0
"""Seconds that a refusal counts."""
CONDITION = "credential/"
"""A fault's condition is this and the credential's name: the judge makes one cause of it, whatever the targets."""

Refusals = Mapping[str, float]
"""Target to the moment (Unix seconds) when it last refused the credential."""


class Try:
    """One attempt to log in. Say how it ended; one about which nothing is said had no answer."""

    def __init__(self, refused_before: int) -> None:
        self.verdict: bool | None = None
        self.refused_before = refused_before
        """How many refusals the account had met, ever, when this began."""

    def accepted(self) -> None:
        """The target took the credential."""
        self.verdict = True

    def refused(self) -> None:
        """The target answered that user, password or key are wrong. Not for "may not do this" (403)."""
        self.verdict = False


@dataclass(slots=True)
class _Account:
    refusals: dict[str, float]
    met: int = 0
    """Refusals ever met."""
    last: dict[str, int] = field(default_factory=dict)
    """By target, which of them was its last."""
    identity: object = None
    """What was refused, to see that it has been changed; None when that is not known (after a restart)."""
    under_way: int = 0
    apart: set[str] = field(default_factory=set)
    """Targets under way that share a place: the slow ones and those that refused."""
    slow: set[str] = field(default_factory=set)
    """Targets whose last try came to no verdict."""
    waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def counting(self, now: float) -> int:
        return sum(now - at < WINDOW for at in self.refusals.values())


class Lockout:
    """Decides who may try to log in now. Lives in the event loop; `changed` is told of every change to be kept."""

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        kept: Mapping[str, Refusals] | None = None,
        changed: Callable[[str, Refusals], None] = lambda _credential, _refusals: None,
    ) -> None:
        """`kept` and what `changed` is told: by a credential's name, the targets that refused it last."""
        self._clock = clock
        self._changed = changed
        now = clock()
        # A moment of the future is from before the clock was set back; it counts as one of now.
        self._accounts = {
            name: _Account({target: min(at, now) for target, at in refusals.items()})
            for name, refusals in (kept or {}).items()
        }

    @asynccontextmanager
    async def trial(
        self, credential: Credential, target: str, deadline: float, identity: object = None
    ) -> AsyncIterator[Try]:
        """A turn to try `credential` on `target`, waited for until `deadline` (loop time).

        `identity` is whatever tells the secret that is used from another one (a `Secret`): after it changed, the
        refusals of the old one no longer count. Raises TransportFault with Reason.WITHHELD when trying could lock the
        account, with Reason.LOCAL when no turn came in time (our limit, not the credential's). Nothing was sent then.
        """
        account = self._accounts.setdefault(credential.name, _Account({}))
        await self._turn(account, credential.name, target, identity, deadline)
        attempt = Try(account.met)
        try:
            yield attempt
        finally:
            account.under_way -= 1
            account.apart.discard(target)
            self._conclude(account, credential.name, target, identity, attempt)
            self._wake(account)

    def refused(self) -> dict[str, dict[str, float]]:
        """Who refused which credential, and when, as far as it has not been taken back by a log-in that worked."""
        return {name: dict(account.refusals) for name, account in self._accounts.items() if account.refusals}

    def forget(self, credential: str) -> bool:
        """A person says that the credential has been mended: it may be tried now. False when none was refused."""
        account = self._accounts.get(credential)
        if account is None or not account.refusals:
            return False
        self._clear(account, credential)
        self._wake(account)
        return True

    async def _turn(self, account: _Account, name: str, target: str, identity: object, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if account.refusals and account.identity is not None and identity != account.identity:
                self._clear(account, name)
            now = self._clock()
            counting = account.counting(now)
            refuser = target in account.refusals
            if counting >= TRIES or (refuser and counting):
                raise TransportFault(Reason.WITHHELD, _withheld(name, target, account.refusals, now))
            apart = refuser or target in account.slow
            if account.under_way + counting < TRIES and not (apart and account.apart):
                account.under_way += 1
                if apart:
                    account.apart.add(target)
                return
            turn: asyncio.Future[None] = loop.create_future()
            account.waiting.append(turn)
            try:
                async with asyncio.timeout_at(deadline):
                    await turn
            except TimeoutError:
                raise TransportFault(Reason.LOCAL, _no_turn(name, target)) from None
            finally:
                if turn in account.waiting:
                    account.waiting.remove(turn)

    def _conclude(self, account: _Account, name: str, target: str, identity: object, attempt: Try) -> None:
        if attempt.verdict is None:
            account.slow.add(target)
            return
        account.slow.discard(target)
        if attempt.verdict is False:
            account.met += 1
            account.last[target] = account.met
            account.refusals[target] = self._clock()
            account.identity = identity
        elif target not in account.refusals or account.last.get(target, 0) > attempt.refused_before:
            return
        else:
            del account.refusals[target]
        self._changed(name, dict(account.refusals))

    def _clear(self, account: _Account, name: str) -> None:
        account.refusals.clear()
        account.last.clear()
        account.identity = None
        self._changed(name, {})

    def _wake(self, account: _Account) -> None:
        """Everybody looks again: who may go depends on the target, and few ever wait."""
        waiting, account.waiting = account.waiting, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)


def credential_fault(error: TransportFault, credential: Credential) -> Fault:
    """The fault of a log-in that was refused or withheld, filed under the credential and not under the target."""
    return Fault(error.reason, error.message, f"{CONDITION}{credential.name}")


def _withheld(name: str, target: str, refusals: Refusals, now: float) -> str:
    recent = sorted((at, who) for who, at in refusals.items() if now - at < WINDOW)
    by = " and ".join(who for _, who in recent[-2:])
    again = datetime.fromtimestamp(recent[0][0] + WINDOW, ZoneInfo(LONDON)).strftime("%H:%M")
    return (
        f"{target} was not asked: the credential {name} was refused within the hour (by {by}), and more wrong tries"
        f" could lock the account. Not tried again before {again}; once it is mended, at once with:"
        f" ridgeway credentials retry {name}"
    )


def _no_turn(name: str, target: str) -> str:
    return (
        f"{target} was not asked: others were logging in with the credential {name} all the time, and no more than"
        f" {TRIES} do at once; spread the checks that use it, or give some targets a credential of their own"
    )
