"""What is counted of a stream: numbers, gaps, order, jitter and lateness, by a reference of a few lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.media.packet import Packet
from checks.media.reception import Reception

FRAME = 160


def packet(sequence: int, timestamp: int | None = None, ssrc: int = 7) -> Packet:
    stamp = sequence * FRAME if timestamp is None else timestamp
    return Packet(8, False, sequence & 0xFFFF, stamp & 0xFFFFFFFF, ssrc, bytes(FRAME))


def taken(*packets: tuple[int, float], start: int = 0, ssrc: int = 7) -> Reception:
    """Packets by number and time of arrival."""
    reception = Reception()
    for number, at in packets:
        reception.take(packet(start + number, ssrc=ssrc), at)
    return reception


def regular(numbers: list[int], delay: float = 0.0) -> list[tuple[int, float]]:
    return [(number, number * 0.02 + delay) for number in numbers]


def test_a_stream_without_fault_has_none() -> None:
    reception = taken(*regular(list(range(100))))

    source = reception.sources[0]
    assert (source.received, source.lost, source.late, source.duplicates, source.reordered) == (100, 0, 0, 0, 0)
    assert reception.jitter_seconds == pytest.approx(0, abs=1e-9)
    assert reception.burst_ratio() == 1.0


def test_gaps_are_lost_and_the_numbers_go_on_over_their_end() -> None:
    numbers = [number for number in range(100) if number not in (10, 11, 50)]

    reception = taken(*regular(numbers), start=65_500)

    source = reception.sources[0]
    assert (source.received, source.lost, source.gaps()) == (97, 3, [2, 1])
    assert reception.burst_ratio() == pytest.approx(1.5 * 0.97)


def test_what_comes_twice_or_in_another_order_is_not_lost() -> None:
    reception = taken(*[(number, at * 0.02) for at, number in enumerate([0, 1, 2, 4, 3, 5, 5, 6, 6, 7])])

    source = reception.sources[0]
    assert (source.received, source.lost, source.duplicates, source.reordered) == (8, 0, 2, 1)


def test_the_first_that_came_need_not_be_the_first_that_was_sent() -> None:
    reception = taken((2, 0.04), (3, 0.06), (0, 0.061), (4, 0.08), (1, 0.081))

    source = reception.sources[0]
    assert (source.received, source.lost, source.reordered) == (5, 0, 2)


def test_a_packet_later_than_the_buffer_after_the_fastest_is_not_heard() -> None:
    reception = taken((0, 0.05), (1, 0.02), (2, 0.04), (3, 0.06 + 0.059), (4, 0.08 + 0.061), (5, 0.1))

    source = reception.sources[0]
    assert (source.lost, source.late, source.gaps()) == (0, 1, [1])


def test_a_path_that_stays_longer_is_late_for_a_second_and_then_the_buffer_has_got_used_to_it() -> None:
    reception = taken(*regular(list(range(100))), *regular(list(range(100, 400)), delay=0.2))

    assert reception.sources[0].late == 50


def test_a_source_is_one_after_two_packets_in_a_row_and_then_all_of_it_counts() -> None:
    reception = Reception()
    for number in (5, 9, 13):
        reception.take(packet(number), number * 0.02)
    before = reception.received, reception.unproven
    reception.take(packet(14), 0.28)

    assert before == (0, 3)
    assert (reception.received, reception.unproven, reception.sources[0].lost) == (4, 0, 6)


def test_a_new_source_begins_its_own_count_and_the_old_one_keeps_its_own() -> None:
    reception = taken(*regular([0, 1, 2, 4]))
    for number in (900, 901, 903):
        reception.take(packet(number, ssrc=8), 0.2 + (number - 900) * 0.02)

    assert reception.ssrc_changes == 1
    assert [(source.received, source.lost) for source in reception.sources] == [(4, 1), (3, 1)]
    assert reception.jitter_seconds == pytest.approx(0, abs=1e-9)


def test_a_source_whose_numbers_leap_begins_anew_after_two_and_loses_nothing_by_it() -> None:
    reception = taken(*regular([0, 1, 2]))
    for number in (30_000, 30_001, 30_002):
        reception.take(packet(number), 0.1)

    assert reception.restarts == 1 and reception.ssrc_changes == 0
    assert [(source.received, source.lost) for source in reception.sources] == [(3, 0), (2, 0)]


def test_one_stray_number_moves_nothing() -> None:
    reception = taken(*regular([0, 1, 2]), (40_000, 0.05), *regular([3, 4]))

    assert (reception.received, reception.restarts, reception.sources[0].lost) == (5, 0, 0)


def test_a_crowd_of_sources_is_bounded() -> None:
    reception = Reception()
    for ssrc in range(10_000):
        reception.take(packet(1, ssrc=ssrc), 0.0)
        reception.take(packet(2, ssrc=ssrc), 0.02)

    assert len(reception.sources) <= 16
    assert reception.unproven > 0


def test_a_report_says_what_is_lost_since_the_last_one() -> None:
    reception = taken(*regular([number for number in range(100) if number % 4]))
    first = reception.block(5, 6)
    for number, at in regular(list(range(100, 200))):
        reception.take(packet(number), at)
    second = reception.block()

    assert first is not None and second is not None
    assert (first.ssrc, first.highest, first.last_report, first.delay) == (7, 99, 5, 6)
    assert first.fraction == pytest.approx(256 / 4, abs=2) and first.lost == 24
    assert (second.fraction, second.lost) == (0, 24)


arrivals = st.lists(st.tuples(st.integers(0, 60), st.floats(0, 0.2)), min_size=2, max_size=80)


@settings(deadline=None)
@given(arrivals, st.integers(0, 65_535))
def test_every_stream_is_counted_as_a_set_of_numbers_is(packets: list[tuple[int, float]], start: int) -> None:
    came = [(0, 0.0), (1, 0.0), *packets]
    reception = taken(*[(number, at * 0.02 + delay) for at, (number, delay) in enumerate(came)], start=start)

    source, numbers = reception.sources[0], [number for number, _ in came]
    assert source.received == len(set(numbers))
    assert source.duplicates == len(numbers) - len(set(numbers))
    assert source.lost == max(numbers) + 1 - len(set(numbers))
    assert source.reordered == reordered(numbers)


@settings(deadline=None)
@given(arrivals)
def test_jitter_is_that_of_the_standard(packets: list[tuple[int, float]]) -> None:
    came = [(number, number * 0.02 + delay) for number, delay in [(0, 0.0), (1, 0.0), *packets]]

    assert taken(*came).jitter_seconds == pytest.approx(jitter(came), abs=1e-9)


def reordered(numbers: list[int]) -> int:
    """RFC 4737: below the highest so far; each number once."""
    highest, seen, found = -1, set[int](), 0
    for number in numbers:
        found += number < highest and number not in seen
        highest = max(highest, number)
        seen.add(number)
    return found


def jitter(packets: list[tuple[int, float]]) -> float:
    """RFC 3550, section 6.4.1, word by word; seconds."""
    value = 0.0
    for (one, arrived), (other, then) in zip(packets[1:], packets, strict=False):
        difference = (arrived - then) - (one - other) * 0.02
        value += (abs(difference) - value) / 16
    return value
