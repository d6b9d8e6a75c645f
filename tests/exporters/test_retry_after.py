"""When a server asks to be asked again: seconds, a moment by its own clock, or nothing that makes sense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.retry_after import retry_after

NOON = "Mon, 23 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        ("120", "", 120.0),
        (" 0 ", "", 0.0),
        ("Mon, 23 Nov 2026 12:02:00 GMT", NOON, 120.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", NOON, 0.0),
        ("Mon, 23 Nov 2026 12:02:00 GMT", "", None),
        ("Mon, 23 Nov 2026 12:02:00", NOON, None),
        ("soon", NOON, None),
        ("-5", NOON, None),
        ("١٢", NOON, None),
        ("", NOON, None),
        ("Mon, 23 Nov 99999999999999999999 12:02:00 GMT", NOON, None),
        ("Mon, 23 Nov 2026 12:02:00 +99999999999999999999", NOON, None),
    ],
)
def test_what_is_said_is_read_or_ignored(value: str, date: str, seconds: float | None) -> None:
    assert retry_after(value, date) == seconds


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_said_it_is_a_pause_or_nothing(value: str, date: str) -> None:
    found = retry_after(value, date)

    assert found is None or 0 <= found <= 999_999_999
