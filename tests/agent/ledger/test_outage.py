"""While the database is away nothing stops and nothing is lost; when it is back all is written, in order."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from agent.ledger import session as session_module
from agent.ledger.batch import Audit, Batch
from agent.ledger.errors import LedgerClosed, LedgerUnavailable
from agent.ledger.ledger import Ledger
from agent.ledger.writer import LedgerHealth
from testbeds import kept
from testbeds.peers import wait_until
from testbeds.postgres import PostgresCluster

KIB = 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB. Needs root; without it the page limit of SQLite plays the full disk (see below)."""
    if os.geteuid() != 0:
        pytest.skip("mounting a tmpfs needs root")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_keeps_everything_in_memory_and_writes_it_in_order_once_there_is_room(small_disk: Path) -> None:
    told: list[LedgerHealth] = []
    with closing(_opened(small_disk / "ledger.sqlite3", on_health=told.append)) as ledger:
        ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)
        ballast = small_disk / "ballast"
        _fill(ballast)

        futures = [ledger.writer.submit(kept.changed(summary="x" * 500)) for _ in range(400)]
        wait_until(lambda: not ledger.health.ok, "the full disk is noticed")
        queued = ledger.health
        with pytest.raises(LedgerUnavailable, match=r"the disk .* is full"):
            ledger.writer.call(_count_events)
        still_there = ledger.reader.incident("RWY-1")
        ballast.unlink()
        numbers = [future.result(60) for future in futures]

        assert still_there is not None
        assert queued.queued > 0
        assert "the disk (or its quota) is full; make room" in queued.error
        assert numbers == [(number,) for number in range(2, 402)]
        wait_until(lambda: len(told) == 2, "the recovery is told")
        assert [health.ok for health in told] == [False, True]
        assert ledger.writer.call(_count_events) == 401


def test_an_agent_that_starts_on_a_full_disk_says_what_to_do(small_disk: Path) -> None:
    _fill(small_disk / "ballast")

    with pytest.raises(LedgerUnavailable, match="full; make room"):
        _opened(small_disk / "ledger.sqlite3")


def test_a_database_that_may_not_grow_recovers_by_itself(tmp_path: Path) -> None:
    told: list[LedgerHealth] = []
    with closing(_opened(tmp_path / "ledger.sqlite3", on_health=told.append)) as ledger:
        ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)
        ledger.writer.call(lambda connection: connection.execute(text("PRAGMA max_page_count=1")).all())

        future = ledger.writer.submit(kept.changed(summary="x" * 100 * KIB))

        # After a failure the connection is made anew, and with it the limit is gone: the retry succeeds.
        assert future.result(30) == (2,)
        assert "is full" in told[0].error


def test_another_program_holding_the_write_lock_delays_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.ledger.sqlite.BUSY_SECONDS", 0.05)
    path = tmp_path / "ledger.sqlite3"
    with closing(_opened(path)) as ledger, closing(sqlite3.connect(path, isolation_level=None)) as other:
        ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)
        other.execute("BEGIN IMMEDIATE")

        future = ledger.writer.submit(kept.changed())
        wait_until(lambda: not ledger.health.ok, "the lock is noticed")
        error = ledger.health.error
        other.execute("ROLLBACK")

        assert future.result(30) == (2,)
        assert "locked by another program" in error


@pytest.mark.acceptance
def test_a_postgresql_that_restarts_loses_nothing_and_asks_for_the_lock_again(postgres: PostgresCluster) -> None:
    url = postgres.database()
    with closing(_opened(url)) as ledger:
        ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)
        postgres.stop()

        futures = [ledger.writer.submit(kept.changed()) for _ in range(20)]
        wait_until(lambda: not ledger.health.ok, "the loss is noticed")
        with pytest.raises(LedgerUnavailable):
            ledger.writer.call(_count_events)
        postgres.start()

        assert [future.result(60) for future in futures] == [(number,) for number in range(2, 22)]
        wait_until(lambda: ledger.health.ok, "the ledger is well again")
        with pytest.raises(Exception, match="in use by ridgeway"):
            _opened(url)


@pytest.mark.acceptance
def test_a_killed_connection_is_replaced_and_the_batch_written_once(postgres: PostgresCluster) -> None:
    with closing(_opened(postgres.database())) as ledger:
        ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)
        ledger.reader.read(
            lambda c: c.execute(
                text("SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE locktype = 'advisory' AND l.database = "
                     "(SELECT oid FROM pg_database WHERE datname = current_database())")
            ).all()
        )  # fmt: skip

        future = ledger.writer.submit(kept.changed())

        assert future.result(30) == (2,)
        assert ledger.reader.feed_position().newest == 2


def test_a_table_that_somebody_removed_refuses_no_batch_but_keeps_it(ledger: Ledger, location: str) -> None:
    ledger.writer.back_off = (0.05,)
    ledger.writer.call(lambda c: c.execute(text("ALTER TABLE audit RENAME TO somewhere_else")))
    future = ledger.writer.submit(Batch(audit=(Audit(kept.NOW, "jo", "ack", "RWY-1"),)))
    wait_until(lambda: not ledger.health.ok, "the loss is noticed")
    error = ledger.health.error

    url = location.replace("postgresql:", "postgresql+psycopg:") if "://" in location else f"sqlite:///{location}"
    with closing(create_engine(url, poolclass=NullPool).connect()) as person:
        person.execute(text("ALTER TABLE somewhere_else RENAME TO audit"))
        person.commit()

    assert future.result(30) == ()
    assert "is not what this Ridgeway made" in error
    assert ledger.health.refused == 0


def test_a_statement_of_a_call_that_does_not_fit_is_the_callers_own_error(ledger: Ledger) -> None:
    with pytest.raises(DBAPIError):
        ledger.writer.call(lambda c: c.execute(text("SELECT nothing FROM nowhere")))

    assert ledger.health.ok


def test_a_listener_that_raises_does_not_end_the_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def listener(_health: LedgerHealth) -> None:
        raise RuntimeError("the listener's")

    with closing(_opened(tmp_path / "ledger.sqlite3", on_health=listener)) as ledger:
        broken = _break(monkeypatch)
        future = ledger.writer.submit(Batch(incident_changes=(kept.opening(),)))
        wait_until(lambda: not ledger.health.ok, "the outage is noticed")
        broken.clear()

        assert future.result(30) == (1,)


def test_a_commit_whose_answer_is_lost_is_not_repeated(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.writer.submit(Batch(incident_changes=(kept.opening(),))).result(30)
    lost: list[bool] = []
    real = session_module.Session.write

    def answer_lost_once(session: session_module.Session, batches: list[Batch]) -> object:
        numbers = real(session, batches)
        if batches and not lost:
            lost.append(True)
            # As it is when the connection breaks after the commit: the session was not told.
            session._unanswered = (_commits(session), numbers)
            session.close()
            raise LedgerUnavailable("the answer was lost")
        return numbers

    monkeypatch.setattr(session_module.Session, "write", answer_lost_once)

    future = ledger.writer.submit(kept.changed())

    assert future.result(30) == (2,)
    assert lost == [True]
    assert [one.sequence for one in ledger.reader.events(0, 10)] == [1, 2]


def test_the_newest_state_survives_a_long_outage_and_memory_stays_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(_opened(tmp_path / "ledger.sqlite3")) as ledger:
        broken = _break(monkeypatch)
        first = ledger.writer.submit(Batch(incident_changes=(kept.opening(),)))
        wait_until(lambda: not ledger.health.ok, "the outage is noticed")

        futures = [
            ledger.writer.submit(Batch(checks=(kept.check_record(started=kept.NOW + number),)))
            for number in range(30_000)
        ]
        wait_until(lambda: ledger.health.queued < 5_000, "the backlog is made shorter")
        broken.clear()

        assert first.result(60) == (1,)
        assert [future.result(60) for future in futures] == [()] * 30_000
        assert ledger.load(kept.NOW).checks["hemel-router/snmp", "hemel"].started == kept.NOW + 29_999


def test_closing_during_an_outage_ends_soon_and_tells_who_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = _opened(tmp_path / "ledger.sqlite3")
    _break(monkeypatch)
    future = ledger.writer.submit(Batch(incident_changes=(kept.opening(),)))
    wait_until(lambda: not ledger.health.ok, "the outage is noticed")

    left = ledger.close()

    assert left == 1
    assert isinstance(future.exception(1), LedgerClosed)


def _opened(location: Path | str, **options: object) -> Ledger:
    ledger = Ledger.open(location, clock=lambda: kept.NOW, vantage="hemel", **options)  # type: ignore[arg-type]
    ledger.writer.back_off = (0.05,)
    return ledger


def _fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file:
        for size in (64 * KIB, KIB, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError:
                continue


def _break(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Let every write fail as on a full disk until the list is empty."""
    broken = [True]
    real = session_module.Session.write

    def write(session: session_module.Session, batches: list[Batch]) -> object:
        if broken:
            raise LedgerUnavailable("full")
        return real(session, batches)

    monkeypatch.setattr(session_module.Session, "write", write)
    return broken


def _commits(session: session_module.Session) -> int:
    connection = session.connection()
    with connection.begin():
        count: int = connection.execute(text("SELECT commits FROM ledger_info")).scalar_one()
    return count


def _count_events(connection: Connection) -> int:
    count: int = connection.execute(text("SELECT count(*) FROM events")).scalar_one()
    return count
