"""How the page is kept between scrapes: columns of rendered lines, and the shapes that checks of one make share.

A column holds, for one family and one council, one cell of bytes per check: all its samples of that family, rendered.
A scrape only joins cells. A shape says which series a check gives; thousands of checks of one profile share one shape,
so a check costs its cells and little else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from checks.contract import Reading
from exporters.prometheus.families import Declared
from exporters.prometheus.sample import number

SeriesKey = tuple[str, tuple[str, ...]]
"""Family name and own label values: what tells two series of one subject and vantage apart."""


@dataclass(slots=True)
class Column:
    """The cells of one family and one council. A freed cell is empty and is given out again."""

    lines: list[bytes] = field(default_factory=list)
    free: list[int] = field(default_factory=list)

    def take(self) -> int:
        """The number of an empty cell."""
        if self.free:
            return self.free.pop()
        self.lines.append(b"")
        return len(self.lines) - 1

    def give_back(self, cell: int) -> None:
        self.lines[cell] = b""
        self.free.append(cell)

    def empty(self) -> bool:
        return len(self.free) == len(self.lines)


@dataclass(slots=True)
class Store:
    """One family on the page, by council."""

    family: Declared
    columns: dict[str, Column] = field(default_factory=dict)

    def column(self, council: str) -> Column:
        column = self.columns.get(council)
        if column is None:
            column = self.columns[council] = Column()
        return column


@dataclass(frozen=True, slots=True)
class Group:
    """The series of one family within a shape, by their place among the check's readings."""

    name: bytes
    column: Column
    counter: bool
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """Which series a check gives, in the order of its readings."""

    series: frozenset[SeriesKey]
    groups: tuple[Group, ...]
    group_of: tuple[int, ...]
    suffixes: tuple[bytes, ...]
    """After the common labels: the own ones, the closing brace and a space."""

    def cell(self, number_of_group: int, identity: bytes, readings: Sequence[Reading]) -> bytes:
        """The samples of one family, as bytes."""
        group = self.groups[number_of_group]
        suffixes = self.suffixes
        if len(group.places) == 1:
            place = group.places[0]
            return b"%b%b%b%b\n" % (group.name, identity, suffixes[place], number(readings[place].value))
        return b"".join(
            [
                b"%b%b%b%b\n" % (group.name, identity, suffixes[place], number(readings[place].value))
                for place in group.places
            ]
        )


NO_SHAPE = Shape(frozenset(), (), (), ())


class Shapes:
    """Shapes by what they hold, so that equal ones are one object. Bounded: too many, and all are forgotten."""

    def __init__(self, stores: dict[str, Store], most: int = 4096) -> None:
        self._stores = stores
        self._most = most
        self._shapes: dict[tuple[str, tuple[SeriesKey, ...]], Shape] = {}

    def of(self, council: str, readings: Sequence[Reading], suffixes: Sequence[bytes]) -> Shape:
        """The shape of these readings; their families are declared and no series stands twice."""
        if not readings:
            return NO_SHAPE
        series = tuple([(reading.family.name, reading.labels) for reading in readings])
        key = (council, series)
        shape = self._shapes.get(key)
        if shape is None:
            if len(self._shapes) >= self._most:
                self._shapes.clear()
            shape = self._shapes[key] = self._make(council, series, suffixes)
        return shape

    def _make(self, council: str, series: tuple[SeriesKey, ...], suffixes: Sequence[bytes]) -> Shape:
        places: dict[str, list[int]] = {}
        for place, (name, _) in enumerate(series):
            places.setdefault(name, []).append(place)
        groups = []
        group_of = [0] * len(series)
        for index, (name, found) in enumerate(places.items()):
            store = self._stores[name]
            counter = store.family.type == "counter"
            groups.append(Group(name.encode(), store.column(council), counter, tuple(found)))
            for place in found:
                group_of[place] = index
        return Shape(frozenset(series), tuple(groups), tuple(group_of), tuple(suffixes))
