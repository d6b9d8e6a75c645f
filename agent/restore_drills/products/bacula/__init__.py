"""Bacula, restored from as anybody would: `restore` in a console that may do no more than that.

The director runs the restore as a job; a file daemon of the drill's own takes what comes. Which files a backup has is
asked of the catalogue by the console's own commands for that. Source: Bacula's "Console and Operators Guide" and "Bvfs
API"; outputs of 9.6.7.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from agent.restore_drills.options.tools import BaculaDrill
from agent.restore_drills.products import Point, StoredFile
from agent.restore_drills.products.bacula.console import LONGEST, Console, quoted, refused, rows
from agent.restore_drills.products.bacula.daemon import file_daemon
from agent.restore_drills.products.bacula.jobs import OVER, Jobs, settle
from agent.restore_drills.products.bacula.listing import Entry, Listing
from agent.restore_drills.running import Runner
from agent.restore_drills.verdict import Failed, Unproven
from checks.backup.options import fits
from config.cron import LONDON

_MOST_JOBS = 1_000
"""Backups that are asked for, the newest first."""
_TAKEN = frozenset("TW")
_IDS = re.compile(r"^[0-9]+(?:,[0-9]+)*$", re.MULTILINE)


class Bacula:
    """The backups of one object in one pool, in one drill."""

    parts = 1
    """A verify job reads all of what its backup wrote."""

    def __init__(self, options: BaculaDrill, runner: Runner) -> None:
        self._options = options
        self._run = runner
        self._console = Console(options.console, runner)
        self._jobs = Jobs(self._console, runner)
        self._rows: dict[str, Mapping[str, str]] = {}
        """Backups by their JobId, as the director lists them."""
        self._listings: dict[str, Listing] = {}
        self._restored: Sequence[str] = ()
        self._again: Path | None = None
        """Where the last restore's files lie a second time."""

    def points(self) -> list[Point]:
        ours, restores = self._console.ask(
            "asks for its jobs",
            f"llist jobs jobtype=B order=desc limit={_MOST_JOBS}",
            "llist jobs jobtype=R order=desc limit=50",
        )
        self._end_what_was_left(restores)
        self._rows = {row["JobId"]: row for row in rows(ours) if self._is_ours(row)}
        found = [Point(id, at) for id, row in self._rows.items() if (at := _begun(row)) is not None]
        if not found:
            where = f"{self._options.of} in the pool {self._options.repository}"
            raise Unproven(f"the director lists no backup of {where}: mend `of`, or the ACLs of its console")
        return sorted(found, key=lambda point: point.at)

    def files(self, point: Point, under: str) -> Iterator[StoredFile]:
        for one in self._listing(point).below(under):
            if one.regular:
                yield StoredFile(one.path, one.size, one.mtime, whole_seconds=True)

    def restore(self, point: Point, paths: Sequence[str], into: Path) -> float:
        found = self._listing(point).named(paths)
        for path, one in zip(paths, found, strict=True):
            if one is None:
                raise Failed("what is to be restored is not in this backup, by its catalogue", path)
        self._restored, self._again = paths, None
        return self._bring(point, [one for one in found if one is not None], into)

    def read_again(self, point: Point, path: str) -> Path:
        """By a second job: Bacula has no other route, and its console may restore to one place only."""
        if self._again is None:
            first, again = self._run.room.aside / "first", self._run.room.aside / "again"
            self._run.room.restored.rename(first)
            self._run.room.restored.mkdir(mode=0o700)
            try:
                self.restore(point, self._restored, self._run.room.restored)
            finally:
                self._run.room.restored.rename(again)
                first.rename(self._run.room.restored)
            self._again = again
        return self._again / path.lstrip("/")

    def verify(self, part: int, parts: int, most: float) -> float:
        del part, parts, most  # the drill's own time is that of its verification
        asked = self._options.verify
        assert asked is not None  # the verb refuses a drill without it
        newest, jobs = self.points()[-1], Jobs(Console(asked.console, self._run), self._run)
        with file_daemon(self._options, self._run):
            for job in self._chain(newest):
                ended = jobs.done(f"has job {job} verified", f"run job={asked.job} jobid={job} yes")
                settle(ended, self._run.room.restored, "its data is damaged")
                if ended.errors or not (ended.files or self._is_empty(job)):
                    words = f"looked at {ended.files} files, with {ended.errors} errors"
                    raise Unproven(f"the verify job {ended.id} ended well and {words}: see its log")
        return 1.0

    def _bring(self, point: Point, entries: Sequence[Entry], into: Path) -> float:
        table = f"b2{secrets.randbelow(10**9)}"
        client, where = quoted(self._rows[point.id]["ClientName"]), quoted(str(into))
        ids, jobs = ",".join(one.id for one in entries), ",".join(self._chain(point))
        mine = f"restoreclient={self._options.client} restorejob={self._options.restore_job}"
        commands = (
            f".bvfs_restore path={table} jobid={jobs} fileid={ids}",
            f"restore file=?{table} client={client} {mine} where={where} yes",
            f".bvfs_cleanup path={table}",
        )
        if client is None or where is None or max(map(len, commands)) > LONGEST:
            raise Unproven("what is to be restored cannot be said in a line of the console: ask for fewer samples")
        with file_daemon(self._options, self._run):
            ended = self._jobs.done("has the director restore", *commands)
            settle(ended, self._run.room.restored, "the restore failed")
        return ended.seconds

    def _listing(self, point: Point) -> Listing:
        if point.id not in self._listings:
            self._listings[point.id] = Listing(self._console, self._chain(point))
        return self._listings[point.id]

    def _chain(self, point: Point) -> list[str]:
        """All jobs that this backup is made of: the Full below it, and what came since."""
        (answer,) = self._console.ask("asks what it builds on", f".bvfs_get_jobids jobid={point.id}")
        match = _IDS.search(answer)
        if match is None:
            raise Unproven(f"the director does not say what job {point.id} builds on: {refused(answer)}")
        return match[0].split(",")

    def _end_what_was_left(self, restores: str) -> None:
        """Restores of a drill that was killed: such a job would find this drill's file daemon. Raises Unproven."""
        for row in rows(restores):
            mine = row.get("Name") == self._options.restore_job and row.get("ClientName") == self._options.client
            if mine and row.get("JobStatus") not in OVER:
                why = self._jobs.cancel(row["JobId"])
                if why:
                    raise Unproven(f"job {row['JobId']} of an earlier drill cannot be ended, do it by hand: {why}")

    def _is_ours(self, row: Mapping[str, str]) -> bool:
        taken = row.get("JobStatus") in _TAKEN and row.get("Type") == "B" and row.get("PurgedFiles") == "0"
        here = row.get("PoolName") == self._options.repository
        return taken and here and fits(self._options.of, f"{row.get('ClientName')}:{row.get('FileSet')}")

    def _is_empty(self, job: str) -> bool:
        return self._rows.get(job, {}).get("JobFiles") == "0"


def _begun(row: Mapping[str, str]) -> float | None:
    """When a backup began. JobTDate is its end in Unix seconds; its other times are text of the director's zone."""
    try:
        ended = float(row["JobTDate"].replace(",", ""))
        start, end = (_moment(row[name]) for name in ("StartTime", "EndTime"))
    except (KeyError, ValueError):
        return None
    lasted = end - start
    return ended - (lasted if lasted >= 0 else lasted + 3600)  # the hour that comes twice


def _moment(said: str) -> float:
    return datetime.fromisoformat(said).replace(tzinfo=ZoneInfo(LONDON)).timestamp()
