"""Calls over lines that lose, delay, shuffle and double packets: what is measured is what the line did.

All calls go on at once, for ten seconds, between two sessions of ours. What is expected is computed from the line's own
account, which knows nothing of the code that measures.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from checks.media.reception import BUFFER_SECONDS
from checks.telephony.quality import Coding, mouth_to_ear, rated
from checks.transports.rtp import Codec, Heard, MediaReport, RtpTransport
from testbeds.rough_line import Carried, Line, Weather, line

SECONDS = 10.0
CLEAR = Weather()
LINES = {
    "clear": (CLEAR, CLEAR),
    "lossy": (Weather(loss=0.02), Weather(loss=0.05)),
    "in bursts": (CLEAR, Weather(loss=0.04, burst=4.0)),
    "long": (Weather(delay=0.09), Weather(delay=0.05)),
    "shaky": (CLEAR, Weather(jitter=0.04)),
    "spiky": (CLEAR, Weather(delay=0.02, spikes=0.04, spike=0.15)),
    "doubling": (CLEAR, Weather(duplicates=0.1)),
    "bad in every way": (Weather(loss=0.03), Weather(loss=0.03, delay=0.1, jitter=0.03, spikes=0.02, spike=0.2)),
    "deaf": (CLEAR, Weather(blocked=True)),
    "dumb": (Weather(blocked=True), CLEAR),
}
SENDS_BACK = [name for name in LINES if name != "deaf"]


@dataclass(frozen=True, slots=True)
class Call:
    """What both ends measured, and what the line did."""

    near: MediaReport
    far: MediaReport
    line: Line


@pytest.fixture(scope="module")
def calls() -> Iterator[dict[str, Call]]:
    yield asyncio.run(_all_calls())


async def _all_calls() -> dict[str, Call]:
    rtp = RtpTransport()
    made = await asyncio.gather(*(_call(rtp, *weather) for weather in LINES.values()))
    return dict(zip(LINES, made, strict=True))


async def _call(rtp: RtpTransport, there: Weather, back: Weather) -> Call:
    until = asyncio.get_running_loop().time() + 60.0
    async with rtp.opened("127.0.0.1", until) as near, rtp.opened("127.0.0.1", until) as far, line(there, back) as way:
        way.join(near.port, far.port)
        far.start(*way.far, Codec.PCMA)
        near.start(*way.near, Codec.PCMA)
        await asyncio.sleep(SECONDS)
        return Call(await near.stop(), await far.stop(), way)


def arrived(call: Call) -> list[tuple[float, Carried]]:
    """What had left the line when the near end stopped: the moment of each packet, and the packet."""
    left = sorted(((when, one) for one in call.line.back for when in one.left), key=lambda one: one[0])
    return left[: call.near.received + call.near.duplicates]


def unheard(call: Call) -> tuple[float, float, float]:
    """Loss, loss with what came too late for the jitter buffer, and the burst ratio, from the line's account."""
    fastest, came, in_time = float("inf"), set(), set()
    for when, one in arrived(call):
        transit = when - one.timestamp / 8000
        fastest = min(fastest, transit)
        if one.sequence not in came and transit - fastest <= BUFFER_SECONDS:
            in_time.add(one.sequence)
        came.add(one.sequence)
    sent = [one.sequence for one in call.line.back if one.sequence <= max(came)]
    gaps = [len(gap) for gap in "".join(" " if one in in_time else "x" for one in sent).split()]
    share = sum(gaps) / len(sent)
    return (
        sum(one not in came for one in sent) / len(sent),
        share,
        max(1.0, statistics.mean(gaps) * (1 - share)) if gaps else 1.0,
    )


def lost(carried: list[Carried]) -> float:
    return sum(not one.left for one in carried) / len(carried)


def jitter(call: Call) -> float:
    """RFC 3550, section 6.4.1, of what left the line, in the order in which it did; seconds."""
    left, value = arrived(call), 0.0
    for (when, one), (before, other) in zip(left[1:], left, strict=False):
        value += (abs(when - before - (one.timestamp - other.timestamp) / 8000) - value) / 16
    return value


@pytest.mark.parametrize("name", SENDS_BACK)
def test_loss_is_what_the_line_lost(calls: dict[str, Call], name: str) -> None:
    call = calls[name]

    assert call.near.loss_ratio == pytest.approx(unheard(call)[0], abs=0.005)


@pytest.mark.parametrize("name", SENDS_BACK)
def test_the_rating_is_what_the_line_was_worth(calls: dict[str, Call], name: str) -> None:
    call = calls[name]
    report, took = call.near, call.line.round_trip
    _, share, bursts = unheard(call)
    # RTCP is carried with the delay alone; what jitter and spikes add to the way is the buffer's to bear.
    assert (report.round_trip_seconds is None) == (name == "dumb")
    assert report.round_trip_seconds == (took if took is None else pytest.approx(took, abs=0.06))

    assert report.unheard_ratio is not None
    way, measured_way = (mouth_to_ear(one or 0.0, BUFFER_SECONDS) for one in (took, report.round_trip_seconds))
    measured = rated(Coding.G711_PLC, report.unheard_ratio, measured_way, report.burst_ratio)
    assert measured.r == pytest.approx(rated(Coding.G711_PLC, share, way, bursts).r, abs=2.0)


@pytest.mark.parametrize("name", SENDS_BACK)
def test_jitter_is_that_of_the_standard_for_what_left_the_line(calls: dict[str, Call], name: str) -> None:
    assert calls[name].near.jitter_seconds == pytest.approx(jitter(calls[name]), abs=0.002)


@pytest.mark.parametrize("name", ["lossy", "bad in every way", "clear"])
def test_what_the_other_side_loses_is_told_by_its_reports(calls: dict[str, Call], name: str) -> None:
    call = calls[name]

    assert call.near.far_loss_ratio == pytest.approx(lost(call.line.there), abs=0.02)
    assert call.near.far_jitter_seconds is not None


def test_packets_that_come_twice_are_neither_lost_nor_counted_twice(calls: dict[str, Call]) -> None:
    call = calls["doubling"]

    assert call.near.duplicates == pytest.approx(sum(len(one.left) == 2 for one in call.line.back), abs=2)
    assert call.near.duplicates > 10 and call.near.lost <= 1


def test_packets_that_overtake_each_other_are_told(calls: dict[str, Call]) -> None:
    call = calls["spiky"]
    left = [one.sequence for _, one in arrived(call)]
    overtaken = sum(number < max(left[:at], default=0) for at, number in enumerate(left))

    assert call.near.reordered == overtaken
    assert call.near.late >= 10 and call.near.lost <= 1


def test_a_call_that_hears_nothing_says_so_and_that_the_other_side_hears_it(calls: dict[str, Call]) -> None:
    deaf = calls["deaf"]

    assert (deaf.near.heard, deaf.near.received, deaf.near.loss_ratio) == (Heard.NOTHING, 0, None)
    assert deaf.far.heard is Heard.TONE


def test_a_call_that_nobody_hears_says_so_although_it_hears(calls: dict[str, Call]) -> None:
    dumb = calls["dumb"]

    assert dumb.near.heard is Heard.TONE and dumb.near.far_hears is False
    assert dumb.far.heard is Heard.NOTHING and dumb.far.far_hears is None


@pytest.mark.parametrize("name", ["clear", "lossy", "long", "in bursts"])
def test_a_call_that_is_heard_is_told_so_by_the_other_side(calls: dict[str, Call], name: str) -> None:
    assert calls[name].near.far_hears is True
