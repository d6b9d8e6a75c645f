"""What sizes give away: a new level that is asked about once, what never changes, and what looks like ransomware."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from checks.backup.anomaly import SETTLED, deviation
from checks.backup.history import Past
from checks.backup.model import Level, Outcome
from checks.backup.rules import Trouble
from checks.backup.rules.sizes import FROZEN, encrypting, frozen, unusual
from checks.contract import State
from testbeds.backup_accounts import DAY, NOW


def sizes(count: int, middle: float = 1e11, seed: int = 7) -> list[float]:
    chance = random.Random(seed)
    return [middle * math.exp(chance.gauss(0.0, 0.15)) for _ in range(count)]


def incidents(values: Sequence[float], begin: int) -> list[bool]:
    found = (deviation(values[:n]) for n in range(begin, len(values) + 1))
    return [one is not None and one.incident for one in found]


@pytest.mark.parametrize("factor", [0.1, 20.0])
def test_a_new_level_is_asked_about_once_and_is_then_what_is_usual(factor: float) -> None:
    values = [*sizes(50), *sizes(20, 1e11 * factor, 8)]

    told = incidents(values, 51)

    assert told == [False, *[True] * (SETTLED - 1), *[False] * (20 - SETTLED)]


def test_on_the_new_level_a_further_change_is_seen_again() -> None:
    values = [*sizes(40), *sizes(12, 1e10, 8), *sizes(2, 1e9, 9)]

    assert incidents(values, 53) == [False, True]


def test_what_goes_up_and_down_never_settles() -> None:
    values = [*sizes(40), *(1e10 if n % 2 else 1e8 for n in range(12))]

    assert incidents(values, 42)[-1]


def runs(count: int, share: float = 0.5, level: Level = Level.INCREMENTAL) -> list[Past]:
    chance = random.Random(5)
    found = []
    for night in range(count):
        size = int(1e9 * math.exp(chance.gauss(0.0, 0.15)))
        left = int(size * share * math.exp(chance.gauss(0.0, 0.05)))
        found.append(Past("v", NOW + night * DAY, 60.0, Outcome.SUCCESS, level, size, written=left))
    return found


def sign(series: list[Past]) -> Trouble | None:
    return encrypting(series, unusual(series))


def last(size: float, share: float) -> Past:
    return Past("v", NOW + 60 * DAY, 60.0, Outcome.SUCCESS, Level.INCREMENTAL, int(size), written=int(size * share))


@pytest.mark.parametrize(
    ("size", "share", "told"),
    [(2e10, 0.98, True), (2e10, 0.5, False), (1e9, 0.98, False), (2e10, 0.55, False), (1e8, 0.98, False)],
    ids=["much and incompressible", "much", "incompressible", "much and hardly worse", "little"],
)
def test_far_more_than_ever_that_hardly_shrinks_is_how_ransomware_looks(size: float, share: float, told: bool) -> None:
    found = sign([*runs(30), last(size, share)])

    assert (found is not None) == told
    if found is not None:
        assert found.state is State.CRITICAL
        assert found.words.startswith("security: its last incremental run read 19.7 times the usual")
        assert "98% of that was left after compression instead of 5" in found.words


def test_signs_need_sizes_of_both_and_some_history() -> None:
    assert sign([*runs(5), last(2e10, 0.98)]) is None
    assert sign([*runs(30), Past("v", NOW + 60 * DAY, 1.0, Outcome.SUCCESS, Level.INCREMENTAL, 10**11)]) is None


def same(count: int, before: int, busy: bool = True) -> list[Past]:
    varied = [
        Past("v", NOW + n * DAY, 60.0, Outcome.SUCCESS, Level.FULL, 10**9 + n * busy, 1000 + n * busy)
        for n in range(before)
    ]
    fixed = [
        Past("v", NOW + (before + n) * DAY, 60.0, Outcome.SUCCESS, Level.FULL, 5 * 10**9, 999) for n in range(count)
    ]
    return [*varied, *fixed]


def test_what_was_never_twice_the_same_and_suddenly_always_is_does_not_change_any_more() -> None:
    assert frozen(same(FROZEN - 1, 20)) is None
    assert frozen(same(FROZEN, 20, busy=False)) is None
    assert frozen(same(FROZEN, 10)) is None
    found = frozen(same(FROZEN, 20))
    assert found is not None and found.state is State.WARNING
    assert "exactly the same 5000000000 bytes and files" in found.words
