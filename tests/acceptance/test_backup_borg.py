"""A real borg repository, read by the agent itself: healthy, gone, closed, interrupted, with archives deleted."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from checks.contract import State
from checks.transports import Transports
from testbeds import inboxes
from testbeds.backup_accounts import DAY, NOW
from testbeds.by_backup import BackupWatch
from testbeds.peers import need
from testbeds.planted import Planter

pytestmark = pytest.mark.acceptance


@dataclass
class Repository:
    """A repository below a folder of the test's own."""

    home: Path

    @property
    def path(self) -> Path:
        return self.home / "repository"

    @property
    def passphrase(self) -> Path:
        return self.home / "passphrase"

    def borg(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "BORG_BASE_DIR": str(self.home / "base"),
            "BORG_PASSCOMMAND": f"cat {self.passphrase}",
            "TZ": "Pacific/Auckland",
        }
        return subprocess.run(
            [need("borg"), *arguments], capture_output=True, text=True, timeout=60, check=False, env=environment
        )

    def create(self, name: str) -> None:
        done = self.borg("create", f"{self.path}::{name}", str(self.home / "source"))
        assert done.returncode == 0, done.stderr

    def watch(self, transports: Transports, **more: Any) -> BackupWatch:
        said = {"product": "borg", "local": True, "repository": str(self.path), "passphrase_file": str(self.passphrase),
                "base_directory": str(self.home / "agent")}  # fmt: skip
        by = [{"product": "borg", "object": "*:ben"}]
        objects = {"ben": {"owner": "Revenues", "rpo": "26h", "by": by, **more}}
        return BackupWatch(transports, {"products": {"borg": said}, "objects": objects}, time.time())


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.passphrase.write_text("a passphrase of the test\n")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "ledger").write_text("1" * 10_000)
    assert made.borg("init", "--encryption", "repokey", str(made.path)).returncode == 0
    return made


async def test_archives_are_restorable_points_in_true_time_and_grow_old(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    begun = time.time()
    repository.create("ben-2026-11-30T02:00")
    watched = repository.watch(transports)

    fresh = await watched.run()
    watched.now += 2 * DAY
    stale = await watched.run()

    assert fresh.bad == {}
    at = fresh.value("last_restorable_timestamp_seconds", "ben")
    assert at is not None and int(begun) <= at <= begun + 600  # not eleven hours off, as local time would be
    assert stale.bad == {"backup/protection/ben": State.CRITICAL}
    planted("none", "borg").seen(fresh)
    planted("no run for two days", "borg").seen(stale)


async def test_what_an_interrupted_run_left_is_no_point(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    repository.create("ben-2026-11-30.checkpoint")

    told = await repository.watch(transports).run()

    assert told.bad == {"backup/protection/ben": State.CRITICAL}
    planted("an interrupted run", "borg").seen(told)


async def test_a_repository_that_is_gone_is_one_incident(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    repository.create("ben-2026-11-30")
    watched = repository.watch(transports)
    await watched.run()
    shutil.rmtree(repository.path)

    told = await watched.run()

    assert told.bad == {f"backup/repository/borg/{repository.path}": State.CRITICAL}
    assert "backup/protection/ben" not in told.assessment.covers
    planted("a repository is gone", "borg").seen(told)


async def test_a_wrong_passphrase_is_the_products_fault(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    repository.passphrase.write_text("another\n")

    told = await repository.watch(transports).run()

    assert told.observation.fault is not None
    assert told.observation.fault.condition == "backup/authentication"
    planted("a wrong password", "borg").seen(told)


async def test_archives_that_were_deleted_are_missed(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    for number in range(4):
        repository.create(f"ben-2026-11-30T0{number}")
    watched = repository.watch(transports, retention={"points": 1})
    await watched.run()
    assert repository.borg("delete", "--glob-archives", "ben-2026-11-30T0[0-2]", str(repository.path)).returncode == 0

    told = await watched.run()

    assert told.bad == {"backup/retention/ben": State.CRITICAL}
    planted("many points are gone at once", "borg").seen(told)


async def test_a_repository_that_somebody_has_locked_is_read_all_the_same(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    repository.create("ben-2026-11-30")
    (repository.path / "lock.exclusive").mkdir()
    (repository.path / "lock.exclusive" / "somebody@1.1-1").touch()

    told = await repository.watch(transports).run()

    assert told.bad == {}
    planted("a lock was left", "borg").seen(told)


async def test_a_source_that_cannot_be_read_leaves_an_archive_like_any_other_and_is_told_by_its_exit_status(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    source = str(repository.home / "source")
    done = repository.borg("create", f"{repository.path}::ben-2026-11-30", source, "/proc/self/mem")
    inbox = inboxes.Told()
    inbox.add(inboxes.exited(NOW - 60, done.returncode))

    listed = await repository.watch(transports).run()
    pushed = await inboxes.watch(inbox, NOW, {"partial_exit_codes": [1]}).run()

    assert pushed.bad == {"backup/protection/ben": State.WARNING}
    assert "incomplete" in pushed.words("backup/protection/ben")
    planted("a source that cannot be read", "borg").seen(listed)
    planted("a source that cannot be read", "borg").found_by("push")
