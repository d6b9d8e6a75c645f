"""A real PostgreSQL cluster that pgBackRest and Barman have backed up twice, with its log, and drills of both."""

from __future__ import annotations

import codecs
import contextlib
import hashlib
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, cast

import psycopg

from agent.restore_drills.drill import Drilled, Means, Request, drilled
from agent.restore_drills.filing import filed, recalled, with_restores
from agent.restore_drills.plan import Plan
from agent.restore_drills.scratch import Scratch
from agent.restore_drills.verify import Verified, verified
from checks.backup.proofs import DrillState
from testbeds.backup_damage import largest
from testbeds.peers import need, wait_until
from testbeds.postgres import PostgresCluster
from testbeds.restore_drills import nothing_shown

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "restore-drills.md"
_NOBODY = 65_534
_MEMORY = Path("/dev/shm")


def planting() -> str:
    """The SQL of the canary, as the page on restore drills has it."""
    (said,) = re.findall(r"```sql\n(.*?)```", _PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(said)


def _apart(call: Callable[[], Any], answer: Connection) -> None:
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    answer.send(call())


@contextlib.contextmanager
def apart(call: Callable[[], Any]) -> Iterator[tuple[BaseProcess, Connection]]:
    """A call in a process of its own, which is nobody's where this is root's: PostgreSQL does not start as root."""
    codecs.lookup("unicode_escape"), time.strptime("1", "%d")  # nobody may not read where this Python lies
    fork = multiprocessing.get_context("fork")
    read, write = fork.Pipe(duplex=False)
    process = fork.Process(target=_apart, args=(call, write))
    process.start()
    write.close()
    try:
        yield process, read
    finally:
        process.kill()
        process.join()
        read.close()


def unprivileged(call: Callable[[], Any]) -> Any:
    """What a call returns that is made as nobody."""
    with apart(call) as (_, answer):
        return answer.recv()


class DatabaseLab(PostgresCluster):
    """The cluster, two repositories beside it, and a place for drills. Gone after `close`."""

    def __init__(self) -> None:
        for tool in ("pgbackrest", "barman"):
            need(tool)
        super().__init__(_MEMORY, "--data-checksums")
        self.home = self._directory
        self.touched = self.home / "more" / "touched"
        """What production's own settings would have a server do that is started from a restore."""
        self.index = ""
        """The file of an index."""
        self.nonces: list[str] = []
        """Of the canaries, as they begin: of the first backup, the second, before `marked`, and after it."""
        self.marked = 0.0
        """A moment between the second backup and the newest canary."""
        for name in (
            "repo",
            "barman",
            "barman/main",
            "barman/main/incoming",
            "more",
            "extra",
            "scratch",
            "proofs",
            "lock",
        ):
            (self.home / name).mkdir(mode=0o700)
            if self._as:
                shutil.chown(self.home / name, "nobody", "nogroup")
        try:
            self._configure()
            self._back_up()
        except BaseException:
            self.close()
            raise

    def repository(self, product: str) -> Path:
        return self.home / {"pgbackrest": "repo", "barman": "barman"}[product]

    def content(self, product: str) -> dict[str, str]:
        """Every file of a repository and of production's tablespace, with its digest."""
        kept = (self.repository(product), self.home / "extra")
        files = [path for one in kept for path in one.rglob("*") if path.is_file()]
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    def data(self, product: str) -> Path:
        """The file that holds most of the first backup's data."""
        if product == "barman":
            return largest(min((self.home / "barman/main/base").iterdir()), "base/*/*")
        return largest(self.home / "repo/backup/main", "base/*/*")

    def log(self, product: str) -> Path:
        """The newest segment but one of the log, which is after all backups."""
        where = {"pgbackrest": "repo/archive/main", "barman": "barman/main/wals"}[product]
        segments = [one for one in (self.home / where).rglob("*") if re.match(r"[0-9A-F]{24}(-[0-9a-f]+)?$", one.name)]
        return sorted(segments, key=lambda one: one.name)[-2]

    def said(self, product: str, **more: Any) -> dict[str, Any]:
        """The drill as its file says it."""
        said = {
            "object": "ben", "product": product, "of": "main", "repository": str(self.repository(product)),
            "role": "ridgeway", "canary": {"table": "ridgeway_canary", "max_age": "26h"},
            "database": {"tables": [{"database": "postgres", "table": "invoice", "rows": 1000},
                                    {"database": "postgres", "table": "rate", "rows": 10}]},
            "verify": {"max_time": "60s"}, "max_size": "400 MiB", "max_time": "60s",
        }  # fmt: skip
        return {name: value for name, value in (said | more).items() if value is not None}

    def drill(self, product: str, **more: Any) -> Drilled:
        """One drill, whose result is filed."""
        return cast("Drilled", unprivileged(partial(self.drill_here, product, **more)))

    def drill_here(
        self, product: str, rehearsal: bool = False, now: float = 0.0, state: DrillState | None = None, **more: Any
    ) -> Drilled:
        clock = (lambda: now) if now else time.time
        request = Request("ben", self._options(product, **more), state or self.state(), "CHG-7", rehearsal)
        means = Means(self.place(), clock, nothing_shown, lambda _: None, random.Random(1))
        done = drilled(request, means)
        filed(self.home / "proofs", "ben", clock(), lambda one: with_restores(one, "ben", done.state, done.records))
        return done

    def verify(self, product: str) -> Verified:
        options, state = self._options(product), DrillState()
        call = partial(verified, options, state, True, self.place(), time.time, nothing_shown)
        return cast("Verified", unprivileged(call))

    def place(self) -> Scratch:
        return Scratch(self.home / "scratch", [self.home / "repo", self.home / "barman"])

    def state(self) -> DrillState:
        return recalled(self.home / "proofs", "ben", time.time()).drills.get("ben", DrillState())

    def forget(self) -> None:
        """What drills left for the check, and for one another."""
        for one in (self.home / "proofs").glob("*.json"):
            one.unlink()

    def servers(self) -> list[int]:
        """Process ids of what runs in the place of the drills."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"{self.home}/scratch/".encode() in (path / "cmdline").read_bytes():
                    found.append(int(path.name))
        return found

    def left(self) -> list[str]:
        """What lies in the place of the drills."""
        return sorted(one.name for one in (self.home / "scratch").iterdir() if one.name != ".lock")

    def sql(self, *statements: str) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            for one in statements:
                connection.execute(one.encode())

    def field(self, query: str) -> str:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            row = connection.execute(query.encode()).fetchone()
        return str(row[0]) if row else ""

    def _options(self, product: str, **more: Any) -> Any:
        said = {"ben": self.said(product, **more)}
        return Plan.model_validate({"proofs": "/proofs", "scratch": "/scratch", "drills": said}).drills["ben"]

    def _configure(self) -> None:
        home = self.home
        (home / "pgbackrest.conf").write_text(
            f"[global]\nrepo1-path={home}/repo\nlog-path={home}\nspool-path={home}\nlock-path={home}/lock\n"
            f"log-level-console=error\nlog-level-file=off\nstart-fast=y\nrepo1-retention-full=2\ncompress-type=none\n"
            f"[main]\npg1-path={home}/data\npg1-port={self.port}\npg1-socket-path={home}\npg1-user=ridgeway\n"
            f"pg1-database=postgres\n"
        )
        user = "nobody" if self._as else str(os.environ.get("USER", ""))
        (home / "barman.conf").write_text(
            f"[barman]\nbarman_home = {home}/barman\nbarman_user = {user}\nlog_file = {home}/barman/log\n"
            f"configuration_files_directory = {home}/more\n[main]\ndescription = main\nbackup_method = postgres\n"
            f"conninfo = host=127.0.0.1 port={self.port} user=ridgeway dbname=postgres\n"
            f"archiver = on\nimmediate_checkpoint = true\npath_prefix = {self._programs}\n"
        )
        push = f"pgbackrest --config={home}/pgbackrest.conf --stanza=main archive-push %p"
        with (home / "data" / "postgresql.conf").open("a") as settings:
            settings.write("archive_mode = on\nwal_level = replica\nmax_wal_senders = 4\n")
            settings.write(f"archive_command = '{push} && cp %p {home}/barman/main/incoming/%f'\n")
        self.stop()
        self.start()

    def _back_up(self) -> None:
        self.sql(
            "CREATE TABLE invoice (id int PRIMARY KEY, what text)",
            "INSERT INTO invoice SELECT n, repeat('x', 400) FROM generate_series(1, 5000) n",
            "CREATE TABLE payment (id int)",
            f"CREATE TABLESPACE extra LOCATION '{self.home}/extra'",
            "CREATE TABLE rate TABLESPACE extra AS SELECT n FROM generate_series(1, 10) n",
            "CREATE VIEW slow AS SELECT 'x' AS said FROM pg_sleep(60)",
            "CREATE VIEW bare AS SELECT WHERE current_setting('session_preload_libraries') = ''",
            "ALTER DATABASE postgres SET session_preload_libraries = 'auto_explain'",
            f"CREATE FUNCTION told() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF current_setting('listen_addresses') = ''"
            f" THEN COPY (SELECT 1) TO PROGRAM 'touch {self.touched}'; END IF; END $$",
            "CREATE EVENT TRIGGER told ON ddl_command_start EXECUTE FUNCTION told()",
            "VACUUM FREEZE",
            f"ALTER SYSTEM SET recovery_end_command = 'touch {self.touched}'",
            f"ALTER SYSTEM SET archive_cleanup_command = 'touch {self.touched}'",
        )
        self.index = self.field("SELECT pg_relation_filepath('invoice_pkey')")
        self._done("pgbackrest", "stanza-create")
        self._plant()
        self._archive()
        self._done("barman", "archive-wal", "main")  # without a segment it takes no backup
        self._done("pgbackrest", "--type=full", "--no-archive-check", "backup")
        self._done("barman", "backup", "main")
        self._plant()
        self._archive()
        self._done("pgbackrest", "--type=incr", "--no-archive-check", "backup")
        self._plant()
        self._archive()
        time.sleep(1.1 - time.time() % 1)  # canaries know whole seconds
        self.marked = time.time()
        self._plant()
        self._archive()
        self._done("barman", "archive-wal", "main")

    def _plant(self) -> None:
        self.sql(planting())
        self.nonces.append(self.field("SELECT substring(said FROM 'nonce: (.{8})') FROM ridgeway_canary"))

    def _archive(self) -> None:
        """Have the log until now lie in the one repository, and where the other takes it from."""
        segment = self.field("SELECT pg_walfile_name(pg_current_wal_lsn())")
        self.sql("SELECT pg_create_restore_point('a')", "SELECT pg_switch_wal()")
        archived = "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver"
        wait_until(lambda: self.field(archived) >= segment, "the log is archived")

    def _done(self, tool: str, *arguments: str) -> None:
        where = {"pgbackrest": (f"--config={self.home}/pgbackrest.conf", "--stanza=main"),
                 "barman": ("-c", f"{self.home}/barman.conf")}[tool]  # fmt: skip
        done = subprocess.run(
            [*self._as, need(tool), *where, *arguments], capture_output=True, text=True, timeout=90, check=False,
            cwd=self.home, env={"PATH": os.environ["PATH"], "TZ": "UTC", "HOME": str(self.home), "LC_ALL": "C"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
