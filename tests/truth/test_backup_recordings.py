"""Outputs of real backup tools on throw-away data: healthy, empty, damaged, with their database down."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from checks.backup.model import Account, Level, Outcome
from checks.backup.products import barman, borg, pgbackrest, restic
from checks.backup.products.bacula import catalogue, reading
from checks.backup.products.mssql import rows as mssql
from checks.backup.products.proxmox import vzdump
from checks.backup.tools import Output
from checks.transports.aside import Tether

pytestmark = pytest.mark.truth
NOW = 1_795_420_000.0
UTC = ZoneInfo("UTC")


def printed(name: str, status: int = 0) -> Output:
    """What a tool printed, with the exit status that it had."""
    return Output(recorded(f"own-lab/{name}"), "", status, name)


def recorded(name: str) -> str:
    file = Path(os.environ.get("RIDGEWAY_RECORDINGS", "absent")) / "backup" / name
    if not file.is_file():
        pytest.skip("no recording: set RIDGEWAY_RECORDINGS to the directory that holds them")
    return file.read_text()


def bacula(file: Path) -> Account:
    """The catalogue of Bacula 9.6.7, put together again from its schema and its rows."""
    with contextlib.closing(sqlite3.connect(file)) as made, made:
        made.executescript(recorded("own-lab/bacula-9.6.7/bacula967_schema.sql"))
        for table in ("Client", "FileSet", "Job", "JobMedia", "Log", "Media", "Pool"):
            for row in json.loads(recorded(f"own-lab/bacula-9.6.7/bacula967_{table}.json")):
                names, marks = ", ".join(row), ", ".join("?" * len(row))
                made.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))
    since = NOW - 45 * 86_400
    told = catalogue.catalogue_of(catalogue.At(str(file)), since, Tether(time.monotonic() + 10))
    return reading.account(told, UTC, NOW, since)


@pytest.mark.parametrize(("version", "sizes"), [("014", False), ("018", True)])
def test_snapshots_of_both_generations_of_restic(version: str, sizes: bool) -> None:
    found = restic.account("r", printed(f"restic/restic{version}_snapshots.json"), NOW)

    assert len(found.points) == len(found.runs) > 0
    assert {run.outcome for run in found.runs} == {Outcome.SUCCESS}
    assert all((run.bytes is not None) is sizes for run in found.runs)
    assert "srv01:/srv/lab/src" in found.objects


@pytest.mark.parametrize("version", ["1.2.4", "1.4.5"])
def test_archives_of_both_generations_of_borg(version: str) -> None:
    found = borg.account("r", printed(f"borg/borg{version}_list.json"), NOW)

    assert found.points
    assert all(1_795_000_000 < point.at < NOW for point in found.points)


def test_backups_of_pgbackrest_and_the_size_of_what_was_copied() -> None:
    found = pgbackrest.account(printed("pgbackrest-2.45/info_ok.json"), pgbackrest.Log(), NOW)

    assert [run.level for run in found.runs] == [Level.FULL, Level.INCREMENTAL]
    assert [run.bytes for run in found.runs] == [24_811_222, 2_613_514]
    assert [(stock.repository, stock.count) for stock in found.stocks] == [("main/repo1", 2)]
    assert found.repositories[0].online is True


def test_a_stanza_without_backups_is_there_and_protects_nothing() -> None:
    found = pgbackrest.account(printed("pgbackrest-2.45/info_nobackup.json"), pgbackrest.Log(), NOW)

    assert found.objects == ("main",)
    assert (found.points, found.stocks[0].count) == ((), 0)


def test_damage_after_the_backup_is_not_seen_by_info() -> None:
    found = pgbackrest.account(printed("pgbackrest-2.45/info_after_flip.json"), pgbackrest.Log(), NOW)

    assert {run.outcome for run in found.runs} == {Outcome.SUCCESS}


def test_a_backup_of_barman_began_when_its_own_report_says() -> None:
    listed, checked = printed("barman-3.4/list_backup.json"), printed("barman-3.4/check_onebackup.json", 1)

    found = barman.account(listed, checked, UTC, NOW)

    assert [(run.outcome, run.started) for run in found.runs] == [(Outcome.SUCCESS, 1_795_412_319.0)]
    assert [job.why for job in found.jobs] == [""]  # too few backups are the estate's own rule


def test_a_database_that_is_down_is_one_cause_and_not_five() -> None:
    listed, checked = printed("barman-3.4/list_backup.json"), printed("barman-3.4/check_pgdown.json", 1)

    found = barman.account(listed, checked, UTC, NOW)

    assert [job.why for job in found.jobs] == ["the database does not answer"]


def test_ok_with_warnings_is_partial_and_a_cancelled_and_a_fatal_run_are_none(tmp_path: Path) -> None:
    found = bacula(tmp_path / "bacula.db")

    assert {(run.job, run.level): run.outcome for run in found.runs} == {
        ("nightly-srv01", Level.FULL): Outcome.SUCCESS, ("nightly-srv01", Level.INCREMENTAL): Outcome.SUCCESS,
        ("nightly-missing", Level.FULL): Outcome.PARTIAL, ("nightly-fatal", Level.FULL): Outcome.FAILED,
        ("nightly-big", Level.FULL): Outcome.CANCELLED,
    }  # fmt: skip
    assert [(point.object, point.at) for point in found.points] == [
        ("lab-fd:FS1", 1_795_412_110.0), ("lab-fd:FSbad", 1_795_412_114.0), ("lab-fd:FS1", 1_795_412_120.0),
    ]  # fmt: skip
    assert found.unread == {}


def test_verifications_and_restores_of_bacula_before_and_after_the_damage(tmp_path: Path) -> None:
    found = bacula(tmp_path / "bacula.db")

    assert [(one.object, one.sound) for one in reversed(found.verifications)] == [
        ("lab-fd:FS1", True), ("lab-fd:FS1", False),
    ]  # fmt: skip
    assert [(one.object, one.passed) for one in reversed(found.proofs)] == [
        ("lab-fd:FS1", True), ("lab-fd:FS1", False),
    ]  # fmt: skip
    assert "not correct" in found.proofs[0].message


def test_jobs_as_bareos_documents_them(tmp_path: Path) -> None:
    rows = json.loads(recorded("bareos/bareos_api2_llist_jobs_documented.json"))["result"]["jobs"]
    typed = [
        {name.lower(): int(value) if value.isdigit() else value for name, value in row.items()}
        | {"client": row["clientname"], "pool": row["poolname"], "jobbytes": 0}
        for row in rows
    ]

    told = catalogue.Catalogue(typed[::-1], [{"jobid": 1, "lost": 0}], [], [])
    found = reading.account(told, ZoneInfo("Europe/Berlin"), 1_435_250_000.0, 1_435_000_000.0)

    assert [(run.object, run.level, run.files) for run in found.runs] == [
        ("ting.dass-it-fd:SelfTest", Level.INCREMENTAL, 0), ("ting.dass-it-fd:SelfTest", Level.FULL, 18),
    ]  # fmt: skip
    assert found.unread == {}


def test_a_job_of_proxmox_that_ended_well_and_took_none_of_the_disks_protected_nothing() -> None:
    file = Path(os.environ.get("RIDGEWAY_RECORDINGS", "absent")) / "backup/checkmk/proxmox_ve-backup-2023-09-23.log"
    if not file.is_file():
        pytest.skip("no recording: set RIDGEWAY_RECORDINGS to the directory that holds them")

    log = vzdump.read(file.read_text().splitlines())

    assert log.last == "OK"
    (guest,) = log.guests
    assert log.outcome(guest, over=True) is Outcome.SUCCESS  # of its own words; what was left out is told beside them
    assert guest.left == {"scsi0": "backup=no", "scsi1": "backup=no"}
    assert guest.nothing
    assert guest.words == "left out: scsi0 (backup=no), scsi1 (backup=no); its archive has 2048 bytes; pruned 1 older"
    assert (guest.name, guest.written, guest.read, guest.seconds) == ("vm/255", 2048, 128 * 1024, 0)


def agent_jobs(recorded_rows: list[list[str]]) -> list[dict[str, object]]:
    """Rows of a recorded instance with the names that the question gives its columns; numbers are numbers there."""
    columns = (
        "",
        "name",
        "enabled",
        "due",
        "at",
        "outcome",
        "message",
        "run_date",
        "run_time",
        "duration",
        "schedules",
    )
    made = []
    for recorded_row in recorded_rows:
        row: dict[str, object] = dict(zip(columns, recorded_row, strict=False))
        for name in {*columns} - {"", "name", "message"}:
            text = str(row[name])
            row[name] = int(text) if text else None
        due, at = row["due"], row["at"]
        made.append({**row, "next_run": due * 1_000_000 + at if isinstance(due, int) and isinstance(at, int) else None})
    return made


def test_an_instance_whose_four_jobs_of_backups_are_switched_off_and_never_ran() -> None:
    said = json.loads(recorded("checkmk/mssql_jobs_agent_rows.json"))
    rows = agent_jobs(said["rows"])

    jobs = {job.name: job for job in mssql.jobs(rows, "SERVICES", UTC)}
    runs = {run.job: run for run in mssql.job_runs(rows, "SERVICES", UTC)}

    off = {name for name, job in jobs.items() if job.enabled is False and "DatabaseBackup" in name}
    assert len(off) == 4
    assert off.isdisjoint(runs)
    full = runs["SERVICES/FullBackup.FullBackup"]
    assert (full.outcome, full.started, full.ended) == (Outcome.SUCCESS, 1_734_552_000.0, 1_734_552_000.0 + 742)
    assert jobs["SERVICES/FullBackup.FullBackup"].next_run == 1_734_638_400.0


def test_a_job_that_failed_and_one_that_took_more_than_an_hour() -> None:
    rows = agent_jobs(json.loads(recorded("checkmk/mssql_jobs_agent_rows.json"))["other_instance_MSSQLSERVER"])

    failed, long = mssql.job_runs(rows, "S", UTC)

    assert (failed.job, failed.outcome) == ("S/Wartung Stündlich", Outcome.FAILED)
    assert "non-existent step" in failed.message
    assert (long.ended or 0.0) - (long.started or 0.0) == 3600 + 8 * 60 + 6
