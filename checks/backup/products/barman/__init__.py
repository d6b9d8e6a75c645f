"""Barman: every server of one machine's configuration, by its own command line.

A check that fails keeps the next backup from starting, so it is told before that. When the database is down, several
checks fail at once: that is one cause. Times of Barman's catalogue are text, and Unix seconds as text.
Source: Barman's manual; outputs of 3.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import PlainValidator, WithJsonSchema

from checks.backup.model import Account, Job, Level, Outcome, Part, RestorePoint, Run
from checks.backup.products.rows import count, one_line
from checks.backup.tools import Output, Plain, Tool, ToolOptions, Tools
from checks.contract import Context, Target
from config.cron import LONDON, read_zone

_OUTCOMES = {
    "DONE": Outcome.SUCCESS, "WAITING_FOR_WALS": Outcome.SUCCESS, "FAILED": Outcome.FAILED,
    "STARTED": Outcome.RUNNING, "SYNCING": Outcome.RUNNING, "EMPTY": Outcome.RUNNING,
}  # fmt: skip
_HAS = (Part.JOBS, Part.RUNS, Part.OBJECTS, Part.POINTS)
_OURS = frozenset({"backup_maximum_age", "minimum_redundancy_requirements"})
"""Checks of what the estate's own RPO and retention judge."""


class BarmanOptions(ToolOptions):
    """Whose configuration is asked."""

    product: Literal["barman"]
    config: Plain | None = None
    zone: Annotated[str, PlainValidator(read_zone), WithJsonSchema({"type": "string"})] = LONDON
    """The time zone of Barman's machine, in which it names its backups."""


async def read(target: Target, options: BarmanOptions, ctx: Context, kept: object) -> tuple[Account, object]:
    """The account of all servers; objects, jobs and servers are one. Raises TransportFault."""
    tools = Tools(target, options, ctx)
    where = (*(("-c", options.config) if options.config else ()), "-f", "json")
    listed = await tools.run(Tool("barman", (*where, "list-backup", "all")))
    checked = await tools.run(Tool("barman", (*where, "check", "all")))
    return account(listed, checked, ZoneInfo(options.zone), ctx.now()), kept


def account(listed: Output, checked: Output, zone: ZoneInfo, now: float) -> Account:
    """What `list-backup all` and `check all` say. Raises TransportFault."""
    if listed.status != 0:
        raise listed.unfit("it failed")
    said, checks = listed.document(), checked.document()  # the exit status of `check` says no more than its words
    if not isinstance(said, dict) or not all(_is_list(rows) for rows in said.values()):
        raise listed.unfit("it printed no list of backups")
    if not isinstance(checks, dict) or not all(isinstance(items, dict) for items in checks.values()):
        raise checked.unfit("it printed no list of checks")
    names = tuple(dict.fromkeys((*said, *checks)))
    unread = {} if set(checks) <= set(said) else {Part.RUNS: "servers are checked whose backups are not listed"}
    runs = tuple(_run(name, row, zone) for name, rows in said.items() for row in rows)
    return Account(
        product="barman",
        at=now,
        jobs=tuple(Job(one_line(name), enabled=True, why=_why(checks.get(name, {}))) for name in names),
        runs=runs,
        objects=tuple(one_line(name) for name in names),
        points=tuple(
            RestorePoint(run.object, run.started, "", Level.FULL, run.bytes, run.id)
            for run in runs
            if run.outcome.kept and run.started is not None
        ),
        unread=unread,
        has=_HAS,
    )


def _is_list(rows: object) -> bool:
    return isinstance(rows, list) and all(isinstance(row, dict) for row in rows)


def _run(server: str, row: Mapping[str, Any], zone: ZoneInfo) -> Run:
    """A backup. Its end is listed as Unix seconds; its begin is its name, in the zone of Barman's machine."""
    number = row.get("end_time_timestamp")
    ended = float(number) if isinstance(number, str) and number.isascii() and number.isdigit() else None
    name, label = one_line(server), one_line(row.get("backup_id"))
    outcome = _OUTCOMES.get(str(row.get("status")), Outcome.UNKNOWN)
    started = _begin(label, zone)
    if started is not None and ended is not None and started > ended:
        outcome = Outcome.UNKNOWN  # the zone is not that of its machine: when it began nobody knows
    return Run(label, name, outcome, name, started, ended, Level.FULL, count(row.get("size_bytes")))


def _begin(label: str, zone: ZoneInfo) -> float | None:
    try:
        return datetime.strptime(label, "%Y%m%dT%H%M%S").replace(tzinfo=zone).timestamp()
    except ValueError:
        return None


def _why(items: Mapping[str, Any]) -> str:
    failed = [name for name, said in items.items() if not (isinstance(said, dict) and said.get("status") == "OK")]
    if "postgresql" in failed:
        return "the database does not answer"
    told = [name for name in failed if name not in _OURS]
    hints = (items[name].get("hint") if isinstance(items[name], dict) else "" for name in told)
    return "; ".join(f"{one_line(name)} {one_line(hint)}".strip() for name, hint in zip(told, hints, strict=True))[:150]
