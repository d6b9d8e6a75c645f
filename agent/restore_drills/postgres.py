"""A PostgreSQL server of the drill's own, started from a restored cluster, that can reach nothing and nobody can reach.

It listens on a socket in the drill's room alone. Of the production's settings none is taken: neither its configuration
files nor `postgresql.auto.conf`, so that it archives nothing, follows nobody and has no subscription applied.
Source: PostgreSQL's manual, chapters 20 (configuration) and 26.3 (recovery); PostgreSQL 15.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from agent.restore_drills.products import Files, Target, could_not
from agent.restore_drills.running import Printed, Runner, Started
from agent.restore_drills.verdict import Failed, Unproven
from checks.printable import printable

OLDEST = 13
"""Major version; what is older ends a replay too soon without a word."""
_PLACES = ("/usr/lib/postgresql/{}/bin", "/usr/pgsql-{}/bin")
_LONGEST_SOCKET = 107
_SETTINGS = {
    "listen_addresses": "", "port": "5432", "unix_socket_permissions": "0700", "ssl": "off",
    "archive_mode": "off", "archive_command": "", "primary_conninfo": "", "primary_slot_name": "",
    "max_wal_senders": "0", "max_logical_replication_workers": "0", "hot_standby": "off",
    "shared_preload_libraries": "", "session_preload_libraries": "", "local_preload_libraries": "",
    "logging_collector": "off", "log_destination": "stderr", "external_pid_file": "", "restart_after_crash": "off",
    "recovery_target_action": "promote", "max_connections": "20", "shared_buffers": "32MB", "huge_pages": "off",
    "dynamic_shared_memory_type": "mmap", "jit": "off", "autovacuum": "off", "fsync": "off", "full_page_writes": "off",
    "wal_recycle": "off", "wal_init_zero": "off",
}  # fmt: skip
_SESSION = "-c session_preload_libraries= -c local_preload_libraries= -c session_replication_role=replica"
"""No library is loaded and no trigger fires, whatever the restored database says of itself (`ALTER DATABASE … SET`)."""
_QUERIES = (
    f"{_SESSION} -c default_transaction_read_only=on -c search_path=pg_catalog -c row_security=off "
    "-c enable_indexonlyscan=off"
)
"""Nothing is changed, and rows are counted in the table itself."""
_NOT_DAMAGE = ("could not create shared memory", "could not create any unix-domain", "could not load library",
               "could not access file", "unrecognized configuration parameter", "invalid value for parameter",
               "incompatible with operating system", "must be preloaded", "out of memory",
               "has an invalid owner", "could not open extension control file", "terminated by signal 9")  # fmt: skip
_LAST_BREATH = 0.5
"""Seconds in which a server that has crashed is gone."""
_SEGMENT = re.compile(r"[0-9A-F]{8}([0-9A-F]{8})([0-9A-F]{8})")


def programs(major: int, said: str | None) -> Path:
    """The directory of the programs of a major version. Raises Unproven."""
    if major < OLDEST:
        raise Unproven(f"PostgreSQL {major} is too old to be drilled; {OLDEST} is the oldest")
    places = [said] if said else [place.format(major) for place in _PLACES]
    for place in places:
        if os.access(Path(place, "postgres"), os.X_OK):
            return Path(place)
    raise Unproven(f"the programs of PostgreSQL {major} are not in {places[0]}: install them, or say `programs`")


class Server:
    """One server, from its start to its end."""

    def __init__(self, runner: Runner, files: Files, role: str) -> None:
        self._run = runner
        self._files = files
        self._role = role
        self._socket = runner.room.path / "s"
        self._ending = contextlib.ExitStack()
        self._started: Started | None = None
        self._segment = 0
        self.pages_have_checksums = False

    def start(self, target: Target) -> None:
        """Start it, and wait until the log is replayed and it answers. Raises Failed, Unproven."""
        if os.geteuid() == 0:
            raise Unproven("PostgreSQL does not start as root: run the drill as its unit does, by a user of its own")
        if len(f"{self._socket}/.s.PGSQL.5432") > _LONGEST_SOCKET:
            raise Unproven(f"{self._socket} is too long for a socket: choose a shorter `scratch`")
        self._configure(target)
        line = ("-D", str(self._files.data), "-c", f"config_file={self._run.room.aside / 'postgresql.conf'}")
        quit = signal.SIGQUIT  # at once, with all its processes and its shared memory
        beside = self._run.beside(self._program("postgres"), line, end=quit, orphan=quit)
        self._started = self._ending.enter_context(beside)
        overdue = self._run.wait("PostgreSQL replays the log", self._answers_or_ended)
        if overdue:
            raise Unproven("PostgreSQL had not replayed the log within the drill's time; raise `max_time`")
        if self._started.ended():
            self._broken("PostgreSQL does not start from it")

    def ask(self, database: str, query: str, what: str) -> str:
        """The one field that a query, which may change nothing, answers with. Raises Failed, Unproven."""
        line = ("-X", "-A", "-t", "-q", "-w", "-v", "ON_ERROR_STOP=1", *self._where(), "-d", database, "-c", query)
        printed = self._run.run(what, self._program("psql"), line, {"PGOPTIONS": _QUERIES})
        if printed.status != 0 or printed.overdue:
            self._refused(printed, what)
        return printed.output("psql").stdout.strip()

    def check_log(self) -> None:
        """That the log was replayed at least to the newest segment that there was. Raises Failed."""
        query = "SELECT coalesce(pg_last_wal_replay_lsn() - '0/0'::pg_lsn, 0)"
        reached = int(self.ask("postgres", query, "how far the log was replayed")) // self._segment
        match = _SEGMENT.fullmatch(self._files.newest)
        if match is None:
            raise Unproven(f"the newest segment of the log has no name of one: {printable(self._files.newest)[:40]}")
        newest = int(match[1], 16) * (2**32 // self._segment) + int(match[2], 16)
        if reached < newest:
            missing = newest - reached
            raise Failed(f"the log breaks off: {missing} of its segments before {match[0]} could not be replayed")

    def check_indexes(self, databases: list[str]) -> None:
        """That pg_amcheck finds nothing in tables and B-trees. Raises Failed, Unproven."""
        names = [word for name in databases for word in ("-d", name)]
        line = ("--install-missing", "-w", *self._where(), *names)
        printed = self._run.run("pg_amcheck looks through", self._program("pg_amcheck"), line, {"PGOPTIONS": _SESSION})
        found = printed.file.read_bytes()[:400].decode("utf-8", "replace").strip()
        if printed.status == 2 and found:
            raise Failed(f"pg_amcheck finds damage: {printable(found)[:200]}")
        if printed.status != 0 or printed.overdue or found:
            self._refused(printed, "pg_amcheck could not look through it")

    def check_pages(self) -> str:
        """End the server, and have all pages' checksums checked; in words. Raises Failed, Unproven."""
        assert self._started is not None  # it is asked before
        self._started.process.send_signal(signal.SIGINT)
        if self._run.wait("PostgreSQL shuts down", self._started.ended):
            raise Unproven("PostgreSQL did not shut down within the drill's time; raise `max_time`")
        if not self.pages_have_checksums:
            return "page checksums are off"
        line = ("--check", "-D", str(self._files.data))
        printed = self._run.run("pg_checksums looks through", self._program("pg_checksums"), line)
        said = printed.output("pg_checksums").stdout
        if re.search(r"^Bad checksums: +0$", said, re.MULTILINE) and printed.status == 0:
            return "page checksums are right"
        if re.search(r"^Bad checksums: +[1-9]", said, re.MULTILINE):
            raise Failed(f"pg_checksums finds damage: {_error(printed.stderr) or printed.last_line}")
        why = could_not(printed, ()) or _error(printed.stderr) or printed.last_line
        raise Unproven(f"pg_checksums could not look through it: {why}")

    def close(self) -> None:
        """End it at once, with all its processes."""
        self._ending.close()

    def _configure(self, target: Target) -> None:
        data, aside = self._files.data, self._run.room.aside
        for name in ("postgresql.auto.conf", "standby.signal", "recovery.conf", "postmaster.pid"):
            (data / name).unlink(missing_ok=True)
        (data / "recovery.signal").touch()
        data.chmod(0o700)
        self._socket.mkdir(mode=0o700)
        (aside / "pg_hba.conf").write_text("local all all trust\n")  # whoever may enter the room
        (aside / "pg_ident.conf").touch()
        known = self._control()
        self._segment = int(known["Bytes per WAL segment"])
        self.pages_have_checksums = known.get("Data page checksum version", "0") != "0"
        said = _SETTINGS | {
            "hba_file": str(aside / "pg_hba.conf"), "ident_file": str(aside / "pg_ident.conf"),
            "unix_socket_directories": str(self._socket), "restore_command": self._files.fetch,
            "max_prepared_transactions": known["max_prepared_xacts setting"],
            "min_wal_size": f"{2 * self._segment // 1024**2}MB", **_until(target),
        }  # fmt: skip
        lines = [
            f"{name} = '{value.replace(chr(92), chr(92) * 2).replace(chr(39), chr(39) * 2)}'\n"
            for name, value in said.items()
        ]
        (aside / "postgresql.conf").write_text("".join(lines))

    def _control(self) -> dict[str, str]:
        what = "pg_controldata"
        printed = self._run.run(what, self._program(what), (str(self._files.data),))
        said = printed.output(what).stdout
        pairs = (line.partition(":") for line in said.splitlines())
        known = {name: value.strip() for name, _, value in pairs}
        if printed.status != 0 or "CRC checksum does not match" in said or "WARNING" in said:
            raise Failed("the control file of the restored cluster is damaged")
        if not {"Bytes per WAL segment", "max_prepared_xacts setting"} <= set(known):
            raise Unproven("pg_controldata does not say what it says in English")
        return known

    def _answers_or_ended(self, seconds: float) -> bool:
        assert self._started is not None  # it is waited for
        if self._started.ended(seconds):
            return True
        with contextlib.suppress(OSError):
            lines = (self._files.data / "postmaster.pid").read_text().splitlines()
            return len(lines) > 7 and lines[7].strip() == "ready"
        return False

    def _where(self) -> tuple[str, ...]:
        return ("-h", str(self._socket), "-p", "5432", "-U", self._role)

    def _program(self, name: str) -> str:
        return str(self._files.programs / name)

    def _refused(self, printed: Printed, what: str) -> NoReturn:
        """Raises what a failure of a program that asked the server means."""
        assert self._started is not None  # it was asked
        if not printed.overdue and self._started.ended(_LAST_BREATH):
            self._broken(f"{what}: PostgreSQL crashed")
        why = could_not(printed, ())
        said = _error(printed.stderr) or printed.last_line
        if why or any(word in printed.stderr.casefold() for word in _NOT_DAMAGE):
            raise Unproven(why or said)
        if f'role "{self._role}" does not exist' in printed.stderr:
            raise Unproven(f"the cluster has no role {self._role}: say its superuser as `role`")
        raise Failed(f"{what}: {said or f'exit status {printed.status}'}")

    def _broken(self, what: str) -> NoReturn:
        """Raises what the end of the server means."""
        assert self._started is not None  # it ended
        said = self._started.said
        last = _error(said)
        words = Printed(self._started.out, said, 1, 0.0)
        why = could_not(words, ())
        if why or any(word in said.casefold() for word in _NOT_DAMAGE):
            raise Unproven(f"{what}: {last or why}")
        raise Failed(f"{what}: {last or words.last_line}")


def _until(target: Target) -> dict[str, str]:
    if target.consistent:
        return {"recovery_target": "immediate", "recovery_target_timeline": "current"}
    if target.moment is not None:
        return {"recovery_target_time": datetime.fromtimestamp(target.moment, UTC).isoformat(" ")}
    return {}


def _error(said: str) -> str:
    """The last line in which PostgreSQL says what is wrong, without the time."""
    wrong = [line for line in said.splitlines() if re.search(r"\b(PANIC|FATAL|ERROR|error): ", line)]
    return printable(re.sub(r"^.*?\b(?=PANIC|FATAL|ERROR|error: )", "", wrong[-1]))[:200] if wrong else ""
