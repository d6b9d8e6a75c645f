"""Several columns in one question: whatever an agent leaves out, every column is read to its end or is not complete."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.transports.snmp.errors import Capped, Malformed, Oversized
from checks.transports.snmp.reading import Page, Reading
from checks.transports.snmp.values import Missing
from checks.transports.snmp.wire import Row

TABLE = "1.3.6.1.4.1.99999.1"
COLUMNS = [f"{TABLE}.{number}" for number in range(1, 7)]
ENOUGH = 500


def numbers(oid: str) -> tuple[int, ...]:
    return tuple(map(int, oid.split(".")))


def device(sizes: Mapping[str, int]) -> list[Row]:
    """The objects of an agent, of which each column has so many, and one that is in none of them."""
    rows: list[Row] = [
        (f"{column}.{index}", (*numbers(column), index), index)
        for column, size in sizes.items()
        for index in range(1, size + 1)
    ]
    rows.append((f"{TABLE}.9.1", (*numbers(TABLE), 9, 1), 0))
    return sorted(rows, key=lambda row: row[1])


def answer(rows: Sequence[Row], page: Page) -> list[Row]:
    """What RFC 3416, section 4.2.3, demands of an agent."""
    known = [row[1] for row in rows]
    found: list[Row] = []
    for step in range(page.repetitions):
        for oid in page.oids:
            at = bisect_right(known, numbers(oid)) + step
            found.append(rows[at] if at < len(rows) else (rows[-1][0], rows[-1][1], Missing.END))
    return found


def read(reading: Reading, ask: Callable[[Page], Sequence[Row]]) -> int:
    """Read to the end; gives how many questions it took."""
    for asked in range(ENOUGH):
        page = reading.page()
        if page is None:
            return asked
        reading.take(ask(page))
    raise AssertionError("the reading has no end")


def columns(sizes: Mapping[str, int], most: int = 1_000, at_once: int = 20, repetitions: int = 20) -> Reading:
    return Reading("192.0.2.1", dict.fromkeys(sizes, most), at_once, repetitions)


SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=6).map(lambda s: dict(zip(COLUMNS, s, strict=False)))


@given(SIZES, st.integers(1, 8), st.integers(1, 50), st.data())
def test_every_column_is_read_whole_whatever_is_left_out_of_replies(
    sizes: dict[str, int], at_once: int, repetitions: int, data: st.DataObject
) -> None:
    reading = columns(sizes, at_once=at_once, repetitions=repetitions)
    rows = device(sizes)

    def cut_short(page: Page) -> Sequence[Row]:
        assert len(page.oids) <= at_once and page.repetitions <= repetitions
        whole = answer(rows, page)
        return whole[: data.draw(st.integers(1, len(whole)))]

    read(reading, cut_short)

    assert reading.complete() == set(sizes)
    assert reading.rows() == {
        column: {str(index): index for index in range(1, size + 1)} for column, size in sizes.items()
    }


def test_column_by_column_instead_of_row_by_row_is_noticed() -> None:
    sizes = {COLUMNS[0]: 2, COLUMNS[2]: 3, COLUMNS[4]: 1}
    reading = columns(sizes)
    rows = device(sizes)

    def by_column(page: Page) -> Sequence[Row]:
        return [row for oid in page.oids for row in answer(rows, Page((oid,), page.repetitions))]

    read(reading, by_column)

    assert {column: len(found) for column, found in reading.rows().items()} == sizes
    assert reading.complete() == set(sizes)


def test_ten_short_tables_are_one_question() -> None:
    sizes = {f"1.3.6.1.4.1.{number}.1": number % 5 for number in range(1, 11)}
    reading = columns(sizes)
    rows = device(sizes)

    asked = read(reading, lambda page: answer(rows, page))

    assert asked == 1
    assert {column: len(found) for column, found in reading.rows().items()} == sizes


def test_a_column_that_goes_in_a_circle_is_an_error_and_not_complete() -> None:
    reading = columns({COLUMNS[0]: 0, COLUMNS[1]: 0})
    page = reading.page()
    assert page is not None
    first, end = (f"{COLUMNS[0]}.1", (*numbers(COLUMNS[0]), 1), 1), (f"{TABLE}.9.1", (*numbers(TABLE), 9, 1), 0)

    with pytest.raises(Capped, match="in a circle"):
        reading.take([first, end] * page.repetitions)

    assert reading.complete() == set()


def test_a_column_beyond_its_limit_is_an_error_and_keeps_what_it_read() -> None:
    sizes = {COLUMNS[0]: 30, COLUMNS[1]: 2}
    reading = Reading("192.0.2.1", {COLUMNS[0]: 10, COLUMNS[1]: 10}, 20, 20)
    rows = device(sizes)

    with pytest.raises(Capped, match="more than 10 values"):
        read(reading, lambda page: answer(rows, page))

    assert len(reading.rows()[COLUMNS[0]]) == 10
    assert COLUMNS[0] not in reading.complete()


@pytest.mark.parametrize("rows", [[], [(f"{COLUMNS[0]}.{n}", (*numbers(COLUMNS[0]), n), n) for n in range(1, 60)]])
def test_no_rows_at_all_or_more_than_were_asked_for_are_no_end(rows: list[Row]) -> None:
    reading = columns({COLUMNS[0]: 1})
    reading.page()

    with pytest.raises(Malformed):
        reading.take(rows)

    assert reading.complete() == set()


@pytest.mark.parametrize("exception", [Missing.OBJECT, Missing.INSTANCE])
def test_an_exception_that_only_a_get_may_have_is_no_end(exception: Missing) -> None:
    reading = columns({COLUMNS[0]: 1})
    reading.page()

    with pytest.raises(Malformed):
        reading.take([(f"{COLUMNS[0]}.1", (*numbers(COLUMNS[0]), 1), exception)])

    assert reading.complete() == set()


def test_a_reply_that_is_too_big_is_asked_for_in_ever_smaller_parts_until_there_is_none() -> None:
    reading = columns(dict.fromkeys(COLUMNS, 1), repetitions=4)
    asked = []

    with pytest.raises(Oversized):
        while (page := reading.page()) is not None:
            asked.append((len(page.oids), page.repetitions))
            reading.refused(1)

    assert asked == [(6, 2), (6, 1), (3, 1), (1, 1)]


def test_a_column_that_is_answered_with_an_error_leaves_the_others_readable() -> None:
    sizes = {COLUMNS[0]: 2, COLUMNS[1]: 2}
    reading = columns(sizes)
    rows = device(sizes)

    with pytest.raises(Malformed, match="error status 5"):
        while (page := reading.page()) is not None:
            if COLUMNS[1] in page.oids:
                reading.refused(5)
            else:
                reading.take(answer(rows, page))

    assert reading.complete() == {COLUMNS[0]}
    assert reading.rows()[COLUMNS[0]] == {"1": 1, "2": 2}
