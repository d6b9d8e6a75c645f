"""Real pgBackRest with a real PostgreSQL: a backup, the log archived after it, its repository gone or damaged."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from checks.contract import State
from checks.transports import Transports
from testbeds.backup_accounts import DAY
from testbeds.backup_damage import Tool, found_by, largest
from testbeds.by_backup import BackupWatch
from testbeds.peers import need
from testbeds.planted import Planter
from testbeds.postgres import PostgresCluster

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]


class Cluster(PostgresCluster):
    """A cluster whose log is archived by pgBackRest into a repository beside it."""

    def __init__(self) -> None:
        need("pgbackrest")
        super().__init__()
        self.home = self._directory
        self.config = self.home / "pgbackrest.conf"
        self.config.write_text(
            f"[global]\nrepo1-path={self.home}/repo\nlog-path={self.home}\nspool-path={self.home}\nlock-path={self.home}\n"
            f"log-level-console=error\nlog-level-file=off\nstart-fast=y\nrepo1-retention-full=2\n"
            f"[main]\npg1-path={self.home}/data\npg1-port={self.port}\npg1-socket-path={self.home}\npg1-user=ridgeway\n"
            f"pg1-database=postgres\n"
        )
        (self.home / "repo").mkdir()
        if self._as:
            shutil.chown(self.home / "repo", "nobody", "nogroup")
        with (self.home / "data" / "postgresql.conf").open("a") as settings:
            settings.write("archive_mode = on\nwal_level = replica\nmax_wal_senders = 4\n")
            settings.write(f"archive_command = 'pgbackrest --config={self.config} --stanza=main archive-push %p'\n")
        self.stop()
        self.start()

    def pgbackrest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._as, need("pgbackrest"), f"--config={self.config}", "--stanza=main", *arguments],
            capture_output=True, text=True, timeout=90, check=False, cwd=self.home,
        )  # fmt: skip

    def done(self, *arguments: str) -> None:
        done = self.pgbackrest(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr

    def switch_log(self) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_create_restore_point('a'), pg_switch_wal()")

    def archived(self) -> str:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            row = connection.execute("SELECT last_archived_wal FROM pg_stat_archiver").fetchone()
        return str(row[0]) if row else ""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    made = Cluster()
    try:
        made.done("stanza-create")
        made.done("--type=full", "backup")
        yield made
    finally:
        made.close()


def watch(transports: Transports, cluster: Cluster, **more: Any) -> BackupWatch:
    said = {"product": "pgbackrest", "local": True, "config": str(cluster.config)}
    by = [{"product": "pgbackrest", "object": "main"}]
    objects = {"ledger": {"owner": "Finance", "rpo": "26h", "by": by, **more}}
    return BackupWatch(transports, {"products": {"pgbackrest": said}, "objects": objects}, time.time())


async def test_a_backup_is_a_restorable_point_and_grows_old(
    cluster: Cluster, transports: Transports, planted: Planter
) -> None:
    watched = watch(transports, cluster)

    fresh = await watched.run()
    watched.now += 2 * DAY
    stale = await watched.run()

    assert fresh.bad == {}
    assert stale.bad == {"backup/protection/ledger": State.CRITICAL}
    planted("none", "pgBackRest").seen(fresh)
    planted("no run for two days", "pgBackRest").seen(stale)


async def test_log_that_was_archived_since_the_last_poll_makes_the_point_newer(
    cluster: Cluster, transports: Transports
) -> None:
    watched = watch(transports, cluster)
    await watched.run()
    before = cluster.archived()
    watched.now += 4 * 3600
    first = watched.now
    await watched.run()
    cluster.switch_log()
    deadline = time.monotonic() + 30
    while cluster.archived() == before and time.monotonic() < deadline:
        os.sched_yield()

    watched.now += 3600
    told = await watched.run()

    assert told.value("last_restorable_timestamp_seconds", "ledger") == first


async def test_a_repository_that_is_gone_is_not_taken_for_an_empty_one(
    cluster: Cluster, transports: Transports, tmp_path: Path, planted: Planter
) -> None:
    watched = watch(transports, cluster)
    await watched.run()
    moved = cluster.home / "away"
    (cluster.home / "repo").rename(moved)
    try:
        told = await watched.run()
    finally:
        moved.rename(cluster.home / "repo")

    assert told.bad == {"backup/product/pgbackrest": State.UNKNOWN}
    assert "lists nothing at all" in told.words("backup/product/pgbackrest")
    assert "backup/protection/ledger" not in told.assessment.covers
    planted("a repository is gone", "pgBackRest").seen(told)


async def test_damage_is_found_by_verify_alone(cluster: Cluster, transports: Transports, planted: Planter) -> None:
    said = {"product": "pgbackrest", "local": True, "config": str(cluster.config)}
    tool = Tool(
        "pgBackRest", said, "main", largest(cluster.home / "repo/backup/main", "*.gz"),
        lambda: cluster.pgbackrest("check").returncode != 0,
        # Its exit status is 0 whatever it finds, and without these options it says nothing.
        lambda: "status: error" in cluster.pgbackrest("--output=text", "--verbose", "verify").stdout,
    )  # fmt: skip

    await found_by(tool, transports, planted)
