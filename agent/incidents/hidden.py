"""What hides behind what: the causes that are quiet because a root cause explains them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from agent.records import Alert, AlertLevel, Cause

EVERY = 5.0
"""Seconds for which children of one root are gathered into one event; thousands come one by one."""


class Hidden:
    """Children by root, and how that differs from what the root's incident has listed."""

    def __init__(self, alerts: Iterable[Alert], listed: Mapping[str, Iterable[Cause]]) -> None:
        self._root: dict[Cause, Cause] = {}
        self._children: dict[Cause, dict[Cause, None]] = {}
        self._listed = {incident: set(causes) for incident, causes in listed.items()}
        self._since: dict[Cause, float] = {}
        for alert in alerts:
            self.follow(alert, 0.0)

    def follow(self, alert: Alert, now: float) -> None:
        """Take note of whether this alert hides, and behind what."""
        root = alert.suppressed_by if alert.level is AlertLevel.HELD else None
        before = self._root.get(alert.cause)
        if root == before:
            return
        if before is not None:
            self.drop(alert.cause, now)
        if root is not None:
            self._root[alert.cause] = root
            self._children.setdefault(root, {})[alert.cause] = None
            self._since.setdefault(root, now)

    def drop(self, child: Cause, now: float) -> None:
        """This cause hides no longer."""
        root = self._root.pop(child, None)
        if root is not None:
            children = self._children[root]
            del children[child]
            if not children:
                del self._children[root]
            self._since.setdefault(root, now)

    def behind(self, root: Cause) -> list[Cause]:
        return list(self._children.get(root, ()))

    def difference(self, root: Cause, incident: str) -> tuple[tuple[Cause, ...], tuple[Cause, ...]]:
        """Children to add to and to remove from the incident's list, which then is up to date."""
        self._since.pop(root, None)
        listed = self._listed.get(incident, set())
        present = self._children.get(root, {})
        added = tuple(child for child in present if child not in listed)
        removed = tuple(sorted(listed - present.keys()))
        if present:
            self._listed[incident] = set(present)
        else:
            self._listed.pop(incident, None)
        return added, removed

    def end(self, incident: str) -> tuple[Cause, ...]:
        """The incident is over: nothing hides behind it any more."""
        return tuple(sorted(self._listed.pop(incident, ())))

    def due(self, now: float) -> list[Cause]:
        """Roots whose children changed long enough ago to say so."""
        return [root for root, since in self._since.items() if now >= since + EVERY]

    def settle(self, root: Cause) -> None:
        """There is nobody to tell: the root has no incident, for now."""
        self._since.pop(root, None)

    def next_due(self) -> float | None:
        return min(self._since.values()) + EVERY if self._since else None

    def shift(self, seconds: float) -> None:
        self._since = {root: since + seconds for root, since in self._since.items()}


def by_council(**causes: Iterable[Cause]) -> dict[str, int]:
    """How many of each belong to which council, as `added:dacorum`: who may see one council's is told its count."""
    return {
        f"{what}:{council}": count
        for what, those in causes.items()
        for council, count in sorted(Counter(cause.council for cause in those).items())
    }
