"""What the command line says when the agent's socket does not answer as it should."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.cli.control import call
from agent.cli.errors import Failure


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[[bytes], Path]]:
    """Makes sockets that answer one question with these bytes and hang up."""
    made: list[tuple[socket.socket, threading.Thread]] = []

    def make(answer: bytes) -> Path:
        path = tmp_path / f"{len(made)}.socket"
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            try:
                asking, _ = listening.accept()
            except OSError:  # nobody asked
                return
            with asking:
                asked = b""
                while not asked.endswith(b"}"):  # head and body come apart; hanging up between them is another test
                    asked += asking.recv(65_536) or b"}"
                asking.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        made.append((listening, thread))
        return path

    yield make
    for listening, thread in made:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def http(status: str, body: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}".encode()


def refused(path: Path) -> Failure:
    with pytest.raises(Failure) as caught:
        call(path, "incidents", {})
    return caught.value


def test_an_answer_is_decoded(answering: Callable[[bytes], Path]) -> None:
    path = answering(http("200 OK", '{"incidents": []}'))

    answer = call(path, "incidents", {"state": "live"})

    assert answer == {"incidents": []}


def test_no_socket_means_that_no_agent_runs_and_the_text_says_how_to_look(tmp_path: Path) -> None:
    failure = refused(tmp_path / "control.socket")

    assert failure.status == 3
    assert f"No agent listens at {tmp_path}/control.socket" in failure.text
    assert "systemctl status ridgeway" in failure.text
    assert "--control.socket" in failure.text


def test_a_socket_that_a_killed_agent_left_means_that_no_agent_runs(tmp_path: Path) -> None:
    path = tmp_path / "control.socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as left:
        left.bind(str(path))

    failure = refused(path)

    assert failure.status == 3
    assert "No agent listens" in failure.text


def test_a_path_that_is_too_long_for_a_socket_is_named(tmp_path: Path) -> None:
    failure = refused(tmp_path / ("x" * 120))

    assert failure.status == 3
    assert "too long" in failure.text


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{",
        http("200 OK", "<html>"),
        http("200 OK", "\ufffe\x00"),
        http("200 OK", '["no", "map"]'),
        http("200 OK", "null"),
    ],
)
def test_an_answer_that_is_none_is_told_and_never_read_as_all_well(
    answer: bytes, answering: Callable[[bytes], Path]
) -> None:
    path = answering(answer)

    failure = refused(path)

    assert failure.status == 3
    assert str(path) in failure.text


def test_what_the_agent_refuses_is_told_in_its_own_words(answering: Callable[[bytes], Path]) -> None:
    path = answering(http("409 Conflict", '{"detail": "there is no maintenance window MNT-1"}'))

    failure = refused(path)

    assert (failure.text, failure.status) == ("there is no maintenance window MNT-1", 1)


def test_a_refusal_without_words_names_the_agent_and_the_status(answering: Callable[[bytes], Path]) -> None:
    path = answering(http("500 Internal Server Error", "{}"))

    failure = refused(path)

    assert "500" in failure.text
    assert str(path) in failure.text
