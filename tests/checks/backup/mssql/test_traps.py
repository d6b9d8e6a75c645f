"""What msdb's rows mean, each trap by name: read by SQL from an instance, and judged."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from checks.backup.model import Level, Outcome, Part
from checks.contract import State
from testbeds.by_mssql import DAY, HOUR, LEDGER, Lab, account, nightly
from testbeds.msdb import Msdb

PRODUCT = "backup/product/sql"


async def test_a_backup_that_failed_leaves_no_row_so_its_age_tells(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    async with lab.watch(msdb) as watch:
        assert (await watch.run()).bad == {}

        told = await watch.run(msdb.now + 25 * HOUR)

        assert told.bad == {LEDGER: State.CRITICAL}
        assert "1 d 3 h ago, 27 h of data at risk; RPO 1d2h" in told.words(LEDGER)


async def test_a_database_without_any_row_is_found_and_tempdb_and_the_servers_own_are_not(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    msdb.database("tempdb")
    msdb.database("Planning")
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert told.bad == {"backup/undeclared/sql": State.WARNING}
        assert account(told).objects == ("SQL01/Ledger", "SQL01/Planning")


async def test_a_declared_database_that_was_never_backed_up_is_critical(lab: Lab) -> None:
    msdb = Msdb()
    msdb.database("Ledger")
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert told.bad == {LEDGER: State.CRITICAL}
        assert "there is no restore point" in told.words(LEDGER)


async def test_databases_that_are_offline_or_being_restored_need_not_be_declared(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    msdb.database("Old", state=6)
    msdb.database("Standby", state=1)
    msdb.put("databases", name="Ledger_snapshot", state=0, is_read_only=1, recovery_model=1, source_database_id=5)
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert account(told).objects == ("SQL01/Ledger",)


@pytest.mark.parametrize("nights", [3, 30])
async def test_a_database_in_full_recovery_without_log_backups_fails_though_its_full_is_green(
    lab: Lab, nights: int
) -> None:
    msdb = Msdb()
    nightly(msdb, nights, recovery=1)
    async with lab.watch(msdb, rpo="1h") as hourly, lab.watch(msdb) as daily:
        late, silent = await hourly.run(), await daily.run()

        assert late.bad == {LEDGER: State.CRITICAL}
        assert silent.bad == {LEDGER: State.WARNING}
        assert "no log has been backed up" in silent.words(LEDGER)


@pytest.mark.parametrize(("recovery", "read_only"), [(3, 0), (1, 1)])
async def test_simple_recovery_and_read_only_databases_need_no_log_backups(
    lab: Lab, recovery: int, read_only: int
) -> None:
    msdb = Msdb()
    msdb.database("Ledger", recovery, read_only=read_only)
    for night in (3, 2, 1):
        msdb.backup("Ledger", msdb.now - night * DAY + 22 * HOUR)
    async with lab.watch(msdb) as watch:
        assert (await watch.run()).bad == {}


async def test_the_silence_of_the_logs_is_told_for_as_long_as_it_lasts_and_takes_no_point_away(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb, 5, recovery=1)
    async with lab.watch(msdb) as watch:
        for night in range(6):
            now = msdb.now + (DAY if night else 0)
            if night:
                msdb.backup("Ledger", now - 2 * HOUR)

            told = await watch.run(now)

            assert told.bad == {LEDGER: State.WARNING}
            assert "no log has been backed up" in told.words(LEDGER)
            assert told.value("last_restorable_timestamp_seconds", "ledger") == now - 2 * HOUR


async def test_log_backups_that_begin_again_close_what_their_absence_opened(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb, recovery=1)
    async with lab.watch(msdb) as watch:
        await watch.run()
        full = msdb.backup("Ledger", msdb.now + 1)
        msdb.backup("Ledger", msdb.now + HOUR, "L", begins=int(full["first_lsn"]), lasts=30, seconds=60)

        told = await watch.run(msdb.now + 2 * HOUR)

        assert told.bad == {}


async def test_the_restorable_point_is_the_end_of_an_unbroken_chain_of_logs(lab: Lab) -> None:
    msdb = Msdb()
    msdb.database("Ledger")
    full = msdb.backup("Ledger", msdb.now - 10 * HOUR)
    first = int(full["first_lsn"])
    for at in range(9):
        msdb.backup("Ledger", msdb.now - (9 - at) * HOUR, "L", begins=first + 20 * at, lasts=20, seconds=60)
    async with lab.watch(msdb, rpo="90m") as watch:
        told = await watch.run()

        assert told.bad == {}
        assert told.value("last_restorable_timestamp_seconds", "ledger") == msdb.now - HOUR - 60


async def test_a_gap_in_the_log_ends_what_can_be_restored_until_the_next_full(lab: Lab) -> None:
    msdb = Msdb()
    msdb.database("Ledger")
    first = int(msdb.backup("Ledger", msdb.now - 10 * HOUR)["first_lsn"])
    msdb.backup("Ledger", msdb.now - 9 * HOUR, "L", begins=first, lasts=20, seconds=60)
    for at in range(3, 9):  # the log from first + 20 to first + 60 was never backed up
        msdb.backup("Ledger", msdb.now - (9 - at) * HOUR, "L", begins=first + 20 * at, lasts=20, seconds=60)
    async with lab.watch(msdb, rpo="90m") as watch:
        broken = await watch.run()
        msdb.backup("Ledger", msdb.now, begins=first + 180, lasts=5)
        msdb.backup("Ledger", msdb.now + HOUR, "L", begins=first + 180, lasts=40, seconds=60)
        mended = await watch.run(msdb.now + HOUR)

        assert broken.bad == {LEDGER: State.CRITICAL}
        assert broken.value("last_restorable_timestamp_seconds", "ledger") == msdb.now - HOUR - 9 * HOUR - 60
        assert mended.bad == {}
        assert mended.value("last_restorable_timestamp_seconds", "ledger") == msdb.now - 60


async def test_logs_after_the_database_was_restored_do_not_go_on_from_the_full_before(lab: Lab) -> None:
    msdb = Msdb()
    msdb.database("Ledger")
    first = int(msdb.backup("Ledger", msdb.now - 10 * HOUR)["first_lsn"])
    msdb.backup("Ledger", msdb.now - HOUR, "L", begins=first, lasts=20, last_recovery_fork_guid="F2")
    async with lab.watch(msdb) as watch:
        points = account(await watch.run()).points

        assert [point.level for point in points] == [Level.FULL]


async def test_a_differential_counts_with_its_full_and_not_without(lab: Lab) -> None:
    msdb = Msdb()
    msdb.database("Ledger", 3)
    full = msdb.backup("Ledger", msdb.now - 40 * DAY)
    msdb.backup("Ledger", msdb.now - 2 * HOUR, "I", differential_base_guid=full["backup_set_uuid"])
    msdb.backup("Ledger", msdb.now - HOUR, "I", differential_base_guid="00000000-AAAA-0000-0000-000000000000")
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert told.bad == {}
        assert told.value("last_restorable_timestamp_seconds", "ledger") == msdb.now - 2 * HOUR
        assert [point.bytes for point in account(told).points] == [10**9, 2 * 10**9]


async def test_a_copy_only_full_carries_no_differential_and_carries_logs(lab: Lab) -> None:
    msdb = Msdb()
    msdb.database("Ledger")
    copy = msdb.backup("Ledger", msdb.now - 10 * HOUR, is_copy_only=1)
    msdb.backup("Ledger", msdb.now - 9 * HOUR, "I", differential_base_guid=copy["backup_set_uuid"])
    msdb.backup("Ledger", msdb.now - 8 * HOUR, "L", begins=int(copy["first_lsn"]), lasts=50, seconds=60)
    async with lab.watch(msdb) as watch:
        points = account(await watch.run()).points

        assert [(point.level, point.at) for point in points] == [
            (Level.FULL, msdb.now - 10 * HOUR), (Level.LOG, msdb.now - 8 * HOUR - 60),
        ]  # fmt: skip


async def test_an_image_of_another_product_is_no_point_and_says_who_made_it(lab: Lab) -> None:
    msdb = Msdb()
    msdb.database("Ledger", 3)
    image = {"device": 7, "path": "{7B1E}1", "is_snapshot": 1, "user_name": r"NT AUTHORITY\SYSTEM"}
    msdb.backup("Ledger", msdb.now - HOUR, **image)
    async with lab.watch(msdb) as strict, lab.watch(msdb, said={"images": True}) as trusting:
        refused, counted = await strict.run(), await trusting.run()

        assert refused.bad == {LEDGER: State.CRITICAL}
        assert r"only image by NT AUTHORITY\SYSTEM: whether it was kept, that product tells" in refused.words(LEDGER)
        assert account(refused).points == ()
        assert counted.bad == {}
        assert [point.repository for point in account(counted).points] == [r"image by NT AUTHORITY\SYSTEM"]


async def test_an_image_before_the_first_backup_says_nothing_any_more(lab: Lab) -> None:
    msdb = Msdb()
    msdb.database("Ledger", 3)
    msdb.backup("Ledger", msdb.now - 2 * HOUR, device=7, is_snapshot=1)
    msdb.backup("Ledger", msdb.now - HOUR)
    async with lab.watch(msdb) as watch:
        assert (await watch.run()).bad == {}


async def test_a_differential_on_an_image_is_not_restored_by_sql_server_alone(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    image = msdb.backup("Ledger", msdb.now - 2000, device=7, is_snapshot=1)
    msdb.backup("Ledger", msdb.now - 1000, "I", differential_base_guid=image["backup_set_uuid"])
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert told.value("last_restorable_timestamp_seconds", "ledger") == msdb.now - 2 * HOUR
        assert {run.job for run in account(told).runs} == {"full backup", "differential backup"}


async def test_a_stream_to_a_virtual_device_counts_and_its_place_says_so(lab: Lab) -> None:
    msdb = Msdb()
    msdb.database("Ledger", 3)
    msdb.backup("Ledger", msdb.now - HOUR, device=7, path="VDI_0E7")
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert told.bad == {}
        assert [point.repository for point in account(told).points] == ["virtual device"]


async def test_a_backup_to_the_null_device_protects_nothing_and_breaks_the_log(lab: Lab) -> None:
    msdb = Msdb()
    msdb.database("Ledger")
    first = int(msdb.backup("Ledger", msdb.now - 10 * HOUR)["first_lsn"])
    msdb.backup("Ledger", msdb.now - 9 * HOUR, "L", begins=first, lasts=20, seconds=60)
    msdb.backup("Ledger", msdb.now - 8 * HOUR, "L", begins=first + 20, lasts=20, path="NUL")
    msdb.backup("Ledger", msdb.now - 7 * HOUR, "L", begins=first + 40, lasts=20)
    msdb.backup("Ledger", msdb.now - HOUR, path="nul:", begins=first + 60)
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert told.bad == {LEDGER: State.CRITICAL}
        assert "ended well and protected nothing" in told.words(LEDGER)
        assert told.value("last_restorable_timestamp_seconds", "ledger") == msdb.now - 9 * HOUR - 60


async def test_a_database_that_was_damaged_when_it_was_taken_is_told(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    msdb.backup("Ledger", msdb.now - HOUR, is_damaged=1)
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert told.bad == {LEDGER: State.WARNING, "backup/verified/ledger": State.CRITICAL}
        assert "damaged when it was taken" in told.words(LEDGER)
        assert told.value("last_restorable_timestamp_seconds", "ledger") == msdb.now - 2 * HOUR


async def test_files_and_partial_backups_do_not_bring_a_whole_database_back(lab: Lab) -> None:
    msdb = Msdb()
    msdb.database("Ledger", 3)
    for kind in "FGPQ":
        msdb.backup("Ledger", msdb.now - HOUR, kind)
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert told.bad == {LEDGER: State.CRITICAL}
        assert {(run.level, run.outcome) for run in account(told).runs} == {(Level.OTHER, Outcome.SUCCESS)}


async def test_a_type_that_nobody_knows_is_unknown_and_no_point(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    msdb.backup("Ledger", msdb.now - HOUR, "Z")
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert told.bad == {LEDGER: State.UNKNOWN}
        assert told.value("last_restorable_timestamp_seconds", "ledger") == msdb.now - 2 * HOUR


async def test_a_time_without_its_zone_is_of_the_servers_own_offset(lab: Lab) -> None:
    msdb = Msdb(zone=ZoneInfo("America/New_York"))
    msdb.database("Ledger", 3)
    msdb.backup("Ledger", msdb.now - 5 * HOUR, time_zone=127)
    msdb.backup("Ledger", msdb.now - HOUR, time_zone=None)
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert [point.at for point in account(told).points] == [msdb.now - 5 * HOUR, msdb.now - HOUR]


async def test_a_time_with_its_zone_is_right_across_the_end_of_summer_time(lab: Lab) -> None:
    second = 1_792_891_800.0  # 2026-10-25 01:30 GMT, an hour after 01:30 BST
    msdb = Msdb(now=second + HOUR)
    msdb.database("Ledger", 3)
    msdb.backup("Ledger", second - HOUR)
    msdb.backup("Ledger", second)
    msdb.backup("Ledger", second + 60, time_zone=127)
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert [point.at for point in account(told).points] == [second - HOUR, second, second + 60 - HOUR]


async def test_rows_that_a_restore_copied_are_no_backups_of_this_server(lab: Lab) -> None:
    origin, msdb = Msdb(), Msdb()
    msdb.database("Ledger", 3)
    msdb.restore("Ledger", msdb.now - HOUR, origin.backup("Ledger", msdb.now - 2 * HOUR), server="SQL99")
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert told.bad == {LEDGER: State.CRITICAL}


async def test_master_and_msdb_are_the_servers_own_configuration(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    async with lab.watch(msdb) as watch:
        watch.check.options["server_backup_within"] = "7d"
        saved = await watch.run()
        msdb.tables.execute("DELETE FROM backupset WHERE database_name = 'msdb'")
        lost = await watch.run()

        assert account(saved).server_backup == msdb.now - 2 * HOUR
        assert saved.bad == {}
        assert account(lost).server_backup == msdb.now - 2 * HOUR  # what was read once is remembered

    async with lab.watch(msdb) as watch:
        watch.check.options["server_backup_within"] = "7d"
        never = await watch.run()

        assert never.bad == {"backup/server/sql": State.WARNING}


async def test_where_a_backup_lies_can_be_named_by_the_estate(lab: Lab) -> None:
    msdb = Msdb()
    msdb.database("Ledger", 3)
    paths = {
        r"\\nas01\sql\SQL01\Ledger\x.bak": r"\\nas01\sql", r"D:\Backup\x.bak": "SQL01 D:",
        "/var/opt/x.bak": "SQL01 /var",
        "https://dacorum.blob.core.windows.net/sql/x.bak?sig=SECRET": "https://dacorum.blob.core.windows.net/sql",
        "x.bak": "SQL01 disk",
    }  # fmt: skip
    for at, path in enumerate(paths):
        msdb.backup("Ledger", msdb.now - (10 - at) * HOUR, path=path)
    msdb.backup("Ledger", msdb.now - HOUR, device=105, path=r"\\.\Tape0")
    async with lab.watch(msdb) as watch:
        told = await watch.run()

        assert [point.repository for point in account(told).points] == [*paths.values(), "tape"]
        assert Part.REPOSITORIES not in account(told).has
