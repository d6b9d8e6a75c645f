"""A copy of a ledger is one moment of it, and a way to the other database and back changes nothing."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select, text

from agent.ledger import tables
from agent.ledger.batch import Audit, Batch, CredentialRefusals, Peak
from agent.ledger.copying import copy_file, copy_rows, copy_to_file, file_engine, rows_of, tables_of
from agent.ledger.database import database_at
from agent.ledger.ledger import Ledger
from agent.ledger.migrate import lay_out, revision_of
from agent.ledger.migrations import HEAD
from agent.records import Cause
from checks.contract import State
from testbeds import kept
from testbeds.postgres import PostgresCluster


def fill(location: str) -> None:
    """Something in every table, with values that a careless copy would change."""
    with closing(Ledger.open(location, clock=lambda: kept.NOW, vantage="hemel")) as ledger:
        for number in range(30):
            cause = Cause("dacorum", f"router-{number}", "snmp/memory")
            ledger.writer.submit(Batch(incident_changes=(kept.opening(f"RWY-{number}", cause),)))
        ledger.writer.submit(
            Batch(
                alerts=(kept.alert(),),
                checks=(kept.check_record(assessment=kept.assessment(float("inf"), State.CRITICAL)),),
                peaks=(Peak("2026-11-29", "f", "t", '["ü","\\\\"]', 0.1 + 0.2, 1e300),),
                audit=(Audit(kept.NOW, "jo", "ack", "RWY-1", {"why": None, "n": 1, "ratio": 0.1, "x": "“\n”"}),),
                maintenance=(kept.window(),),
                drills=(kept.drill(),),
                pings=(kept.ping(), kept.ping(rid="", log="", bytes=None)),
                refusals=(CredentialRefusals("reader", {"web": kept.NOW}),),
            )
        ).result(30)
        ledger.writer.call(_rest)


def _rest(connection: Connection) -> None:
    connection.execute(insert(tables.epochs).values(epoch="E0", last=0, ended_at=kept.NOW))
    hidden = {"council": "d", "subject": "s", "condition": "c", "since": 1.5, "until": None}
    connection.execute(insert(tables.children).values(incident="RWY-1", **hidden))
    connection.execute(
        insert(tables.runs).values(check_id="a/b", vantage="v", started=1.5, duration=0.1, state="ok", fault=None)
    )
    connection.execute(insert(tables.webhooks).values(subscription="s", sequence=3, state="active"))
    connection.execute(insert(tables.dead_letters).values(subscription="s", sequence=2, at=1.5, attempts=9, error="no"))
    connection.execute(
        insert(tables.spans).values(
            council="d", subject="s", condition="c", start=1.25, end=2.5, state="ok", flags="", run=None
        )
    )
    connection.execute(text("UPDATE events SET about = NULL WHERE sequence = 1"))


@contextmanager
def reading(location: str) -> Iterator[Connection]:
    engine = database_at(location).writer_engine()
    with engine.connect() as connection, connection.begin():
        yield connection


def everything(location: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table as it is stored."""
    with reading(location) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(rows_of(table))] for table in tables_of(connection)
        }


@pytest.mark.acceptance
def test_a_ledger_that_went_to_postgresql_and_back_is_equal_row_by_row(
    tmp_path: Path, postgres: PostgresCluster
) -> None:
    first, server, last = str(tmp_path / "first"), postgres.database(), tmp_path / "last"
    fill(first)
    before = everything(first)

    with reading(first) as source, reading(server) as target:
        lay_out(target, HEAD)
        copy_rows(source, target)
    with reading(server) as source:
        copy_to_file(source, last, HEAD)

    assert all(before.values()), f"a table without rows proves nothing: {[n for n, rows in before.items() if not rows]}"
    assert everything(str(last)) == before


@pytest.mark.acceptance
def test_numbers_given_by_postgresql_go_on_after_those_that_were_copied(
    tmp_path: Path, postgres: PostgresCluster
) -> None:
    first, server = str(tmp_path / "first"), postgres.database()
    fill(first)
    with reading(first) as source, reading(server) as target:
        lay_out(target, HEAD)
        copy_rows(source, target)

    with closing(Ledger.open(server, clock=lambda: kept.NOW, vantage="hemel")) as ledger:
        other = Cause("dacorum", "another", "snmp/memory")
        ledger.writer.submit(Batch(incident_changes=(kept.opening("RWY-new", other),))).result(30)
        ids = ledger.reader.read(lambda c: list(c.execute(select(tables.outbox.c.id).order_by("id")).scalars()))

    assert ids == list(range(1, 32))


@pytest.mark.acceptance
def test_a_copy_of_an_older_schema_has_that_schema(tmp_path: Path, postgres: PostgresCluster) -> None:
    server, copy = postgres.database(), tmp_path / "copy"
    with reading(server) as connection:
        lay_out(connection, "0002")
        connection.execute(text("INSERT INTO credential_refusals VALUES ('reader', '[1.5]')"))

    with reading(server) as source:
        copy_to_file(source, copy, "0002")

    with closing(file_engine(copy).connect()) as connection:
        assert revision_of(connection) == "0002"
        with connection.begin():
            assert connection.execute(text("SELECT targets FROM credential_refusals")).scalar() == "[1.5]"


def test_a_copy_made_while_others_write_is_one_moment_and_does_not_begin_anew(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    fill(str(path))
    stop = threading.Event()
    steps: list[list[int]] = [[] for _ in range(5)]

    with closing(Ledger.open(path, clock=lambda: kept.NOW, vantage="hemel")) as ledger:

        def write() -> None:
            number = 1_000
            while not stop.is_set():
                number += 1
                cause = Cause("dacorum", f"router-{number}", "snmp/memory")
                ledger.writer.submit(Batch(incident_changes=(kept.opening(f"RWY-{number}", cause),))).result(30)

        ledger.writer.submit(Batch(audit=(Audit(kept.NOW, "jo", "fill", "", {"x": "x" * 8_000_000}),))).result(30)
        writing = threading.Thread(target=write)
        writing.start()
        try:
            copies = [tmp_path / f"copy-{number}" for number in range(5)]
            for copy, seen in zip(copies, steps, strict=True):
                with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as source:
                    copy_file(source, copy, lambda done, _whole, seen=seen: seen.append(done))
        finally:
            stop.set()
            writing.join(30)
        counts = [_counts(copy) for copy in copies]

    assert all(incidents == events == sequence for incidents, events, sequence in counts)
    assert counts[0] < counts[-1], "the ledger was being written"
    assert all(len(seen) > 2 and seen == sorted(seen) for seen in steps), "no copy began anew"


def _counts(copy: Path) -> tuple[int, int, int]:
    with closing(file_engine(copy).connect()) as connection, connection.begin():
        one = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (tables.incidents, tables.events)
        ]
        return one[0], one[1], connection.execute(select(tables.ledger_info.c.sequence)).scalar_one()


def test_a_copy_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    fill(str(path))

    with closing(sqlite3.connect(path, isolation_level=None)) as source:
        copy_file(source, tmp_path / "copy")

    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
