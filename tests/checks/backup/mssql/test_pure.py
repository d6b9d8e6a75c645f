"""The pure parts on their own: numbers that are times, and rows and chains of any kind."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.backup.history import MOST_LOGS, ObjectHistory, with_runs
from checks.backup.model import Level, Outcome, Run
from checks.backup.products.mssql.chains import Backup, Chain
from checks.backup.products.mssql.known import Known
from checks.backup.products.mssql.options import MssqlOptions
from checks.backup.products.mssql.reading import Asked, account
from checks.backup.products.mssql.server import Answers
from checks.backup.products.mssql.words import agent_seconds, agent_time, nowhere

LONDON = ZoneInfo("Europe/London")
NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("number", "seconds"),
    [
        (0, 0),
        (5, 5),
        (1301, 781),
        (10806, 4086),
        (1_000_000, 360_000),
        (61, None),
        (6100, None),
        (-1, None),
        ("5", None),
    ],
)
def test_a_duration_is_hours_minutes_and_seconds_in_one_number(number: object, seconds: float | None) -> None:
    assert agent_seconds(number) == seconds


@pytest.mark.parametrize(
    ("date", "time", "at"),
    [
        (20241218, 200000, 1_734_552_000), (20241215, 10000, 1_734_224_400), (20241215, 0, 1_734_220_800),
        (0, 0, None), (20241315, 0, None), (20241215, 250000, None), (None, 5, None), (20241215, "", None),
    ],
)  # fmt: skip
def test_a_date_and_a_time_without_leading_zeros(date: object, time: object, at: float | None) -> None:
    assert agent_time(date, time, UTC) == at


@pytest.mark.parametrize(
    ("name", "lost"), [("NUL", True), ("nul:", True), (r"C:\dir\nul", True), (r"D:\null.bak", False), (None, False)]
)
def test_the_null_device_by_all_its_names(name: object, lost: bool) -> None:
    assert nowhere(name) is lost


CELL = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=12), st.sampled_from([*"DILFGPQVZ"]),
    st.just("2026-09-21T10:00:00.000"), st.just("9999-12-31T23:59:59"), st.just(20260921),
)  # fmt: skip
NAMES = {
    "databases": ["name", "state", "read_only", "recovery", "in_group", "group_name", "checked"],
    "replicas": ["group_name", "replica"],
    "backups": [
        "id", "uuid", "database", "type", "started", "finished", "quarters", "size", "damaged", "snapshot",
        "first_lsn", "last_lsn", "base", "fork", "who", "device", "device_name",
    ],
    "restores": ["id", "restored", "destination", "type", "recovered", "server", "database", "finished", "size"],
    "jobs": ["name", "enabled", "outcome", "message", "run_date", "run_time", "duration", "schedules", "next_run"],
    "runs": ["id", "name", "outcome", "message", "run_date", "run_time", "duration"],
    "running": ["name", "started"],
}  # fmt: skip
TABLES = st.fixed_dictionaries(
    {table: st.lists(st.dictionaries(st.sampled_from(names), CELL), max_size=4) for table, names in NAMES.items()}
)


@settings(max_examples=30, deadline=None)
@given(TABLES, st.dictionaries(st.sampled_from(["name", "local_now", "utc_now", "sees_databases"]), CELL))
def test_no_row_breaks_the_reading_and_no_time_is_beyond_what_can_be_shown(
    tables: dict[str, list[dict[str, object]]], server: dict[str, object]
) -> None:
    known = Known()
    for _ in range(2):
        told = account([Asked("sql", True, Answers(server, **tables))], known, LONDON, NOW, images=False)

        times = [at for run in told.runs for at in (run.started, run.ended) if at is not None]
        assert all(9e8 <= at < 3e11 for at in (*times, *(point.at for point in told.points)))


def backup(level: Level, at: int, first: int, last: int) -> Backup:
    return Backup(f"{level}{at}", level, at, at, first, last, "F", "", False, 10, "nas")


@given(st.permutations(range(8)))
def test_a_chain_is_the_same_in_whatever_order_its_rows_come(order: list[int]) -> None:
    rows = [
        backup(Level.FULL, 10, 90, 105),
        *(backup(Level.LOG, 20 + at, 100 + 10 * at, 110 + 10 * at) for at in range(7)),
    ]
    chain = Chain()

    for at in [*order, *order[:3]]:
        chain.add(rows[at])

    assert [(point.level, point.at) for point in chain.points("x")] == [(Level.FULL, 10), (Level.LOG, 26)]


def test_of_many_stretches_and_fulls_the_newest_are_remembered() -> None:
    chain = Chain()
    for at in range(200):
        chain.add(backup(Level.FULL, 10 * at, 1000 * at, 1000 * at + 5))
        chain.add(backup(Level.LOG, 10 * at + 5, 1000 * at, 1000 * at + 100))

    assert len(list(chain.points("x"))) == 120
    assert max(point.at for point in chain.points("x")) == 1995


def test_backups_of_the_log_push_no_night_out_of_what_is_remembered() -> None:
    logs = [
        Run(str(at), "log", Outcome.SUCCESS, started=900.0 * at, ended=900.0 * at, level=Level.LOG)
        for at in range(3000)
    ]
    fulls = [Run(str(at), "full", Outcome.SUCCESS, started=86_400.0 * at, level=Level.FULL) for at in range(31)]

    kept = with_runs(ObjectHistory(), [("sql", run) for run in (*logs, *fulls)]).runs

    assert [past.level for past in kept].count(Level.FULL) >= 28
    assert [past.level for past in kept].count(Level.LOG) == MOST_LOGS


def test_an_instance_is_named_once() -> None:
    with pytest.raises(ValueError, match="sql2 is named twice"):
        MssqlOptions.model_validate(
            {"product": "mssql", "replicas": [{"target": "sql2"}], "restored_on": [{"target": "sql2"}]}
        )
