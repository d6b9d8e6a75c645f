"""The fixed list of transforms: what each makes of an answer, and what it refuses to make anything of."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.network.transform import Unreadable, decimal, spelt, transformed
from config.profiles import Transform

AT = 1_700_000_000.0


@pytest.mark.parametrize(
    ("transform", "raw", "scale", "expected"),
    [
        (Transform.NUMBER, 42, 0.01, 0.42),
        (Transform.NUMBER, -7, 1.0, -7.0),
        (Transform.UNSIGNED, -1, 1.0, 4_294_967_295.0),
        (Transform.UNSIGNED, 5, 1.0, 5.0),
        (Transform.NUMBER_TEXT, " 37 %", 0.01, 0.37),
        (Transform.NUMBER_TEXT, "-0.42 load", 1.0, -0.42),
        (Transform.NUMBER_TEXT, 12, 1.0, 12.0),
        (Transform.BOOT_TIME, 360_000, 1.0, AT - 3600),
        (Transform.EPOCH, 1_600_000_000, 1.0, 1_600_000_000.0),
        (Transform.EPOCH, "1600000000", 1.0, 1_600_000_000.0),
        (Transform.EPOCH_MILLISECONDS, 1_600_000_000_500, 1.0, 1_600_000_000.5),
        (Transform.DATE_AND_TIME, "0x07ea0b170c1e0f00", 1.0, 1_795_437_015.0),
        (Transform.DATE_AND_TIME, "0x07ea0b170c1e0f002b0100", 1.0, 1_795_433_415.0),
        (Transform.DATE_AND_TIME, "0x07ea0b170c1e0f002d0100", 1.0, 1_795_440_615.0),
        (Transform.TEXT, "FortiGate", 1.0, "FortiGate"),
        (Transform.OID, "1.3.6.1.4.1.9", 1.0, "1.3.6.1.4.1.9"),
        (Transform.HEX, "0x001122", 1.0, "0x001122"),
        (Transform.HEX, "abc", 1.0, "0x616263"),
    ],
)
def test_an_answer_becomes_what_it_means(
    transform: Transform, raw: int | str, scale: float, expected: float | str
) -> None:
    assert (
        transformed(transform, raw, scale, AT) == pytest.approx(expected) if isinstance(expected, float) else expected
    )


@pytest.mark.parametrize(
    ("transform", "raw"),
    [
        (Transform.NUMBER, "42"),
        (Transform.NUMBER, math.nan),
        (Transform.NUMBER, math.inf),
        (Transform.UNSIGNED, "many"),
        (Transform.NUMBER_TEXT, "n/a"),
        (Transform.NUMBER_TEXT, ""),
        (Transform.BOOT_TIME, -1),
        (Transform.BOOT_TIME, "soon"),
        (Transform.DATE_AND_TIME, "0x0000010100000000"),
        (Transform.DATE_AND_TIME, "0x07ea0d170c1e0f00"),
        (Transform.DATE_AND_TIME, "0x07ea021e0c1e0f00"),
        (Transform.DATE_AND_TIME, "Dec 31 2999"),
        (Transform.DATE_AND_TIME, 20261123),
        (Transform.OID, "not an oid"),
        (Transform.OID, 1),
        (Transform.HEX, 1),
    ],
)
def test_what_is_of_a_wrong_type_is_unreadable(transform: Transform, raw: int | float | str) -> None:
    with pytest.raises(Unreadable):
        transformed(transform, raw, 1.0, AT)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"fw-hemel", "fw-hemel"),
        (b"Cisco IOS\r\nVersion 15", "Cisco IOS Version 15"),
        (b"name\x00\x00", "name"),
        (b"", ""),
        ("Aylesbury – Süd".encode(), "Aylesbury – Süd"),
        (b"\xff\xfe", "0xfffe"),
        (b"\x00\x11\x22\x33\x44\x55", "0x001122334455"),
        (b"\x07\xea\x0b\x17\x0c\x1e\x0f\x00", "0x07ea0b170c1e0f00"),
        (b"\x1b[31mred", "0x1b5b33316d726564"),
    ],
)
def test_octets_are_text_where_they_are_text(octets: bytes, expected: str) -> None:
    assert spelt(octets) == expected


@given(st.binary(max_size=5000))
def test_octets_never_bring_a_control_character_or_more_than_255_in(octets: bytes) -> None:
    text = spelt(octets)

    assert len(text) <= 255
    assert text.isprintable()


@given(st.sampled_from(Transform), st.one_of(st.integers(), st.floats(), st.text(max_size=40), st.binary().map(spelt)))
def test_any_answer_at_all_is_a_finite_number_a_text_or_unreadable(
    transform: Transform, raw: int | float | str
) -> None:
    try:
        value = transformed(transform, raw, 1.0, AT)
    except Unreadable:
        return

    assert isinstance(value, str) or math.isfinite(value)


@pytest.mark.parametrize(
    ("value", "scale", "precision", "expected"),
    [
        (235, 9, 1, 23.5),
        (12_050, 8, 0, 12.05),
        (4_200, 9, 0, 4_200.0),
        (7, 10, 0, 7_000.0),
        (-405, 9, 1, -40.5),
        (3, 9, -2, 300.0),
        (1_234_567, 8, 3, 1.234567),
    ],
)
def test_the_decimal_point_of_a_sensor_is_where_scale_and_digits_say(
    value: float, scale: float, precision: float, expected: float
) -> None:
    assert decimal(value, scale, precision) == expected


@pytest.mark.parametrize(("scale", "precision"), [(0, 0), (18, 0), (9, 10), (9, -9), (8.5, 0), (9, 0.5)])
def test_a_scale_that_cannot_be_is_unreadable(scale: float, precision: float) -> None:
    with pytest.raises(Unreadable):
        decimal(1, scale, precision)
