"""What happens to incidents and tickets, said in the journal too: it is where an administrator looks first."""

from __future__ import annotations

import structlog

from agent.records import Event, EventKind, IncidentChange

_LOUD = frozenset({EventKind.OPENED, EventKind.REOPENED, EventKind.RELAPSED})
_SOFT = frozenset({EventKind.SUSPECTED, EventKind.CANCELLED})
"""One lost packet makes these; the journal has them at debug."""


def tell_incident(change: IncidentChange) -> None:
    """A line for every event of an incident."""
    log = structlog.get_logger("agent")
    incident = change.incident
    for event in change.events:
        level = "warning" if event.kind in _LOUD else "debug" if event.kind in _SOFT else "info"
        getattr(log, level)(
            f"incident {event.kind.value}",
            incident=incident.id,
            priority=incident.priority.value,
            council=incident.cause.council,
            subject=incident.cause.subject,
            condition=incident.cause.condition,
            text=event.text,
        )


def tell_ticket(event: Event) -> None:
    """A line for what happened to a ticket."""
    what, desk, ticket = (event.data.get(name) for name in ("what", "desk", "ticket"))
    log = structlog.get_logger("agent")
    log.info("ticket", what=what, desk=desk, ticket=ticket, incident=event.incident, text=event.text)
