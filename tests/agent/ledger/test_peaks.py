"""Daily peaks: exact, of gauges, within bounds."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.ledger.batch import Peak
from agent.ledger.peaks import DAY, Peaks
from checks.contract import Family, MetricType, Reading
from testbeds import kept

DAY_OF_NOW = "2026-09-21"
NAME = kept.MEMORY.name
PACKETS = Family("ridgeway_test_packets_total", "Packets.", MetricType.COUNTER)
BOOT = Family("ridgeway_test_boot_timestamp_seconds", "Boot.", unit="seconds")


def _memory(*values: float) -> tuple[Reading, ...]:
    return tuple(Reading(kept.MEMORY, value, (str(index),)) for index, value in enumerate(values))


@settings(deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=1))
def test_the_extremes_of_all_values_are_found(values: list[float]) -> None:
    peaks = Peaks("router")

    for number, value in enumerate(values):
        peaks.see(_memory(value), kept.NOW + number, 10)

    assert peaks.take() == [Peak(DAY_OF_NOW, NAME, "router", '["0"]', min(values), max(values))]


def test_a_value_within_the_extremes_writes_nothing() -> None:
    peaks = Peaks("router")
    peaks.see(_memory(1.0), kept.NOW, 10)
    peaks.see(_memory(9.0), kept.NOW, 10)
    peaks.take()

    peaks.see(_memory(5.0), kept.NOW, 10)

    assert peaks.take() == []


def test_counters_and_moments_have_no_peaks() -> None:
    peaks = Peaks("router")

    peaks.see((Reading(PACKETS, 5.0), Reading(BOOT, 1e9), *_memory(0.5)), kept.NOW, 10)

    assert [peak.family for peak in peaks.take()] == [NAME]


def test_a_new_day_begins_anew_and_the_old_one_is_still_written() -> None:
    peaks = Peaks("router")
    peaks.see(_memory(9.0), kept.NOW, 10)

    peaks.see(_memory(1.0), kept.NOW + DAY, 10)

    assert [(peak.day, peak.low, peak.high) for peak in peaks.take()] == [
        (DAY_OF_NOW, 9.0, 9.0),
        ("2026-09-22", 1.0, 1.0),
    ]


def test_a_series_that_appears_within_the_day_loses_nothing_of_the_others() -> None:
    peaks = Peaks("router")
    peaks.see(_memory(9.0), kept.NOW, 10)

    peaks.see(_memory(1.0, 2.0), kept.NOW, 10)

    rows = [(peak.labels, peak.low, peak.high) for peak in peaks.take()]
    assert rows == [('["0"]', 9.0, 9.0), ('["0"]', 1.0, 1.0), ('["1"]', 2.0, 2.0)]


def test_series_that_change_places_are_not_mixed_up() -> None:
    peaks = Peaks("router")
    first, second = _memory(1.0, 9.0)
    peaks.see((first, second), kept.NOW, 10)

    peaks.see((second, first), kept.NOW, 10)

    rows = {(peak.labels, peak.low, peak.high) for peak in peaks.take()}
    assert rows == {('["0"]', 1.0, 1.0), ('["1"]', 9.0, 9.0)}


def test_what_is_not_a_number_is_no_peak() -> None:
    peaks = Peaks("router")

    for value in (math.nan, math.inf, -math.inf):
        peaks.see(_memory(value), kept.NOW, 10)

    assert peaks.take() == []


def test_series_beyond_the_room_are_left_out_and_counted() -> None:
    peaks = Peaks("router")

    peaks.see(_memory(1.0, 2.0, 3.0), kept.NOW, 2)

    assert [peak.labels for peak in peaks.take()] == ['["0"]', '["1"]']
    assert (peaks.series, peaks.left_out) == (2, 1)
