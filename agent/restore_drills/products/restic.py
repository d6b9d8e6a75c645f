"""restic, restored from as anybody would: `restic restore --include`, without a lock and without a cache.

A restore of a path that is not there ends with status 0 and nothing restored, and a locked repository counts as one
error for `check`: neither the status nor the count says what is true. Source: outputs of 0.14 and 0.18.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.restore_drills.options.tools import ResticDrill
from agent.restore_drills.products import Point, StoredFile, could_not, shows_damage
from agent.restore_drills.running import Printed, Runner, secret_path
from agent.restore_drills.verdict import Failed, Unproven
from checks.backup.options import fits
from checks.backup.products.restic import account, moment
from checks.contract import Reason
from checks.transports.fault import TransportFault

_DAMAGE = ("ciphertext verification failed", "does not match", "returned error, retrying", "repository contains errors",
           "not found in index", "invalid data returned", "streampack:", "tree is damaged")  # fmt: skip
_SOUND = "no errors were found"


class Restic:
    """One repository, in one drill."""

    parts = None

    def __init__(self, options: ResticDrill, runner: Runner) -> None:
        self._options = options
        self._run = runner
        self._where = ("--repo", options.repository, "--password-file", secret_path(options.password_file),
                       "--no-cache", "--no-lock")  # fmt: skip

    def points(self) -> list[Point]:
        printed = self._restic("restic lists snapshots", "--json", "snapshots")
        if printed.overdue:
            raise Unproven("restic does not list its snapshots in time")
        try:
            told = account(self._options.repository, printed.output("restic"), 0.0)
        except TransportFault as error:
            if error.reason is Reason.PROTOCOL and shows_damage(printed, _DAMAGE):
                raise Failed(f"its list cannot be read: {printed.last_line}") from error
            raise Unproven(error.message) from error
        if any(one.online is False for one in told.repositories):
            raise Unproven(f"the repository is not there: {told.repositories[0].why}")
        ours = [Point(one.id, one.at) for one in told.points if fits(self._options.of, one.object)]
        if not ours:
            raise Unproven(f"restic lists no snapshot of {self._options.of}: mend `of`, or see its backup")
        return sorted(ours, key=lambda point: point.at)

    def files(self, point: Point, under: str) -> Iterator[StoredFile]:
        printed = self._restic("restic lists files", "--json", "ls", "--recursive", point.id, under)
        self._ended_well(printed, "its list of files cannot be read")
        with printed.file.open("rb") as lines:
            for line in lines:
                row = _row(line)
                size, mtime = row.get("size"), moment(row.get("mtime"))
                if row.get("type") == "file" and isinstance(size, int) and mtime is not None:
                    yield StoredFile(str(row.get("path")), size, mtime)

    def restore(self, point: Point, paths: Sequence[str], into: Path) -> float:
        includes = [word for path in paths for word in ("--include", path)]
        printed = self._restic("restic restores", "restore", point.id, "--target", str(into), *includes)
        self._ended_well(printed, "the restore failed")
        return printed.seconds

    def read_again(self, point: Point, path: str) -> Path:
        printed = self._restic("restic reads again", "dump", point.id, path)
        self._ended_well(printed, "reading it again failed")
        return printed.file

    def verify(self, part: int, parts: int, most: float) -> float:
        before = self._locks()
        what = f"--read-data-subset={part}/{parts}"
        printed = self._restic(f"restic checks part {part} of {parts}", "check", what, most=most)
        if printed.status == 0 and not printed.overdue:
            held = ""
        else:
            with self._run.more_time():
                held = before or self._locks()
        if held:
            raise Unproven(f"{held}; run it again when that is over, or restic unlock where nothing runs")
        self._ended_well(printed, "its data is damaged")
        if _SOUND not in printed.output("restic").stdout:
            raise Unproven("restic check ended with status 0 and did not say that there are no errors")
        return 1 / parts

    def settle(self, printed: Printed, what: str) -> None:
        why = could_not(printed, _DAMAGE)
        if why:
            raise Unproven(why)
        with self._run.more_time():
            self.points()  # raises Unproven where the repository can no longer be had
            held = self._locks()
        if held:
            raise Unproven(f"{held} while it was restored from: {printed.last_line}")
        raise Failed(f"{what}: {printed.last_line or f'exit status {printed.status}'}")

    def _ended_well(self, printed: Printed, what: str) -> None:
        if printed.status != 0 or printed.overdue:
            self.settle(printed, what)

    def _locks(self) -> str:
        """Who holds the repository for himself alone, as pruning does; a lock that cannot be read is taken for such."""
        listed = self._restic("restic looks for locks", "list", "locks")
        for id in listed.output("restic").stdout.split()[:20]:
            printed = self._restic("restic looks at a lock", "cat", "lock", id)
            said = _row(printed.file.read_bytes()[:4096]) if printed.status == 0 else {}
            if said.get("exclusive") is not False:
                return f"{said.get('hostname') or 'somebody'} has locked the repository since {said.get('time') or '?'}"
        return ""

    def _restic(self, what: str, *arguments: str, most: float | None = None) -> Printed:
        return self._run.run(what, "restic", (*self._where, *arguments), most=most)


def _row(octets: bytes) -> dict[str, object]:
    try:
        said = json.loads(octets)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
