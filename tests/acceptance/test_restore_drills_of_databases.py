"""Restore drills of a real PostgreSQL cluster, by real pgBackRest and Barman: sound, stale, damaged, away, killed.

The table that is printed says which look at a backup found which damage.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.cli.restore_drill import _stop_politely
from agent.restore_drills.drill import Drilled
from agent.restore_drills.postgres import Server
from checks.backup.proofs import DrillState
from checks.contract import State
from checks.transports import Transports
from testbeds.backup_damage import gone, octet
from testbeds.by_backup import BackupWatch, Told
from testbeds.database_drills import DatabaseLab, apart
from testbeds.peers import wait_until
from testbeds.planted import Planter

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]
NAMES = {"pgbackrest": "pgBackRest", "barman": "Barman"}
"""As the table of planted faults has them."""
FAULTS = {octet: "an octet in the data is another", gone: "a file of data is gone"}
BOTH = pytest.mark.parametrize("product", ["pgbackrest", "barman"])
TABLE: list[tuple[str, ...]] = []
"""Rows of product, damage, and what verification and each hand said."""


@pytest.fixture(scope="module")
def made() -> Iterator[DatabaseLab]:
    lab = DatabaseLab()
    try:
        yield lab
    finally:
        lab.close()


@pytest.fixture
def lab(made: DatabaseLab) -> Iterator[DatabaseLab]:
    """The laboratory, in whose repositories tests mend what they damage; nothing may be left of their drills."""
    made.forget()
    yield made
    assert made.left() == []
    assert made.servers() == []
    assert not made.touched.exists()


@pytest.fixture(scope="module", autouse=True)
def printed_table() -> Iterator[None]:
    yield
    rows = [("product", "damage", "verification", "canary", "database"), *TABLE]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    sys.stdout.write("\n")
    for row in rows:
        sys.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n")


def outcomes(done: Drilled) -> dict[str, str]:
    """What came of each look, by what was looked at."""
    return {one.by.removesuffix(" ben"): one.outcome for one in done.records}


def words(done: Drilled) -> str:
    return " | ".join(one.message for one in done.records)


def row(product: str, damage: str, read: bool | str | None, done: Drilled) -> None:
    """A line of the table."""
    said = {True: "sound", False: "FOUND", None: "unproven", "failed": "FOUND"}
    found = {one.by.split()[-2]: said.get(one.outcome, one.outcome) for one in done.records}
    verification = said.get(read, "–") if not isinstance(read, str) else read
    TABLE.append((product, damage, verification, found.get("canary", "–"), found.get("database", "–")))


async def told(lab: DatabaseLab, product: str = "pgbackrest", **more: Any) -> Told:
    """What the agent's check makes of a product's list, and of what the drills left."""
    said = {"product": product, "local": True, "config": str(lab.home / f"{product}.conf")}
    objects = {"ben": {"owner": "Revenues", "rpo": "26h", "by": [{"product": product, "object": "main"}], **more}}
    options = {"products": {product: said}, "proofs": str(lab.home / "proofs"), "objects": objects}
    transports = Transports.open()
    try:
        return await BackupWatch(transports, options, time.time()).run()
    finally:
        await transports.close()


@BOTH
def test_a_sound_backup_passes_and_neither_repository_nor_production_is_written_to(
    lab: DatabaseLab, product: str
) -> None:
    archived = "SELECT archived_count + failed_count FROM pg_stat_archiver"
    before, segments = lab.content(product), lab.field(archived)

    done, read = lab.drill(product), lab.verify(product)

    assert outcomes(done) == {"canary": "passed", "database": "passed"}, words(done)
    assert lab.nonces[3] in words(done)
    assert {one.cleaned for one in done.records} == {True}
    assert all(one.seconds and one.bytes and one.bytes > 20 * 1024**2 for one in done.records)
    assert "invoice with 5000 rows, rate with 10 rows came back; page checksums are right" in words(done)
    assert read.read is True, read.record.message
    assert lab.content(product) == before
    assert lab.field(archived) == segments
    row(product, "none", read.read, done)


@pytest.mark.parametrize(("product", "damage"), [("pgbackrest", octet), ("barman", octet), ("pgbackrest", gone)])
def test_damage_to_the_data_is_found(
    lab: DatabaseLab, product: str, damage: Callable[[Path], Any], planted: Planter
) -> None:
    with damage(lab.data(product)):
        done, read = lab.drill(product), lab.verify(product)

    assert set(outcomes(done).values()) == {"failed"}, words(done)
    assert {one.cleaned for one in done.records} == {True}
    assert read.read is False, read.record.message
    named = {octet: "a byte flipped in the middle of the data", gone: "a file of the data deleted"}
    row(product, named[damage], read.read, done)
    planted(FAULTS[damage], NAMES[product]).found_by("verification", "drill")


@BOTH
async def test_a_log_that_breaks_off_is_found_although_postgresql_starts_from_it(
    lab: DatabaseLab, product: str, planted: Planter
) -> None:
    damage = {"pgbackrest": gone, "barman": record}[product]
    planting = planted("a segment of the log is gone, or another", NAMES[product])
    with damage(lab.log(product)):
        planting.seen(await told(lab, product))
        done = lab.drill(product, database=None)

    assert outcomes(done) == {"canary": "failed"}, words(done)
    assert "the log breaks off" in words(done)
    row(product, "a segment of the log deleted" if product == "pgbackrest" else "a byte flipped in the log", "–", done)
    planting.found_by("drill")


@contextlib.contextmanager
def record(log: Path) -> Iterator[None]:
    """One octet is another, in a segment of the log in whose middle nothing is written yet."""
    whole = log.read_bytes()
    log.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    try:
        yield
    finally:
        log.write_bytes(whole)


@BOTH
def test_a_repository_that_is_away_or_closed_proves_nothing(lab: DatabaseLab, product: str) -> None:
    there, away = lab.repository(product), lab.home / "away"
    there.rename(away)
    try:
        done, read = lab.drill(product), lab.verify(product)
    finally:
        away.rename(there)
    there.chmod(0)
    try:
        closed = lab.drill(product)
    finally:
        there.chmod(0o700)

    assert outcomes(done) == outcomes(closed) == {"canary": "unproven"}, words(closed)
    assert "is not there" in words(done)
    assert "ermission denied" in words(closed)
    assert read.read is None, read.record.message
    row(product, "repository away, or closed", read.read, done)


@BOTH
def test_a_file_that_the_drill_may_not_read_proves_nothing(lab: DatabaseLab, product: str) -> None:
    data = lab.data(product)
    mode = data.stat().st_mode
    data.chmod(0)
    try:
        done, read = lab.drill(product, database=None), lab.verify(product)
    finally:
        data.chmod(mode)

    assert outcomes(done) == {"canary": "unproven"}, words(done)
    assert read.read is None, read.record.message


def test_a_stale_canary_and_a_sentinel_table_that_is_empty_are_two_failures(lab: DatabaseLab) -> None:
    tables = [{"database": "postgres", "table": "public.payment"}]

    done = lab.drill("pgbackrest", now=time.time() + 3 * 86_400, database={"tables": tables, "pages": False})

    assert outcomes(done) == {"canary": "failed", "database": "failed"}
    assert "the job is dead" in words(done)
    assert "public.payment came back with 0 rows, and must have 1 at least" in words(done)
    row("pgbackrest", "job dead for 3 days; a table is empty", "sound", done)


def test_a_table_that_is_not_there_is_a_failure_and_a_role_that_is_not_is_none(lab: DatabaseLab) -> None:
    tables = [{"database": "postgres", "table": "levy"}]

    gone_missing = lab.drill("pgbackrest", canary=None, database={"tables": tables})
    no_role = lab.drill("pgbackrest", role="postgres", database=None)

    assert outcomes(gone_missing) == {"database": "failed"}
    assert 'relation "public.levy" does not exist' in words(gone_missing)
    assert outcomes(no_role) == {"canary": "unproven"}
    assert "say its superuser as `role`" in words(no_role)


def test_a_lock_that_is_held_keeps_nobody_from_restoring_and_indexes_are_found_right(lab: DatabaseLab) -> None:
    tables = [{"database": "postgres", "table": "invoice"}, {"database": "postgres", "table": "bare"}]
    (lab.home / "lock" / "main.stop").touch()  # pgbackrest stop
    try:
        with (lab.home / "lock" / "main-backup.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = lab.drill("pgbackrest", database={"tables": tables, "pages": False, "indexes": True})
    finally:
        (lab.home / "lock" / "main.stop").unlink()

    assert outcomes(done) == {"canary": "passed", "database": "passed"}, words(done)
    assert "tables and indexes are right" in words(done)
    row("pgbackrest", "a lock was left, and pgBackRest stopped", "–", done)


def test_another_drill_under_way_and_a_cluster_that_is_too_large_prove_nothing(lab: DatabaseLab) -> None:
    listed = lab.drill("pgbackrest", max_size="8 MiB")
    counted = lab.drill("pgbackrest", max_size="24 MiB")
    with (lab.home / "scratch" / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        held = lab.drill("pgbackrest")

    assert set(outcomes(listed).values()) == set(outcomes(counted).values()) == {"unproven"}
    assert "the cluster has" in words(listed)
    assert "`max_size`" in words(counted)
    assert "another drill is under way" in words(held)
    row("pgbackrest", "larger than `max_size`", "sound", listed)


def test_damage_that_was_backed_up_is_found_in_pages_and_indexes(
    lab: DatabaseLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Server.start

    def damaged(self: Server, target: Any) -> None:
        file = self._files.data / lab.index
        whole = bytearray(file.read_bytes())
        whole[-100] ^= 1
        file.write_bytes(whole)
        start(self, target)

    monkeypatch.setattr(Server, "start", damaged)
    tables = [{"database": "postgres", "table": "invoice"}]
    pages = lab.drill("pgbackrest", canary=None, database={"tables": tables})
    indexes = lab.drill("pgbackrest", canary=None, database={"tables": tables, "pages": False, "indexes": True})

    assert (outcomes(pages), outcomes(indexes)) == ({"database": "failed"}, {"database": "failed"})
    assert "pg_checksums finds damage" in words(pages)
    assert "pg_amcheck finds damage" in words(indexes)
    row("pgbackrest", "a page of an index damaged in production", "sound", pages)


async def test_a_rehearsal_opens_the_alarm_and_the_next_good_drill_clears_it(lab: DatabaseLab) -> None:
    rehearsed = lab.drill("pgbackrest", rehearsal=True)
    alarm = await told(lab, drilled_within="7d")
    lab.drill("pgbackrest", database=None)
    after = await told(lab, drilled_within="7d")

    assert [(one.by, one.outcome, one.rehearsal) for one in rehearsed.records] == [("canary ben", "failed", True)]
    assert alarm.bad == {"backup/restored/ben": State.CRITICAL}
    assert "REHEARSAL" in alarm.words("backup/restored/ben")
    assert after.bad == {}


def test_the_log_is_replayed_to_a_moment(lab: DatabaseLab) -> None:
    done = lab.drill("barman", database=None, back="1m", now=lab.marked + 60)

    assert outcomes(done) == {"canary": "passed"}, words(done)
    assert lab.nonces[2] in words(done)


def test_no_backup_reaches_back_to_before_the_first(lab: DatabaseLab) -> None:
    done = lab.drill("pgbackrest", database=None, back="30d")

    assert outcomes(done) == {"canary": "unproven"}
    assert "goes back too far" in words(done)


def test_an_old_backup_is_restored_as_it_was_when_it_ended(lab: DatabaseLab) -> None:
    old = lab.drill("pgbackrest", database=None, old_point_every=2, state=DrillState(runs=1))

    assert outcomes(old) == {"old canary": "passed"}, words(old)
    assert lab.nonces[0] in words(old)


def test_without_a_canary_the_newest_change_says_how_fresh_the_backup_is(lab: DatabaseLab) -> None:
    change = {"max_age": "26h"}
    fresh = lab.drill("pgbackrest", database=None, canary=change)
    stale = lab.drill("pgbackrest", database=None, canary=change, now=time.time() + 2 * 86_400)
    none = lab.drill("pgbackrest", database=None, canary=change, replay=False)

    assert [outcomes(one)["canary"] for one in (fresh, stale, none)] == ["passed", "failed", "unproven"]
    assert "the newest change is 48" in words(stale)
    assert "plant a canary" in words(none)


def test_a_drill_that_is_killed_leaves_no_server_and_the_next_one_cleans_up(lab: DatabaseLab) -> None:
    slow = partial(lab.drill_here, "pgbackrest", canary={"table": "slow", "max_age": "26h"})
    with apart(slow) as (process, _):
        wait_until(lambda: _asked(lab), "the server is asked")
        told = (_cluster(lab) / "postmaster.pid").read_text().splitlines()
        process.kill()
        process.join()

    wait_until(lambda: not lab.servers(), "the server died with its drill")
    left = lab.left()
    again = lab.drill("pgbackrest", database=None)

    assert told[5] == ""  # no address on which it listens
    assert told[6].split()[1] not in Path("/proc/sysvipc/shm").read_text().split()
    assert len(left) == 1
    assert outcomes(again) == {"canary": "passed"}


def test_a_drill_that_is_stopped_ends_its_server_and_cleans_up_itself(lab: DatabaseLab) -> None:
    def slow() -> Drilled:
        _stop_politely()
        return lab.drill_here("pgbackrest", canary={"table": "slow", "max_age": "26h"})

    with apart(slow) as (process, answer):
        wait_until(lambda: _asked(lab), "the server is asked")
        assert process.pid is not None
        os.kill(process.pid, signal.SIGTERM)
        done = answer.recv()

    assert outcomes(done) == {"canary": "unproven"}
    assert "the drill was stopped" in words(done)


def _cluster(lab: DatabaseLab) -> Path:
    (room,) = lab.left()
    return lab.home / "scratch" / room / "restored" / "cluster"


def _asked(lab: DatabaseLab) -> bool:
    """Whether psql runs."""
    return any(b"pg_sleep" in one or b"slow" in one for one in map(_command, lab.servers()))


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
