"""A real restic repository, read by the agent's own machine: healthy, gone, locked, closed, and with nothing in it."""

from __future__ import annotations

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
from testbeds.peers import need, wait_until
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
    def password(self) -> Path:
        return self.home / "password"

    def restic(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [need("restic"), "--repo", self.path, "--password-file", self.password, "--no-cache", *arguments],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def backup(self, host: str = "srv-ben") -> None:
        done = self.restic("backup", "--host", host, str(self.home / "source"))
        assert done.returncode == 0, done.stderr

    def options(self, **more: Any) -> dict[str, Any]:
        said = {"product": "restic", "local": True, "repository": str(self.path), "password_file": str(self.password)}
        by = [{"product": "restic", "object": "srv-ben:*"}]
        return {"products": {"restic": said}, "objects": {"ben": {"owner": "Revenues", "rpo": "26h", "by": by}}, **more}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.password.write_text("a passphrase of the test\n")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "ledger").write_text("1" * 10_000)
    assert made.restic("init").returncode == 0
    return made


def watch(transports: Transports, repository: Repository, now: float = 0.0, **more: Any) -> BackupWatch:
    return BackupWatch(transports, repository.options(**more), now or time.time())


async def test_snapshots_are_restorable_points_and_grow_old(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    repository.backup()
    watched = watch(transports, repository)

    fresh = await watched.run()
    watched.now += 2 * DAY
    stale = await watched.run()

    assert fresh.bad == {}
    assert fresh.value("restore_points", "ben", f"restic/{repository.path}") == 1
    assert stale.bad == {"backup/protection/ben": State.CRITICAL}
    planted("none", "restic").seen(fresh)
    planted("no run for two days", "restic").seen(stale)


async def test_a_host_that_nobody_declared_is_told(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    repository.backup()
    repository.backup("srv-unknown")

    told = await watch(transports, repository).run()

    assert told.bad == {"backup/undeclared/restic": State.WARNING}
    assert "srv-unknown:" in told.words("backup/undeclared/restic")
    planted("backed up, and nobody declared it", "restic").seen(told)


async def test_an_empty_repository_protects_nothing(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    told = await watch(transports, repository).run()

    assert told.bad == {"backup/protection/ben": State.CRITICAL}
    planted("declared, and nobody backs it up", "restic").seen(told)


async def test_a_repository_that_is_gone_is_one_incident_and_closes_nothing(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    repository.backup()
    watched = watch(transports, repository)
    await watched.run()
    shutil.rmtree(repository.path)

    told = await watched.run()

    assert told.bad == {f"backup/repository/restic/{repository.path}": State.CRITICAL}
    assert "backup/protection/ben" not in told.assessment.covers
    planted("a repository is gone", "restic").seen(told)


async def test_a_wrong_password_is_the_products_fault(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    repository.backup()
    repository.password.write_text("another\n")

    told = await watch(transports, repository).run()

    assert told.observation.fault is not None
    assert told.observation.fault.condition == "backup/authentication"
    planted("a wrong password", "restic").seen(told)


async def test_a_lock_that_was_left_does_not_keep_us_from_reading_and_none_of_ours_is_left(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    repository.backup()
    locks = repository.path / "locks"
    (locks / ("0" * 64)).write_bytes(b"left by somebody")

    told = await watch(transports, repository).run()

    assert told.bad == {}
    assert [lock.name for lock in locks.iterdir()] == ["0" * 64]
    planted("a lock was left", "restic").seen(told)


async def test_a_point_that_was_deleted_is_missed(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    for _ in range(5):
        repository.backup()
    watched = watch(transports, repository)
    watched.options["objects"]["ben"]["retention"] = {"points": 1}
    await watched.run()
    assert repository.restic("forget", "--keep-last", "1").returncode == 0

    told = await watched.run()

    assert told.bad == {"backup/retention/ben": State.CRITICAL}
    assert "4 restore points have gone" in told.words("backup/retention/ben")
    planted("many points are gone at once", "restic").seen(told)


async def test_a_source_that_cannot_be_read_leaves_a_snapshot_like_any_other_and_is_told_by_its_exit_status(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    source = str(repository.home / "source")
    done = repository.restic("backup", "--host", "srv-ben", source, "/proc/self/mem")  # which not even root can read
    inbox = inboxes.Told()
    inbox.add(inboxes.exited(NOW - 60, done.returncode))

    listed = await watch(transports, repository).run()
    pushed = await inboxes.watch(inbox, NOW, {"partial_exit_codes": [3]}).run()

    assert pushed.bad == {"backup/protection/ben": State.WARNING}
    assert "incomplete" in pushed.words("backup/protection/ben")
    planted("a source that cannot be read", "restic").seen(listed)
    planted("a source that cannot be read", "restic").found_by("push")


async def test_a_run_that_was_killed_leaves_no_snapshot(
    repository: Repository, transports: Transports, planted: Planter
) -> None:
    line = [need("restic"), "--repo", repository.path, "--password-file", repository.password, "--no-cache",
            "backup", "--host", "srv-ben", "--stdin"]  # fmt: skip
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as killed:
        wait_until(lambda: any((repository.path / "locks").iterdir()), "it has begun")
        killed.kill()

    told = await watch(transports, repository).run()

    assert told.bad == {"backup/protection/ben": State.CRITICAL}
    planted("an interrupted run", "restic").seen(told)
