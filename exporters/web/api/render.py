"""What the agent knows as JSON, the same over HTTP and on the command line. Times are RFC 3339 in UTC.

Plain dicts, since a list of incidents is asked for often; `answers` describes them, and tests hold both together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from agent.records import Acknowledgement, Event, Incident
from checks.contract import State
from exporters.web.text import iso, safe_url
from exporters.web.view import (
    CheckView,
    Health,
    IncidentDetail,
    PathLine,
    Problem,
    Standing,
    Summary,
    TargetDetail,
    TargetLine,
    TicketLink,
    WindowLine,
)

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def incident_json(incident: Incident, tickets: Sequence[TicketLink], behind: str | None = None) -> dict[str, Json]:
    """One incident; what has not happened is null. `behind`: what it lies behind, in words fit for the reader."""
    lies_behind = str(incident.suppressed_by) if incident.suppressed_by else behind
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
        "suppressed_by": lies_behind,
        "maintenance": incident.maintenance,
        "flapping": incident.flapping,
        "stale": incident.stale,
        "hidden": incident.hidden,
        "follows": incident.follows,
        "tickets": [_ticket(ticket) for ticket in tickets],
    }


def detail_json(detail: IncidentDetail) -> dict[str, Json]:
    """One incident with its timeline and what hides behind it."""
    return {
        **incident_json(detail.incident, detail.tickets, detail.behind),
        "children": [_child(child) for child in detail.children],
        "events": [event_json(event) for event in detail.timeline],
    }


def need_json(problem: Problem) -> dict[str, Json]:
    """One thing that needs a person now."""
    return {
        "state": problem.state.value,
        "council": problem.council,
        "subject": problem.subject,
        "condition": problem.condition,
        "summary": problem.summary,
        "since": iso(problem.since),
        "site": problem.site or None,
        "target": problem.target,
        "incident": problem.incident,
        "priority": problem.priority,
        "stale": problem.stale,
        "flapping": problem.flapping,
        "maintenance": problem.maintenance,
        "acknowledged_by": problem.acknowledged,
        "suppressed_by": problem.behind,
        "hidden": problem.hidden,
        "tickets": [_ticket(ticket) for ticket in problem.tickets],
    }


def target_json(line: TargetLine) -> dict[str, Json]:
    """One target in the list of all."""
    return {
        "name": line.name,
        "title": line.title,
        "council": line.council,
        "site": line.site,
        "state": line.state.value,
        "stale": line.stale,
        "checks": line.checks,
    }


def target_detail_json(detail: TargetDetail) -> dict[str, Json]:
    """One target with its checks and its incidents."""
    return {
        **target_json(detail.line),
        "address": detail.address,
        "impact": detail.impact,
        "depends_on": detail.depends_on or None,
        "checks": [_check(check) for check in detail.checks],
        "incidents": [
            {"id": one.id, "state": one.state.value, "title": one.title, "changed_at": iso(one.changed_at)}
            for one in detail.incidents
        ],
    }


def path_json(line: PathLine) -> dict[str, Json]:
    """One flow of the matrix."""
    word = line.simulator
    return {
        "target": line.target,
        "check": line.check,
        "council": line.council,
        "flow": line.flow,
        "from": line.source,
        "to": line.to,
        "port": line.port,
        "protocol": line.protocol,
        "must": line.must,
        "owner": line.owner,
        "reason": line.reason,
        "state": line.state.value,
        "passes": line.passes,
        "summary": line.summary,
        "evidence": dict(line.evidence),
        "simulator": None if word is None else {"state": word.state.value, "summary": word.summary},
        "last_run": _iso(line.last_run),
    }


def window_json(window: WindowLine) -> dict[str, Json]:
    """One maintenance window. A recurring one that will never begin again has no times."""
    return {
        "id": window.id,
        "start": _moment(window.start),
        "end": _moment(window.end),
        "owner": window.owner,
        "reason": window.reason,
        "covers": window.covers,
        "added": window.added,
    }


def status_json(version: str, standing: Standing, health: Health, summary: Summary) -> dict[str, Json]:
    """The agent at a glance."""
    return {
        "version": version,
        "estate": standing.estate,
        "revision": standing.revision,
        "healthy": health.healthy,
        "ready": health.ready,
        "reason": health.reason or None,
        "isolated_since": _iso(summary.isolated_since),
        "ledger_trouble": summary.ledger_trouble or None,
        "last_result": _iso(summary.last_result),
        "councils": dict(summary.councils),
        "targets": summary.targets,
        "checks": {state.value: summary.checks.get(state, 0) for state in State},
        "checks_stale": summary.stale,
    }


def problem_json(status: int, title: str, detail: str) -> dict[str, Json]:
    """An error as RFC 9457 problem details."""
    return {"type": "about:blank", "status": status, "title": title, "detail": detail}


def event_json(event: Event) -> dict[str, Json]:
    """One line of a timeline."""
    return {"at": iso(event.at), "kind": event.kind.value, "actor": event.actor, "text": event.text}


def _child(child: Problem) -> dict[str, Json]:
    return {
        "council": child.council,
        "subject": child.subject,
        "condition": child.condition,
        "state": child.state.value,
        "summary": child.summary,
        "since": iso(child.since),
    }


def _check(check: CheckView) -> dict[str, Json]:
    return {
        "name": check.name,
        "kind": check.kind,
        "vantage": check.vantage,
        "state": check.state.value,
        "stale": check.stale,
        "last_run": _iso(check.last_run),
        "duration_seconds": check.duration,
        "next_run": _iso(check.next_run),
        "schedule": check.interval,
        "findings": [
            {"key": one.key, "state": one.state.value, "summary": one.summary, "evidence": dict(one.evidence)}
            for one in check.findings
        ],
        "readings": [
            {"series": series, "value": value if math.isfinite(value) else None} for series, value in check.readings
        ],
        "fault": check.fault or None,
    }


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


def _moment(at: float) -> str | None:
    return iso(at) if math.isfinite(at) else None


def _iso(at: float | None) -> str | None:
    return None if at is None else iso(at)
