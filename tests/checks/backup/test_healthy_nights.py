"""Ninety healthy nights of 80 jobs open hardly anything; a job that shrinks for good opens one incident."""

from __future__ import annotations

import math
import random

from checks.backup.history import ObjectHistory, Past
from checks.backup.model import Level, Outcome
from checks.backup.rules.sizes import unusual
from testbeds.backup_accounts import DAY, NOW

JOBS, NIGHTS = 80, 90


def nights(chance: random.Random, heavy: bool) -> list[Past]:
    """Sizes around 100 GB with 15 % of spread; heavy tails: one in fifty is up to four times as far off."""
    found = []
    for night in range(NIGHTS):
        spread = 0.15 * (chance.choice((2.0, 3.0, 4.0)) if heavy and chance.random() < 0.02 else 1.0)
        size = 1e11 * math.exp(chance.gauss(0.0, spread))
        seconds = 1200 * math.exp(chance.gauss(0.0, spread))
        found.append(Past("veeam", NOW + night * DAY, seconds, Outcome.SUCCESS, Level.FULL, int(size)))
    return found


def opened(runs: list[Past]) -> int:
    """Incidents over the nights: each is counted when it begins."""
    count, before = 0, False
    for night in range(1, len(runs) + 1):
        now = any(one.deviation.incident for one in unusual(runs[max(0, night - 60) : night]))
        count += now and not before
        before = now
    return count


def test_ninety_healthy_nights_of_eighty_jobs_open_three_incidents_at_most() -> None:
    chance = random.Random(20261130)

    incidents = sum(opened(nights(chance, heavy=job % 2 == 1)) for job in range(JOBS))

    assert incidents <= 3


def test_a_job_that_shrinks_to_a_tenth_for_good_opens_one() -> None:
    runs = nights(random.Random(1), heavy=False)
    shrunk = [
        Past(one.product, one.started, one.seconds, one.outcome, one.level, (one.bytes or 0) // 10) for one in runs[:3]
    ]

    assert any(one.deviation.incident for one in unusual([*runs[-57:], *shrunk[:2]]))
    assert not any(one.deviation.incident for one in unusual([*runs[-57:], *shrunk[:1]]))
    assert any(one.deviation.line and one.what == "size" for one in unusual([*runs[-57:], *shrunk[:1]]))


def test_with_few_runs_nothing_is_said() -> None:
    runs = nights(random.Random(2), heavy=False)[:14]

    assert unusual(runs) == []
    assert isinstance(ObjectHistory(tuple(runs)), ObjectHistory)
