"""The agent's own socket: only for its user, never taken from another agent, and never in the place of a file."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from agent.daemon.control import open_socket


def test_only_its_own_user_may_open_it(tmp_path: Path) -> None:
    path = tmp_path / "run" / "control.socket"

    with open_socket(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_a_killed_agent_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))

    with open_socket(path), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.connect(str(path))


def test_the_socket_of_an_agent_that_lives_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "control.socket"

    with open_socket(path):
        with pytest.raises(OSError, match="another agent listens there"):
            open_socket(path)

        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
            asking.connect(str(path))


def test_a_file_of_that_name_is_not_deleted(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("precious")

    with pytest.raises(OSError, match="not a socket"):
        open_socket(path)

    assert path.read_text() == "precious"
