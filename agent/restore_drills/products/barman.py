"""Barman, restored from as anybody would: `barman recover` of a whole server, with a configuration of the drill's own.

`barman recover` first archives what has arrived of the log: it writes to its home. So the drill's configuration names
only the two directories that are read, and everything else of Barman's lies in the drill's room: its home, locks, log,
what arrives. It holds no hook script and no connection to the database. Source: Barman's manual; outputs of 3.4.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.restore_drills.options.clusters import BarmanDrill
from agent.restore_drills.postgres import programs
from agent.restore_drills.products import Backup, Files, Target, could_not
from agent.restore_drills.running import Printed, Runner
from agent.restore_drills.verdict import Failed, Unproven
from checks.transports.fault import TransportFault

_RESTORABLE = frozenset({"DONE", "WAITING_FOR_WALS"})
_DAMAGE = ("no such file or directory", "filenotfounderror")
_VERIFIED = "backup successfully verified"
_OWN = (".barman-recover.info", "postgresql.conf", "postgresql.conf.origin", "postgresql.auto.conf", "recovery.signal",
        "postgresql.auto.conf.origin", "barman_wal", "log", "pg_log", "tablespace_map")  # fmt: skip
"""What Barman adds, changes and leaves out, beside the log."""
_TABLESPACE = re.compile(r"[A-Za-z0-9_.-]{1,63}")


class Barman:
    """One server, in one drill."""

    parts = 1
    """Every backup is read again."""

    def __init__(self, options: BarmanDrill, runner: Runner) -> None:
        self._options = options
        self.runner = runner
        self._home = runner.room.aside / "barman"
        self._kept = Path(options.repository) / options.of

    def points(self) -> list[Backup]:
        for path in (self._kept / "base", self._kept / "wals" / "xlog.db"):
            try:
                path.stat()
            except OSError as error:
                raise Unproven(f"the repository is not there: {path}: {error.strerror}") from error
        rows = self._told("barman lists backups", "list-backup").get(self._options.of)
        if not isinstance(rows, list):
            raise Unproven("barman printed no list of backups")
        found = [_backup(row) for row in rows if isinstance(row, dict) and row.get("status") in _RESTORABLE]
        if not found:
            raise Unproven(f"barman lists no backup of {self._options.of} that is done: see its backup")
        return sorted(found, key=lambda one: one.until)

    def restore(self, backup: Backup, into: Path, target: Target) -> Files:
        shown = self._shown(backup)
        newest = _part(shown, "wal_information", "last_available")
        needed = _part(shown, "base_backup_information", "end_wal")
        if not newest or not needed or newest[8:] < needed[8:]:
            raise Unproven("the log that was written during this backup has not arrived yet")
        bin = programs(_major(shown), self._options.programs)
        data = into / "cluster"
        until = backup.until + 1 if target.consistent else target.moment
        limit = ("--target-time", datetime.fromtimestamp(until, UTC).isoformat(" ")) if until is not None else ()
        along = () if target.consistent else ("--target-tli", "latest")
        spaces = [word for name in _tablespaces(shown) for word in ("--tablespace", f"{name}:{into / 'spaces' / name}")]
        line = ("recover", "--no-get-wal", "--no-retry", *limit, *along, *spaces,
                self._options.of, backup.id, str(data))  # fmt: skip
        printed = self._barman("barman restores", *line)
        if printed.status != 0 or printed.overdue:
            self._settle(printed, backup, "the restore failed")
        self._check_manifest(data, bin)
        return Files(data, printed.seconds, bin, 'cp "barman_wal/%f" "%p"', newest)

    def verify(self, part: int, parts: int, most: float) -> float:
        del part, parts  # every backup
        for backup in reversed(self.points()):
            bin = programs(_major(self._shown(backup)), self._options.programs)
            line = ("verify-backup", self._options.of, backup.id)
            printed = self._barman(f"barman verifies {backup.id}", *line, bin=bin, most=most)
            said = f"{printed.output('barman').stdout}\n{printed.stderr}"
            if printed.status == 0 and not printed.overdue and _VERIFIED in said:
                continue
            if "could not open file" in said and "backup_manifest" in said:
                raise Unproven(f"{backup.id} has no manifest that could be verified: restore it instead")
            if "pg_verifybackup: error:" not in said:
                why = could_not(printed, ())
                raise Unproven(why or f"barman did not say how it found {backup.id}: {printed.last_line}")
            self._settle(printed, backup, f"{backup.id} is damaged")
        return 1.0

    def _check_manifest(self, data: Path, bin: Path) -> None:
        """Compare what was restored with the manifest that PostgreSQL wrote, where it is there. Raises Failed."""
        for manifest in data.glob("backup_manifest.*"):
            left_out = [word for name in (*_OWN, manifest.name) for word in ("-i", name)]
            line = ("-n", "-m", str(manifest), *left_out, str(data))
            printed = self.runner.run("pg_verifybackup compares", str(bin / "pg_verifybackup"), line)
            why = could_not(printed, ())
            if why:
                raise Unproven(why)
            if printed.status != 0 or _VERIFIED not in printed.output("pg_verifybackup").stdout:
                raise Failed(f"what was restored differs from its manifest: {_first_error(printed)}")

    def _settle(self, printed: Printed, backup: Backup, what: str) -> None:
        why = could_not(printed, _DAMAGE)
        if why:
            raise Unproven(why)
        with self.runner.more_time():
            there = backup.id in [one.id for one in self.points()]
        if not there:
            raise Unproven("the backup was deleted meanwhile")
        raise Failed(f"{what}: {_first_error(printed)}")

    def _shown(self, backup: Backup) -> Mapping[str, Any]:
        shown = self._told("barman shows a backup", "show-backup", backup.id).get(self._options.of)
        if not isinstance(shown, dict):
            raise Unproven(f"barman does not show {backup.id}")
        return shown

    def _told(self, what: str, verb: str, *more: str) -> Mapping[str, Any]:
        printed = self._barman(what, "-f", "json", verb, self._options.of, *more)
        why = could_not(printed, ())
        if why:
            raise Unproven(why)
        output = printed.output("barman")
        try:
            said = output.document()
        except TransportFault as error:
            raise Unproven(error.message) from error
        if printed.status != 0 or not isinstance(said, dict):
            raise Unproven(output.unfit("it failed").message)
        return said

    def _barman(self, what: str, *arguments: str, bin: Path | None = None, most: float | None = None) -> Printed:
        file = self._configured(bin)
        return self.runner.run(what, "barman", ("-c", str(file), *arguments), most=most)

    def _configured(self, bin: Path | None) -> Path:
        for name in ("home", "lock", "more", "staging"):
            (self._home / name).mkdir(parents=True, exist_ok=True)
        try:
            user = pwd.getpwuid(os.geteuid()).pw_name
        except KeyError as error:
            raise Unproven("the drill's user has no name, which Barman needs") from error
        home, file = self._home, self._home / f"barman{str(bin or '').replace('/', '-')}.conf"
        file.write_text(
            f"[barman]\nbarman_home = {home}/home\nbarman_user = {user}\nbarman_lock_directory = {home}/lock\n"
            f"log_file = {home}/log\nconfiguration_files_directory = {home}/more\n"
            f"[{self._options.of}]\ndescription = a drill\nconninfo = host={home}/nowhere\nbackup_method = postgres\n"
            f"archiver = on\nbasebackups_directory = {self._kept}/base\nwals_directory = {self._kept}/wals\n"
            f"recovery_staging_path = {home}/staging\n" + (f"path_prefix = {bin}\n" if bin else "")
        )
        return file


def _backup(row: Mapping[str, Any]) -> Backup:
    id, ended, size = str(row.get("backup_id")), row.get("end_time_timestamp"), row.get("size_bytes")
    if not (isinstance(ended, str) and ended.isascii() and ended.isdigit()):
        raise Unproven(f"barman does not say when {id} ended")
    return Backup(id, float(ended), float(ended), size if isinstance(size, int) else None)


def _part(shown: Mapping[str, Any], part: str, key: str) -> str:
    said = shown.get(part)
    return str(said.get(key) or "") if isinstance(said, dict) else ""


def _major(shown: Mapping[str, Any]) -> int:
    version = shown.get("postgresql_version")
    return version // 10_000 if isinstance(version, int) else 0


def _tablespaces(shown: Mapping[str, Any]) -> list[str]:
    """Their names: one that is not relocated would be restored over the original."""
    rows = shown.get("tablespaces")
    if not isinstance(rows, list):
        raise Unproven("barman does not say which tablespaces there are")
    names = [row.get("name") if isinstance(row, dict) else None for row in rows]
    sound = [name for name in names if isinstance(name, str) and _TABLESPACE.fullmatch(name)]
    if len(sound) < len(names):
        raise Unproven("a tablespace has a name that cannot be relocated by barman recover")
    return sound


def _first_error(printed: Printed) -> str:
    lines = [line.strip() for line in printed.stderr.splitlines() if "error" in line.casefold()]
    return (lines[0] if lines else printed.last_line)[:200] or f"exit status {printed.status}"
