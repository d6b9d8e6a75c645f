"""RTCP of one session: what the other side's reports are taken for, and when ours go."""

from __future__ import annotations

import itertools

import pytest

from checks.media import rtcp
from checks.media.control import EVERY, FIRST, Control
from checks.media.packet import Packet
from checks.media.reception import Reception
from checks.media.rtcp import Block, Compound, Sent

OURS, THEIRS, FIRST_NUMBER = 7, 9, 1000


def control() -> Control:
    return Control(OURS, FIRST_NUMBER, began=100.0)


def block(ssrc: int = OURS, lost: int = 0, highest: int = FIRST_NUMBER + 99, last_report: int = 0) -> Block:
    return Block(ssrc, 0, lost, highest, 80, last_report, 0)


def test_reports_go_after_half_a_second_and_then_about_every_two() -> None:
    ours, at, sent = control(), 100.0, []
    while at < 130.0:
        if ours.due(at):
            sent.append(at)
        at += 0.02

    gaps = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert sent[0] == pytest.approx(100 + FIRST, abs=0.03)
    assert all(0.75 * EVERY - 0.01 <= gap <= 1.25 * EVERY + 0.03 for gap in gaps)


def test_what_the_other_side_lost_is_a_share_of_what_it_should_have_got() -> None:
    ours = control()
    ours.take(Compound(THEIRS, blocks=(block(lost=25),)), 103.0)

    assert (ours.far_loss_ratio, ours.far_jitter_seconds, ours.far_hears) == (0.25, 0.01, True)


@pytest.mark.parametrize(
    ("lost", "highest", "share"),
    [(-5, FIRST_NUMBER + 99, 0.0), (8_000_000, FIRST_NUMBER + 99, 1.0), (3, FIRST_NUMBER - 1, None), (3, 0, None)],
)
def test_a_report_that_cannot_be_gives_no_share_outside_of_one(lost: int, highest: int, share: float | None) -> None:
    ours = control()
    ours.take(Compound(THEIRS, blocks=(block(lost=lost, highest=highest),)), 103.0)

    assert ours.far_loss_ratio == share


def test_the_round_trip_comes_from_our_own_report_and_its_delay_there() -> None:
    ours = control()
    said = rtcp.parsed(ours.written(100.5, 0, 25, 4000, Reception(), goodbye=False)).sent
    assert said is not None

    ours.take(Compound(THEIRS, blocks=(block(last_report=rtcp.middle(said.ntp)),)), 100.6)

    assert ours.round_trips == [pytest.approx(0.1, abs=1e-4)]


def test_round_trips_that_cannot_be_are_passed_over_and_their_number_is_bounded() -> None:
    ours = control()
    for number in range(1000):
        ours.take(Compound(THEIRS, blocks=(block(last_report=0x7FFF_FFFF * (number % 2) + 1),)), 103.0)

    assert len(ours.round_trips) <= 64
    assert all(0 <= took <= 10 for took in ours.round_trips)


def test_our_own_reports_that_come_back_say_nothing_of_the_other_side() -> None:
    ours = control()
    ours.take(Compound(OURS, Sent(1 << 40, 0, 1, 160), (block(),), (OURS,)), 103.0)

    assert (ours.received, ours.far_hears, ours.goodbye, ours.far_loss_ratio) == (0, None, False, None)


def test_a_report_without_us_means_that_we_are_not_heard_only_after_a_while() -> None:
    ours = control()
    ours.take(Compound(THEIRS), 101.0)
    early = ours.far_hears
    ours.take(Compound(THEIRS, blocks=(block(ssrc=3),)), 102.0)

    assert (early, ours.far_hears) == (None, False)


def test_an_end_and_the_delay_since_the_other_sides_report_are_kept() -> None:
    ours = control()
    ours.take(Compound(THEIRS, Sent(0x12345678_9ABCDEF0, 0, 1, 160), goodbyes=(THEIRS,)), 101.0)
    assert ours.goodbye

    read = rtcp.parsed(ours.written(101.5, 0, 1, 160, _heard(), goodbye=True))

    assert read.blocks[0].last_report == 0x56789ABC
    assert read.blocks[0].delay == 32_768
    assert read.goodbyes == (OURS,)


def _heard() -> Reception:
    reception = Reception()
    for number in range(3):
        reception.take(Packet(8, False, number, number * 160, THEIRS, bytes(160)), number * 0.02)
    return reception
