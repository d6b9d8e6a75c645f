"""A catalogue in a real SQLite file: read, and never written; missing, locked, foreign, damaged."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from pathlib import Path

import pytest

from checks.contract import Reason, State
from checks.transports import Transports
from testbeds.backup_accounts import DAY
from testbeds.bacula_rows import NOW, SCHEMA, insert, job
from testbeds.by_backup import BackupWatch


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "bacula catalogue?.db"  # a name that an URI would cut
    rows = [*insert(job(1, NOW - 2 * DAY)), *insert(job(2, NOW - 7200, level="I"))]
    with contextlib.closing(sqlite3.connect(path)) as catalogue, catalogue:
        for statement in (*SCHEMA, *rows):
            catalogue.execute(statement)
    return path


def watch(transports: Transports, file: Path) -> BackupWatch:
    by = [{"product": "bacula", "object": "srv-ben:ledger"}]
    objects = {"ledger": {"owner": "Finance", "rpo": "26h", "by": by}}
    return BackupWatch(
        transports, {"products": {"bacula": {"product": "bacula", "file": str(file)}}, "objects": objects}, NOW
    )


async def test_it_is_read_and_nothing_in_it_or_beside_it_is_changed(file: Path, transports: Transports) -> None:
    before = (hashlib.sha256(file.read_bytes()).digest(), file.stat().st_mtime_ns, list(file.parent.iterdir()))

    told = await watch(transports, file).run()

    assert told.bad == {}
    assert told.value("last_restorable_timestamp_seconds", "ledger") == NOW - 7200
    assert before == (hashlib.sha256(file.read_bytes()).digest(), file.stat().st_mtime_ns, list(file.parent.iterdir()))


async def test_a_backup_whose_files_were_purged_counts_and_one_on_a_purged_volume_does_not(
    file: Path, transports: Transports
) -> None:
    watched = watch(transports, file)
    files = await watched.run()  # PurgedFiles is 1 in all rows
    with contextlib.closing(sqlite3.connect(file)) as catalogue, catalogue:
        catalogue.execute("UPDATE jobmedia SET mediaid = 2 WHERE jobid = 1")

    volume = await watched.run()

    assert files.bad == {}
    assert volume.bad == {"backup/protection/ledger": State.CRITICAL}


async def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, transports: Transports) -> None:
    told = await watch(transports, tmp_path / "none.db").run()

    assert told.observation.fault is not None and told.observation.fault.reason is Reason.LOCAL
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("octets", [b"", b"no database at all, and long enough to be none" * 100])
async def test_a_file_that_is_no_catalogue_is_said_to_be_none(
    octets: bytes, tmp_path: Path, transports: Transports
) -> None:
    (tmp_path / "other.db").write_bytes(octets)

    told = await watch(transports, tmp_path / "other.db").run()

    assert told.observation.fault is not None and told.observation.fault.reason is Reason.PROTOCOL
    assert "is it a catalogue of Bacula or Bareos?" in told.observation.fault.message


async def test_a_catalogue_that_its_director_holds_is_asked_again_later(file: Path, transports: Transports) -> None:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as director:
        director.execute("BEGIN EXCLUSIVE")

        told = await watch(transports, file).run(seconds=1.0)

    assert told.observation.fault is not None and told.observation.fault.reason is Reason.NO_ANSWER


async def test_an_empty_catalogue_is_not_taken_for_one_in_which_nothing_is_wrong(
    file: Path, transports: Transports
) -> None:
    with contextlib.closing(sqlite3.connect(file)) as catalogue, catalogue:
        catalogue.execute("DELETE FROM job")

    told = await watch(transports, file).run()

    assert "lists nothing at all" in told.words("backup/product/bacula")
