"""pgBackRest: every stanza of one machine's configuration, by its own command line.

`info` says what there is. Its `error` is of pages that were already damaged when they were copied; what is damaged
later only `verify` finds, whose words count and not its exit status. What was archived of the log since the last backup
counts too: a segment that is new since the poll before was written to after that poll.
Source: pgBackRest's user guide and command reference; outputs of 2.45.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from checks.backup.model import Account, Job, Level, Outcome, Part, Repository, RestorePoint, Run, Stock
from checks.backup.products.rows import count, one_line
from checks.backup.tools import Output, Plain, Tool, ToolOptions, Tools
from checks.contract import Context, Target

_LEVELS = {"full": Level.FULL, "diff": Level.DIFFERENTIAL, "incr": Level.INCREMENTAL}
_THERE = frozenset({0, 2})
"""Status codes of a repository that can be read: with backups, and without any."""
_HAS = (Part.JOBS, Part.RUNS, Part.OBJECTS, Part.POINTS, Part.REPOSITORIES)


class PgBackRestOptions(ToolOptions):
    """Whose configuration is asked; a stanza, or all of them."""

    product: Literal["pgbackrest"]
    stanza: Plain | None = None
    config: Plain | None = None


@dataclass(slots=True)
class Log:
    """How far the log was archived, by `stanza/repository`, while the agent runs."""

    newest: dict[str, str] = field(default_factory=dict)
    at: float = 0.0
    """When that was seen."""
    points: dict[str, float] = field(default_factory=dict)
    """As of when everything is archived, at least."""


async def read(target: Target, options: PgBackRestOptions, ctx: Context, kept: object) -> tuple[Account, object]:
    """The account of all stanzas; objects, jobs and stanzas are one. Raises TransportFault."""
    where = (f"--config={options.config}",) if options.config else ()
    which = (f"--stanza={options.stanza}",) if options.stanza else ()
    output = await Tools(target, options, ctx).run(Tool("pgbackrest", (*where, *which, "--output=json", "info")))
    log = kept if isinstance(kept, Log) else Log()
    return account(output, log, ctx.now()), log


def account(output: Output, log: Log, now: float) -> Account:
    """What `pgbackrest info --output=json` says; the log is noted. Raises TransportFault."""
    if output.status != 0:
        raise output.unfit("it failed")
    said = output.document()
    if not isinstance(said, list) or not all(_is_stanza(one) for one in said):
        raise output.unfit("it printed no list of stanzas")
    for one in said:
        _note(one, log)
    log.at = now
    return Account(
        product="pgbackrest",
        at=now,
        since=0.0,  # with stocks: a log's point that was seen once must not be forgotten at a restart
        jobs=tuple(Job(one["name"], enabled=True, repository=_first(one)) for one in said),
        runs=tuple(run for one in said for run in _runs(one)),
        objects=tuple(one["name"] for one in said),
        points=tuple(point for one in said for point in _points(one, log)),
        stocks=tuple(stock for one in said for stock in _stocks(one)),
        repositories=tuple(place for one in said for place in _repositories(one)),
        has=_HAS,
    )


def _is_stanza(one: object) -> bool:
    if not isinstance(one, dict) or not one_line(one.get("name")) or one["name"] != one_line(one["name"]):
        return False
    lists = (one.get("backup"), one.get("repo"), one.get("archive"))
    return all(isinstance(rows, list) and all(isinstance(row, dict) for row in rows) for rows in lists)


def _place(stanza: Mapping[str, Any], key: object) -> str:
    return f"{stanza['name']}/repo{str(key)[:20]}"


def _first(stanza: Mapping[str, Any]) -> str:
    return _place(stanza, stanza["repo"][0].get("key")) if stanza["repo"] else ""


def _key(row: Mapping[str, Any]) -> object:
    database = row.get("database")
    return database.get("repo-key", 1) if isinstance(database, dict) else 1


def _note(stanza: Mapping[str, Any], log: Log) -> None:
    for row in stanza["archive"]:
        newest, at = one_line(row.get("max")), _place(stanza, _key(row))
        before = log.newest.get(at)
        if newest and newest != before:
            log.newest[at] = newest
            if before is not None:
                log.points[at] = log.at


def _points(stanza: Mapping[str, Any], log: Log) -> Iterator[RestorePoint]:
    for row in stanza["backup"]:
        started, _, info = _times(row)
        if started is not None:
            size = count(info.get("size"))
            at = _place(stanza, _key(row))
            yield RestorePoint(stanza["name"], started, at, _level(row), size, one_line(row.get("label")))
    for at, when in log.points.items():
        if at.startswith(f"{stanza['name']}/repo") and stanza["backup"]:
            yield RestorePoint(stanza["name"], when, at, Level.LOG)


def _runs(stanza: Mapping[str, Any]) -> Iterator[Run]:
    for row in stanza["backup"]:
        started, ended, info = _times(row)
        stored = info.get("repository")
        damaged = row.get("error") is True
        yield Run(
            id=one_line(row.get("label")),
            job=stanza["name"],
            outcome=Outcome.PARTIAL if damaged else Outcome.SUCCESS if ended is not None else Outcome.UNKNOWN,
            object=stanza["name"],
            started=started,
            ended=ended,
            level=_level(row),
            bytes=count(info.get("delta")),
            written=count(stored.get("delta")) if isinstance(stored, dict) else None,
            message="pages with wrong checksums were found" if damaged else "",
        )
    status = stanza.get("status")
    lock = status.get("lock") if isinstance(status, dict) else None
    backup = lock.get("backup") if isinstance(lock, dict) else None
    if isinstance(backup, dict) and backup.get("held") is True:
        yield Run("running", stanza["name"], Outcome.RUNNING, stanza["name"])


def _times(row: Mapping[str, Any]) -> tuple[float | None, float | None, Mapping[str, Any]]:
    stamps, info = row.get("timestamp"), row.get("info")
    said = stamps if isinstance(stamps, dict) else {}
    started, ended = count(said.get("start")), count(said.get("stop"))
    return (
        float(started) if started else None,
        float(ended) if ended else None,
        info if isinstance(info, dict) else {},
    )


def _level(row: Mapping[str, Any]) -> Level:
    return _LEVELS.get(str(row.get("type")), Level.OTHER)


def _stocks(stanza: Mapping[str, Any]) -> Iterator[Stock]:
    for repository in stanza["repo"]:
        key = repository.get("key")
        times = [started for row in stanza["backup"] if _key(row) == key and (started := _times(row)[0]) is not None]
        place = _place(stanza, key)
        yield Stock(stanza["name"], place, len(times), max(times, default=None), min(times, default=None))


def _repositories(stanza: Mapping[str, Any]) -> Iterator[Repository]:
    for repository in stanza["repo"]:
        status = repository.get("status")
        code = status.get("code") if isinstance(status, dict) else None
        words = one_line(status.get("message")) if isinstance(status, dict) else ""
        there = True if isinstance(code, int) and code in _THERE else None
        yield Repository(_place(stanza, repository.get("key")), there, why="" if there else words or f"status {code}")
