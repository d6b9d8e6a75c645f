"""`/api/v1/incidents`: the incidents as JSON. Times are RFC 3339 in UTC."""

from __future__ import annotations

from collections.abc import Sequence

from agent.records import Incident
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
        "suspected_at": iso(incident.suspected_at),
        "opened_at": _iso(incident.opened_at),
        "resolved_at": _iso(incident.resolved_at),
        "closed_at": _iso(incident.closed_at),
        "changed_at": iso(incident.changed_at),
        "resolution": incident.resolution or None,
        "acknowledged_by": incident.acknowledged.by if incident.acknowledged else None,
        "suppressed_by": str(incident.suppressed_by) if incident.suppressed_by else None,
        "maintenance": incident.maintenance,
        "flapping": incident.flapping,
        "stale": incident.stale,
        "hidden": incident.hidden,
        "tickets": [
            {"desk": t.desk, "number": t.number, "url": safe_url(t.url) or None, "mode": t.mode, "phase": t.phase}
            for t in tickets
        ],
    }


def problem_json(status: int, title: str, detail: str) -> dict[str, Json]:
    """An error as RFC 9457 problem details."""
    return {"type": "about:blank", "status": status, "title": title, "detail": detail}


def _iso(at: float | None) -> str | None:
    return None if at is None else iso(at)
