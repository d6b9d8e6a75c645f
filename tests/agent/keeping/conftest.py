"""Homes on either database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from testbeds.keeping import Home
from testbeds.postgres import PostgresCluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresCluster]:
    cluster = PostgresCluster()
    yield cluster
    cluster.close()


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The state directory is the home; nothing of the machine's own is read."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    for name in ("RIDGEWAY_PROFILES", "RIDGEWAY_COMMANDS", "RIDGEWAY_LEDGER_URL", "COMMUNITY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.acceptance)])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    if request.param == "sqlite":
        return Home(tmp_path)
    cluster: PostgresCluster = request.getfixturevalue("postgres")
    return Home(tmp_path, cluster.database())


@pytest.fixture
def simple(tmp_path: Path) -> Home:
    """On SQLite."""
    return Home(tmp_path)
