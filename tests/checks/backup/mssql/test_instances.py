"""Several instances: availability groups, replicas that do not answer, test servers whose restores are drills."""

from __future__ import annotations

import pytest

from checks.backup.model import Level, Part
from checks.contract import State
from testbeds.by_mssql import DAY, HOUR, LEDGER, Lab, account
from testbeds.msdb import Msdb

PRODUCT, RESTORED = "backup/product/sql", "backup/restored/ledger"


def pair(full_on: int = 0) -> tuple[Msdb, Msdb]:
    """Two replicas of the group Payroll, whose one has the full and whose other the newest log."""
    both = Msdb("SQL01"), Msdb("SQL02")
    for one in both:
        one.database("Ledger", group="Payroll")
        one.replica("Payroll", "SQL01", "SQL02")
    full = both[full_on].backup("Ledger", both[0].now - 30 * HOUR)
    both[1 - full_on].backup("Ledger", both[0].now - HOUR, "L", begins=int(full["first_lsn"]), lasts=50, seconds=60)
    return both


@pytest.mark.parametrize("full_on", [0, 1])
async def test_the_newest_row_of_any_replica_counts_and_chains_cross_them(lab: Lab, full_on: int) -> None:
    both = pair(full_on)
    async with lab.watch(*both) as watch:
        told = await watch.run()

        assert told.bad == {}
        assert account(told).objects == ("Payroll/Ledger",)
        assert told.value("last_restorable_timestamp_seconds", "ledger") == both[0].now - HOUR - 60


async def test_a_replica_that_does_not_answer_makes_unknown_what_it_may_have_taken(lab: Lab) -> None:
    both = pair()
    async with lab.watch(*both) as watch:
        watch.servers[1].log_in_error = (17142, "SQL Server service has been paused.")
        told = await watch.run()

        assert told.bad == {PRODUCT: State.UNKNOWN}
        assert "SQL Server service has been paused" in told.words(PRODUCT)
        assert "beyond their RPO as far as is known: ledger" in told.words(PRODUCT)
        assert LEDGER not in told.assessment.covers


async def test_a_replica_that_nobody_asks_makes_unknown_what_it_may_have_taken(lab: Lab) -> None:
    one = pair()[0]
    async with lab.watch(one) as watch:
        told = await watch.run()

        assert told.bad == {PRODUCT: State.UNKNOWN}
        assert "replica SQL02 of Payroll is not asked; name it in `replicas`" in told.words(PRODUCT)


@pytest.mark.parametrize("hidden", ["availability_groups", "availability_replicas"])
async def test_groups_that_may_not_be_seen_are_not_permitted(lab: Lab, hidden: str) -> None:
    one = Msdb()
    one.database("Ledger", group="Payroll")
    one.replica("Payroll", "SQL01")
    one.tables.execute(f"DELETE FROM {hidden}")  # what is not permitted is not listed
    async with lab.watch(one) as watch:
        told = await watch.run()

        assert told.bad == {PRODUCT: State.UNKNOWN}
        assert "grant VIEW ANY DEFINITION" in told.words(PRODUCT)


async def test_a_database_that_joins_a_group_takes_its_history_along(lab: Lab) -> None:
    msdb = Msdb()
    msdb.database("Ledger", 3)
    msdb.backup("Ledger", msdb.now - HOUR)
    async with lab.watch(msdb) as watch:
        await watch.run()
        msdb.tables.execute("DELETE FROM databases WHERE name = 'Ledger'")
        msdb.database("Ledger", 3, group="Payroll")
        msdb.replica("Payroll", "SQL01")

        await watch.run()
        told = await watch.run()

        assert {point.object for point in account(told).points} == {"payroll/ledger"}


async def test_databases_outside_a_group_are_told_apart_by_their_server(lab: Lab) -> None:
    both = Msdb("SQL01"), Msdb("SQL02")
    for one in both:
        one.database("Ledger", 3)
    both[1].backup("Ledger", both[1].now - HOUR)
    async with lab.watch(*both) as watch:
        told = await watch.run()

        assert account(told).objects == ("SQL01/Ledger", "SQL02/Ledger")
        assert {point.object for point in account(told).points} == {"sql02/ledger"}


@pytest.mark.parametrize("last", ["D", "I", "L"])
async def test_a_restore_with_checkdb_after_it_is_a_proof(lab: Lab, last: str) -> None:
    live, test = Msdb(), Msdb("TEST01")
    live.database("Ledger", 3)
    full = live.backup("Ledger", live.now - 5 * HOUR)
    more = live.backup("Ledger", live.now - 4 * HOUR, last)
    test.database("Ledger_drill", checked=live.now - HOUR)
    test.restore("Ledger_drill", live.now - 2 * HOUR, full, recovery=0)
    test.restore("Ledger_drill", live.now - 1.9 * HOUR, more, last)
    async with lab.watch(live, test, drills=1, drilled_within="30d") as watch:
        told = await watch.run()

        assert told.bad == {}
        (proof,) = account(told).proofs
        assert (proof.object, proof.passed, proof.by) == ("SQL01/Ledger", True, "restore on TEST01 as Ledger_drill")
        assert proof.point == live.now - 4 * HOUR - (600 if last == "L" else 0)
        assert account(told).objects == ("SQL01/Ledger",)


@pytest.mark.parametrize(
    ("checked", "version"), [(-3 * HOUR, "16.0.4165.4"), (None, "16.0.4165.4"), (-HOUR, "12.0.6444.4")]
)
async def test_a_restore_without_checkdb_after_it_is_unproven(lab: Lab, checked: float | None, version: str) -> None:
    live, test = Msdb(), Msdb("TEST01", version=version)
    live.database("Ledger", 3)
    full = live.backup("Ledger", live.now - 5 * HOUR)
    test.database("Ledger_drill", checked=None if checked is None else live.now + checked)
    test.restore("Ledger_drill", live.now - 2 * HOUR, full)
    async with lab.watch(live, test, drills=1, drilled_within="30d") as watch:
        told = await watch.run()
        live.backup("Ledger", live.now + 31 * DAY)
        later = await watch.run(live.now + 31 * DAY)

        assert [proof.passed for proof in account(told).proofs] == [None]
        assert told.bad == {}
        assert later.bad == {RESTORED: State.WARNING}
        assert "restored, and no CHECKDB of it since" in later.words(RESTORED)


async def test_checkdb_of_a_later_day_proves_the_restore_before_it(lab: Lab) -> None:
    live, test = Msdb(), Msdb("TEST01")
    live.database("Ledger", 3)
    full = live.backup("Ledger", live.now - 5 * HOUR)
    test.database("Ledger_drill")
    test.restore("Ledger_drill", live.now - 2 * HOUR, full)
    async with lab.watch(live, test, drills=1, drilled_within="30d") as watch:
        await watch.run()
        test.tables.execute("UPDATE databases SET checked = ?", (test.text(test.now + HOUR),))

        told = await watch.run(live.now + 2 * HOUR)

        assert [proof.passed for proof in account(told).proofs] == [True]
        assert told.value("last_drill_timestamp_seconds", "ledger") == full_restored(live.now - 2 * HOUR)


def full_restored(at: float) -> float:
    """The proof is as old as the restore, not as its CHECKDB."""
    return at - 2 * HOUR


async def test_a_restore_that_is_not_finished_or_gone_again_proves_nothing(lab: Lab) -> None:
    live, test = Msdb(), Msdb("TEST01")
    live.database("Ledger", 3)
    full = live.backup("Ledger", live.now - 5 * HOUR)
    test.database("Half", checked=live.now - HOUR)
    test.restore("Half", live.now - 2 * HOUR, full, recovery=0)
    test.restore("Dropped", live.now - 2 * HOUR, full)
    async with lab.watch(live, test, drills=1) as watch:
        assert account(await watch.run()).proofs == ()


async def test_another_database_of_the_same_name_proves_nothing(lab: Lab) -> None:
    live, test = Msdb(), Msdb("TEST01")
    live.database("Ledger", 3)
    test.database("Drill", checked=live.now - HOUR, created=live.now - 2 * HOUR)
    test.restore("Drill", live.now - 3 * DAY, live.backup("Ledger", live.now - 4 * DAY))
    async with lab.watch(live, test, drills=1) as watch:
        assert account(await watch.run()).proofs == ()


async def test_verifyonly_of_a_backup_with_checksums_is_a_verification(lab: Lab) -> None:
    live, test = Msdb(), Msdb("TEST01")
    live.database("Ledger", 3)
    test.restore("Ledger", live.now - HOUR, live.backup("Ledger", live.now - 5 * HOUR), "V")
    plain = live.backup("Ledger", live.now - 4 * HOUR, has_backup_checksums=0)
    test.restore("Ledger", live.now - HOUR, plain, "V")
    async with lab.watch(live, test, drills=1, verified_within="30d") as watch:
        told = await watch.run()

        assert [(one.object, one.sound) for one in account(told).verifications] == [("SQL01/Ledger", True)]
        assert told.bad == {}


async def test_a_test_server_that_does_not_answer_leaves_the_backups_known(lab: Lab) -> None:
    live, test = Msdb(), Msdb("TEST01")
    live.database("Ledger", 3)
    live.backup("Ledger", live.now - HOUR)
    async with lab.watch(live, test, drills=1) as watch:
        watch.servers[1].log_in_error = (17142, "SQL Server service has been paused.")
        told = await watch.run()

        assert told.bad == {PRODUCT: State.UNKNOWN}
        assert LEDGER in {finding.key for finding in told.assessment.findings}
        assert set(account(told).unread) == {Part.DRILLS, Part.VERIFICATIONS}


async def test_a_restore_of_a_groups_database_is_a_proof_of_the_group(lab: Lab) -> None:
    both, test = pair(), Msdb("TEST01")
    test.database("Drill", checked=test.now - HOUR)
    test.restore("Drill", test.now - 2 * HOUR, both[1].backup("Ledger", test.now - 3 * HOUR), server="SQL02")
    async with lab.watch(*both, test, drills=1) as watch:
        told = await watch.run()

        assert [proof.object for proof in account(told).proofs] == ["Payroll/Ledger"]
        assert Level.FULL in {point.level for point in account(told).points}
