"""Pings into the ledger, and out of it for the check that judges them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

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
GATHER = 0.005
"""Seconds for which pings are gathered."""
_MOST_WAITING = 2000
OFF = (
    "this agent takes no pings; start it with --push.listen-address, --push.smtp-listen-address or "
    "--push.drop-directory"
)


class NotKept(Exception):
    """The ledger cannot keep it now; whoever sent it should send it again later."""


class Keeping:
    """Belongs to the event loop's thread. `keep` is done when the ping is on the disk."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._waiting = 0
        self._gathered: list[Ping] = []
        self._writing: asyncio.Task[bool] | None = None

    async def keep(self, ping: Ping) -> None:
        """Write it with those that come at the same time. Raises NotKept; it may then be kept after all."""
        health = self._writer.health
        if not health.ok or self._waiting >= _MOST_WAITING:
            raise NotKept
        self._gathered.append(ping)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="pings")
        self._waiting += 1
        try:
            async with asyncio.timeout(PATIENCE):
                written = await asyncio.shield(self._writing)
        except TimeoutError as error:
            raise NotKept from error
        finally:
            self._waiting -= 1
        if not written:
            raise NotKept

    async def _write(self) -> bool:
        """A commit costs as much for one ping as for ten, so those of a moment have one together."""
        await asyncio.sleep(GATHER)
        batch, self._gathered, self._writing = Batch(pings=tuple(self._gathered)), [], None
        try:
            await self._writer.write(batch)
        except LedgerError:
            return False
        return True


class LedgerInbox:
    """The inbox of the agent that takes the pings."""

    def __init__(self, reader: Reader, keys: Callable[[Sequence[str]], Awaitable[Keys | None]]) -> None:
        """`keys`: those that are taken now, once those of these jobs have been read; None where no pings are taken."""
        self._reader = reader
        self._keys = keys

    async def read(self, jobs: Sequence[str], since: float, most: int) -> Mapping[str, Heard]:
        """As `checks.transports.inbox.Inbox.read`."""
        keys = await self._keys(jobs)
        if keys is None:
            raise TransportFault(Reason.LOCAL, OFF)
        try:
            found = await asyncio.to_thread(self._reader.read, lambda connection: pings(connection, jobs, since, most))
        except LedgerError as error:
            raise TransportFault(Reason.LOCAL, f"pings cannot be read from the ledger: {error}") from error
        return {job: Heard(found[job], _trouble(keys, job)) for job in jobs}


def _trouble(keys: Keys, job: str) -> str:
    return keys.troubles.get(job, "" if job in keys.known else "its key has not been read yet")
