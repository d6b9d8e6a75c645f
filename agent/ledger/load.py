"""What the agent needs to go on where it was: everything that is not finished, read once at start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, and_, or_, select

from agent.drills.records import FAILOVERS, Drill
from agent.ledger import codec, drills, tables
from agent.ledger.batch import AgentSpan, CheckRecord, MaintenanceWindow
from agent.records import LIVE, Alert, Cause, Incident, IncidentState
from checks.contract import REACH, covered

UNFINISHED = (*LIVE, IncidentState.RESOLVED)
"""Resolved incidents may still be reopened."""
LOOK_BACK = 7 * 86_400.0
"""Seconds for which a window that is over is still asked what happened in it."""


@dataclass(frozen=True, slots=True)
class LedgerState:
    """The ledger as it stood when the agent started."""

    epoch: str
    sequence: int
    """Number of the last event."""
    alerts: Mapping[Cause, Alert]
    incidents: Mapping[str, Incident]
    """Suspect, open, recovering and resolved ones, by id."""
    children: Mapping[str, frozenset[Cause]]
    """Causes hidden now, by the incident that hides them."""
    checks: Mapping[tuple[str, str], CheckRecord]
    """By check id and vantage."""
    maintenance: tuple[MaintenanceWindow, ...]
    """Windows that are not over, or were not `LOOK_BACK` seconds ago."""
    refusals: Mapping[str, Mapping[str, float]]
    """Credential to the targets that refused it last, and when."""
    drills: tuple[Drill, ...]
    """Drills without an end."""
    proven: Mapping[str, float]
    """When a drill last proved a failover, by target."""
    last_life: AgentSpan | None
    """The agent's life before this one at the same vantage; not `clean` when it was killed."""


def load(connection: Connection, vantage: str, run: str, now: float) -> LedgerState:
    """Read the state. Alerts are as fresh as the results of the checks behind them (see `freshen`)."""
    info = connection.execute(select(tables.ledger_info.c.epoch, tables.ledger_info.c.sequence)).one()
    checks = _checks(connection)
    alerts = {}
    for row in connection.execute(select(tables.alerts)).mappings():
        alert = codec.alert_of(row)
        keys = [(check, place or vantage) for check, _, place in (one.partition("@") for one in alert.contributions)]
        freshen(alert, [checks[key] for key in keys if key in checks])
        alerts[alert.cause] = alert
    incidents = _incidents(connection)
    return LedgerState(
        epoch=info.epoch,
        sequence=info.sequence,
        alerts=alerts,
        incidents=incidents,
        children=_children(connection, incidents),
        checks=checks,
        maintenance=_maintenance(connection, now),
        refusals=_refusals(connection),
        drills=drills.unfinished(connection),
        proven=drills.last_proven(connection, FAILOVERS),
        last_life=_last_life(connection, vantage, run),
    )


def freshen(alert: Alert, contributing: Iterable[CheckRecord]) -> None:
    """Move `last_result` and `fresh_until` on to the newest result that covered this cause.

    An alert is written when it changes, a check's newest result also while all goes on as before: without this every
    steady alert would look stale after a restart.
    """
    condition = alert.cause.condition
    for record in contributing:
        tells = record.reached is not None if condition == REACH else covered(record.assessment.covers, condition)
        if tells and record.started > alert.last_result:
            alert.last_result = record.started
            alert.fresh_until = max(alert.fresh_until, record.started + record.valid_for)


def _checks(connection: Connection) -> dict[tuple[str, str], CheckRecord]:
    families = {row["name"]: codec.family_of(row) for row in connection.execute(select(tables.families)).mappings()}
    records = (codec.check_of(row, families) for row in connection.execute(select(tables.checks)).mappings())
    return {(record.check_id, record.vantage): record for record in records}


def _incidents(connection: Connection) -> dict[str, Incident]:
    table = tables.incidents
    wanted = select(table).where(table.c.state.in_([state.value for state in UNFINISHED]))
    found = (codec.incident_of(row) for row in connection.execute(wanted).mappings())
    return {incident.id: incident for incident in found}


def _children(connection: Connection, incidents: Mapping[str, Incident]) -> dict[str, frozenset[Cause]]:
    table = tables.children
    found: dict[str, set[Cause]] = {}
    for row in connection.execute(select(table).where(table.c.until.is_(None))):
        if row.incident in incidents:
            found.setdefault(row.incident, set()).add(Cause(row.council, row.subject, row.condition))
    return {incident: frozenset(causes) for incident, causes in found.items()}


def _maintenance(connection: Connection, now: float) -> tuple[MaintenanceWindow, ...]:
    table = tables.maintenance
    lately = now - LOOK_BACK
    wanted = (
        select(table)
        .where(or_(and_(table.c.ended_at.is_(None), table.c.end > lately), table.c.ended_at > lately))
        .order_by(table.c.start, table.c.id)
    )
    return tuple(codec.maintenance_of(row) for row in connection.execute(wanted).mappings())


def _refusals(connection: Connection) -> dict[str, dict[str, float]]:
    rows = connection.execute(select(tables.credential_refusals))
    return {row.credential: dict(row.targets) for row in rows if row.targets}


def _last_life(connection: Connection, vantage: str, run: str) -> AgentSpan | None:
    table = tables.agent_spans
    wanted = select(table).where(table.c.vantage == vantage, table.c.run != run).order_by(table.c.start.desc()).limit(1)
    row = connection.execute(wanted).mappings().first()
    return None if row is None else codec.agent_span_of(row)
