"""Migrations make exactly the tables the code knows, after a copy was kept."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import structlog
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_mock_engine
from sqlalchemy.schema import ExecutableDDLElement

from agent.ledger.batch import Batch
from agent.ledger.database import Database, database_at
from agent.ledger.ledger import Ledger
from agent.ledger.migrate import STEPS, Migrated, migrate
from agent.ledger.migrations import HEAD
from agent.ledger.tables import metadata
from testbeds import kept
from testbeds.postgres import PostgresCluster

NEXT_STEP = """
from alembic import op
import sqlalchemy as sa

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("incidents", sa.Column("colour", sa.String(10)))
    {then}
"""


def test_the_migrations_make_exactly_the_tables_of_the_code(location: str, tmp_path: Path) -> None:
    database = database_at(location)
    database.prepare()
    with closing(database.writer_engine().connect()) as connection:
        migrate(database, connection, kept.NOW, _steps(tmp_path))
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})

        assert compare_metadata(context, metadata) == []


def test_the_promises_of_the_schema_are_in_the_steps_and_not_only_in_the_code(tmp_path: Path) -> None:
    database = database_at(tmp_path / "by-steps")
    with closing(database.writer_engine().connect()) as connection:
        migrate(database, connection, kept.NOW, _steps(tmp_path))
    with closing(sqlite3.connect(tmp_path / "by-steps")) as by_steps, closing(sqlite3.connect(":memory:")) as by_code:
        for statement in _created_by_the_code():
            by_code.execute(statement)

        assert _promises(by_steps) == _promises(by_code)


def test_the_newest_step_is_the_one_the_code_names() -> None:
    configuration = Config()
    configuration.set_main_option("script_location", str(STEPS))
    configuration.set_main_option("path_separator", "os")

    assert ScriptDirectory.from_config(configuration).get_heads() == [HEAD]


def test_neither_a_new_ledger_nor_one_with_nothing_to_migrate_loads_alembic(tmp_path: Path) -> None:
    path = str(tmp_path / "ledger.sqlite3")
    script = (
        "import sys; from agent.ledger.ledger import Ledger\n"
        "Ledger.open(sys.argv[1], clock=lambda: 1.0, vantage='hemel').close()\n"
        "print('alembic' in sys.modules)"
    )

    command = [sys.executable, "-c", script, path]
    runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(2)]

    assert [run.stdout.splitlines()[-1] for run in runs] == ["False", "False"]


def test_a_copy_is_kept_before_a_ledger_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    _with_one_incident(path)

    done = _migrate(database_at(path), _steps(tmp_path, "pass"))

    assert done is not None
    assert (done.before, done.after) == ("0005", "0006")
    copy = tmp_path / "ledger.sqlite3.before-0006.20260921T141320Z"
    assert done.snapshot == str(copy)
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as kept_copy:
        assert kept_copy.execute("SELECT version_num FROM alembic_version").fetchall() == [("0005",)]
        assert kept_copy.execute("SELECT id FROM incidents").fetchall() == [("RWY-1",)]


@pytest.mark.acceptance
def test_a_copy_of_a_ledger_on_a_server_is_kept_in_the_state_directory(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    url = postgres.database()
    with closing(Ledger.open(url, clock=lambda: kept.NOW, vantage="hemel")) as ledger:
        ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)

    done = _migrate(database_at(url, tmp_path), _steps(tmp_path, "pass"))

    assert done is not None and done.snapshot is not None
    assert done.snapshot == str(tmp_path / "ledger-postgresql.before-0006.20260921T141320Z")
    with closing(sqlite3.connect(done.snapshot)) as kept_copy:
        assert kept_copy.execute("SELECT version_num FROM alembic_version").fetchall() == [("0005",)]
        assert kept_copy.execute("SELECT id FROM incidents").fetchall() == [("RWY-1",)]


@pytest.mark.acceptance
def test_without_room_for_a_copy_a_ledger_on_a_server_is_migrated_all_the_same_and_it_is_said(
    postgres: PostgresCluster, tmp_path: Path
) -> None:
    url = postgres.database()
    Ledger.open(url, clock=lambda: kept.NOW, vantage="hemel").close()

    with structlog.testing.capture_logs() as lines:
        done = _migrate(database_at(url, tmp_path / "missing"), _steps(tmp_path, "pass"))

    assert done is not None and (done.after, done.snapshot) == ("0006", None)
    assert "no state directory" in lines[0]["event"]


def test_a_step_that_fails_leaves_the_ledger_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    _with_one_incident(path)

    with pytest.raises(RuntimeError, match="half way"):
        _migrate(database_at(path), _steps(tmp_path, "raise RuntimeError('half way')"))

    with closing(Ledger.open(path, clock=lambda: kept.NOW, vantage="hemel")) as ledger:
        assert ledger.reader.incident("RWY-1") is not None


def test_a_new_ledger_needs_no_copy(tmp_path: Path) -> None:
    Ledger.open(tmp_path / "ledger.sqlite3", clock=lambda: kept.NOW, vantage="hemel").close()

    assert sorted(file.name for file in tmp_path.iterdir()) == ["ledger.sqlite3", "ledger.sqlite3.lock"]


def _with_one_incident(path: Path) -> None:
    with closing(Ledger.open(path, clock=lambda: kept.NOW, vantage="hemel")) as ledger:
        ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)


def _steps(tmp_path: Path, then: str = "") -> Path:
    """A copy of our steps, with one more that ends in `then`; as it is no longer where ours are, it is really run."""
    steps = tmp_path / "steps"
    shutil.copytree(STEPS, steps, ignore=shutil.ignore_patterns("__pycache__"))
    if then:
        (steps / "versions" / "0006_colour.py").write_text(NEXT_STEP.format(then=then))
    return steps


def _migrate(database: Database, steps: Path) -> Migrated | None:
    engine = database.writer_engine()
    with closing(engine.connect()) as connection:
        return migrate(database, connection, kept.NOW, steps, "0006")


def _created_by_the_code() -> list[str]:
    statements: list[str] = []

    def keep(sql: ExecutableDDLElement, *_: object) -> None:
        statements.append(str(sql.compile(dialect=engine.dialect)))

    engine = create_mock_engine("sqlite://", keep)
    metadata.create_all(engine, checkfirst=False)
    return statements


def _promises(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Every index, unique constraint, check and foreign key, as SQLite keeps them."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%'").fetchall()
    found: set[tuple[str, str]] = set()
    for name, sql in rows:
        if name.startswith("sqlite_"):
            continue
        if sql.startswith("CREATE TABLE"):
            parts = [part for part in sql.splitlines() if "CONSTRAINT" in part]
            found |= {(name, part[part.index("CONSTRAINT") :].strip(" ,\n\t")) for part in parts}
            if "WITHOUT ROWID" in sql:
                found.add((name, "WITHOUT ROWID"))
        else:
            found.add((name, " ".join(sql.split())))
    return found
