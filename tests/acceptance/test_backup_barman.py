"""A real Barman with a real PostgreSQL: a backup, the database down, the log not received, damage, a wrong zone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from checks.contract import Reason, State
from checks.transports import Transports
from testbeds.backup_accounts import DAY
from testbeds.backup_damage import Tool, found_by, largest
from testbeds.barman import Barman
from testbeds.by_backup import BackupWatch
from testbeds.planted import Planter

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Barman]:
    made = Barman()
    try:
        made.backup()
        yield made
    finally:
        made.close()


def watch(transports: Transports, cluster: Barman, **more: Any) -> BackupWatch:
    said = {"product": "barman", "local": True, "config": str(cluster.config), **more}
    objects = {"ledger": {"owner": "Finance", "rpo": "26h", "by": [{"product": "barman", "object": "main"}]}}
    return BackupWatch(transports, {"products": {"barman": said}, "objects": objects}, time.time())


async def test_a_backup_is_restorable_as_of_its_begin_and_grows_old(
    cluster: Barman, transports: Transports, planted: Planter
) -> None:
    watched = watch(transports, cluster)

    fresh = await watched.run()
    watched.now += 2 * DAY
    stale = await watched.run()

    assert fresh.bad == {}
    at = fresh.value("last_restorable_timestamp_seconds", "ledger")
    assert at is not None and time.time() - 120 <= at <= time.time()
    assert stale.bad == {"backup/protection/ledger": State.CRITICAL}
    planted("none", "Barman").seen(fresh)
    planted("no run for two days", "Barman").seen(stale)


async def test_a_database_that_is_down_is_one_cause_and_its_backup_still_counts(
    cluster: Barman, transports: Transports, planted: Planter
) -> None:
    watched = watch(transports, cluster)
    await watched.run()
    cluster.deaf()
    cluster.stop()
    try:
        down = await watched.run()
    finally:
        cluster.start()
        cluster.receive()
    up = await watched.run()

    assert down.bad == {"backup/protection/ledger": State.WARNING}
    assert "its next run would not start: the database does not answer. Last" in down.words("backup/protection/ledger")
    assert up.bad == {}
    planted("a source that cannot be read", "Barman").seen(down)


async def test_a_log_that_is_no_longer_received_is_told_before_the_next_backup_fails(
    cluster: Barman, transports: Transports
) -> None:
    cluster.deaf()
    try:
        told = await watch(transports, cluster).run()
    finally:
        cluster.receive()

    assert told.bad == {"backup/protection/ledger": State.WARNING}
    assert "receive_wal_running" in told.words("backup/protection/ledger")


async def test_a_zone_that_is_not_barmans_leaves_the_run_unknown_and_makes_no_point(
    cluster: Barman, transports: Transports
) -> None:
    watched = watch(transports, cluster, zone="America/New_York")  # in which its last backup is yet to begin

    told = await watched.run()

    assert "backup/protection/ledger" in told.bad
    assert told.value("last_restorable_timestamp_seconds", "ledger") is None


async def test_a_list_that_is_damaged_is_unknown_and_never_empty(
    cluster: Barman, transports: Transports, planted: Planter
) -> None:
    watched = watch(transports, cluster)
    await watched.run()
    (info,) = (cluster.home / "barman/main/base").glob("*/backup.info")
    whole = info.read_bytes()
    info.write_bytes(b"\x00" * 400 + whole[400:])
    try:
        told = await watched.run()
    finally:
        info.write_bytes(whole)

    fault = told.observation.fault
    assert fault is not None and fault.reason is Reason.PROTOCOL
    assert told.assessment.covers == frozenset()
    planted("the list is damaged", "Barman").seen(told)


async def test_damage_is_found_by_reading_the_backup_again_alone(
    cluster: Barman, transports: Transports, planted: Planter
) -> None:
    said = {"product": "barman", "local": True, "config": str(cluster.config)}
    tool = Tool(
        "Barman", said, "main", largest(cluster.home / "barman/main/base", "base/*/*"),
        lambda: cluster.barman("check", "main").returncode != 0,
        lambda: cluster.barman("verify-backup", "main", "latest").returncode != 0,
    )  # fmt: skip

    await found_by(tool, transports, planted)
