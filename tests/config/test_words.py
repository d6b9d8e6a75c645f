"""The words of the estate file, one by one."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.estate import MofN, Need
from config.schema.words import duration_text, read_address, read_duration, read_hours, read_m_of_n, read_need


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60.0), ("5m", 300.0), ("1h30m", 5400.0), ("1d", 86_400.0), ("500ms", 0.5), ("1m500ms", 60.5), ("0s", 0.0)],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("value", ["", "60", "s", "1.5s", "-1s", "1s1m", "1 m", "1M", 60, True, None, "9" * 40 + "s"])
def test_anything_else_is_no_duration(value: object) -> None:
    with pytest.raises(ValueError, match="a duration is written as"):
        read_duration(value)


@given(st.integers(0, 10**9))
def test_a_duration_reads_back_as_it_was_printed(milliseconds: int) -> None:
    assert read_duration(duration_text(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize("value", ["3 of 5", {"m": 3, "n": 5}])
def test_both_forms_of_m_of_n_are_read(value: object) -> None:
    assert read_m_of_n(value) == MofN(3, 5)


@pytest.mark.parametrize("value", ["0 of 1", "2 of 1", "1 of 33", {"m": True, "n": 2}, {"m": 1}, "3/5", 3, [1, 2]])
def test_other_figures_are_no_m_of_n(value: object) -> None:
    with pytest.raises(ValueError, match=r"cannot be|is written as"):
        read_m_of_n(value)


@pytest.mark.parametrize(
    "value",
    ["192.0.2.1", "2001:db8::1", "fe80::1%eth0", "forum-fw.dacorum.example", "switch", "a.example.", "_sip.a.example"],
)
def test_an_address_is_kept_as_it_is(value: str) -> None:
    assert read_address(value) == value


def test_an_ipv6_address_takes_its_short_form() -> None:
    assert read_address("2001:0DB8:0:0::0001") == "2001:db8::1"


@pytest.mark.parametrize(
    "value",
    ["", "a b", "a..b", "-a.example", "a-.example", "192.0.2", "192.0.2.01", "192.0.2.1:22", "a.example:22", "[::1]", "https://a",
     "192.0.2.0/24", "x" * 64, "fe80::1%a;b", "a.example;id", None, 7, "a\nb"],
)  # fmt: skip
def test_anything_else_is_no_address(value: object) -> None:
    with pytest.raises(ValueError, match=r"must be|must name|is not an IP address"):
        read_address(value)


def test_hours_may_end_at_midnight() -> None:
    assert read_hours("13:00-24:00") == (time(13), time(0))


def test_needs_nest() -> None:
    need = read_need(["core", {"any": ["link-a", {"all": ["link-b", "modem"]}]}])

    assert need == Need("all", ("core", Need("any", ("link-a", Need("all", ("link-b", "modem"))))))


def test_needs_nest_only_so_deep() -> None:
    need: object = "core"
    for _ in range(10):
        need = {"any": [need, "x"]}

    with pytest.raises(ValueError, match="nested more than 8 deep"):
        read_need(need)
