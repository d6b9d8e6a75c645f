"""Opening a ledger: refused with a reason and a remedy, or right."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from agent.ledger.batch import Batch
from agent.ledger.database import database_at
from agent.ledger.errors import LedgerInUse, LedgerTooNew, LedgerUnavailable, LedgerUnusable
from agent.ledger.ledger import Ledger
from agent.ledger.read import Reader
from testbeds import kept
from testbeds.postgres import PostgresCluster


def _open(location: Path | str, **options: object) -> Ledger:
    return Ledger.open(location, clock=lambda: kept.NOW, vantage="hemel", **options)  # type: ignore[arg-type]


def test_a_second_agent_is_refused_and_told_who_holds_the_ledger(open_ledger: Callable[..., Ledger]) -> None:
    open_ledger()

    with pytest.raises(LedgerInUse, match=rf"in use by .*process {os.getpid()}, vantage hemel"):
        open_ledger(vantage="berkhamsted")


def test_the_ledger_is_free_again_when_its_agent_has_closed_it(open_ledger: Callable[..., Ledger]) -> None:
    open_ledger().close()

    assert open_ledger().health.ok


def test_a_killed_agent_leaves_no_lock_behind(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    script = (
        "import os, signal, sys; from agent.ledger.ledger import Ledger\n"
        "Ledger.open(sys.argv[1], clock=lambda: 1.0, vantage='hemel'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, check=False)
    assert killed.returncode == -9

    with closing(_open(path)) as ledger:
        last = ledger.load(kept.NOW).last_life

    assert last is not None
    assert not last.clean


def test_the_file_is_for_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    before = os.umask(0)
    try:
        with closing(_open(path)) as ledger:
            ledger.writer.submit(kept.changed()).exception(30)
            modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}
    finally:
        os.umask(before)

    assert set(modes.values()) == {0o600}
    assert {"ledger.sqlite3", "ledger.sqlite3-wal", "ledger.sqlite3.lock"} <= set(modes)


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    _open(path).close()
    path.chmod(0o644)

    _open(path).close()

    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.parent.rmdir(), "the directory of the ledger is missing: .* mkdir -p"),
        (lambda path: path.mkdir(), "the ledger's path is a directory"),
        (lambda path: path.write_text("not a database " * 100), "is not a ledger .* choose another path"),
        (lambda path: path.write_bytes(_damaged(path)), "is damaged; stop the agent, keep a copy, and restore"),
    ],
    ids=["missing directory", "directory", "text file", "damaged"],
)
def test_an_unusable_path_is_refused_with_what_to_do(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    path = tmp_path / "state" / "ledger.sqlite3"
    path.parent.mkdir()
    make(path)

    with pytest.raises(LedgerUnusable, match=message):
        _open(path)


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite3"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE songs (title)")

    with pytest.raises(LedgerUnusable, match=r"tables that are not a ledger's \(songs"):
        _open(path)

    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]


def test_a_read_only_ledger_is_refused(tmp_path: Path) -> None:
    if os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(tmp_path)], check=False).returncode:
        pytest.skip("making a file system read-only needs root")
    path = tmp_path / "ledger.sqlite3"
    _open(path).close()
    try:
        _read_only(tmp_path)

        with pytest.raises((LedgerUnusable, LedgerUnavailable), match=r"not writable|[Rr]ead-only"):
            _open(path)
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=False, capture_output=True)


def test_a_newer_schema_is_refused_and_left_as_it_is(open_ledger: Callable[..., Ledger]) -> None:
    ledger = open_ledger()
    ledger.writer.call(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    ledger.close()

    with pytest.raises(LedgerTooNew, match=r"newer Ridgeway \(schema 9999, this one knows 0005\); install"):
        open_ledger()


def test_after_a_refusal_the_lock_is_free(open_ledger: Callable[..., Ledger]) -> None:
    ledger = open_ledger()
    ledger.writer.call(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    ledger.close()
    with pytest.raises(LedgerTooNew):
        open_ledger()

    with pytest.raises(LedgerTooNew):  # and not LedgerInUse
        open_ledger()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://user:hunter2@host/name", "cannot keep a ledger in mysql; use a file path"),
        ("sqlite://", "a ledger in memory keeps nothing"),
    ],
)
def test_a_database_we_cannot_use_is_refused_without_its_password(url: str, message: str) -> None:
    with pytest.raises(LedgerUnusable, match=message) as refused:
        database_at(url)

    assert "hunter2" not in str(refused.value)


def test_a_postgresql_that_is_not_there_is_named_without_its_password() -> None:
    with pytest.raises(LedgerUnavailable, match=r"postgresql://jo:\*\*\*@127.0.0.1:1/ledger cannot be used") as away:
        _open("postgresql://jo:hunter2@127.0.0.1:1/ledger")

    assert "hunter2" not in str(away.value)


@pytest.mark.acceptance
def test_a_postgresql_database_that_does_not_exist_is_refused(postgres: PostgresCluster) -> None:
    url = postgres.database().rsplit("/", 1)[0] + "/nowhere"

    with pytest.raises((LedgerUnusable, LedgerUnavailable), match="does not exist"):
        _open(url)


def test_reading_a_ledger_that_is_not_there_says_so(tmp_path: Path) -> None:
    with (
        closing(Reader(database_at(tmp_path / "none.sqlite3"))) as reader,
        pytest.raises(LedgerUnusable, match="there is no ledger at"),
    ):
        reader.incidents()

    assert list(tmp_path.iterdir()) == []


def test_a_reader_of_another_process_sees_what_a_running_agent_wrote(ledger: Ledger, location: str) -> None:
    ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)

    with closing(Reader(database_at(location))) as reader:
        found = reader.incident("RWY-1")

    assert found is not None


def test_a_reader_cannot_write(ledger: Ledger) -> None:
    with pytest.raises((LedgerUnavailable, LedgerUnusable)):
        ledger.reader.read(lambda c: c.execute(text("DELETE FROM ledger_info")))


def _damaged(path: Path) -> bytes:
    """A ledger whose pages are overwritten after the header."""
    _open(path).close()
    whole = path.read_bytes()
    return whole[:200] + b"\xa5" * (len(whole) - 200)


def _read_only(directory: Path) -> None:
    if os.geteuid() == 0:
        subprocess.run(["mount", "-o", "remount,ro", str(directory)], check=True)
    else:
        (directory / "ledger.sqlite3").chmod(0o400)
        directory.chmod(0o500)
