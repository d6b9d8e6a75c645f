"""Maintenance windows: those of the estate and those that people added, asked as one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from agent.ledger.batch import MaintenanceWindow
from config.estate import Estate, Maintenance, Target
from config.routing import is_active, matches, next_change

_NEVER = 1e12
"""A moment that no clock reaches."""


class Windows:
    """Which window covers what, now. The answer to "which are open" is kept until the next one begins or ends."""

    def __init__(self, estate: Estate, added: Iterable[MaintenanceWindow] = ()) -> None:
        self._estate = estate
        self._added = {window.id: window for window in added}
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

    def remove(self, id: str) -> None:
        """A window that ended before its time. KeyError when there is none of that id."""
        del self._added[id]
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

    def covers(self, window: Maintenance) -> int:
        """How many targets a window reaches in any way."""
        return sum(self._applies(window, target, None, None) for target in self._estate.targets.values())

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


def as_maintenance(window: MaintenanceWindow) -> Maintenance:
    """A window from the ledger in the form of the estate's own."""
    return Maintenance(
        id=window.id,
        selector=window.selector,
        reason=window.reason,
        owner=window.author,
        start=datetime.fromtimestamp(window.start, UTC),
        end=datetime.fromtimestamp(window.end, UTC),
    )
