"""What holds of every history: better never gives worse, and unknown is never taken back without new evidence."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from checks.backup.history import ObjectHistory
from checks.backup.judgement import BackupAnswers, ProductPart, judged
from checks.backup.model import Outcome, Part, Run
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


@settings(max_examples=50, deadline=None)
@given(HISTORIES, st.sampled_from([Part.RUNS, Part.POINTS, Part.OBJECTS, Part.JOBS]), st.booleans())
def test_what_was_only_partly_read_takes_no_verdict_back(runs: list[Run], part: Part, empty: bool) -> None:
    before = state(runs)
    told = account([] if empty else runs, objects=("ben",), unread={part: "403"})

    found = assessed(SAID, told, memory=assessed(SAID, account(runs, objects=("ben",))).memory)

    assert finding(found, "backup/product/veeam").state is State.UNKNOWN
    later = {one.key: one.state for one in found.findings}.get(KEY)
    assert later is not State.OK
    assert KEY not in found.covers or later is before is State.CRITICAL


@settings(max_examples=50, deadline=None)
@given(HISTORIES, st.integers(1, 20))
def test_what_is_asked_night_by_night_means_what_it_means_at_once(runs: list[Run], polls: int) -> None:
    """Of whatever size the windows are, the newest verdict is the same."""
    ordered = sorted(runs, key=lambda one: one.started or 0.0)
    memory = None
    for poll in range(polls + 1):
        at = NOW - 14 * DAY * (1 - poll / polls)
        known = [one for one in ordered if (one.ended or one.started or 0.0) <= at]
        found = assessed(SAID, account(known, at, objects=("ben",)), at, memory)
        memory = found.memory or memory

    assert finding(found, KEY).state == state(runs)


PARTIALS = st.lists(st.sampled_from([Outcome.SUCCESS, Outcome.PARTIAL]), min_size=1, max_size=12)


@settings(max_examples=50, deadline=None)
@given(PARTIALS, st.integers(0, 11), st.integers(0, 2000))
def test_incomplete_runs_are_never_worse_where_one_was_complete_or_less_is_missing(
    outcomes: list[Outcome], which: int, errors: int
) -> None:
    def told(better: bool) -> State:
        found = []
        for night, outcome in enumerate(outcomes):
            mended = better and night == which % len(outcomes)
            how = Outcome.SUCCESS if mended else outcome
            missing = 0 if how is Outcome.SUCCESS else errors // (2 if better else 1)
            found.append(run(NOW - HOUR - night * DAY, how, errors=missing))
        return state(found)

    assert told(better=True).rank <= told(better=False).rank


@settings(max_examples=50, deadline=None)
@given(HISTORIES, st.floats(NOW + 400, 1e18) | st.floats(-1e12, 9e8))
def test_a_time_that_cannot_be_makes_nothing_better(runs: list[Run], at: float) -> None:
    assert state([*runs, run(at)]) == state(runs)


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
