"""The rows of a table with the labels that findings and metrics give them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from checks.network import raw
from checks.network.answers import SnmpAnswers
from checks.network.plan import TablePlan, ValuePlan
from checks.network.transform import Answer


class Row:
    """One row of a table, read by column."""

    __slots__ = ("_errors", "_table", "_values", "index", "label")

    def __init__(self, table: TablePlan, answers: SnmpAnswers, index: str) -> None:
        self.index = index
        self._table = table
        self._errors = answers.errors
        self._values = {oid: answers.rows[oid].get(index) for oid in table.oids if oid in answers.rows}
        self.label = raw.label_of(table, self._values, self._errors, index)

    def said(self, column: str) -> Answer:
        """The word of the column's enumeration, else its number or text; None where there is none."""
        return raw.told(self._table.by_name[column], self._values, self._errors)

    def column(self, name: str | None) -> ValuePlan | None:
        """The column of that name; None where the table has none."""
        return None if name is None else self._table.by_name.get(name)

    def text(self, column: str | None) -> str:
        """The column's text; empty where there is none."""
        return "" if column is None else str(self.said(column) or "").strip()

    def first(self, column: str) -> Answer:
        """The raw value. Raises one of the reasons why there is none."""
        return raw.first(self._table.by_name[column], self._values, self._errors)

    def number(self, column: str) -> int | None:
        """The raw number, whatever word an enumeration has for it; None where there is none."""
        values = (self._values.get(oid) for oid in self._table.by_name[column].oids)
        return next((value for value in values if isinstance(value, int)), None)

    def lacks(self, column: str) -> bool:
        """Whether the column was not answered for this row at all, which is another thing than blank."""
        return all(self._values.get(oid) is None for oid in self._table.by_name[column].oids)


@dataclass(frozen=True, slots=True)
class Rows:
    """A table as far as it was read."""

    rows: tuple[Row, ...]
    complete: bool
    """Whether it was read to its end: only then a row that is not there is missing."""


def rows_of(table: TablePlan, answers: SnmpAnswers) -> Rows:
    """Every row that counts, labelled as the judgement of the values labels it."""
    listing = [oid for oid in (table.oids if table.rows_of is None else table.rows_of.oids) if oid in answers.rows]
    complete = bool(listing) and all(oid in answers.rows and oid not in answers.cut for oid in table.oids)
    names: set[str] = set()
    rows = []
    for index in dict.fromkeys(index for oid in listing for index in answers.rows[oid]):
        row = Row(table, answers, index)
        if table.where is not None:
            said = row.said(table.where.column)
            if said is not None and not raw.fits(table.where, said):
                continue
        row.label = raw.distinct(row.label, index, names)
        names.add(row.label)
        rows.append(row)
    return Rows(tuple(rows), complete)
