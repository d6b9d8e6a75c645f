"""The end of an output: short, text, and without what looks like a secret."""

from __future__ import annotations

import pytest

from agent.push.tail import KEPT, tail


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("all done\n", "all done"),
        ("password=hunter2 next", "password=[secret] next"),
        ("RESTIC_PASSWORD: 'two words'\nx", "RESTIC_PASSWORD: [secret]\nx"),
        ('{"api_key": "abc", "n": 1}', '{"api_key": [secret], "n": 1}'),
        ("sftp://jo:pa55@nas/x", "sftp://jo:[secret]@nas/x"),
        ("curl https://a/ping/0123456789abcdef/start", "curl https://a/ping/[secret]/start"),
        ("the key 0123456789 is ours", "the key [secret] is ours"),
        ("the passage was long", "the passage was long"),
    ],
)
def test_what_looks_like_a_secret_is_left_out(text: str, kept: str) -> None:
    assert tail(text.encode(), ["0123456789"]) == kept


def test_no_more_than_the_last_lines_are_kept_and_the_first_is_whole() -> None:
    found = tail("".join(f"line {number}\n" for number in range(5000)).encode())

    assert len(found.encode()) <= KEPT
    assert found.endswith("line 4999")
    assert found.splitlines()[0].startswith("line ")


def test_a_secret_at_the_edge_leaves_no_half_of_it() -> None:
    secret = "s" * 40

    found = tail(secret.encode() + b"x" * (KEPT - 20), [secret])

    assert "ssss" not in found


@pytest.mark.parametrize("piece", ["x", "a.", "password", "a://", "a://b:", 'token="', "/ping/", "key: ", " "])
def test_no_output_is_slow_to_look_at(piece: str) -> None:
    """A pattern that tries every way through would take minutes, and this test's time with it."""
    hostile = (piece * 70_000)[:65_536].encode()

    for _ in range(20):
        assert len(tail(hostile, ["0123456789"]).encode()) <= KEPT


def test_octets_that_are_no_text_do_no_harm() -> None:
    found = tail(b"\xff\xfe\x00ok\x1b[31m\r50 %\r100 %\n")

    assert found.isprintable() or "\n" in found
    assert found.splitlines()[-1] == "100 %"
