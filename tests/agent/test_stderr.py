"""The filter before standard error: panics are told of once a minute, everything else passes as it came."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from agent.stderr import PanicSieve, StderrFilter

PANIC = [
    b"\n",
    b"thread '<unnamed>' (11399) panicked at src/ber/header.rs:96:35:\n",
    b"index out of bounds: the len is 12 but the index is 12\n",
]
BACKTRACE = [
    b"stack backtrace:\n",
    b"   0: __rustc::rust_begin_unwind\n",
    b"             at /rustc/library/std/src/panicking.rs:689:5\n",
    b"note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.\n",
]


class Sieved:
    def __init__(self) -> None:
        self.now = 1000.0
        self.sieve = PanicSieve(lambda: self.now)

    def pass_lines(self, lines: list[bytes]) -> bytes:
        return b"".join(self.sieve.line(line) for line in lines)


def test_the_first_panic_passes_whole_and_the_next_ones_are_counted() -> None:
    sieved = Sieved()

    first = sieved.pass_lines(PANIC + BACKTRACE)
    then = sieved.pass_lines((PANIC + BACKTRACE) * 500)

    assert first == b"".join((PANIC + BACKTRACE)[1:])
    assert then == b""
    assert (sieved.sieve.panics, sieved.sieve.hidden) == (501, 500)


def test_what_was_hidden_is_told_of_after_a_minute() -> None:
    sieved = Sieved()
    sieved.pass_lines(PANIC * 3)

    sieved.now = sieved.sieve.due
    told = sieved.sieve.rest()

    assert told == b"ridgeway: 2 more panics of a native library were caught; malformed SNMP replies cause them\n"
    assert sieved.sieve.due == float("inf")


def test_lines_of_others_pass_between_and_after_panics() -> None:
    sieved = Sieved()
    sieved.pass_lines(PANIC)

    told = sieved.pass_lines([*PANIC, b"Fatal: disk on fire\n", *PANIC, *BACKTRACE, b"\n", b"   and burning\n"])

    assert told == b"Fatal: disk on fire\n\n   and burning\n"


def test_an_ordinary_text_with_empty_lines_is_not_changed() -> None:
    text = [b"one\n", b"\n", b"\n", b"two\n"]
    sieved = Sieved()

    assert sieved.pass_lines(text) + sieved.sieve.rest() == b"".join(text)


def test_descriptor_two_is_filtered_and_given_back(capfd: pytest.CaptureFixture[str]) -> None:
    with StderrFilter() as filtered:
        os.write(2, b"".join(PANIC * 300))
        os.write(2, b"native warning\n")
    os.write(2, b"afterwards\n")

    written = capfd.readouterr().err
    assert written.count("panicked") == 1
    assert "native warning\n" in written and written.endswith("afterwards\n")
    assert filtered.sieve.panics == 300


def test_a_child_process_still_has_a_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    with StderrFilter():
        subprocess.run(["sh", "-c", "echo from the child >&2"], check=True)

    assert "from the child" in capfd.readouterr().err


def test_writing_never_waits_for_the_reader() -> None:
    """In a process of its own, whose filter thread is starved: descriptor 2 must not block."""
    script = (
        "import os\n"
        "from agent.stderr import StderrFilter\n"
        "filtered = StderrFilter()\n"
        "filtered._pass_on = lambda: None\n"
        "filtered.__enter__()\n"
        "for _ in range(100):\n"
        "    try: os.write(2, b'x' * 4096)\n"
        "    except BlockingIOError: print('did not wait'); break\n"
        "os._exit(0)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=30, check=False)

    assert b"did not wait" in done.stdout


def test_what_python_says_does_not_go_through_the_pipe() -> None:
    script = (
        "import os, sys\n"
        "from agent.stderr import StderrFilter\n"
        "StderrFilter().__enter__()\n"
        "print('last words', file=sys.stderr)\n"
        "os._exit(1)\n"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=30, check=False)

    assert done.stderr == b"last words\n"
