"""The incidents as JSON, the same over HTTP and on the command line. Times are RFC 3339 in UTC."""

from __future__ import annotations

from collections.abc import Sequence

from agent.records import Acknowledgement, Event, Incident
from exporters.web.text import iso, safe_url
from exporters.web.view import TicketLink

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def incident_json(incident: Incident, tickets: Sequence[TicketLink]) -> dict[str, Json]:
    """One incident; what has not happened is null."""
    return {
        "id": incident.id,
        "council": incident.cause.council,
        "subject": incident.cause.subject,
        "condition": incident.cause.condition,
        "site": incident.site,
        "state": incident.state.value,
        "severity": incident.severity.value,
        "priority": incident.priority.value,
        "wake": incident.wake.value,
        "title": incident.title,
        "summary": incident.summary,
        "evidence": dict(incident.evidence),
        "suspected_at": iso(incident.suspected_at),
        "opened_at": _iso(incident.opened_at),
        "recovered_at": _iso(incident.recovered_at),
        "resolved_at": _iso(incident.resolved_at),
        "closed_at": _iso(incident.closed_at),
        "changed_at": iso(incident.changed_at),
        "resolution": incident.resolution or None,
        "acknowledged": _acknowledged(incident.acknowledged),
        "suppressed_by": str(incident.suppressed_by) if incident.suppressed_by else None,
        "maintenance": incident.maintenance,
        "flapping": incident.flapping,
        "stale": incident.stale,
        "hidden": incident.hidden,
        "follows": incident.follows,
        "tickets": [_ticket(ticket) for ticket in tickets],
    }


def problem_json(status: int, title: str, detail: str) -> dict[str, Json]:
    """An error as RFC 9457 problem details."""
    return {"type": "about:blank", "status": status, "title": title, "detail": detail}


def event_json(event: Event) -> dict[str, Json]:
    """One line of a timeline."""
    return {"at": iso(event.at), "kind": event.kind.value, "actor": event.actor, "text": event.text}


def _acknowledged(by: Acknowledgement | None) -> Json:
    return None if by is None else {"by": by.by, "at": iso(by.at), "until": iso(by.until), "comment": by.comment}


def _ticket(ticket: TicketLink) -> dict[str, Json]:
    return {
        "desk": ticket.desk,
        "number": ticket.number,
        "url": safe_url(ticket.url) or None,
        "mode": ticket.mode,
        "phase": ticket.phase,
        "error": ticket.error or None,
    }


def _iso(at: float | None) -> str | None:
    return None if at is None else iso(at)
