"""Numbers and words out of what a command printed, and evidence that gives nothing away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.network.command_reading import (
    MOST_LINES,
    Lines,
    NotFound,
    Unreadable,
    as_number,
    number_of,
    span,
    spoken,
    word_of,
)
from checks.network.shown import shown
from config.commands import Take, Transform
from config.patterns import LinePattern


@pytest.mark.parametrize(
    ("transform", "text", "number"),
    [
        (Transform.NUMBER, "12", 12.0), (Transform.NUMBER, "-0.5", -0.5), (Transform.NUMBER, "+3", 3.0),
        (Transform.BYTES, "512", 512.0), (Transform.BYTES, "1024 kB", 1024.0**2),
        (Transform.BYTES, "1.5G", 1.5 * 1024**3), (Transform.BYTES, "2T", 2 * 1024.0**4),
        (Transform.BYTES, "3 MiB", 3 * 1024.0**2), (Transform.BYTES, "7 bytes", 7.0),
        (Transform.DURATION, "1w 2d 3h 4m 5s", 788_645.0), (Transform.DURATION, "3 days, 4:05", 273_900.0),
        (Transform.DURATION, "04:05:06", 14_706.0), (Transform.DURATION, "5:06", 306.0),
        (Transform.DURATION, "250ms", 0.25),
        (Transform.DURATION, "1 year, 2 weeks, 3 days, 4 hours, 5 minutes", 33_019_500.0),
        (Transform.DURATION, "2 days, 03:04:05", 183_845.0),
        (Transform.TIMESTAMP, "1800000000", 1_800_000_000.0),
    ],
)  # fmt: skip
def test_texts_are_read_in_base_units(transform: Transform, text: str, number: float) -> None:
    assert as_number(transform, text) == pytest.approx(number)


@pytest.mark.parametrize("transform", [Transform.NUMBER, Transform.BYTES, Transform.DURATION, Transform.TIMESTAMP])
@pytest.mark.parametrize("text", ["", "-", "n/a", "nan", "inf", "1,5", "12x", "0x10", "٣", "1e9", "9" * 40, None])
def test_what_is_no_number_is_unreadable(transform: Transform, text: str | None) -> None:
    with pytest.raises(Unreadable):
        as_number(transform, text)


def test_a_span_longer_than_any_device_lives_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="longer than any device lives"):
        as_number(Transform.DURATION, "999999999w")


THREE = Lines("a 5\na 2\nb 9\na 7", whole=True)
A = LinePattern(r"^a (?P<value>[0-9]+)$")


@pytest.mark.parametrize(
    ("take", "number"),
    [(Take.FIRST, 5), (Take.LAST, 7), (Take.LEAST, 2), (Take.GREATEST, 7), (Take.SUM, 14), (Take.COUNT, 3)],
)
def test_of_several_lines_the_one_that_was_asked_for_counts(take: Take, number: float) -> None:
    assert number_of(A, take, Transform.NUMBER, THREE) == number


@pytest.mark.parametrize("take", [Take.LAST, Take.LEAST, Take.GREATEST, Take.SUM, Take.COUNT])
@pytest.mark.parametrize("lines", [Lines("a 5", whole=False), Lines("a 5\n" + "a" * 501, whole=True)])
def test_of_an_output_that_was_not_read_whole_only_the_first_counts(take: Take, lines: Lines) -> None:
    assert number_of(A, Take.FIRST, Transform.NUMBER, lines) == 5
    with pytest.raises(Unreadable):
        number_of(A, take, Transform.NUMBER, lines)


def test_no_line_is_not_found_but_counts_as_none() -> None:
    nothing = Lines("x", whole=True)

    assert number_of(A, Take.COUNT, Transform.NUMBER, nothing) == 0
    for take in set(Take) - {Take.COUNT}:
        with pytest.raises(NotFound):
            number_of(A, take, Transform.NUMBER, nothing)


def test_a_long_line_is_passed_over_and_not_cut() -> None:
    lines = Lines("x" * 999 + "a 5", whole=True)

    assert not lines.all_looked_at
    with pytest.raises(NotFound):
        number_of(LinePattern("a (?P<value>[0-9])"), Take.FIRST, Transform.NUMBER, lines)


def test_words_are_first_or_last_and_bounded() -> None:
    word = LinePattern(r"^s: (?P<value>.*)$")

    assert word_of(word, Take.FIRST, Lines("s: up\ns: down", whole=True)) == "up"
    assert word_of(word, Take.LAST, Lines("s: up\ns: down", whole=True)) == "down"
    for text in ("s: ", "s: " + "x" * 121):
        with pytest.raises(Unreadable):
            word_of(word, Take.FIRST, Lines(text, whole=True))


def test_numbers_are_shown_as_people_say_them() -> None:
    assert [spoken(0.853, "ratio"), spoken(1536, "bytes"), spoken(3, "units"), spoken(2.0**45, "bytes")] == [
        "85.3 %", "1.5 KiB", "3 units", "32 TiB",
    ]  # fmt: skip
    assert [span(0.25), span(65), span(3600), span(90_000), span(-7_260)] == [
        "0.25 s", "1 min 5 s", "1 h", "1 d 1 h", "-2 h 1 min",
    ]  # fmt: skip


SECRETS = [
    "password hunter2", "Password: hunter2", "db_password=hunter2", "set passwd hunter2", 'psk "hunter2 x"',
    "snmp-server community hunter2 RO", "api_key=hunter2", "Authorization: hunter2", "https://bob:hunter2@host/",
    "--token=hunter2", "PGPASSWORD=hunter2", "secret 5 hunter2$1", "Bearer hunter2", "private-key: hunter2",
    "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----", "-----BEGIN X-----\nhunter2",
    "hunter2" + "A" * 40,
]  # fmt: skip


@pytest.mark.parametrize("text", SECRETS)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    said = shown(f"line one\n{text}\n")

    assert "hunter2" not in said
    assert "[secret]" in said


@given(st.text(max_size=3000), st.integers(2, 300))
def test_evidence_is_one_short_printable_line(text: str, most: int) -> None:
    said = shown(text, most)

    assert 0 < len(said) <= max(most, len("(nothing)"))
    assert said.isprintable()


def test_ordinary_output_stays_readable() -> None:
    assert shown("Filesystem  Used\n/dev/sda1   85%\n\n") == "Filesystem Used ⏎ /dev/sda1 85%"
    assert shown(" \n\t\n") == "(nothing)"


def test_of_very_many_lines_only_the_first_are_looked_at_and_nothing_is_certain() -> None:
    lines = Lines("a 5\n" * (MOST_LINES + 1), whole=True)

    assert number_of(A, Take.FIRST, Transform.NUMBER, lines) == 5
    with pytest.raises(Unreadable):
        number_of(A, Take.COUNT, Transform.NUMBER, lines)
