"""Where a verb looks for an agent and its ledger when it is not told."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.cli import options


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's state directory, and a system without any service."""
    for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(options, "_SYSTEM_RUNTIME", tmp_path / "run")
    monkeypatch.setattr(options, "_SYSTEM_STATE", tmp_path / "var")
    return tmp_path


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_without_anything_this_users_own_places_are_named(home: Path) -> None:
    found = options.found_socket(), options.found_ledger()

    assert found == (
        home / "state/ridgeway/control.socket",
        str(home / "state/ridgeway/ledger.sqlite3"),
    )


def test_the_service_is_asked_when_this_user_runs_no_agent(home: Path) -> None:
    socket, ledger = put(home / "run/control.socket"), put(home / "var/ledger.sqlite3")

    assert options.found_socket() == socket
    assert options.found_ledger() == str(ledger)


def test_an_agent_of_this_user_comes_before_the_service(home: Path) -> None:
    put(home / "run/control.socket")
    own = put(home / "state/ridgeway/control.socket")

    assert options.found_socket() == own


def test_an_agent_started_by_hand_never_takes_the_places_of_the_service(home: Path) -> None:
    put(home / "run/control.socket")
    put(home / "var/ledger.sqlite3")

    assert options.own_socket() == home / "state/ridgeway/control.socket"
    assert options.own_ledger() == str(home / "state/ridgeway/ledger.sqlite3")


def test_under_systemd_the_directories_it_gives_are_used(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", f"{home}/a:{home}/b")
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{home}/r")

    assert options.own_ledger() == f"{home}/a/ledger.sqlite3"
    assert options.own_socket() == home / "r/control.socket"


def test_a_place_that_may_not_be_looked_at_counts_as_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.stat

    def stat(self: Path, *, follow_symlinks: bool = True) -> object:
        if self.is_relative_to(home / "run"):
            raise PermissionError(13, "Permission denied", str(self))  # root, who runs tests in CI, is refused nothing
        return real(self, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", stat)

    found = options.found_socket()

    assert found == home / "run/control.socket"
