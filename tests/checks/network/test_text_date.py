"""Dates as devices write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.network.text_date import text_date, us_date


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Wed Sep 16 01:00:00 2026", datetime(2026, 9, 16, 1, tzinfo=UTC)),
        ("Sep  6 01:00:00 2026", datetime(2026, 9, 6, 1, tzinfo=UTC)),
        ("Feb 27 2029", datetime(2029, 2, 27, tzinfo=UTC)),
        ("August 05, 2025", datetime(2025, 8, 5, tzinfo=UTC)),
        ("27-Feb-2029", datetime(2029, 2, 27, tzinfo=UTC)),
        ("2026-09-16", datetime(2026, 9, 16, tzinfo=UTC)),
        ("2018/04/09 18:07:31", datetime(2018, 4, 9, 18, 7, 31, tzinfo=UTC)),
        ("2018-04-09T18:07:31+0100", datetime(2018, 4, 9, 17, 7, 31, tzinfo=UTC)),
        ("2017/09/07  04:00:28 PDT", datetime(2017, 9, 7, 4, 0, 28, tzinfo=UTC)),
        ("56.00409(2018-02-23 17:43)", datetime(2018, 2, 23, 17, 43, tzinfo=UTC)),
        ("31 Dec 2016 23:59:60", None),
        ("2016-12-31 23:59:60", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("Feb 30 2029", None),
        ("fail", None),
        ("Foo 27 2029", None),
        ("1.00000", None),
        ("", None),
    ],
)
def test_a_date_is_read_or_it_is_none(text: str, moment: datetime | None) -> None:
    assert text_date(text) == (None if moment is None else moment.timestamp())


@given(st.text(max_size=200))
def test_whatever_a_device_writes_it_is_a_moment_or_none(text: str) -> None:
    said = text_date(text)

    assert said is None or -1e12 < said < 1e12


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("08/28/2026", datetime(2026, 8, 28, tzinfo=UTC)),
        ("08/28/26", datetime(2026, 8, 28, tzinfo=UTC)),
        ("8/3/68", datetime(2068, 8, 3, tzinfo=UTC)),
        ("8/3/69", datetime(1969, 8, 3, tzinfo=UTC)),
        ("2009-02-26", datetime(2009, 2, 26, tzinfo=UTC)),
        ("28/08/2026", None),
        ("02/30/2026", None),
        ("08/28/026", None),
        ("unknown", None),
    ],
)
def test_a_day_with_its_month_first_is_read_so_and_never_the_other_way_round(
    text: str, moment: datetime | None
) -> None:
    assert us_date(text) == (None if moment is None else moment.timestamp())


@given(st.text(max_size=200))
def test_whatever_a_ups_has_for_a_day_it_is_a_moment_or_none(text: str) -> None:
    said = us_date(text)

    assert said is None or -1e12 < said < 1e12
