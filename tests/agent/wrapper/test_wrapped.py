"""`ridgeway backup run` around real commands: their output, status and signals go through, whatever the agent does."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from testbeds.agent import RIDGEWAY
from testbeds.peers import free_port, wait_until
from testbeds.pushing import KEY


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text(f"{KEY}\n")
    return tmp_path


def wrapping(home: Path, *command: str, options: tuple[str, ...] = (), url: str = "") -> list[str]:
    where = url or f"http://127.0.0.1:{free_port()}"
    told = ["--url", where, "--key-file", str(home / "key"), "--spool", str(home / "spool")]
    return [RIDGEWAY, "backup", "run", *told, *options, "--", *command]


def wrapped(
    home: Path, *command: str, options: tuple[str, ...] = (), url: str = "", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        wrapping(home, *command, options=options, url=url),
        capture_output=True,
        timeout=60,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
    )


def notes(home: Path) -> list[dict[str, object]]:
    """What waits to be told, the oldest first."""
    return [json.loads(path.read_text()) for path in sorted((home / "spool").glob("*/*.note"))]


@pytest.mark.parametrize(
    ("script", "status"),
    [("exit 0", 0), ("exit 1", 1), ("exit 3", 3), ("exit 255", 255), ("kill -9 $$", 137), ("kill -15 $$", 143)],
)
def test_the_exit_status_goes_through_and_is_told(home: Path, script: str, status: int) -> None:
    done = wrapped(home, "sh", "-c", script)

    assert done.returncode == status
    assert [note["sign"] for note in notes(home)] == ["start", str(status)]


@pytest.mark.parametrize(("command", "status"), [("/nowhere/at-all", 127), ("/etc/hostname", 126)])
def test_a_command_that_cannot_be_run_has_a_shells_status(home: Path, command: str, status: int) -> None:
    done = wrapped(home, command)

    assert done.returncode == status
    assert [note["sign"] for note in notes(home)] == ["start", str(status)]
    assert command in done.stderr.decode()


def test_octets_of_both_outputs_go_through_untouched(home: Path) -> None:
    octets = bytes(range(256)) * 4000
    (home / "octets").write_bytes(octets)

    done = wrapped(home, "sh", "-c", f"cat {home / 'octets'}; cat {home / 'octets'} >&2")

    assert done.stdout == octets
    assert done.stderr.startswith(octets)
    assert done.returncode == 0


def test_the_end_of_the_output_is_told_short_and_without_secrets(home: Path) -> None:
    script = f"seq 1 5000; echo password=hunter22 {KEY} https://u:pw12345@x/ $RESTIC_PASSWORD; echo last"

    wrapped(home, "sh", "-c", script, RESTIC_PASSWORD="correct-horse")

    log = str(notes(home)[1]["log"])
    assert log.endswith("last")
    assert len(log.encode()) <= 4096
    assert [word for word in ("hunter22", KEY, "pw12345", "correct-horse") if word in log] == []
    assert "5000" in log


def test_without_a_log_the_command_has_our_own_output_and_nothing_of_it_is_told(home: Path) -> None:
    done = wrapped(home, "sh", "-c", "readlink /proc/self/fd/1; readlink /proc/$PPID/fd/1", options=("--no-log",))

    here, ours = done.stdout.split()
    assert here == ours
    assert notes(home)[1]["log"] == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
def test_signals_reach_the_command(home: Path, number: signal.Signals) -> None:
    script = f"trap 'echo caught; exit 7' {number.name.removeprefix('SIG')}; echo ready; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        wrapping(home, "sh", "-c", script), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"

    process.send_signal(number)
    rest, _ = process.communicate(timeout=30)

    assert rest == b"caught\n"
    assert process.returncode == 7
    assert [note["sign"] for note in notes(home)] == ["start", "7"]


def test_a_wrapper_that_is_killed_leaves_its_start_on_the_disk(home: Path) -> None:
    process = subprocess.Popen(wrapping(home, "sleep", "2"), stderr=subprocess.DEVNULL)
    wait_until(lambda: len(notes(home)) == 1, "the start is kept")

    process.kill()
    process.wait(30)

    assert [note["sign"] for note in notes(home)] == ["start"]


@contextmanager
def hanging() -> Iterator[str]:
    """An agent that takes connections and says nothing."""
    held: list[socket.socket] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def take() -> None:
            while True:
                try:
                    held.append(listening.accept()[0])
                except OSError:
                    return

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    for one in held:
        one.close()


def test_an_agent_that_hangs_holds_the_backup_up_for_so_long_and_no_longer(home: Path) -> None:
    with hanging() as url:
        done = wrapped(home, "sh", "-c", "exit 4", url=url, options=("--timeout", "60", "--patience", "0.5"))

    assert done.returncode == 4
    assert "was not told within 0.5 s" in done.stderr.decode()
    assert [note["sign"] for note in notes(home)] == ["start", "4"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("no key", "No such file or directory"),
        ("bad key", "holds no key"),
        ("no spool", "pings cannot be kept"),
        ("plain text", "over https only"),
    ],
)
def test_whatever_is_wrong_with_the_telling_the_backup_is_made(home: Path, spoil: str, words: str) -> None:
    url = "http://agent.example:1" if spoil == "plain text" else ""
    if spoil == "no key":
        (home / "key").unlink()
    elif spoil == "bad key":
        (home / "key").write_text("short\n")
    elif spoil == "no spool":
        (home / "spool").write_text("a file")

    done = wrapped(home, "sh", "-c", "echo made; exit 5", url=url)

    assert (done.stdout, done.returncode) == (b"made\n", 5)
    assert words in done.stderr.decode()


def test_what_the_command_leaves_behind_does_not_hold_the_wrapper(home: Path) -> None:
    done = wrapped(home, "sh", "-c", "sleep 50 & echo $!")

    os.kill(int(done.stdout), signal.SIGKILL)  # raises where it has ended, and so was waited for
    assert done.returncode == 0


def test_no_key_is_on_a_command_line_or_in_the_spool(home: Path) -> None:
    done = wrapped(home, "sh", "-c", "cat /proc/$PPID/cmdline /proc/$$/environ")

    assert KEY.encode() not in done.stdout + done.stderr
    assert [path for path in (home / "spool").rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()] == []
    assert {path.stat().st_mode & 0o077 for path in (home / "spool").rglob("*")} == {0}
