"""Times that cannot be: a point of tomorrow would be fresh all day, and stay the newest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.backup.model import Outcome, Part, Proof, Run, Stock, Verification
from checks.contract import Finding, State
from testbeds.backup_accounts import DAY, HOUR, NOW, account, assessed, finding, options, point, run

KEY, PRODUCT = "backup/protection/ben", "backup/product/veeam"
WISH = options({"ben": {"verified_within": "35d", "drilled_within": "30d", "schedule": {"cron": "0 22 * * *"}}})
OLD = [run(NOW - 40 * HOUR - night * DAY) for night in range(5)]
WRONG = [NOW + DAY, NOW + 400 * DAY, 1e17, -6e10, 0.0]


def told(key: str, now: float = NOW, memory: Any = None, **more: Any) -> Finding:
    return finding(assessed(WISH, account(OLD, **more), now, memory), key)


@pytest.mark.parametrize("at", WRONG)
def test_a_point_or_a_run_of_a_time_that_cannot_be_is_none_and_is_told(at: float) -> None:
    wrong = account([*OLD, run(at)])
    first = assessed(WISH, wrong)
    tomorrow = assessed(WISH, account(OLD, NOW + DAY), NOW + DAY + HOUR, first.memory)

    assert finding(first, KEY).state is finding(tomorrow, KEY).state is State.CRITICAL
    assert "has not" in finding(first, KEY).summary
    assert finding(first, PRODUCT).state is State.WARNING
    assert "2 of what it tells is of times that cannot be, and does not count: ben" in finding(first, PRODUCT).summary


def test_one_wrong_point_hides_none_that_is_right() -> None:
    good = run(NOW - HOUR)

    found = assessed(options(), account([*OLD, good], points=(point(NOW - HOUR), point(NOW + 90 * DAY))))

    assert finding(found, KEY).state is State.OK


@pytest.mark.parametrize("at", WRONG[:3])
def test_proofs_verifications_counts_and_the_servers_own_backup_of_the_future_are_none(at: float) -> None:
    more: dict[str, Any] = {
        "verifications": (Verification(at, sound=True, repository="main", object="ben"),),
        "proofs": (Proof(at, "ben", True, "canary"), Proof(NOW - HOUR, "ben", True, "canary", point=at)),
        "server_backup": at,
        "stocks": (Stock("ben", "main", 5, at, at),),
    }

    assert "was not read again yet" in told("backup/verified/ben", **more).summary
    assert "no restore of it was proved yet" in told("backup/restored/ben", **more).summary
    assert told("backup/server/veeam", **more).state is State.WARNING
    assert told(KEY, **more).state is State.CRITICAL


def test_an_end_that_cannot_be_makes_no_run_long() -> None:
    found = assessed(WISH, account([*OLD, replace(run(NOW - HOUR), ended=1e17)]))

    assert finding(found, KEY).state is State.OK
    assert not [one for one in found.readings if "duration" in one.family.name and one.value > 1200]


def test_a_run_without_any_time_is_no_run() -> None:
    timeless = Run("x", "nightly", Outcome.SUCCESS, "ben")

    found = assessed(options(), account([timeless], points=(), has=(Part.JOBS, Part.RUNS)))

    assert finding(found, KEY).state is State.CRITICAL
