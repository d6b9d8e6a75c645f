"""SQL Server Agent's jobs: numbers that are dates, times and durations; jobs that are off, runs tried again."""

from __future__ import annotations

import pytest

from checks.backup.model import Outcome
from checks.contract import State
from testbeds.by_mssql import DAY, HOUR, LEDGER, Lab, account, nightly
from testbeds.msdb import Msdb

LOGS = "SQL01/DatabaseBackup - USER_DATABASES - LOG"
CLAIMED = [{"product": "sql", "object": "*/Ledger", "job": LOGS}]


async def test_a_job_that_is_off_and_never_ran_is_found(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    msdb.job("DatabaseBackup - USER_DATABASES - LOG", enabled=0)
    msdb.job("FullBackup", 1, 1, (20260921, 120000, 1222), due=(20260922, 120000))
    async with lab.watch(msdb, by=CLAIMED) as watch:
        told = await watch.run()

        assert told.bad == {LEDGER: State.WARNING}
        assert f"its job {LOGS[:60]} is switched off" in told.words(LEDGER)
        assert [run.job for run in account(told).runs if not run.object] == ["SQL01/FullBackup"]


async def test_times_and_durations_are_numbers_without_leading_zeros(lab: Lab) -> None:
    msdb = Msdb()  # 2026-09-21 15:13:20 BST
    msdb.job("night", 1, 1, (20260921, 500, 10806), due=(20260922, 500))
    async with lab.watch(msdb) as watch:
        told = account(await watch.run())

        (run,) = told.runs
        midnight = msdb.now - (15 * HOUR + 13 * 60 + 20)
        assert (run.started, run.ended) == (midnight + 300, midnight + 300 + 4086)
        assert told.jobs[0].next_run == midnight + 300 + DAY


@pytest.mark.parametrize(
    ("status", "outcome", "retries"),
    [
        (0, Outcome.FAILED, False), (1, Outcome.SUCCESS, False), (2, Outcome.FAILED, True),
        (3, Outcome.CANCELLED, False), (5, Outcome.UNKNOWN, False), (9, Outcome.UNKNOWN, False),
    ],
)  # fmt: skip
async def test_every_run_status(lab: Lab, status: int, outcome: Outcome, retries: bool) -> None:
    msdb = Msdb()
    msdb.job("night")
    msdb.ran("night", 20260921, 10000, status, words="The step failed.")
    msdb.ran("night", 20260921, 10001, 0, step=1)
    async with lab.watch(msdb) as watch:
        told = account(await watch.run())

        assert [(run.outcome, run.retries, run.message) for run in told.runs] == [
            (outcome, retries, "The step failed.")
        ]


async def test_a_job_that_failed_is_told_with_the_objects_that_depend_on_it(lab: Lab) -> None:
    msdb = Msdb()
    nightly(msdb)
    msdb.job(
        "DatabaseBackup - USER_DATABASES - LOG",
        1,
        0,
        (20260921, 150000, 9),
        "The job failed. No disk space.",
        (20260921, 160000),
    )
    async with lab.watch(msdb, by=[{"product": "sql", "object": "*/Ledger"}, {"product": "sql", "job": LOGS}]) as watch:
        told = await watch.run()

        assert told.bad == {LEDGER: State.WARNING}
        assert "No disk space" in told.words(LEDGER)


async def test_a_job_under_way_is_running_and_one_of_an_earlier_start_of_the_agent_is_not(lab: Lab) -> None:
    msdb = Msdb()
    msdb.job("night")
    msdb.job("gone")
    msdb.put("sysjobactivity", session_id=2, job_id="night", start_execution_date=msdb.text(msdb.now - 60))
    msdb.put("sysjobactivity", session_id=1, job_id="gone", start_execution_date=msdb.text(msdb.now - DAY))
    async with lab.watch(msdb) as watch:
        told = account(await watch.run())

        assert [(run.job, run.outcome, run.started) for run in told.runs] == [
            ("SQL01/night", Outcome.RUNNING, msdb.now - 60)
        ]


async def test_a_schedule_that_is_off_starts_nothing(lab: Lab) -> None:
    msdb = Msdb()
    msdb.job("on", due=(20260922, 0))
    msdb.job("off", due=(20260922, 0))
    msdb.tables.execute("UPDATE sysschedules SET enabled = 0 WHERE name = 'off'")
    async with lab.watch(msdb) as watch:
        told = account(await watch.run())

        assert {job.name: job.manual for job in told.jobs} == {"SQL01/on": False, "SQL01/off": True}
