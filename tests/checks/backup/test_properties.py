"""What holds of every history: better never gives worse, and unknown is never taken back without new evidence."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from checks.backup.history import ObjectHistory
from checks.backup.judgement import BackupAnswers, ProductPart, judged
from checks.backup.model import Outcome, Run
from checks.backup.note import Note, packed, unpacked
from checks.contract import State
from testbeds.backup_accounts import DAY, HOUR, NOW, account, assessed, finding, options, run

KEY = "backup/protection/ben"
SAID = options({"ben": {"schedule": {"cron": "0 22 * * *"}}})
OUTCOMES = st.sampled_from([Outcome.SUCCESS, Outcome.PARTIAL, Outcome.FAILED, Outcome.CANCELLED, Outcome.MISSED])
HISTORIES = st.lists(st.tuples(st.integers(1, 14 * 24), OUTCOMES), max_size=30, unique_by=lambda one: one[0]).map(
    lambda found: [run(NOW - hours * HOUR, outcome) for hours, outcome in found]
)


def state(runs: list[Run], now: float = NOW) -> State:
    return finding(assessed(SAID, account(runs, now, objects=("ben",)), now), KEY).state


@given(HISTORIES)
def test_one_more_run_that_went_well_just_now_is_never_worse(runs: list[Run]) -> None:
    assert state([*runs, run(NOW - 1200)]).rank <= state(runs).rank


@given(HISTORIES, st.integers(0, 29))
def test_a_run_that_went_better_is_never_worse(runs: list[Run], which: int) -> None:
    if not runs:
        return
    better = list(runs)
    better[which % len(runs)] = replace(better[which % len(runs)], outcome=Outcome.SUCCESS)

    assert state(better).rank <= state(runs).rank


@given(HISTORIES, st.floats(0, 20 * DAY))
def test_time_alone_makes_nothing_better(runs: list[Run], later: float) -> None:
    assert state(runs, NOW + later).rank >= state(runs).rank


@given(HISTORIES, st.floats(60, 20 * DAY))
def test_without_an_answer_nothing_becomes_ok(runs: list[Run], later: float) -> None:
    first = assessed(SAID, account(runs, objects=("ben",)))

    found = judged(SAID, BackupAnswers({"veeam": ProductPart()}), first.memory, NOW + later)

    assert KEY not in {one.key for one in found.findings if one.state is State.OK}
    assert KEY not in found.covers or finding(found, KEY).state is State.CRITICAL


@given(HISTORIES)
def test_a_note_is_read_as_it_was_written(runs: list[Run]) -> None:
    first = assessed(SAID, account(runs, objects=("ben",)))

    note = unpacked(first.memory)

    assert unpacked(packed(note)) == note
    assert isinstance(note.objects["ben"], ObjectHistory)


@given(st.binary(max_size=200))
def test_a_note_that_is_none_is_empty(octets: bytes) -> None:
    damaged = replace(packed(Note()), text=octets.decode("latin-1"))

    assert unpacked(damaged) == Note()
