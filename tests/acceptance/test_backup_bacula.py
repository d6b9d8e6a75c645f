"""A real Bacula, its catalogue read by the agent itself: healthy, incomplete, failed, waiting, damaged, purged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks.backup.model import Account, Outcome
from checks.contract import State
from checks.transports import Transports
from testbeds.backup_accounts import DAY
from testbeds.bacula import Bacula
from testbeds.by_backup import BackupWatch, Told
from testbeds.planted import Planter

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]


@pytest.fixture
def bacula(tmp_path: Path) -> Iterator[Bacula]:
    made = Bacula(tmp_path)
    (made.source / "ledger").write_bytes(b"1" * 2_000_000)
    (made.source / "small").write_text("2")
    yield made
    made.close()


def watch(transports: Transports, bacula: Bacula, **more: Any) -> BackupWatch:
    said = {"product": "bacula", "file": str(bacula.catalogue)}
    by = [{"product": "bacula", "object": "lab-fd:Ledger"}]
    objects = {"ledger": {"owner": "Finance", "rpo": "26h", "by": by, **more}}
    said = {"products": {"bacula": said}, "objects": objects, "undeclared_except": ["lab-fd:Broken"]}
    return BackupWatch(transports, said, time.time())


def account(told: Told) -> Account:
    found = told.part("bacula").account
    assert found is not None
    return found


async def test_a_backup_is_restorable_as_of_its_begin_and_grows_old(
    bacula: Bacula, transports: Transports, planted: Planter
) -> None:
    begun = time.time()
    bacula.run("nightly")
    watched = watch(transports, bacula)

    fresh = await watched.run()
    watched.now += 2 * DAY
    stale = await watched.run()

    assert fresh.bad == {}
    at = fresh.value("last_restorable_timestamp_seconds", "ledger")
    assert at is not None and int(begun) <= at <= begun + 60
    assert stale.bad == {"backup/protection/ledger": State.CRITICAL}
    planted("none", "Bacula").seen(fresh)
    planted("no run for two days", "Bacula").seen(stale)


async def test_runs_that_were_incomplete_or_failed_say_so_and_why(
    bacula: Bacula, transports: Transports, planted: Planter
) -> None:
    bacula.age(bacula.run("nightly"), 3600)
    bacula.run("broken")
    of_broken = watch(transports, bacula)
    of_broken.options["objects"]["broken"] = {
        "owner": "Finance", "rpo": "26h", "by": [{"product": "bacula", "object": "lab-fd:Broken"}]
    }  # fmt: skip
    incomplete = await of_broken.run()
    bacula.run("fatal")

    told = await watch(transports, bacula).run()

    runs = {run.job: run for run in account(told).runs}
    assert {name: run.outcome for name, run in runs.items()} == {
        "nightly": Outcome.SUCCESS, "broken": Outcome.PARTIAL, "fatal": Outcome.FAILED,
    }  # fmt: skip
    assert bacula.rows("SELECT jobstatus FROM job WHERE name = 'broken'") == [("T",)]
    assert "ClientRunBeforeJob returned non-zero status" in told.words("backup/protection/ledger")
    assert told.bad == {"backup/protection/ledger": State.WARNING}
    planted("an incomplete run", "Bacula").seen(incomplete)
    planted("a failed run", "Bacula").seen(told)


async def test_a_run_that_waits_for_its_storage_changes_no_verdict(
    bacula: Bacula, transports: Transports, planted: Planter
) -> None:
    bacula.run("nightly")
    bacula.stop("bacula-sd")
    bacula.console("run job=nightly yes")

    told = await watch(transports, bacula).run()

    assert {run.outcome.over for run in account(told).runs} == {True, False}
    assert told.bad == {}
    planted("a run under way", "Bacula").seen(told)


async def test_an_octet_damaged_in_a_volume_is_found_by_verify_and_by_restore_and_not_by_the_list(
    bacula: Bacula, transports: Transports, planted: Planter
) -> None:
    taken = bacula.run("nightly")
    bacula.run("again")
    bacula.restore(taken)
    watched = watch(transports, bacula, verified_within="35d", drilled_within="100d")
    healthy = await watched.run()
    bacula.flip(1_000_000)

    listed = await watched.run()
    bacula.run("again", f"jobid={taken}")
    verified = await watched.run()
    bacula.restore(taken)
    restored = await watched.run()

    assert healthy.value("last_verified_timestamp_seconds", "ledger") is not None
    assert healthy.value("last_drill_timestamp_seconds", "ledger") is not None
    assert (healthy.bad, listed.bad) == ({}, {})
    assert verified.bad == {"backup/verified/ledger": State.CRITICAL}
    assert restored.bad["backup/restored/ledger"] is State.CRITICAL
    assert "its last restore failed" in restored.words("backup/restored/ledger")
    planted("an octet in the data is another", "Bacula").seen(listed)
    planted("an octet in the data is another", "Bacula").found_by("verification")
    planted("a verification that found damage", "Bacula").seen(verified)
    planted("a restore that failed", "Bacula").seen(restored)


async def test_a_volume_that_was_purged_takes_its_points_with_it(
    bacula: Bacula, transports: Transports, planted: Planter
) -> None:
    bacula.run("nightly")
    watched = watch(transports, bacula)
    await watched.run()
    bacula.write("UPDATE media SET volstatus = 'Error'")
    broken = await watched.run()
    bacula.write("UPDATE media SET volstatus = 'Append'")
    mended = await watched.run()
    bacula.console("purge volume=Vol-0001 yes")
    purged = await watched.run()

    assert broken.bad == {
        "backup/protection/ledger": State.CRITICAL, "backup/repository/bacula/Default": State.WARNING,
    }  # fmt: skip
    assert "Vol-0001" in broken.words("backup/repository/bacula/Default")
    assert mended.bad == {}
    assert "backup/product/bacula" in purged.bad or "backup/protection/ledger" in purged.bad
    planted("a volume in error", "Bacula").seen(broken)
