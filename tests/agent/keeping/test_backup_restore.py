"""What is kept comes back, on both databases and from one to the other; what was there stays beside it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from agent.keeping import older, restore, stage
from agent.keeping.archive import manifest_of
from agent.ledger import tables
from agent.ledger.batch import AgentSpan, Batch, Span
from agent.ledger.copying import tables_of
from agent.ledger.epochs import GAP, lineage_of
from agent.records import Cause
from checks.contract import State
from testbeds import kept
from testbeds.keeping import Home
from testbeds.peers import need
from testbeds.postgres import PostgresCluster

CHANGED_BY_RESTORE = ("ledger_info", "epochs", "incidents")


def test_a_restored_ledger_is_the_copy_in_a_new_epoch(home: Home) -> None:
    home.write(1)
    archive = home.backup()
    copy, before = home.rows(*CHANGED_BY_RESTORE), home.ask(lineage_of)
    home.write(100)
    later = home.ask(lineage_of)

    status = home.restore(archive)

    after = home.ask(lineage_of)
    assert status == 0
    assert home.rows(*CHANGED_BY_RESTORE) == copy
    assert home.incidents() == [f"RWY-{number}" for number in range(1, 6)]
    assert after.epoch not in (before.epoch, later.epoch)  # type: ignore[attr-defined]
    assert after.sequence == later.sequence + GAP  # type: ignore[attr-defined]
    assert {n: a.last for n, a in after.ancestors.items()} == {before.epoch: before.sequence}  # type: ignore[attr-defined]


def test_what_was_there_is_kept_beside_it_as_it_was(home: Home) -> None:
    home.write(1)
    archive = home.backup()
    home.write(100)
    home.estate.write_text(home.estate.read_text() + "# later\n")
    there = home.rows()

    home.restore(archive)

    [old] = [path for path in home.place.glob("ledger*.before-restore.*") if not path.name.endswith(("-wal", ".lock"))]
    assert Home(home.place, str(old)).rows() == there
    [estate] = home.place.glob("estate.yaml.before-restore.*")
    assert estate.read_text().endswith("# later\n")
    assert not home.estate.read_text().endswith("# later\n")


def test_a_restore_is_refused_while_an_agent_holds_the_ledger(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    home.write(1)
    archive = home.backup()
    with closing(home.opened()) as ledger:
        status = home.restore(archive)
        ledger.writer.submit(kept.changed("RWY-1")).result(30)

    said = capsys.readouterr()
    assert status == 1
    assert "in use by" in said.err and "process" in said.err
    assert len(home.incidents()) == 5


def test_the_next_start_after_a_restore_makes_no_further_epoch(home: Home) -> None:
    home.write(1)
    home.restore(home.backup())
    after = home.ask(lineage_of)

    home.write(50, 1)

    assert home.ask(lineage_of).epoch == after.epoch  # type: ignore[attr-defined]
    assert home.ask(lambda c: c.execute(select(func.max(tables.events.c.sequence))).scalar()) == after.sequence + 1  # type: ignore[attr-defined]


@pytest.mark.acceptance
def test_a_ledger_goes_from_sqlite_to_postgresql_and_back_by_archives(
    tmp_path: Path, postgres: PostgresCluster
) -> None:
    here, there = Home(tmp_path), Home(tmp_path, postgres.database())
    here.write(1)
    first = here.rows(*CHANGED_BY_RESTORE)

    there.restore(here.backup("one.tar"))
    middle = there.rows(*CHANGED_BY_RESTORE)
    here.restore(there.backup("two.tar"))

    assert first == middle == here.rows(*CHANGED_BY_RESTORE)
    assert manifest_of(tmp_path / "two.tar").ledger.database == "postgresql"
    there.write(60, 1)
    assert len(there.incidents()) == 6


def test_a_life_and_its_spans_end_where_the_copy_last_knew_them_alive(home: Home) -> None:
    cause = Cause("dacorum", "web", "tcp/9")
    with closing(home.opened()) as ledger:
        held = Span(cause, kept.NOW, kept.NOW, State.OK, "", ledger.run)
        life = AgentSpan(ledger.run, "hemel", kept.NOW, kept.NOW + 70)
        ledger.writer.submit(Batch(spans=(held,), agent_spans=(life,))).result(30)
        archive = home.backup()

    home.restore(archive)

    spans = home.ask(lambda c: [tuple(row) for row in c.execute(select(tables.spans.c.end, tables.spans.c.run))])
    assert spans == [(kept.NOW + 70, None)]


def test_notes_of_a_restored_incident_take_numbers_that_no_desk_has_seen(home: Home) -> None:
    home.write(1, 1)
    home.restore(home.backup())

    with closing(home.opened()) as ledger:
        state = ledger.load(kept.NOW)

    assert [incident.notes for incident in state.incidents.values()] == [restore.NOTES_GAP]


def test_a_copy_put_back_by_hand_is_noticed_at_the_next_start(simple: Home) -> None:
    simple.write(1)
    file = Path(simple.ledger)
    by_hand = file.read_bytes()
    before = simple.ask(lineage_of)
    simple.write(100)

    file.write_bytes(by_hand)
    for beside in ("-wal", "-shm"):
        file.with_name(file.name + beside).unlink(missing_ok=True)
    simple.write(200)

    after = simple.ask(lineage_of)
    assert before.epoch in after.ancestors  # type: ignore[attr-defined]
    assert after.sequence > GAP  # type: ignore[attr-defined]


def test_a_ledger_on_another_server_is_noticed_by_the_mark_in_the_state_directory(home: Home) -> None:
    home.write(1)
    before = home.ask(lineage_of)
    home.ask(lambda c: c.execute(tables.agent_spans.delete()))

    home.write(100)

    assert before.epoch in home.ask(lineage_of).ancestors  # type: ignore[attr-defined]


def test_an_old_ledger_that_is_damaged_is_put_aside_as_it_is(simple: Home) -> None:
    simple.write(1)
    archive = simple.backup()
    file = Path(simple.ledger)
    file.write_bytes(file.read_bytes()[:4096] + b"\xff" * 8192)
    file.with_name(file.name + "-wal").write_bytes(b"left by a crash")
    spoilt = file.read_bytes()

    status = simple.restore(archive)

    assert status == 0
    [old] = [path for path in simple.place.glob("ledger*.before-restore.*") if not path.name.endswith("-wal")]
    assert old.read_bytes() == spoilt
    assert old.with_name(old.name + "-wal").read_bytes() == b"left by a crash"
    assert not file.with_name(file.name + "-wal").exists()
    assert len(simple.incidents()) == 5


def test_only_the_estate_or_only_the_ledger_is_restored_when_asked(simple: Home) -> None:
    simple.write(1)
    archive = simple.backup()
    simple.write(100)
    simple.estate.write_text(simple.estate.read_text() + "# later\n")

    simple.restore(archive, "--only", "estate")
    after_estate = (len(simple.incidents()), "# later" in simple.estate.read_text())
    simple.estate.write_text(simple.estate.read_text() + "# later\n")
    simple.restore(archive, "--only", "ledger")

    assert after_estate == (10, False)
    assert (len(simple.incidents()), "# later" in simple.estate.read_text()) == (5, True)


def test_an_estate_of_several_files_comes_back_whole_with_own_profiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    own = tmp_path / "own"
    (own / "vendor").mkdir(parents=True)
    profile = own / "vendor" / "box.yaml"
    profile.write_text("profile: vendor/box\ntitle: Box\nsource: none\nproven: never\nextends: [generic]\n")
    monkeypatch.setenv("RIDGEWAY_PROFILES", str(own))
    directory = tmp_path / "estate.d"
    directory.mkdir()
    (directory / "one.yaml").write_text(
        home.estate.read_text().replace("tcp: {port: 9}", "snmp: {profile: vendor/box}")
    )
    (directory / "two.yaml").write_text("services: {web: {title: Web, council: dacorum, impact: low}}\n")
    home.estate = directory
    home.write(1)
    before = {file.name: file.read_text() for file in directory.iterdir()}
    archive = home.backup()
    (directory / "two.yaml").unlink()
    (directory / "three.yaml").write_text("services: {}\n")
    profile.write_text("spoilt")

    status = home.restore(archive)

    assert status == 0
    assert {file.name: file.read_text() for file in directory.iterdir()} == before
    assert profile.read_text() == "profile: vendor/box\ntitle: Box\nsource: none\nproven: never\nextends: [generic]\n"
    assert [path.name for path in tmp_path.glob("estate.d.before-restore.*/*")] in (
        ["one.yaml", "three.yaml"], ["three.yaml", "one.yaml"],
    )  # fmt: skip


def test_a_directory_with_more_than_an_estate_in_it_is_not_exchanged(
    simple: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = simple.place / "etc"
    directory.mkdir()
    (directory / "estate.yaml").write_text(simple.estate.read_text())
    (directory / "credentials").mkdir()
    simple.estate = directory
    simple.write(1)

    archive = simple.backup()
    simple.write(100)

    status = simple.restore(archive)

    assert status == 1
    assert "also holds credentials, which is no part of the estate" in capsys.readouterr().err
    assert (directory / "credentials").is_dir()
    assert len(simple.incidents()) == 10, "what is in the way is found before anything is changed"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("CREATE TABLE songs (title TEXT)", "more or less than a ledger's tables and columns (songs)"),
        ("ALTER TABLE incidents ADD COLUMN colour TEXT", "tables and columns (incidents.colour)"),
        ("UPDATE alembic_version SET version_num = '9999'", "written by a newer Ridgeway (schema 9999)"),
        ("DROP TABLE ledger_info", "is not what this Ridgeway made"),
    ],
)
@pytest.mark.acceptance
def test_a_database_that_holds_more_than_a_ledger_of_ours_is_left_alone(
    tmp_path: Path, postgres: PostgresCluster, capsys: pytest.CaptureFixture[str], statement: str, words: str
) -> None:
    home = Home(tmp_path, postgres.database())
    home.write(1)
    archive = home.backup()
    home.ask(lambda c: c.exec_driver_sql(statement))
    before = home.ask(lambda c: {table.name for table in tables_of(c)})

    status = home.restore(archive)

    assert status == 1
    assert words in capsys.readouterr().err
    assert home.ask(lambda c: {table.name for table in tables_of(c)}) == before
    assert home.ask(lambda c: c.exec_driver_sql("SELECT count(*) FROM incidents").scalar()) == 5


def test_a_database_of_another_program_is_not_put_aside(simple: Home, capsys: pytest.CaptureFixture[str]) -> None:
    simple.write(1)
    archive = simple.backup()
    other = simple.place / "other.sqlite3"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    before = other.read_bytes()

    status = Home(simple.place, str(other)).restore(archive)

    assert status == 1
    assert "tables that are not a ledger's (songs" in capsys.readouterr().err
    assert other.read_bytes() == before


def test_no_secret_is_in_an_archive_and_what_will_be_needed_is_listed(
    simple: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COMMUNITY", "hunter2-community")
    simple.write(1)

    archive = simple.backup("kept.tar")

    said = capsys.readouterr().out
    assert "Secrets are not in it" in said and "  env:COMMUNITY\n" in said
    assert b"hunter2" not in archive.read_bytes()
    assert manifest_of(archive).secrets == ("env:COMMUNITY",)


def test_an_estate_with_mistakes_is_left_out_and_the_ledger_is_kept_all_the_same(
    simple: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    simple.write(1)
    simple.estate.write_text(simple.estate.read_text().replace("env:COMMUNITY", "hunter2"))

    status = simple.run("backup", "make", str(simple.place / "kept.tar"))

    said = capsys.readouterr()
    assert status == 1
    assert f"{simple.estate}:" in said.err
    with tarfile.open(simple.place / "kept.tar") as tar:
        assert tar.getnames() == ["manifest.json", "ledger.sqlite3"]
    assert b"hunter2" not in (simple.place / "kept.tar").read_bytes()
    assert simple.restore(simple.place / "kept.tar") == 0


def test_older_archives_go_only_beyond_those_to_keep_and_strangers_stay(simple: Home) -> None:
    simple.write(1)
    made = []
    for day in range(20260101, 20260106):
        path = simple.place / f"ridgeway-test-{day}.tar"
        simple.backup(path.name)
        made.append(path)
    stranger = simple.place / "ridgeway-test-20250101.tar"
    stranger.write_bytes(b"not ours")
    other = Home(simple.place / "..", simple.ledger)

    status = simple.run("backup", "make", str(simple.place / "ridgeway-test-20260106.tar"), "--keep", "3")

    left = sorted(path.name for path in simple.place.glob("ridgeway-test-*.tar"))
    assert status == 0
    assert left == [f"ridgeway-test-{day}.tar" for day in (20250101, 20260104, 20260105, 20260106)]
    assert other.estate.exists()


def test_a_backup_into_a_directory_is_named_after_estate_and_time(simple: Home) -> None:
    simple.write(1)
    backups = simple.place / "backups"
    backups.mkdir()

    statuses = [simple.run("backup", str(backups), "--keep", "1")]

    [archive] = backups.iterdir()
    assert statuses == [0]
    assert archive.name.startswith("ridgeway-test-20") and archive.name.endswith("Z.tar.gz")
    assert archive.stat().st_mode & 0o777 == 0o600
    assert older.has_moment(archive)


def test_restore_asks_and_without_a_terminal_needs_yes(simple: Home, capsys: pytest.CaptureFixture[str]) -> None:
    simple.write(1)
    archive = simple.backup()

    status = simple.run("restore", str(archive))

    assert status == 2
    assert "say --yes if you mean it" in capsys.readouterr().err


def test_restore_says_how_old_the_copy_is_and_what_would_be_lost(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    home.write(1)
    archive = home.backup()
    home.write(100, 7)
    capsys.readouterr()

    home.restore(archive)

    said = capsys.readouterr().out
    assert "with 5 open incidents" in said
    assert "holds 7 events that the copy does not know" in said
    assert "these cannot be read here and now:\n  env:COMMUNITY" in said


def test_json_of_backup_and_verify_are_documents(simple: Home, capsys: pytest.CaptureFixture[str]) -> None:
    simple.write(1)
    capsys.readouterr()
    simple.run("backup", "make", str(simple.place / "kept.tar.xz"), "--json")
    made = json.loads(capsys.readouterr().out)
    simple_answer = subprocess.run(
        [str(Path(sys.executable).parent / "ridgeway"), "backup", "verify", made["file"], "--json"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    verified = json.loads(simple_answer.stdout)
    assert simple_answer.returncode == 0
    assert verified["whole"] is True
    assert verified["manifest"] == made["manifest"]


def test_a_stage_left_by_a_killed_process_is_removed_and_one_in_use_is_not(tmp_path: Path) -> None:
    left = tmp_path / ".ridgeway-stage-left"
    left.mkdir()
    (left / ".lock").touch()

    with stage.staging(tmp_path) as first, stage.staging(tmp_path) as second:
        there = set(tmp_path.iterdir())

    assert there == {first, second}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.acceptance
def test_a_full_disk_leaves_the_old_archive_and_no_rubbish(
    simple: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount the small file system that this test fills")
    need("mount")
    simple.write(1)
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "ridgeway-test", str(disk)], check=True)
    try:
        assert simple.run("backup", "make", str(disk / "kept.tar.gz")) == 0
        before = (disk / "kept.tar.gz").read_bytes()
        for room in range(0, 400_000, 50_000):
            filler = disk / "filler"
            filler.write_bytes(b"\0" * (os.statvfs(disk).f_bavail * 4096 - room))
            status = simple.run("backup", "make", str(disk / "kept.tar.gz"))
            filler.unlink()
            if status == 0:
                break
            assert (disk / "kept.tar.gz").read_bytes() == before
            assert sorted(path.name for path in disk.iterdir()) == ["kept.tar.gz"]
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)

    said = capsys.readouterr().err
    assert status == 0 and room > 0, "with room it works again"
    assert "No backup was made" in said and ("full" in said or "No space left" in said)


def test_a_damaged_ledger_is_not_kept_as_if_it_were_whole(simple: Home, capsys: pytest.CaptureFixture[str]) -> None:
    simple.write(1)
    file = Path(simple.ledger)
    whole = bytearray(file.read_bytes())
    whole[4096 * 3 : 4096 * 5] = b"\xff" * 8192
    file.write_bytes(whole)

    status = simple.run("backup", "make", str(simple.place / "kept.tar"))

    assert status == 1
    assert "No backup was made" in capsys.readouterr().err
    assert not (simple.place / "kept.tar").exists()
