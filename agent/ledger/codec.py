"""Records to rows and back. Each body carries the version of its shape in `v`.

Every function is pure; what one writes its partner reads back equal, except for characters that no database takes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from agent.drills.records import Drill
from agent.ledger.batch import AgentSpan, Audit, CheckRecord, MaintenanceWindow, Peak, Run, Span
from agent.ledger.errors import LedgerUnusable
from agent.ledger.jsontext import plain
from agent.records import About, Alert, Cause, Event, EventKind, Incident
from checks.contract import Assessment, Family, Finding, Memory, Reading, State
from checks.transports.inbox import Ping
from config.estate import Selector

Row = dict[str, Any]
"""Column name to value, as SQLAlchemy binds it."""
Stored = Mapping[Any, Any]
"""Column name to value, as SQLAlchemy gives it back."""

VERSION = 1
_TITLE = 200


class Unreadable(LedgerUnusable):
    """A row whose body has a shape that this Ridgeway does not know."""


def cause_key(cause: Cause) -> Row:
    return {"council": cause.council, "subject": cause.subject, "condition": cause.condition}


def _cause(row: Stored) -> Cause:
    return Cause(row["council"], row["subject"], row["condition"])


_ALERT_COLUMNS = (
    "site", "level", "state", "first_bad", "first_good", "last_result", "fresh_until", "held_until",
)  # fmt: skip
_INCIDENT_COLUMNS = (
    "id", "site", "state", "severity", "priority", "wake", "title", "suspected_at", "opened_at", "resolved_at",
    "closed_at", "changed_at", "hidden",
)  # fmt: skip
_DRILL_COLUMNS = ("id", "kind", "council", "target", "start", "ended_at", "outcome", "proven_at")
_PING_COLUMNS = ("job", "received", "at", "sign", "code", "rid")
_PING_FACTS = ("bytes", "files", "errors", "seconds", "log", "id")


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    # Made when first used: it takes milliseconds. Its fields are the record's own, so a new field is kept by itself,
    # and an older row without it is read with the field's default.
    return TypeAdapter(shape)


def _row(record: Alert | Incident, adapter: TypeAdapter[Any], columns: tuple[str, ...]) -> Row:
    """Named columns for what is searched for, the rest in the body."""
    body = adapter.dump_python(record, mode="json")
    cause = body.pop("cause")
    row: Row = {**cause, **{name: body.pop(name) for name in columns}}
    row["body"] = {"v": VERSION, **body}
    return row


def _fields(row: Stored, columns: tuple[str, ...], what: str) -> Row:
    """What `_row` took apart, put together again."""
    body: Mapping[str, Any] = row["body"]
    if body.get("v") != VERSION:
        raise Unreadable(f"{what} has a body of version {body.get('v')!r}; this Ridgeway reads version {VERSION}")
    cause = {name: row[name] for name in ("council", "subject", "condition")}
    return {**body, **{name: row[name] for name in columns}, "cause": cause}


def _read(shape: Any, value: object, what: str) -> Any:
    try:
        return _adapter(shape).validate_python(value)
    except ValidationError as error:
        raise Unreadable(f"{what} cannot be read back from the ledger: {error.errors()[0]['msg']}") from error


def alert_row(alert: Alert) -> Row:
    return _row(alert, _adapter(Alert), _ALERT_COLUMNS)


def alert_of(row: Stored) -> Alert:
    what = f"the alert {_cause(row)}"
    alert: Alert = _read(Alert, _fields(row, _ALERT_COLUMNS, what), what)
    return alert


def incident_row(incident: Incident) -> Row:
    return {**_row(incident, _adapter(Incident), _INCIDENT_COLUMNS), "title": plain(incident.title, _TITLE)}


def incident_of(row: Stored) -> Incident:
    what = f"the incident {row['id']}"
    incident: Incident = _read(Incident, _fields(row, _INCIDENT_COLUMNS, what), what)
    return incident


def about(incident: Incident) -> About:
    """The incident as its events show it to readers of the feed."""
    cause = incident.cause
    return About(
        cause.council,
        cause.subject,
        cause.condition,
        incident.site,
        incident.state,
        incident.severity,
        incident.priority,
        plain(incident.title, _TITLE),
    )


def event_row(event: Event, sequence: int, about: About) -> Row:
    return {
        "sequence": sequence,
        "incident": event.incident,
        "council": about.council,
        "at": event.at,
        "kind": event.kind.value,
        "actor": plain(event.actor, 100),
        "text": plain(event.text),
        "data": dict(event.data),
        "about": {name: getattr(about, name) for name in About.__slots__},
    }


def about_of(row: Stored) -> About | None:
    """None in rows of a ledger that did not keep it yet."""
    if row["about"] is None:
        return None
    kept: About = _read(About, row["about"], f"event {row['sequence']}")
    return kept


def event_of(row: Stored) -> Event:
    return Event(row["incident"], row["at"], EventKind(row["kind"]), row["actor"], row["text"], row["data"])


def family_row(family: Family) -> Row:
    return {"name": family.name, "body": _adapter(Family).dump_python(family, mode="json")}


def family_of(row: Stored) -> Family:
    family: Family = _read(Family, row["body"], f"the metric family {row['name']}")
    return family


_Findings = list[tuple[str, State, str, Mapping[str, str]]]
_Readings = list[tuple[str, float, tuple[str, ...]]]
_Kept = tuple[int, _Findings, _Readings, frozenset[str], frozenset[str]]
"""Lists instead of objects and families by name: this body is written for every check again and again."""


@cache
def _kept() -> TypeAdapter[_Kept]:
    return TypeAdapter(_Kept, config=ConfigDict(ser_json_inf_nan="constants"))


def assessment_bytes(assessment: Assessment) -> bytes:
    """Compact JSON (with NaN and infinities by name); the note of `memory` has columns of its own."""
    findings = [(f.key, f.state, f.summary, f.evidence) for f in assessment.findings]
    readings = [(r.family.name, r.value, r.labels) for r in assessment.readings]
    value = (VERSION, findings, readings, assessment.covers, assessment.may_go)
    try:
        return _kept().dump_json(value)
    except PydanticSerializationError:
        # A lone surrogate, which UTF-8 cannot hold. Seldom, so the slow way round will do.
        return plain(json.dumps(value, ensure_ascii=False, default=sorted)).encode()


def assessment_of(body: bytes, families: Mapping[str, Family]) -> Assessment:
    """Readings whose family is not kept are left out: absent stays absent."""
    try:
        version, findings, readings, covers, may_go = _kept().validate_json(body)
    except ValidationError as error:
        raise Unreadable(f"an assessment cannot be read back from the ledger: {error.errors()[0]['msg']}") from error
    if version != VERSION:
        raise Unreadable(f"an assessment of version {version!r}; this Ridgeway reads version {VERSION}")
    return Assessment(
        findings=tuple(Finding(*finding) for finding in findings),
        readings=tuple(Reading(families[name], value, labels) for name, value, labels in readings if name in families),
        covers=covers,
        may_go=may_go,
    )


def check_row(record: CheckRecord) -> Row:
    memory = record.memory
    return {
        "check_id": record.check_id,
        "vantage": record.vantage,
        "target": record.target,
        "kind": record.kind,
        "state": record.state.value,
        "started": record.started,
        "duration": record.duration,
        "valid_for": record.valid_for,
        "reached": record.reached,
        "last_success": record.last_success,
        "assessment": assessment_bytes(record.assessment),
        "memory_version": None if memory is None else memory.version,
        "memory": None if memory is None else plain(memory.text),
    }


def check_of(row: Stored, families: Mapping[str, Family]) -> CheckRecord:
    return CheckRecord(
        check_id=row["check_id"],
        vantage=row["vantage"],
        target=row["target"],
        kind=row["kind"],
        state=State(row["state"]),
        started=row["started"],
        duration=row["duration"],
        valid_for=row["valid_for"],
        reached=row["reached"],
        last_success=row["last_success"],
        assessment=assessment_of(row["assessment"], families),
        memory=None if row["memory_version"] is None else Memory(row["memory_version"], row["memory"]),
    )


def span_row(span: Span) -> Row:
    return {
        **cause_key(span.cause),
        "start": span.start,
        "end": span.end,
        "state": span.state.value,
        "flags": span.flags,
        "run": span.run,
    }


def span_of(row: Stored) -> Span:
    return Span(_cause(row), row["start"], row["end"], State(row["state"]), row["flags"], row["run"])


def agent_span_row(life: AgentSpan) -> Row:
    return {"run": life.run, "vantage": life.vantage, "start": life.start, "end": life.end, "clean": life.clean}


def peak_row(peak: Peak) -> Row:
    return {
        "day": peak.day,
        "family": peak.family,
        "target": peak.target,
        "labels": peak.labels,
        "low": peak.low,
        "high": peak.high,
    }


def run_row(run: Run) -> Row:
    return {
        "check_id": run.check_id,
        "vantage": run.vantage,
        "started": run.started,
        "duration": run.duration,
        "state": run.state.value,
        "fault": None if run.fault is None else plain(run.fault),
    }


def audit_row(entry: Audit) -> Row:
    return {
        "at": entry.at,
        "actor": plain(entry.actor, 100),
        "action": entry.action,
        "subject": plain(entry.subject, 200),
        "detail": dict(entry.detail),
    }


def agent_span_of(row: Stored) -> AgentSpan:
    return AgentSpan(row["run"], row["vantage"], row["start"], row["end"], row["clean"])


def maintenance_row(window: MaintenanceWindow) -> Row:
    return {
        "id": window.id,
        "start": window.start,
        "end": window.end,
        "ended_at": window.ended_at,
        "author": plain(window.author, 100),
        "reason": plain(window.reason),
        "selector": _adapter(Selector).dump_python(window.selector, mode="json", exclude_defaults=True),
    }


def maintenance_of(row: Stored) -> MaintenanceWindow:
    return MaintenanceWindow(
        id=row["id"],
        start=row["start"],
        end=row["end"],
        author=row["author"],
        reason=row["reason"],
        selector=_read(Selector, row["selector"], f"the maintenance window {row['id']}"),
        ended_at=row["ended_at"],
    )


def drill_row(drill: Drill) -> Row:
    body = _adapter(Drill).dump_python(drill, mode="json")
    row: Row = {name: body.pop(name) for name in _DRILL_COLUMNS}
    row["body"] = {"v": VERSION, **body}
    return row


def drill_of(row: Stored) -> Drill:
    what = f"the drill {row['id']}"
    body: Mapping[str, Any] = row["body"]
    if body.get("v") != VERSION:
        raise Unreadable(f"{what} has a body of version {body.get('v')!r}; this Ridgeway reads version {VERSION}")
    fields = {name: value for name, value in body.items() if name != "v"}
    drill: Drill = _read(Drill, {**fields, **{name: row[name] for name in _DRILL_COLUMNS}}, what)
    return drill


def ping_row(ping: Ping) -> Row:
    facts = {name: value for name in _PING_FACTS if (value := getattr(ping, name)) not in (None, "")}
    if ping.mail is not None:
        facts["mail"] = asdict(ping.mail)
    row: Row = {name: getattr(ping, name) for name in _PING_COLUMNS}
    return {**row, "sign": ping.sign.value, "facts": {"v": VERSION, **facts}}


def ping_of(row: Stored) -> Ping:
    what = f"the ping {row['id']}"
    facts: Mapping[str, Any] = row["facts"]
    if facts.get("v") != VERSION:
        raise Unreadable(f"{what} has facts of version {facts.get('v')!r}; this Ridgeway reads version {VERSION}")
    fields = {name: value for name, value in facts.items() if name != "v"}
    ping: Ping = _read(Ping, {**fields, **{name: row[name] for name in _PING_COLUMNS}}, what)
    return ping
