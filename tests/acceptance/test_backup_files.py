"""Dumps in a directory of a real sshd: fresh, growing old, still written, empty, not in their manifest, gone."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks.contract import State
from checks.transports import Transports
from testbeds import sshd
from testbeds.backup_accounts import DAY, HOUR
from testbeds.by_backup import BackupWatch
from testbeds.planted import Planter

pytestmark = pytest.mark.acceptance
KEY = "backup/protection/ben"


@pytest.fixture(scope="module")
def server() -> Iterator[sshd.Sshd]:
    with sshd.running() as started:
        yield started


@pytest.fixture
def place() -> Iterator[Path]:
    scratch = Path(tempfile.mkdtemp(prefix="dumps-"))
    yield scratch
    shutil.rmtree(scratch, ignore_errors=True)


def dump(place: Path, name: str, age: float, size: int = 1000) -> None:
    (place / name).write_bytes(b"x" * size)
    os.utime(place / name, (time.time() - age,) * 2)


def watch(transports: Transports, server: sshd.Sshd, place: Path, **more: Any) -> BackupWatch:
    said = {"product": "files", "ssh_port": server.port, "directory": str(place),
            "sets": [{"object": "ben", "pattern": "ben-*.dump"}], **more}  # fmt: skip
    by = [{"product": "files", "object": "ben"}]
    objects = {"ben": {"owner": "Revenues", "rpo": "26h", "by": by, "at_least": "100 B"}}
    return BackupWatch(
        transports, {"products": {"files": said}, "objects": objects}, time.time(), {"ssh": server.credential()},
        host_keys=(server.host_key(),),
    )  # fmt: skip


async def test_the_newest_finished_dump_counts_and_grows_old(
    server: sshd.Sshd, transports: Transports, place: Path, planted: Planter
) -> None:
    dump(place, "ben-1.dump", 30 * HOUR)
    dump(place, "ben-2.dump", 6 * HOUR)
    dump(place, "other.txt", 60)
    watched = watch(transports, server, place)

    fresh = await watched.run()
    watched.now += DAY
    stale = await watched.run()

    assert fresh.bad == {}
    assert fresh.value("restore_points", "ben", f"files/{place}") == 2
    assert stale.bad == {KEY: State.CRITICAL}
    planted("none", "files").seen(fresh)
    planted("no run for two days", "files").seen(stale)


async def test_a_dump_that_is_still_written_is_none_yet(
    server: sshd.Sshd, transports: Transports, place: Path, planted: Planter
) -> None:
    dump(place, "ben-1.dump", 30 * HOUR)
    dump(place, "ben-2.dump", 5)

    told = await watch(transports, server, place).run()

    assert told.bad == {KEY: State.CRITICAL}
    planted("an interrupted run", "files").seen(told)


async def test_an_empty_dump_protects_nothing(
    server: sshd.Sshd, transports: Transports, place: Path, planted: Planter
) -> None:
    dump(place, "ben-1.dump", 6 * HOUR)
    dump(place, "ben-2.dump", 3 * HOUR, size=0)

    told = await watch(transports, server, place).run()

    assert told.bad == {KEY: State.CRITICAL}
    assert "protected nothing" in told.words(KEY)
    planted("a run that protected nothing", "files").seen(told)


async def test_a_dump_that_its_manifest_does_not_list_is_incomplete(
    server: sshd.Sshd, transports: Transports, place: Path, planted: Planter
) -> None:
    dump(place, "ben-1.dump", 6 * HOUR)
    dump(place, "ben-2.dump", 3 * HOUR)
    (place / "SHA256SUMS").write_text(f"{'0' * 64}  ben-1.dump\n")

    told = await watch(transports, server, place, manifest="SHA256SUMS").run()

    assert told.bad == {KEY: State.WARNING}
    assert told.value("restore_points", "ben", f"files/{place}") == 1
    planted("an incomplete run", "files").seen(told)


async def test_a_manifest_that_is_gone_makes_the_product_unknown(
    server: sshd.Sshd, transports: Transports, place: Path
) -> None:
    dump(place, "ben-1.dump", 6 * HOUR)

    told = await watch(transports, server, place, manifest="SHA256SUMS").run()

    assert told.bad == {"backup/product/files": State.UNKNOWN}


async def test_a_directory_that_is_gone_is_one_incident(
    server: sshd.Sshd, transports: Transports, place: Path, planted: Planter
) -> None:
    dump(place, "ben-1.dump", 6 * HOUR)
    watched = watch(transports, server, place)
    await watched.run()
    shutil.rmtree(place)

    told = await watched.run()

    assert told.bad == {f"backup/repository/files/{place}": State.CRITICAL}
    planted("a repository is gone", "files").seen(told)
