"""pgBackRest, restored from as anybody would: `pgbackrest restore` of a whole cluster, never by `--delta`.

It reads a configuration that is written for the drill, with nothing but the repository in it: what production's own
says of where the cluster lies and what may be overwritten there is not read. Exit statuses of `verify` say nothing, its
words do. Source: pgBackRest's user guide and command reference; outputs of 2.45.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

from agent.restore_drills.options.clusters import PgBackRestDrill
from agent.restore_drills.postgres import programs
from agent.restore_drills.products import Backup, Files, Target, could_not, shows_damage
from agent.restore_drills.running import Printed, Runner
from agent.restore_drills.verdict import Failed, Unproven
from checks.backup.products.pgbackrest import Log, account
from checks.contract import Reason
from checks.transports.fault import TransportFault

_DAMAGE = ("data error", "checksum", "does not match", "unable to open missing file", "is not valid", "unexpected eof",
           "invalid", "truncated", "[029]")  # fmt: skip
_CLOSED = "cryptoerror"
_REFUSED = frozenset({27, *range(31, 39), 40, 50, 62})
"""Exit statuses by which it did not begin: options, a place that is not empty, a lock, a stop."""
_ALLOWED = re.compile(
    r"(repo1-(?!path\b)[a-z0-9-]+|process-max|buffer-size|cmd-ssh|io-timeout|protocol-timeout|tcp-[a-z-]+|sck-[a-z-]+)\s*=.*"
)
_LARGEST = 64 * 1024
_WRONG = re.compile(r"(?:missing|checksum invalid|size invalid): [1-9]")


class PgBackRest:
    """One stanza of one repository, in one drill."""

    parts = 1
    """`verify` reads all of it."""

    def __init__(self, options: PgBackRestDrill, runner: Runner) -> None:
        self._options = options
        self.runner = runner
        self._home = runner.room.aside / "pgbackrest"
        self._read: dict[str, tuple[str, str]] = {}

    def points(self) -> list[Backup]:
        printed = self._pgbackrest("pgbackrest lists backups", "--output=json", "info")
        if printed.overdue:
            raise Unproven("pgbackrest does not list its backups in time")
        output = printed.output("pgbackrest")
        try:
            told = account(output, Log(), 0.0)
        except TransportFault as error:
            if error.reason is Reason.PROTOCOL and shows_damage(printed, _DAMAGE) and not _closed(printed):
                raise Failed(f"its list cannot be read: {_words(printed)}") from error
            raise Unproven(could_not(printed, ()) or f"{error.message} {_words(printed)}") from error
        why = next((one.why for one in told.repositories if one.online is not True), "")
        if why or not told.repositories:
            raise Unproven(f"the repository is not there, or has no stanza {self._options.of}: {why}")
        sizes = {one.id: one.bytes for one in told.points}
        found = [
            Backup(run.id, run.started, run.ended, sizes.get(run.id))
            for run in told.runs
            if run.started is not None and run.ended is not None and run.outcome.kept
        ]
        if not found:
            raise Unproven(f"pgbackrest lists no backup of {self._options.of}: see its backup")
        self._read = _logs(output.document())
        return sorted(found, key=lambda one: one.until)

    def restore(self, backup: Backup, into: Path, target: Target) -> Files:
        del target  # the log is fetched by PostgreSQL, as far as it needs it
        version, newest = self._read.get(backup.id, ("0", ""))
        bin = programs(int(version.partition(".")[0]), self._options.programs)
        data = into / "cluster"
        # The target is ours and empty, and no link leads out of it. Of recovery it writes nothing, which the server is
        # told otherwise, and for which it would need chown(2), which the unit's sandbox refuses.
        line = ("--no-delta", "--no-link-all", f"--pg1-path={data}", f"--tablespace-map-all={into / 'tablespaces'}",
                "--type=preserve", f"--set={backup.id}", "--job-retry=0", "restore")  # fmt: skip
        printed = self._pgbackrest("pgbackrest restores", *line)
        if printed.status != 0 or printed.overdue:
            self._settle(printed, backup)
        fetch = shlex.join(["pgbackrest", *self._where(), f"--pg1-path={data}", "archive-get"]).replace("%", "%%")
        return Files(data, printed.seconds, bin, f'{fetch} %f "%p"', newest)

    def verify(self, part: int, parts: int, most: float) -> float:
        del part, parts  # all of it
        before = self._names()
        # What it could not read for another reason than damage, it counts as `other`, and tells why as information.
        line = ("--output=text", "--verbose", "--log-level-stderr=info", "--job-retry=0", "verify")
        printed = self._pgbackrest("pgbackrest verifies", *line, most=most)
        said, why = printed.output("pgbackrest").stdout, could_not(printed, ())
        if printed.overdue or (why and not _WRONG.search(said)):
            raise Unproven(why)
        states = re.findall(r"^status: (\w+)$", said, re.MULTILINE)
        if states == ["ok"]:
            return 1.0
        with self.runner.more_time():
            after = self._names()
        if after != before:
            raise Unproven("backups came or went meanwhile; run it again when no backup runs")
        if states == ["error"]:
            raise Failed(f"its data is damaged: {_wrong(said)}")
        raise Unproven(f"pgbackrest verify did not say how it found the repository: {_words(printed)}")

    def _settle(self, printed: Printed, backup: Backup) -> None:
        why = could_not(printed, _DAMAGE)
        if why or _closed(printed) or printed.status in _REFUSED:
            raise Unproven(why or f"pgbackrest did not begin: {_words(printed)}")
        with self.runner.more_time():
            there = backup.id in self._names()  # raises Unproven where the repository can no longer be had
        if not there:
            raise Unproven("the backup was deleted while it was restored")
        raise Failed(f"the restore failed: {_words(printed)}")

    def _names(self) -> list[str]:
        return [one.id for one in self.points()]

    def _pgbackrest(self, what: str, *arguments: str, most: float | None = None) -> Printed:
        printed = self.runner.run(what, "pgbackrest", (*self._where(), *arguments), most=most)
        return replace(printed, stderr=_of_its_work(printed.stderr))

    def _where(self) -> tuple[str, ...]:
        """How every command is told where the repository is; the configuration is written first."""
        if not self._home.is_dir():
            self._write()
        said = self._options.config or str(self._home / "empty.conf")
        return (f"--config={said}", f"--config-include-path={self._home / 'more'}", f"--stanza={self._options.of}")

    def _write(self) -> None:
        if self._options.config is not None:
            _look_at(Path(self._options.config))
        for name in ("more", "lock", "spool"):
            (self._home / name).mkdir(parents=True)
        (self._home / "empty.conf").touch()
        (self._home / "more" / "drill.conf").write_text(
            f"[global]\nrepo1-path={self._options.repository}\nlock-path={self._home}/lock\nspool-path={self._home}/spool\n"
            f"log-path={self._home}\nlog-level-file=off\nlog-level-console=off\nlog-level-stderr=warn\n"
        )


def _look_at(config: Path) -> None:
    """Refuse a configuration that says more than how the repository is read. Raises Unproven."""
    try:
        with config.open(encoding="utf-8", errors="replace") as file:
            said = file.read(_LARGEST)
    except OSError as error:
        raise Unproven(f"{config} cannot be read: {error.strerror}") from error
    for line in map(str.strip, said.splitlines()):
        if line and not line.startswith("#") and line != "[global]" and not _ALLOWED.fullmatch(line):
            key = line.partition("=")[0].strip()[:60]
            raise Unproven(f"{config} says {key}: a drill's own file holds only options repo1-… in [global]")


def _logs(stanzas: list[dict[str, object]]) -> dict[str, tuple[str, str]]:
    """By backup: its PostgreSQL's version, and the newest segment of that cluster's log."""
    read: dict[str, tuple[str, str]] = {}
    for stanza in stanzas:
        versions = {_id(row): str(row.get("version")) for row in _rows(stanza, "db")}
        newest = {_id(row.get("database")): str(row.get("max") or "") for row in _rows(stanza, "archive")}
        for row in _rows(stanza, "backup"):
            id = _id(row.get("database"))
            read[str(row.get("label"))] = (versions.get(id, "0"), newest.get(id, ""))
    return read


def _rows(stanza: dict[str, object], key: str) -> list[dict[str, object]]:
    rows = stanza.get(key)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _id(row: object) -> object:
    return row.get("id") if isinstance(row, dict) else None


def _of_its_work(said: str) -> str:
    """What it says of what it did: without what it reports anyway, and without options that it does not know."""
    kept, heeded = [], True
    for line in said.splitlines():
        if not line.startswith(" "):
            reports = line.startswith("INFO:") and "invalid result" not in line
            heeded = not reports and "contains invalid option" not in line
        if heeded:
            kept.append(line)
    return "\n".join(kept)


def _closed(printed: Printed) -> bool:
    return _CLOSED in printed.stderr.casefold()


def _words(printed: Printed) -> str:
    """The first error that it printed; hints follow."""
    lines = [line.strip() for line in printed.stderr.splitlines() if line.startswith(("ERROR:", "WARN:"))]
    return (lines[0] if lines else printed.last_line)[:200] or f"exit status {printed.status}"


def _wrong(said: str) -> str:
    """The lines of `verify --verbose` that count something wrong."""
    bad = [line.strip() for line in said.splitlines() if re.search(r": [1-9]", line) and "missing:" in line]
    return ("; ".join(bad) or " ".join(said.split()))[:200]
