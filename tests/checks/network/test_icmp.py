"""The icmp check: what it asks of real sockets, and what it makes of the answers."""

import pytest
from pydantic import ValidationError

from checks.contract import Observation, covered
from checks.network.icmp import CHECK, IcmpAnswers, IcmpOptions
from testbeds import network
from testbeds.single import check, states, subject

COLLECT = """
import asyncio
from testbeds.single import asked
from checks.network.icmp import CHECK, IcmpOptions
seen = asyncio.run(asked(CHECK, IcmpOptions({options}), {address!r}, timeout=0.5))
print(seen.answers and (seen.answers.address, seen.answers.sent, len(seen.answers.round_trips)))
print(seen.fault and (seen.fault.reason.value, seen.fault.condition, seen.fault.reached))
print(seen.duration < 0.5)
"""


def _collected(address: str, setup, options: str = "", prefix: str = "") -> list[str]:
    from pathlib import Path

    tests = str(Path(network.__file__).parents[1])
    code = f"import sys; sys.path.insert(0, {tests!r})\n" + COLLECT.format(address=address, options=options)
    return network.run_python(code, setup, prefix).splitlines()


def _judged(options: IcmpOptions, *round_trips: float, sent: int | None = None):
    answers = IcmpAnswers("10.0.0.1", sent or len(round_trips), round_trips, 61)
    return CHECK.assess(subject(check("icmp", options)), (Observation("fw-a", "here", 0, 0, answers),), None, 0)


def test_a_living_target_gives_answers():
    said = _collected("127.0.0.1", network.UNPINGABLE, "packets=3, spacing_seconds=0.05")

    assert said == ["('127.0.0.1', 3, 3)", "None", "True"]


def test_a_silent_target_is_a_fault_before_the_deadline_and_was_not_reached():
    said = _collected("10.11.0.2", (*network.SILENT, *network.PINGABLE))

    assert said == ["None", "('no-answer', 'icmp/no-answer', False)", "True"]


def test_without_permission_nothing_is_said_about_the_target():
    said = _collected("127.0.0.1", network.UNPINGABLE, prefix=network.NO_RAW)

    assert said == ["None", "('local', 'icmp/local', None)", "True"]


@pytest.mark.parametrize(
    ("received", "state"), [(10, "ok"), (9, "ok"), (8, "warning"), (5, "warning"), (4, "critical"), (1, "critical")]
)
def test_loss_is_judged_by_its_share(received, state):
    assessment = _judged(IcmpOptions(packets=10), *[0.01] * received, sent=10)

    assert states(assessment.findings) == {"icmp/loss": state}


@pytest.mark.parametrize(("seconds", "state"), [(0.019, "ok"), (0.02, "warning"), (0.05, "critical")])
def test_the_mean_round_trip_is_judged_where_limits_are_given(seconds, state):
    options = IcmpOptions(packets=2, round_trip_warning_seconds=0.02, round_trip_critical_seconds=0.05)

    assessment = _judged(options, seconds - 0.001, seconds + 0.001)

    assert states(assessment.findings) == {"icmp/loss": "ok", "icmp/round-trip": state}


def test_a_limit_that_was_taken_away_ends_its_finding():
    assessment = _judged(IcmpOptions(), 0.01)

    assert covered(assessment.covers, "icmp/round-trip")
    assert covered(assessment.may_go, "icmp/round-trip")


def test_readings_are_in_base_units():
    assessment = _judged(IcmpOptions(packets=4), 0.010, 0.020, 0.030, sent=4)

    assert {reading.family.name: reading.value for reading in assessment.readings} == {
        "ridgeway_icmp_round_trip_seconds": pytest.approx(0.020),
        "ridgeway_icmp_round_trip_slowest_seconds": 0.030,
        "ridgeway_icmp_loss_ratio": 0.25,
        "ridgeway_icmp_reply_hop_limit": 61,
    }


@pytest.mark.parametrize(
    "options",
    [
        {"packets": 11},
        {"packets": 0},
        {"payload_bytes": 15},
        {"spacing_seconds": 0.01},
        {"loss_warning": 0.5, "loss_critical": 0.4},
        {"round_trip_warning_seconds": 2, "round_trip_critical_seconds": 1},
        {"packet": 1},
    ],
    ids=str,
)
def test_options_that_cannot_be_meant_are_refused(options):
    with pytest.raises(ValidationError):
        IcmpOptions(**options)
