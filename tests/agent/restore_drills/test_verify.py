"""Data that is read in parts: what is known of the whole, and that damage stays until the part is read sound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.restore_drills import verify
from agent.restore_drills.options.tools import ResticDrill
from agent.restore_drills.plan import Plan
from agent.restore_drills.scratch import Scratch
from agent.restore_drills.verdict import Failed, Unproven
from agent.restore_drills.verify import Verified
from checks.backup.proofs import DrillState
from testbeds.restore_drills import memory, nothing_shown


class Repository:
    """A product in three parts, each of which a test damages and mends."""

    parts = None

    def __init__(self) -> None:
        self.damaged: set[int] = set()
        self.read: list[int] = []
        self.away = False

    def points(self) -> list[object]:
        if self.away:
            raise Unproven("the repository is not there")
        return []

    def verify(self, part: int, parts: int, most: float) -> float:
        self.read.append(part)
        if part in self.damaged or (parts == 1 and self.damaged):
            raise Failed("pack does not match")
        return 1 / parts


class Nights:
    """One verification after another, a day apart."""

    def __init__(self, repository: Repository, place: Path) -> None:
        self.repository, self.place = repository, place
        self.state, self.now = DrillState(), 1000.0

    def run(self, whole: bool = False) -> Verified:
        self.now += 1
        said: dict[str, Any] = {
            "object": "ben", "product": "restic", "of": "*", "repository": "/r", "password_file": "file:/p",
            "verify": {"parts": 3}, "max_size": "1 MiB",
        }  # fmt: skip
        options = Plan.model_validate({"proofs": "/p", "scratch": "/s", "drills": {"ben": said}}).drills["ben"]
        assert isinstance(options, ResticDrill)
        done = verify.verified(options, self.state, whole, Scratch(self.place, []), lambda: self.now, nothing_shown)
        self.state = done.state
        return done


@pytest.fixture
def nights(monkeypatch: pytest.MonkeyPatch) -> Iterator[Nights]:
    repository = Repository()
    monkeypatch.setattr(verify, "product_for", lambda *_: repository)
    with memory() as place:
        yield Nights(repository, place)


def test_only_a_whole_round_says_that_the_data_is_sound_and_since_when(nights: Nights) -> None:
    told = [nights.run().record for _ in range(4)]

    assert [one.sound for one in told] == [None, None, True, True]
    assert [one.at for one in told[2:]] == [1001.0, 1002.0]
    assert nights.repository.read == [1, 2, 3, 1]


def test_a_damaged_part_is_read_again_until_it_is_sound_and_stays_damage(nights: Nights) -> None:
    nights.repository.damaged = {2}

    told = [nights.run() for _ in range(4)]
    nights.repository.damaged.clear()
    mended = [nights.run() for _ in range(2)]

    assert nights.repository.read == [1, 2, 2, 2, 2, 3]
    assert [one.record.sound for one in told] == [None, False, False, False]
    assert [one.record.sound for one in mended] == [None, True]
    assert mended[-1].record.at == 1001.0


def test_reading_everything_settles_it_at_once(nights: Nights) -> None:
    nights.run()
    nights.repository.damaged = {2}
    nights.run()
    nights.repository.damaged.clear()

    told = nights.run(whole=True)

    assert (told.record.sound, told.record.at, told.read) == (True, 1003.0, True)


def test_what_could_not_be_read_is_neither_sound_nor_damaged(nights: Nights) -> None:
    nights.run()
    before = nights.state
    nights.repository.away = True

    told = nights.run()

    assert (told.record.sound, told.read) == (None, None)
    assert "could not be checked" in told.record.message
    assert nights.state == before
