"""Maintenance windows: those of the estate and those that people added, asked as one."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from agent.ledger.batch import MaintenanceWindow
from agent.records import Councils, sees
from checks.contract import Planned
from config.calendar import due
from config.cron import next_fire
from config.estate import Estate, Maintenance, Target, WakeClass
from config.routing import is_active, matches, next_change

_NEVER = 1e12
"""A moment that no clock reaches."""
_MOST_ENDED = 500
"""Windows that ended before their time and are still asked about what happened in them."""
_MOST_OPENINGS = 100


class Windows:
    """Which window covers what, now. The answer to "which are open" is kept until the next one begins or ends."""

    def __init__(self, estate: Estate, added: Iterable[MaintenanceWindow] = ()) -> None:
        self._estate = estate
        known = list(added)
        self._added = {window.id: window for window in known if window.ended_at is None}
        self._ended = deque((window for window in known if window.ended_at is not None), _MOST_ENDED)
        self._now_open: list[Maintenance] = []
        self._from, self._until = math.inf, -math.inf

    def use(self, estate: Estate) -> None:
        """Use the windows, and the targets, of this estate from now on."""
        self._estate = estate
        self._forget()

    @property
    def added(self) -> Mapping[str, MaintenanceWindow]:
        """Windows that people added, by id; ended ones are gone."""
        return self._added

    def add(self, window: MaintenanceWindow) -> None:
        self._added[window.id] = window
        self._forget()

    def remove(self, id: str, ended: MaintenanceWindow | None = None) -> None:
        """A window is taken away; `ended`: it was open until its `ended_at`. KeyError when there is none of that id."""
        del self._added[id]
        if ended is not None:
            self._ended.append(ended)
        self._forget()

    def covering(self, target: Target, kind: str, condition: str, now: float) -> str | None:
        """Id of a window that is open and covers this, or None; the shape that the judge asks for."""
        for window in self._open(now):
            if self._applies(window, target, kind, condition):
                return window.id
        return None

    def coming(self, now: float, within: float = math.inf) -> list[Maintenance]:
        """Windows open now or beginning within so many seconds, in no order."""
        latest = now + within
        return [
            window
            for window in self._all()
            if is_active(window, now) or now < self.begins(window, now) <= min(latest, _NEVER)
        ]

    def begins(self, window: Maintenance, now: float) -> float:
        """When a window that is open began, or one that is not begins next; infinite when never again."""
        if window.start is not None and window.end is not None:
            return window.start.timestamp() if window.end.timestamp() > now else math.inf
        moment = next_change([window], now)
        if moment is None:
            return math.inf
        return moment - window.duration if is_active(window, now) else moment

    def ends(self, window: Maintenance, now: float) -> float:
        """When a window that is open, or will be, ends."""
        if window.end is not None:
            return window.end.timestamp()
        return self.begins(window, now) + window.duration

    def covers(self, window: Maintenance, councils: Councils = None) -> int:
        """How many targets, of these councils, a window reaches in any way."""
        return sum(
            sees(councils, target.council) and self._applies(window, target, None, None)
            for target in self._estate.targets.values()
        )

    def announced(self, target: Target, kind: str, condition: str, after: float, until: float) -> list[Planned]:
        """Windows over this condition that were open at any moment from `after` to `until`, the earliest first."""
        found: list[Planned] = []
        for window in (*self._all(), *map(as_maintenance, self._ended)):
            if self._applies(window, target, kind, condition):
                found += _openings(window, after, until)
        return sorted(found, key=lambda one: (one.start, one.id))

    def next_working_day(self, after: float) -> float:
        """When the first working day begins that is later than `after`, by the estate's calendar."""
        return due(WakeClass.DIGEST, self._estate.working_hours, after)

    def _applies(self, window: Maintenance, target: Target, kind: str | None, condition: str | None) -> bool:
        selector = window.selector
        return matches(
            selector,
            self._estate,
            council=target.council,
            site=target.site,
            target=target.name,
            kind=kind if kind is not None else next(iter(selector.kinds), None),
            condition=condition if condition is not None else next(iter(selector.conditions), None),
        )

    def _all(self) -> list[Maintenance]:
        return [*self._estate.maintenance, *map(as_maintenance, self._added.values())]

    def _open(self, now: float) -> list[Maintenance]:
        if not self._from <= now < self._until:
            everything = self._all()
            self._now_open = [window for window in everything if is_active(window, now)]
            change = next_change(everything, now)
            self._from, self._until = now, math.inf if change is None else change
        return self._now_open

    def _forget(self) -> None:
        self._from, self._until = math.inf, -math.inf


def _openings(window: Maintenance, after: float, until: float) -> list[Planned]:
    """When it was open between these two moments."""
    if window.start is not None and window.end is not None:
        start, end = window.start.timestamp(), window.end.timestamp()
        return [Planned(window.id, start, end)] if start <= until and end >= after and start < end else []
    found: list[Planned] = []
    if window.cron is not None:
        begun = next_fire(window.cron, after - window.duration)
        while begun <= until and len(found) < _MOST_OPENINGS:
            found.append(Planned(window.id, begun, begun + window.duration))
            begun = next_fire(window.cron, begun)
    return found


def as_maintenance(window: MaintenanceWindow) -> Maintenance:
    """A window from the ledger in the form of the estate's own, as long as it was open."""
    return Maintenance(
        id=window.id,
        selector=window.selector,
        reason=window.reason,
        owner=window.author,
        start=datetime.fromtimestamp(window.start, UTC),
        end=datetime.fromtimestamp(min(window.end, math.inf if window.ended_at is None else window.ended_at), UTC),
    )
