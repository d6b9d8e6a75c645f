"""The E-model: the values that the formula gives, its ends, and what it does not rate."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.telephony.quality import BEST, Coding, NotRated, mos, mouth_to_ear, rated

NARROWBAND = (Coding.G711, Coding.G711_PLC, Coding.G729, Coding.G729A_VAD)


@pytest.mark.parametrize(
    ("coding", "loss_per_cent", "delay_ms", "r", "score"),
    [
        (Coding.G711_PLC, 0, 0, 93.20, 4.41),
        (Coding.G711_PLC, 0, 150, 89.60, 4.33),
        (Coding.G711_PLC, 0, 200, 85.90, 4.23),
        (Coding.G711_PLC, 0, 400, 59.10, 3.05),
        (Coding.G711_PLC, 1, 20, 89.08, 4.32),
        (Coding.G711_PLC, 3, 100, 80.66, 4.05),
        (Coding.G711_PLC, 5, 150, 73.82, 3.77),
        (Coding.G711_PLC, 10, 200, 58.84, 3.04),
        (Coding.G711, 1, 20, 74.80, 3.81),
        (Coding.G711, 3, 100, 51.76, 2.67),
        (Coding.G729A_VAD, 0, 0, 82.20, 4.10),
        (Coding.G729A_VAD, 2, 50, 73.00, 3.73),
        (Coding.G729A_VAD, 5, 150, 61.10, 3.16),
        (Coding.G729, 0, 0, 83.20, 4.14),
    ],
)
def test_a_call_is_rated_as_the_formula_says(
    coding: Coding, loss_per_cent: float, delay_ms: float, r: float, score: float
) -> None:
    rating = rated(coding, loss_per_cent / 100, delay_ms / 1000)

    assert rating.r == pytest.approx(r, abs=0.00501)
    assert rating.mos == pytest.approx(score, abs=0.00501)


@pytest.mark.parametrize(("r", "score"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_the_bands_of_g_109_have_the_scores_that_it_prints(r: float, score: float) -> None:
    assert mos(r) == pytest.approx(score, abs=0.01)


def test_the_ends_of_the_scale_are_held() -> None:
    assert (mos(-5), mos(0), mos(100), mos(140)) == (1.0, 1.0, 4.5, 4.5)
    assert mos(3) == 1.0  # where the polynomial alone dips below 1
    assert rated(Coding.G711, 1.0, 5.0).r == 0.0


def test_loss_in_bursts_is_worse_than_the_same_at_random_and_no_burst_ratio_is_better_than_random() -> None:
    random = rated(Coding.G711_PLC, 0.03, 0.1)

    assert rated(Coding.G711_PLC, 0.03, 0.1, burst_ratio=2.0).r < random.r
    assert rated(Coding.G711_PLC, 0.03, 0.1, burst_ratio=0.2) == random


@pytest.mark.parametrize("coding", [Coding.G722, Coding.OPUS, Coding.EVS])
def test_a_wideband_codec_is_not_rated(coding: Coding) -> None:
    with pytest.raises(NotRated, match=f"{coding.value} is wideband: not rated"):
        rated(coding, 0.0, 0.0)


def test_the_way_from_mouth_to_ear_is_half_a_round_trip_and_what_both_ends_add() -> None:
    assert mouth_to_ear(0.1, 0.06) == pytest.approx(0.13)


@settings(deadline=None)
@given(
    coding=st.sampled_from(NARROWBAND),
    loss=st.floats(-1, 2),
    more=st.floats(0, 1),
    delay=st.floats(-1, 10),
    longer=st.floats(0, 5),
    burst=st.floats(0, 100),
)
def test_more_loss_and_more_delay_never_rate_better_and_all_stays_on_the_scale(
    coding: Coding, loss: float, more: float, delay: float, longer: float, burst: float
) -> None:
    better, worse = rated(coding, loss, delay, burst), rated(coding, loss + more, delay + longer, burst)

    assert worse.r <= better.r
    assert 0.0 <= worse.r <= BEST
    assert 1.0 <= worse.mos <= 4.5
