"""What people may make the agent's webhooks do, beside `agent.commands`: each act has a name and is kept in the audit.

The act and its audit entry are one transaction; the subscription then goes on from what the ledger says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from agent.commands import CommandError
from agent.ledger import webhooks
from agent.ledger.batch import Audit
from agent.ledger.webhooks import WebhookState

T = TypeVar("T")


class Ask(Protocol):
    """Runs work in one durable transaction of the ledger (`Writer.ask`)."""

    def __call__(self, work: Callable[[Connection], T], /) -> Awaitable[T]: ...


class Subscriptions(Protocol):
    """The webhooks of the estate, as far as acts need them."""

    @property
    def specs(self) -> Collection[str]: ...

    def wake(self, name: str) -> None: ...


class WebhookCommands:
    """Belongs to the event loop's thread. Raises CommandError, LedgerError."""

    def __init__(self, subscriptions: Subscriptions, ask: Ask, clock: Callable[[], float]) -> None:
        self._subscriptions, self._ask, self._clock = subscriptions, ask, clock

    async def resume(self, name: str, by: str) -> int:
        """Tell a subscription again that was switched off; returns the number of the event after which it goes on."""
        audit = self._audit(name, by, "webhook-resume")

        def act(connection: Connection) -> int:
            place = webhooks.place(connection, name)
            if place is None or place.state is not WebhookState.OFF:
                raise CommandError(f"{name} is not off; `ridgeway webhooks retry {name}` has it tried at once")
            webhooks.resume(connection, name, audit)
            return place.sequence

        after = await self._ask(act)
        self._subscriptions.wake(name)
        return after

    async def retry(self, name: str, sequence: int | None, by: str) -> int:
        """Try at once what is next, and tell all dead letters once more, or only the one of this number.

        Returns how many dead letters that are.
        """
        audit = self._audit(name, by, "webhook-retry", sequence=sequence)

        def act(connection: Connection) -> int:
            place = webhooks.place(connection, name)
            if place is not None and place.state is WebhookState.OFF:
                raise CommandError(f"{name} is off; `ridgeway webhooks resume {name}` has it told again")
            found = webhooks.retry(connection, name, sequence, audit)
            if sequence is not None and not found:
                raise CommandError(f"{name} has no dead letter {sequence}; `ridgeway webhooks dead {name}` lists them")
            return found

        found = await self._ask(act)
        self._subscriptions.wake(name)
        return found

    async def tested(self, name: str, by: str, answer: str) -> None:
        """Somebody sent a test to this subscription, and this came of it."""
        audit = self._audit(name, by, "webhook-test", answer=answer)
        await self._ask(lambda connection: webhooks.note(connection, audit))

    def check(self, name: str, by: str) -> None:
        """Raise CommandError where an act on this subscription, by this person, cannot be."""
        if not by.strip():
            raise CommandError("every act carries a name: say who you are with --by")
        known = sorted(self._subscriptions.specs)
        if name not in known:
            raise CommandError(f"no webhook is called {name}; the estate has {', '.join(known) or 'none'}")

    def _audit(self, name: str, by: str, action: str, **detail: Any) -> Audit:
        self.check(name, by)
        return Audit(self._clock(), by, action, name, detail)
