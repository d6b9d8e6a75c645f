"""restic: one repository, by its own command line, read without a lock.

Every snapshot can be restored by itself. restic stores nothing of a run that failed, and nothing of files that could
not be read: of that the exit status of the backup tells alone, which a push or the job's own log has to bring.
Source: restic's manual, "Scripting"; outputs of 0.14 and 0.18.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from checks.backup.model import Account, Level, Outcome, Part, Repository, RestorePoint, Run
from checks.backup.products.rows import count, one_line
from checks.backup.tools import Output, Plain, Tool, ToolOptions, Tools
from checks.contract import Context, Reason, Target
from checks.transports.fault import TransportFault

_GONE, _WRONG_PASSWORD = 10, 12
"""Exit statuses since 0.17; before that both were 1, and the words tell them apart."""
_GONE_WORDS = ("repository does not exist", "unable to open config file", "Is there a repository at")
_PASSWORD_WORDS = ("wrong password", "no key found")
_FRACTION = re.compile(r"\.(\d{1,9})")
_HAS = (Part.RUNS, Part.OBJECTS, Part.POINTS, Part.REPOSITORIES)


class ResticOptions(ToolOptions):
    """Where the repository is, and where its password lies on the machine that runs restic."""

    product: Literal["restic"]
    repository: Plain
    password_file: Plain


async def read(target: Target, options: ResticOptions, ctx: Context, kept: object) -> tuple[Account, object]:
    """The repository's account. Objects are called `host:path`. Raises TransportFault."""
    tools = Tools(target, options, ctx)
    where = ("--repo", options.repository, "--password-file", options.password_file, "--no-lock", "--no-cache")
    output = await tools.run(Tool("restic", (*where, "--json", "snapshots")))
    return account(options.repository, output, ctx.now()), kept


def account(repository: str, output: Output, now: float) -> Account:
    """What `restic snapshots --json` says. Raises TransportFault."""
    if output.status == _GONE or _says(output, _GONE_WORDS):
        gone = Repository(repository, online=False, why=one_line(output.stderr.rpartition("\n")[0] or output.stderr))
        unread = dict.fromkeys((Part.RUNS, Part.OBJECTS, Part.POINTS), "its repository is not there")
        return Account("restic", now, repositories=(gone,), unread=unread, has=_HAS)
    if output.status == _WRONG_PASSWORD or _says(output, _PASSWORD_WORDS):
        raise TransportFault(Reason.AUTHENTICATION, f"{output.where}: the password file does not open {repository}")
    if output.status != 0:
        raise output.unfit("it failed")
    found = output.document()
    if found is None:
        found = []  # what 0.14 prints of a repository without snapshots
    if not isinstance(found, list):
        raise output.unfit("it printed no list of snapshots")
    snapshots = [one for one in found if isinstance(one, dict)]
    points = [point for one in snapshots if (point := _point(one, repository)) is not None]
    if len(points) < len(found):
        raise output.unfit("it printed snapshots that cannot be read")
    return Account(
        product="restic",
        at=now,
        version=next((one_line(one.get("program_version")) for one in reversed(snapshots)), ""),
        runs=tuple(run for one in snapshots for run in _runs(one)),
        objects=tuple(dict.fromkeys(point.object for point in points)),
        points=tuple(points),
        repositories=(Repository(repository, online=True),),
        has=_HAS,
    )


def _says(output: Output, words: tuple[str, ...]) -> bool:
    return output.status != 0 and any(word in output.stderr for word in words)


def _point(one: Mapping[str, Any], repository: str) -> RestorePoint | None:
    at, name = moment(one.get("time")), _name(one)
    if at is None or not name:
        return None
    summary = one.get("summary")
    size = count(summary.get("total_bytes_processed")) if isinstance(summary, dict) else None
    return RestorePoint(name, at, repository, Level.FULL, size, one_line(one.get("short_id")))


def _runs(one: Mapping[str, Any]) -> Iterator[Run]:
    summary = one.get("summary")
    said = summary if isinstance(summary, dict) else {}
    started = moment(said.get("backup_start")) or moment(one.get("time"))
    yield Run(
        id=one_line(one.get("short_id")),
        job="",
        outcome=Outcome.SUCCESS,
        object=_name(one),
        started=started,
        ended=moment(said.get("backup_end")),
        level=Level.FULL,
        bytes=count(said.get("total_bytes_processed")),
        written=count(said.get("data_added_packed")),
        files=count(said.get("total_files_processed")),
    )


def _name(one: Mapping[str, Any]) -> str:
    paths = one.get("paths")
    listed = ",".join(path for path in paths if isinstance(path, str)) if isinstance(paths, list) else ""
    host = one.get("hostname")
    return one_line(f"{host}:{listed}") if isinstance(host, str) and listed else ""


def moment(text: object) -> float | None:
    """A time that restic tells. Go writes nanoseconds without noughts at their end; Python 3.11 reads 3 digits or 6."""
    try:
        short = (
            _FRACTION.sub(lambda match: f".{match[1][:6].ljust(6, '0')}", text, count=1)
            if isinstance(text, str)
            else ""
        )
        when = datetime.fromisoformat(short)
    except ValueError:
        return None
    return when.timestamp() if when.tzinfo is not None else None
