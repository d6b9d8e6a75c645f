"""Output of a command, made harmless."""

from __future__ import annotations

import pytest

from checks.transports.ssh.text import one_line, plain


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"a\tb\r\nc\n", "a\tb\nc\n"),
        (b"\x1b[1;32mok\x1b[0m\n", "ok\n"),
        (b"\x1b]0;evil\x07title", "title"),
        (b"bell\x07 back\x08 del\x7f", "bell back del"),
        (b"lone\rreturn", "lonereturn"),
        ("c1\u009b31m and \u202eturned".encode(), "c1 and turned"),
        (b"\xc3\x28 latin \xe9", "\ufffd( latin \ufffd"),
        (b"\x1b", ""),
    ],
)
def test_only_line_feeds_and_tabs_are_left_of_the_control_characters(octets: bytes, text: str) -> None:
    assert plain(octets) == text


def test_a_message_is_one_line() -> None:
    assert one_line(" a\r\n  b\tc\x1b ") == "a b c"
