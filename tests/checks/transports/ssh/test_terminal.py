"""What a person would see on a device's terminal, line by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.transports.ssh.terminal import Terminal


def shown(*chunks: bytes) -> list[str]:
    terminal = Terminal()
    for chunk in chunks:
        terminal.feed(chunk)
    return [*terminal.lines, terminal.line]


@pytest.mark.parametrize(
    ("octets", "lines"),
    [
        (b"one\r\ntwo", ["one", "two"]),
        (b"abc\b\b\bxyz", ["xyz"]),
        (b"--More-- \r         \rnext", ["next"]),
        (b"--More--" + b"\b" * 8 + b" " * 8 + b"\b" * 8 + b"next\r\n", ["next", ""]),
        (b"lines 1-24\x1b[2K\rnext", ["next"]),
        (b"wrong\r\x1b[Kright", ["right"]),
        (b"\x1b[1;31mred\x1b[0m text", ["red text"]),
        (b"\x1b]0;title\x07fw01#", ["fw01#"]),
        (b"\x1b]0;title\x1b\\fw01#", ["fw01#"]),
        (b"abcdef\x1b[3D\x1b[P", ["abcef"]),
        (b"ac\x1b[1D\x1b[@b", ["abc"]),
        (b"one\x1b[24;1Htwo\x1b[24;4Hthree", ["one", "twothree"]),
        (b"\x1b[24;1Hprompt# \x1b[24;9H\x1b[?25h", ["prompt#"]),
        (b"first\x1b[2J\x1b[Hsecond", ["first", "second"]),
        (b"\x1b[10Cfar", ["          far"]),
        (b"bell\x07 and \x00nul", ["bell and nul"]),
        ("Übergröße".encode(), ["Übergröße"]),
        (b"\xff\xfe", ["\ufffd\ufffd"]),
        (b"\x1b[", [""]),
    ],
)
def test_a_terminal_shows_what_a_person_would_see(octets: bytes, lines: list[str]) -> None:
    assert shown(octets) == lines


@pytest.mark.parametrize("octets", [b"a\x1b[31mb\x1b[0mc", "größer".encode(), b"x\x1b]0;t\x07y\r\nz"])
def test_octets_that_come_one_by_one_show_the_same(octets: bytes) -> None:
    singly = [octets[at : at + 1] for at in range(len(octets))]

    assert shown(*singly) == shown(octets)


def test_a_line_without_end_is_kept_only_so_far() -> None:
    terminal = Terminal()

    for _ in range(100):
        terminal.feed(b"x" * 1000)
    terminal.feed(b"\x1b[99999C\x1b[99999@y")

    assert len(terminal.line) <= 32_768


def test_a_sequence_that_never_ends_does_not_swallow_what_follows_for_ever() -> None:
    terminal = Terminal()

    terminal.feed(b"\x1b]" + b"x" * 1000 + b"\r\nfw01# ")

    assert terminal.line == "fw01#"


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_no_octets_leave_control_characters_behind(chunks: list[bytes]) -> None:
    for line in shown(*chunks):
        assert all(letter >= " " or letter == "\t" for letter in line)
