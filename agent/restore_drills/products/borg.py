"""BorgBackup, restored from as anybody would: `borg extract`, without a lock, from a base directory of the drill's own.

Source: borg's manual; outputs of 1.2 and 1.4.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.restore_drills.options.tools import BorgDrill
from agent.restore_drills.products import Point, StoredFile, could_not, shows_damage
from agent.restore_drills.running import Printed, Runner, secret_path
from agent.restore_drills.verdict import Failed, Unproven
from checks.backup.options import fits
from checks.backup.products.borg import ARCHIVES, account, moment
from checks.contract import Reason
from checks.transports.fault import TransportFault

_DAMAGE = ("integrity error", "checksum mismatch", "integrityerror", "errors found", "objectnotfound",
           "missing chunk", "filenotfounderror", "not found in repository")  # fmt: skip
_SOUND = ("repository check complete, no problems found", "repository check, no problems found")
_LOCKED = "failed to create/acquire the lock"
_FILES = "{path}{type}{size}{mtime}"


class Borg:
    """One repository, in one drill."""

    parts = 1
    """Borg remembers no place at which it stopped reading."""

    def __init__(self, options: BorgDrill, runner: Runner) -> None:
        self._options = options
        self._run = runner
        self._environment = {
            "BORG_BASE_DIR": str(runner.room.aside / "borg"),
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "no",
        }
        if options.passphrase_file is not None:
            self._environment["BORG_PASSCOMMAND"] = f"cat {shlex.quote(secret_path(options.passphrase_file))}"
        if options.key_file is not None:
            self._environment["BORG_KEY_FILE"] = secret_path(options.key_file)

    def points(self) -> list[Point]:
        listed = ("list", "--json", "--format", ARCHIVES, self._options.repository)
        printed = self._borg("borg lists archives", *listed)
        if printed.overdue:
            raise Unproven("borg does not list its archives in time")
        output = printed.output("borg")
        try:
            told = account(self._options.repository, output, 0.0)
        except TransportFault as error:
            if error.reason is Reason.PROTOCOL and shows_damage(printed, _DAMAGE):
                raise Failed(f"its list cannot be read: {_words(printed)}") from error
            raise Unproven(error.message) from error
        if any(one.online is False for one in told.repositories):
            raise Unproven(f"the repository is not there: {told.repositories[0].why}")
        names = {one.get("id"): one.get("name") for one in output.document()["archives"]}
        ours = [Point(names[one.id], one.at) for one in told.points if fits(self._options.of, one.object)]
        if not ours:
            raise Unproven(f"borg lists no archive of {self._options.of}: mend `of`, or see its backup")
        return sorted(ours, key=lambda point: point.at)

    def files(self, point: Point, under: str) -> Iterator[StoredFile]:
        printed = self._borg("borg lists files", "list", "--json-lines", "--format", _FILES, self._archive(point),
                             under.lstrip("/"))  # fmt: skip
        self._ended_well(printed, "its list of files cannot be read")
        with printed.file.open("rb") as lines:
            for line in lines:
                row = _row(line)
                size, mtime = row.get("size"), moment(row.get("mtime"))
                if row.get("type") == "-" and isinstance(size, int) and mtime is not None:
                    yield StoredFile(f"/{row.get('path')}", size, mtime)

    def restore(self, point: Point, paths: Sequence[str], into: Path) -> float:
        wanted = [f"pp:{path.lstrip('/')}" for path in paths]
        plain = ("--noacls", "--noxattrs", "--noflags", "--numeric-ids")
        printed = self._borg("borg extracts", "extract", *plain, self._archive(point), *wanted, inside=into)
        self._ended_well(printed, "the restore failed")
        return printed.seconds

    def read_again(self, point: Point, path: str) -> Path:
        wanted = f"pp:{path.lstrip('/')}"
        printed = self._borg("borg reads again", "extract", "--stdout", self._archive(point), wanted)
        self._ended_well(printed, "reading it again failed")
        return printed.file

    def verify(self, part: int, parts: int, most: float) -> float:
        del part, parts  # borg reads all of it
        before = self._names()
        # Not the check of archives: it reserves nonces in the repository, lock or no lock, under the feet of a backup.
        check = ("--info", "check", "--repository-only", self._options.repository)
        printed = self._borg("borg checks", *check, most=most)
        if printed.status != 0:
            with self._run.more_time():
                if self._names() != before:
                    raise Unproven("the repository was written to meanwhile; run it again when no backup runs")
        self._ended_well(printed, "its data is damaged")
        said = printed.stderr.casefold()
        if not any(words in said for words in _SOUND):
            raise Unproven("borg check ended with status 0 and did not say that there are no problems")
        return 1.0

    def _ended_well(self, printed: Printed, what: str) -> None:
        if printed.status != 0 or printed.overdue:
            self._settle(printed, what)

    def _settle(self, printed: Printed, what: str) -> None:
        why = could_not(printed, _DAMAGE)
        if why:
            raise Unproven(why)
        last = ("--lock-wait", "1", "list", "--short", "--last", "1", self._options.repository)
        with self._run.more_time():
            self.points()  # raises Unproven where the repository can no longer be had
            asked = self._run.run("borg looks for a lock", "borg", last, self._environment)
        if _LOCKED in asked.stderr.casefold():
            raise Unproven("somebody has locked the repository; run it again, or borg break-lock where nothing runs")
        raise Failed(f"{what}: {_words(printed)}")

    def _names(self) -> list[str]:
        return [point.id for point in self.points()]

    def _archive(self, point: Point) -> str:
        return f"{self._options.repository}::{point.id}"

    def _borg(self, what: str, *arguments: str, inside: Path | None = None, most: float | None = None) -> Printed:
        line = ("--bypass-lock", *arguments)
        return self._run.run(what, "borg", line, self._environment, inside=inside, most=most)


def _words(printed: Printed) -> str:
    """Borg's own words, from the midst of the traceback that it prints around them."""
    lines = [line.strip() for line in printed.stderr.splitlines()]
    said = [line for line in lines if line.startswith(("Data integrity error", "borg.", "FileNotFoundError"))]
    return (said[0] if said else printed.last_line)[:200] or f"exit status {printed.status}"


def _row(line: bytes) -> dict[str, object]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
