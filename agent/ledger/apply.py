"""Batches to SQL: everything the ledger writes of its own accord, inside a transaction that the caller began.

Several batches are written as one: of rows with a key only the newest state is written, events keep their order.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from agent.ledger import codec, tables
from agent.ledger.batch import Batch, CheckRecord
from agent.ledger.codec import Row
from agent.ledger.outbox import insert_wishes
from agent.ledger.rename import rename
from agent.ledger.statements import upsert, upsert_check, upsert_peak
from agent.records import LIVE, About, Alert, Cause, Event, Incident
from checks.contract import Family

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


def apply(connection: Connection, batches: Sequence[Batch]) -> list[tuple[int, ...]]:
    """Write the batches; returns, for each, the sequence numbers of its events."""
    numbers: list[tuple[int, ...]] = []
    begun = 0
    for place, batch in enumerate(batches):
        if batch.renames:  # what came before it bears the old name
            numbers += _apply(connection, batches[begun:place])
            rename(connection, batch.renames)
            begun = place
    return numbers + _apply(connection, batches[begun:])


def _apply(connection: Connection, batches: Sequence[Batch]) -> list[tuple[int, ...]]:
    if not batches:
        return []
    _incidents(connection, batches)
    numbers = _events(connection, batches)
    _children(connection, batches)
    insert_wishes(connection, [wish for b in batches for change in b.incident_changes for wish in change.wishes])
    _alerts(connection, batches)
    _checks(connection, batches)
    _histories(connection, batches)
    return numbers


def append_events(connection: Connection, events: Sequence[Event]) -> tuple[int, ...]:
    """Add lines to the timelines of incidents that are kept; returns their sequence numbers.

    For owners of a transaction of their own (outbox, commands). Raises LookupError for an incident that is not kept.
    """
    about = _kept(connection, {event.incident for event in events})
    return _insert_events(connection, [(event, about[event.incident]) for event in events])


def _write(connection: Connection, statement: object, rows: Sequence[Row]) -> None:
    if rows:
        connection.execute(statement, rows)  # type: ignore[call-overload]


def _newest(values: Iterable[T], key: Callable[[T], K]) -> dict[K, T]:
    """The last value of each key, in the order of last appearance."""
    found: dict[K, T] = {}
    for value in values:
        identity = key(value)
        found.pop(identity, None)
        found[identity] = value
    return found


def _put(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    _write(connection, upsert(connection.dialect.name, table), rows)


def _incidents(connection: Connection, batches: Sequence[Batch]) -> None:
    newest = _newest((change.incident for b in batches for change in b.incident_changes), lambda i: i.id)
    # Those that end come first: within one transaction a cause may pass from one incident to the next.
    ended: list[Incident] = []
    live: list[Incident] = []
    for incident in newest.values():
        (live if incident.state in LIVE else ended).append(incident)
    _put(connection, tables.incidents, [codec.incident_row(incident) for incident in (*ended, *live)])


def _events(connection: Connection, batches: Sequence[Batch]) -> list[tuple[int, ...]]:
    lists: list[list[tuple[Event, About | None]]] = []
    for b in batches:
        told: list[tuple[Event, About | None]] = []
        for change in b.incident_changes:
            about = codec.about(change.incident) if change.events else None
            told += [(event, about if event.incident == change.incident.id else None) for event in change.events]
        lists.append([*told, *((event, None) for event in b.events)])
    unknown = {event.incident for pairs in lists for event, about in pairs if about is None}
    known = _kept(connection, unknown) if unknown else {}
    numbers = _insert_events(
        connection, [(event, about or known[event.incident]) for pairs in lists for event, about in pairs]
    )
    result = []
    position = 0
    for pairs in lists:
        result.append(numbers[position : position + len(pairs)])
        position += len(pairs)
    return result


def _kept(connection: Connection, incidents: set[str]) -> dict[str, About]:
    """What is to stand beside events of incidents that are kept already, as they are now."""
    table = tables.incidents
    found: dict[str, About] = {}
    wanted = sorted(incidents)
    for start in range(0, len(wanted), 500):
        rows = connection.execute(select(table).where(table.c.id.in_(wanted[start : start + 500]))).mappings()
        found |= {row["id"]: codec.about(codec.incident_of(row)) for row in rows}
    missing = incidents - found.keys()
    if missing:
        raise LookupError(f"no such incident in the ledger: {', '.join(sorted(missing)[:5])}")
    return found


def _insert_events(connection: Connection, events: Sequence[tuple[Event, About]]) -> tuple[int, ...]:
    if not events:
        return ()
    info = tables.ledger_info
    counted = update(info).values(sequence=info.c.sequence + len(events)).returning(info.c.sequence)
    last: int = connection.execute(counted).scalar_one()
    numbers = tuple(range(last - len(events) + 1, last + 1))
    rows = [codec.event_row(event, number, about) for number, (event, about) in zip(numbers, events, strict=True)]
    _write(connection, insert(tables.events), rows)
    return numbers


def _children(connection: Connection, batches: Sequence[Batch]) -> None:
    added: dict[tuple[str, Cause], Row] = {}
    removed: list[Row] = []
    for b in batches:
        for change in b.incident_changes:
            incident, at = change.incident.id, change.incident.changed_at
            for cause in change.children_added:
                added[incident, cause] = {"incident": incident, **codec.cause_key(cause), "since": at, "until": None}
            for cause in change.children_removed:
                row = added.get((incident, cause))
                if row is None:
                    removed.append(
                        {"i": incident, "c": cause.council, "s": cause.subject, "k": cause.condition, "at": at}
                    )
                else:
                    row["until"] = at
    table = tables.children
    end = (
        update(table)
        .where(
            table.c.incident == bindparam("i"),
            table.c.council == bindparam("c"),
            table.c.subject == bindparam("s"),
            table.c.condition == bindparam("k"),
            table.c.until.is_(None),
        )
        .values(until=bindparam("at"))
    )
    # Removals first: one that names a child added later in the same group went into that child's own row above.
    _write(connection, end, removed)
    _put(connection, table, list(added.values()))


def _alerts(connection: Connection, batches: Sequence[Batch]) -> None:
    table = tables.alerts
    newest: dict[Cause, Alert | None] = {}
    for b in batches:
        newest |= {alert.cause: alert for alert in b.alerts}
        newest |= dict.fromkeys(b.alerts_gone)
    gone = [{"c": c.council, "s": c.subject, "k": c.condition} for c, alert in newest.items() if alert is None]
    where = (
        table.c.council == bindparam("c"),
        table.c.subject == bindparam("s"),
        table.c.condition == bindparam("k"),
    )
    _write(connection, delete(table).where(*where), gone)
    _put(connection, table, [codec.alert_row(alert) for alert in newest.values() if alert is not None])


def _checks(connection: Connection, batches: Sequence[Batch]) -> None:
    table = tables.checks
    newest: dict[tuple[str, str], CheckRecord | None] = {}
    for b in batches:
        newest |= {(record.check_id, record.vantage): record for record in b.checks}
        newest |= dict.fromkeys(b.checks_gone)
    gone = [{"c": check, "v": vantage} for (check, vantage), record in newest.items() if record is None]
    kept = [record for record in newest.values() if record is not None]
    families: dict[str, Family] = {}
    for record in kept:
        for reading in record.assessment.readings:
            families[reading.family.name] = reading.family
    _put(connection, tables.families, [codec.family_row(family) for family in families.values()])
    rows = [codec.check_row(record) for record in kept]
    _write(connection, upsert_check(connection.dialect.name), rows)
    where = (table.c.check_id == bindparam("c"), table.c.vantage == bindparam("v"))
    _write(connection, delete(table).where(*where), gone)


def _histories(connection: Connection, batches: Sequence[Batch]) -> None:
    spans = _newest((span for b in batches for span in b.spans), lambda s: (s.cause, s.start))
    _put(connection, tables.spans, [codec.span_row(span) for span in spans.values()])
    lives = _newest((life for b in batches for life in b.agent_spans), lambda life: life.run)
    _put(connection, tables.agent_spans, [codec.agent_span_row(life) for life in lives.values()])
    peaks = [codec.peak_row(peak) for b in batches for peak in b.peaks]
    _write(connection, upsert_peak(connection.dialect.name), peaks)
    _write(connection, insert(tables.runs), [codec.run_row(run) for b in batches for run in b.runs])
    _write(connection, insert(tables.audit), [codec.audit_row(entry) for b in batches for entry in b.audit])
    windows = _newest((window for b in batches for window in b.maintenance), lambda window: window.id)
    _put(connection, tables.maintenance, [codec.maintenance_row(window) for window in windows.values()])
    drills = _newest((drill for b in batches for drill in b.drills), lambda drill: drill.id)
    _put(connection, tables.drills, [codec.drill_row(drill) for drill in drills.values()])
    _write(connection, insert(tables.pings), [codec.ping_row(ping) for b in batches for ping in b.pings])
    refusals = _newest((refused for b in batches for refused in b.refusals), lambda refused: refused.credential)
    rows = [{"credential": name, "targets": dict(refused.targets)} for name, refused in refusals.items()]
    _put(connection, tables.credential_refusals, rows)
