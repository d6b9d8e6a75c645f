"""Lowest and highest value of every gauge on every day (UTC), exact: each value is looked at, not sampled. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from math import inf
from operator import gt, lt

from agent.ledger.batch import Peak
from checks.contract import Family, MetricType, Reading

DAY = 86_400
_WITHOUT_MEANING = ("_timestamp_seconds", "_info")
"""Names of gauges whose extremes tell nothing: moments, and constant ones that carry labels."""
_LONGEST_LABELS = 300


class Peaks:
    """The day's extremes of the readings of one check."""

    __slots__ = (
        "_changed",
        "_day",
        "_ended",
        "_families",
        "_highs",
        "_labels",
        "_lows",
        "_target",
        "left_out",
        "series",
    )

    def __init__(self, target: str) -> None:
        self._target = target
        self._day = 0
        self._families: list[Family] = []
        self._labels: list[tuple[str, ...]] = []
        self._lows: list[float] = []
        self._highs: list[float] = []
        self._changed: set[int] = set()
        self._ended: list[Peak] = []
        """Rows of a day that is over, or of series that are gone."""
        self.series = 0
        """How many series are kept."""
        self.left_out = 0
        """How many gauges are not, for want of room."""

    def see(self, readings: tuple[Reading, ...], at: float, room: int) -> None:
        """Take the values in, of at most `room` series."""
        day = int(at // DAY)
        # Whole lists are compared because that is one loop in C.
        if (
            day != self._day
            or [reading.labels for reading in readings] != self._labels
            or [reading.family for reading in readings] != self._families
        ):
            self._begin(readings, day, room)
        values = [reading.value for reading in readings]
        if any(map(lt, values, self._lows)) or any(map(gt, values, self._highs)):
            self._widen(values)

    def _widen(self, values: list[float]) -> None:
        for index, value in enumerate(values):
            if value < self._lows[index]:
                self._lows[index] = value
                self._changed.add(index)
            if value > self._highs[index]:
                self._highs[index] = value
                self._changed.add(index)

    def take(self) -> list[Peak]:
        """Rows of the series with a new extreme since the last call."""
        rows, self._ended = [*self._ended, *self._rows()], []
        return rows

    def _rows(self) -> list[Peak]:
        day = datetime.fromtimestamp(self._day * DAY, UTC).date().isoformat()
        rows = []
        for index in sorted(self._changed):
            labels = json.dumps(self._labels[index], separators=(",", ":"), ensure_ascii=False)
            low, high = self._lows[index], self._highs[index]
            if len(labels) <= _LONGEST_LABELS and -inf < low and high < inf:
                rows.append(Peak(day, self._families[index].name, self._target, labels, low, high))
        self._changed.clear()
        return rows

    def _begin(self, readings: tuple[Reading, ...], day: int, room: int) -> None:
        """A new day, or other series; within a day the database keeps the wider of what it has and what it gets."""
        self._ended.extend(self._rows())
        self._day = day
        self._families = [reading.family for reading in readings]
        self._labels = [reading.labels for reading in readings]
        # An extreme that nothing exceeds keeps a series out of the comparisons.
        self._lows = [-inf] * len(readings)
        self._highs = [inf] * len(readings)
        fit = [index for index, reading in enumerate(readings) if _has_peaks(reading)]
        for index in fit[:room]:
            self._lows[index], self._highs[index] = inf, -inf
        self.series = min(len(fit), room)
        self.left_out = len(fit) - self.series


def _has_peaks(reading: Reading) -> bool:
    return reading.family.type is MetricType.GAUGE and not reading.family.name.endswith(_WITHOUT_MEANING)
