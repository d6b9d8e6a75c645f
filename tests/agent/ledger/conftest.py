"""Each ledger test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.ledger.ledger import Ledger
from testbeds.postgres import PostgresCluster

NOW = 1_790_000_000.0


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    cluster = PostgresCluster()
    yield cluster
    cluster.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.acceptance)])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new ledger may be made."""
    if request.param == "sqlite":
        return str(tmp_path / "ledger.sqlite3")
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    return cluster.database()


@pytest.fixture
def open_ledger(location: str) -> Iterator[Callable[..., Ledger]]:
    """Opens the ledger of this test; closed afterwards, whatever happens."""
    with ExitStack() as stack:

        def opened(**options: object) -> Ledger:
            given = {"clock": lambda: NOW, "vantage": "hemel", **options}
            ledger = Ledger.open(location, **given)  # type: ignore[arg-type]
            stack.callback(ledger.close)
            return ledger

        yield opened


@pytest.fixture
def ledger(open_ledger: Callable[..., Ledger]) -> Ledger:
    return open_ledger()
