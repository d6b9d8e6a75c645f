"""Pings into the ledger, and out of it for the check that judges them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from agent.ledger.batch import Batch
from agent.ledger.errors import LedgerError
from agent.ledger.pings import pings
from agent.ledger.read import Reader
from agent.ledger.writer import Writer
from agent.push.keys import Keys
from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.inbox import Heard, Ping

PATIENCE = 5.0
"""Seconds that a ping may wait for the disk."""
_MOST_WAITING = 2000
OFF = "this agent takes no pings; start it with --push.listen-address"


class NotKept(Exception):
    """The ledger cannot keep it now; whoever sent it should send it again later."""


class Keeping:
    """Belongs to the event loop's thread. `keep` is done when the ping is on the disk."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._waiting = 0

    async def keep(self, ping: Ping) -> None:
        """Write it with whatever else the ledger writes. Raises NotKept; it may then be kept after all."""
        health = self._writer.health
        if not health.ok or self._waiting >= _MOST_WAITING:
            raise NotKept
        self._waiting += 1
        try:
            async with asyncio.timeout(PATIENCE):
                await self._writer.write(Batch(pings=(ping,)))
        except (TimeoutError, LedgerError) as error:
            raise NotKept from error
        finally:
            self._waiting -= 1


class LedgerInbox:
    """The inbox of the agent that takes the pings."""

    def __init__(self, reader: Reader, keys: Callable[[], Keys | None]) -> None:
        """`keys`: those that are taken now; None while no pings are taken."""
        self._reader = reader
        self._keys = keys

    async def read(self, jobs: Sequence[str], since: float, most: int) -> Mapping[str, Heard]:
        """As `checks.transports.inbox.Inbox.read`."""
        keys = self._keys()
        if keys is None:
            raise TransportFault(Reason.LOCAL, OFF)
        try:
            found = await asyncio.to_thread(self._reader.read, lambda connection: pings(connection, jobs, since, most))
        except LedgerError as error:
            raise TransportFault(Reason.LOCAL, f"pings cannot be read from the ledger: {error}") from error
        return {job: Heard(found[job], _trouble(keys, job)) for job in jobs}


def _trouble(keys: Keys, job: str) -> str:
    return keys.troubles.get(job, "" if job in keys.known else "its key has not been read yet")
