"""One change of one incident while it is being made: the new record, its events, its wishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agent.incidents.priority import number_of
from agent.records import Cause, DeskWish, Event, EventKind, Incident, IncidentChange, IncidentState, WishKind

AGENT = "agent"
_TICKETED = frozenset({IncidentState.OPEN, IncidentState.RECOVERING, IncidentState.RESOLVED})


class Draft:
    """Collects what one step does to one incident."""

    def __init__(self, incident: Incident, *, new: bool = False) -> None:
        self.incident = incident
        self.children_added: tuple[Cause, ...] = ()
        self.children_removed: tuple[Cause, ...] = ()
        self._before = None if new else incident
        self._events: list[Event] = []
        self._wishes: list[DeskWish] = []

    def set(self, **fields: Any) -> None:
        """New values of the incident's own fields."""
        self.incident = replace(self.incident, **fields)

    def event(
        self,
        kind: EventKind,
        at: float,
        text: str,
        counts: Mapping[str, int] | None = None,
        *,
        actor: str = AGENT,
        **data: str | int | float | None,
    ) -> None:
        """`counts` is data whose keys are no Python names."""
        self._events.append(Event(self.incident.id, at, kind, actor, text, {**data, **(counts or {})}))

    def ensure(self, at: float, text: str) -> None:
        self._wish(WishKind.ENSURE, 0, at, text)

    def note(self, at: float, text: str) -> None:
        """A numbered note, for an incident that has or will have a ticket."""
        if self.incident.state in _TICKETED:
            self.set(notes=self.incident.notes + 1, noted_at=at)
            self._wish(WishKind.NOTE, self.incident.notes, at, text)

    def raise_priority(self, at: float, text: str) -> None:
        self._wish(WishKind.PRIORITY, number_of(self.incident.priority), at, text)

    def resolve(self, at: float, text: str) -> None:
        self._wish(WishKind.RESOLVE, self.incident.reopened, at, text)

    def reopen(self, at: float, text: str) -> None:
        self._wish(WishKind.REOPEN, self.incident.reopened, at, text)

    def change(self) -> IncidentChange | None:
        """What to keep, or None when this step changed nothing."""
        if self.incident == self._before and not (self._events or self._wishes or self.children_added):
            return None
        return IncidentChange(
            self.incident, tuple(self._events), tuple(self._wishes), self.children_added, self.children_removed
        )

    def _wish(self, kind: WishKind, number: int, at: float, text: str) -> None:
        incident = self.incident
        for desk in incident.desks:
            wish = DeskWish(
                incident=incident.id,
                desk=desk.desk,
                kind=kind,
                number=number,
                at=at,
                text=text,
                priority=incident.priority,
                queue=desk.queue,
                mode=desk.mode,
                title=incident.title,
                council=incident.cause.council,
                subject=incident.cause.subject,
                digest=incident.cause.digest,
            )
            self._wishes.append(wish)
