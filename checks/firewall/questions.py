"""What to ask of a firewall and how often: the quick questions of every run, the slower ones, those once in a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checks.network.plan import UPTIME, Plan
from config.profiles.asks import Read


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of one table that are due together."""

    oids: tuple[str, ...]
    most_rows: int
    listing: tuple[str, ...] = ()
    """The column that has every row of the table: with its indexes the cells of the others are asked one by one, many
    in one question, where a walk of each column would be a question at least. Empty: no column is known to."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything that is due together."""

    oids: tuple[str, ...]
    tables: tuple[Columns, ...]

    def __bool__(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self.oids or self.tables)


Questions = Mapping[Read, Batch]


def questions(plan: Plan) -> Questions:
    """The questions of a plan, and no others: it is the list of what may be asked."""
    return {read: _batch(plan, read) for read in Read}


def together(batches: Sequence[Batch]) -> Batch:
    """Batches as one, so that what is due at once is asked in as few questions as it may be."""
    oids = dict.fromkeys(oid for batch in batches for oid in batch.oids)
    return Batch(tuple(oids), tuple(table for batch in batches for table in batch.tables))


def _batch(plan: Plan, read: Read) -> Batch:
    scalars = [oid for value in plan.scalars if value.read is read for oid in value.oids]
    if read is Read.EVERY_RUN and UPTIME in plan.oids:
        scalars.append(UPTIME)
    asked: set[str] = set()
    tables = []
    for table in plan.tables:
        oids = tuple(dict.fromkeys(oid for column in table.columns if column.read is read for oid in column.oids))
        # A column of two values, one quick and one slow, is read with the quick ones.
        quicker = {oid for column in table.columns if _order(column.read) < _order(read) for oid in column.oids}
        oids = tuple(oid for oid in oids if oid not in quicker | asked)
        asked |= set(oids)
        if oids:
            tables.append(Columns(oids, table.max_rows, () if table.rows_of is None else table.rows_of.oids[:1]))
    return Batch(tuple(dict.fromkeys(scalars)), tuple(tables))


def _order(read: Read) -> int:
    return list(Read).index(read)
