"""The writer's connection: transactions, errors in our words, and an answer to "did that commit happen?"."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.exc import DBAPIError

from agent.ledger import tables
from agent.ledger.apply import apply
from agent.ledger.backlog import Numbers
from agent.ledger.batch import Batch
from agent.ledger.database import Database
from agent.ledger.errors import LedgerMisfit, LedgerRefused, LedgerUnavailable

T = TypeVar("T")
_INFO = tables.ledger_info


class Session:
    """Used by one thread at a time. After any failure of the database the connection is made anew."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        vantage: str,
        exclusive: bool,
        reached: Callable[[int], None] = lambda _sequence: None,
    ) -> None:
        """`reached` is told the number of the last event after each commit that may have written one."""
        self._database = database
        self._reached = reached
        self._engine = engine
        self._vantage = vantage
        self._exclusive = exclusive
        self._connection: Connection | None = None
        self._unanswered: tuple[int, list[Numbers]] | None = None
        """Number and result of a group whose commit was asked for, and not answered."""

    def connection(self) -> Connection:
        """The open connection, made and claimed when there is none. Raises LedgerError."""
        if self._connection is None:
            try:
                connection = self._engine.connect()
            except DBAPIError as error:
                self._fail(error)
            try:
                if self._exclusive:
                    self._database.claim(connection, self._vantage)
            except DBAPIError as error:
                connection.close()
                self._fail(error)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def write(self, batches: Sequence[Batch]) -> list[Numbers]:
        """Write the batches in one transaction; returns the sequence numbers of the events of each.

        When the answer to a commit was lost, call this again with the same batches: it finds out by the number of the
        last committed group, so nothing is written twice. Without batches it only proves that writing works.
        Raises LedgerUnavailable, LedgerUnusable, LedgerInUse, or what refused the rows.
        """
        connection = self.connection()
        durable = not batches or any(batch.durable for batch in batches)
        try:
            with self._database.transaction(connection, durable):
                commits: int = connection.execute(select(_INFO.c.commits).with_for_update()).scalar_one()
                if self._unanswered is not None and self._unanswered[0] == commits and batches:
                    numbers = self._unanswered[1]
                else:
                    numbers = apply(connection, batches)
                    connection.execute(update(_INFO).values(commits=commits + 1))
                    self._unanswered = (commits + 1, numbers) if batches else None
        except DBAPIError as error:
            self._fail(error)
        self._unanswered = None
        last = max((number for of_batch in numbers for number in of_batch), default=None)
        if last is not None:
            self._reached(last)
        return numbers

    def call(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a durable transaction of its own. What it raises rolls back and is raised here, save for errors
        of the database being away, which become LedgerUnavailable.
        """
        connection = self.connection()
        committing = False
        try:
            with self._database.transaction(connection, durable=True):
                result = work(connection)
                last = connection.execute(select(_INFO.c.sequence)).scalar()
                committing = True
        except DBAPIError as error:
            self._fail(error, uncertain=committing, ours=False)
        if last is not None:
            self._reached(last)
        return result

    def close(self) -> None:
        """Give the connection back; a broken one is thrown away."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                connection.close()
            except DBAPIError:
                connection.invalidate()

    def _fail(self, error: DBAPIError, uncertain: bool = False, ours: bool = True) -> NoReturn:
        explained = self._database.explain(error)
        if explained is None or (isinstance(explained, LedgerMisfit) and not ours):
            raise error
        self.close()
        if isinstance(explained, LedgerUnavailable):
            explained.uncertain = uncertain
        raise explained from error


def refusal(error: Exception) -> LedgerRefused:
    """Why a batch was refused, in one line without its values (evidence belongs in no log)."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    return LedgerRefused(
        f"the ledger refused a batch, nothing of it was kept: {type(cause).__name__}: {lines[0][:300]}"
    )
