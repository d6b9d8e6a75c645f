"""Reading several columns at once: what to ask next of each, and what the rows that come back mean. Pure.

One GETBULK goes on with many columns (RFC 3416, section 4.2.3), so that ten tables, half of them empty, cost one
question and not ten. It has no non-repeaters: an agent that overlooks them would make columns look shorter than they
are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from checks.transports.snmp.errors import Capped, Malformed, Oversized
from checks.transports.snmp.values import Missing, Value
from checks.transports.snmp.wire import Row

_TOO_BIG = 1
_NO_MORE = (Missing.OBJECT, Missing.INSTANCE)
"""With which only a GET is answered (RFC 3416, section 4.2)."""
_OBJECTS = 3
"""A question asks for at most three times `repetitions` objects in all, so that its reply fits one Ethernet frame."""


class _Column:
    """One column as far as it was read."""

    __slots__ = ("at", "found", "last", "most", "oid", "over", "prefix")

    def __init__(self, oid: str, most: int) -> None:
        self.oid = oid
        self.at = oid
        """The OID behind which the next question begins."""
        self.prefix = f"{oid}."
        self.last = _numbers(oid)
        self.most = most
        self.found: dict[str, Value] = {}
        self.over = False

    def parted(self, rows: Iterable[Row]) -> tuple[list[Row], Row | None]:
        """The rows that are the column's, and the first that is not, which ends it."""
        own: list[Row] = []
        for row in rows:
            if row[2] is Missing.END or not row[0].startswith(self.prefix):
                return own, row
            own.append(row)
        return own, None

    def take(self, rows: Sequence[Row], where: str) -> None:
        """More of its objects. Raises Capped, Malformed."""
        skip = len(self.prefix)
        for oid, number, value in rows:
            if value in _NO_MORE:
                raise Malformed(f"{where}: the device says in the middle of a walk that there is no such object")
            if number <= self.last:
                raise Capped(f"{where}: the walk of {self.oid} goes in a circle at {oid}")
            if len(self.found) >= self.most:
                raise Capped(f"{where}: the walk of {self.oid} has more than {self.most} values")
            self.found[oid[skip:]] = value
            self.at, self.last = oid, number


@lru_cache(maxsize=4096)
def _numbers(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))


@dataclass(frozen=True, slots=True)
class Page:
    """A question for the `repetitions` objects that follow each of the OIDs."""

    oids: tuple[str, ...]
    repetitions: int


class Reading:
    """Several columns under way: ask `page`, then `take` its rows or say why there are none, until there is no page."""

    def __init__(self, where: str, most_rows: Mapping[str, int], at_once: int, repetitions: int) -> None:
        """`most_rows` by column; a question has at most `at_once` of them, and asks each for at most `repetitions`."""
        self._where = where
        self._columns = [_Column(oid, most) for oid, most in most_rows.items()]
        self._at_once = at_once
        self._most = self._largest = repetitions
        self._asked: list[_Column] = []
        self._page = Page((), 0)

    def rows(self) -> dict[str, dict[str, Value]]:
        """What was read so far, by column."""
        return {column.oid: column.found for column in self._columns}

    def complete(self) -> frozenset[str]:
        """The columns that were read to their end."""
        return frozenset(column.oid for column in self._columns if column.over)

    def page(self) -> Page | None:
        """The next question; None when every column is over."""
        self._asked = [column for column in self._columns if not column.over][: self._at_once]
        if not self._asked:
            return None
        share = _OBJECTS * self._most // len(self._asked)
        self._page = Page(tuple(column.at for column in self._asked), max(1, min(self._largest, share)))
        return self._page

    def take(self, rows: Sequence[Row]) -> None:
        """The rows that the page was answered with, of which some at the end may be left out. Raises SnmpError."""
        width = len(self._asked)
        parts = [column.parted(rows[at::width]) for at, column in enumerate(self._asked)]
        if width > 1 and not self._plausible(parts):
            self.narrow()
            return
        if not rows or len(rows) > width * self._page.repetitions:
            raise Malformed(f"{self._where}: {len(rows)} rows in reply to a question for {self._page.repetitions}")
        for column, (own, end) in zip(self._asked, parts, strict=True):
            column.take(own, self._where)
            column.over = end is not None

    def _plausible(self, parts: Sequence[tuple[list[Row], Row | None]]) -> bool:
        """Whether the rows stand in the order of RFC 3416, since one in another's place would look like an end.

        What ends a column comes after it, and where that is an object of another column, it is that one's first.
        """
        for column, (own, end) in zip(self._asked, parts, strict=True):
            if end is None or end[2] is Missing.END:
                continue
            if end[1] <= (own[-1][1] if own else column.last):
                return False
            for other, (others, _) in zip(self._asked, parts, strict=True):
                if end[0].startswith(other.prefix):
                    first = next(iter(other.found), None) or (others[0][0][len(other.prefix) :] if others else None)
                    if end[0][len(other.prefix) :] != first:
                        return False
        return True

    def refused(self, status: int) -> None:
        """The page was answered with an error status. Raises SnmpError when a smaller question cannot help."""
        if status == _TOO_BIG:
            self.too_big(Oversized(f"{self._where}: the device says that its reply would be too big"))
        elif len(self._asked) > 1:
            self.narrow()  # which column it means is found by asking for one at a time
        else:
            raise Malformed(f"{self._where}: the device ends a walk with error status {status}")

    def too_big(self, error: Oversized) -> None:
        """The page's reply does not fit. Raises `error` when a smaller question is not possible."""
        if self._page.repetitions > 1:
            self._largest = self._page.repetitions // 2
        elif len(self._asked) > 1:
            self._at_once = len(self._asked) // 2
        else:
            raise error

    def narrow(self) -> None:
        """Go on one column at a time, for a device that cannot do more."""
        self._at_once = 1
