"""Whether the next restore of an object would do: its newest point, its runs, and who knows of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.backup.model import Job, Level, Outcome, Part, Repository, Verification
from checks.contract import State
from testbeds.backup_accounts import DAY, HOUR, NOW, account, assessed, finding, options, point, run

KEY = "backup/protection/ben"
NIGHTS = [run(NOW - 10 * HOUR - night * DAY) for night in range(10)]


def test_a_point_within_the_rpo_is_ok_and_says_where_it_was_read() -> None:
    found = finding(assessed(options(), account(NIGHTS)), KEY)

    assert found.state is State.OK
    assert found.summary == "ben: restorable as of 2026-09-21 05:13, 10 h 0 min ago"
    assert found.evidence["read from veeam"] == "2026-09-21 15:13"


def test_a_point_near_the_rpo_is_a_warning_and_beyond_it_critical_with_owner_and_loss() -> None:
    near = finding(assessed(options(), account([run(NOW - 20 * HOUR)])), KEY)
    beyond = finding(assessed(options(), account([run(NOW - 31 * HOUR)])), KEY)

    assert near.state is State.WARNING
    assert beyond.state is State.CRITICAL
    assert "31 h ago" in beyond.summary or "1 d 7 h ago" in beyond.summary
    assert beyond.evidence["owner"] == "Revenues"


@pytest.mark.parametrize(
    "busy",
    [run(NOW - HOUR, Outcome.RUNNING), run(NOW - HOUR, Outcome.WAITING), run(NOW - HOUR, Outcome.FAILED, retries=True)],
    ids=["running", "waiting", "tried again"],
)
def test_the_clock_of_the_rpo_does_not_stop_for_a_run(busy: object) -> None:
    told = account([run(NOW - 31 * HOUR)])

    found = finding(assessed(options(), replace(told, runs=(*told.runs, busy))), KEY)  # type: ignore[arg-type]

    assert found.state is State.CRITICAL


def test_a_job_that_is_switched_off_is_told_while_the_rpo_is_kept() -> None:
    told = account(NIGHTS, jobs=(Job("nightly", enabled=False),))

    found = finding(assessed(options(), told), KEY)

    assert found.state is State.WARNING
    assert "switched off" in found.summary


def test_an_object_that_no_product_knows_is_critical() -> None:
    found = finding(assessed(options({"ben": {}, "planning": {}}), account(NIGHTS)), "backup/protection/planning")

    assert found.state is State.CRITICAL
    assert "nothing backs it up" in found.summary


def test_a_failed_run_is_a_warning_while_the_rpo_is_kept_and_one_under_way_takes_nothing_back() -> None:
    failed = [*NIGHTS[1:], run(NOW - 10 * HOUR, Outcome.FAILED, message="disk full")]
    under_way = [*failed, run(NOW - HOUR, Outcome.RUNNING)]

    said = [finding(assessed(options({"ben": {"rpo": "3d"}}), account(runs)), KEY) for runs in (failed, under_way)]

    assert [one.state for one in said] == [State.WARNING, State.WARNING]
    assert "its last run failed: disk full" in said[0].summary


def test_incomplete_runs_are_worse_three_in_a_row() -> None:
    def nights(partial: int) -> list[State]:
        outcomes = [Outcome.PARTIAL] * partial + [Outcome.SUCCESS] * 5
        runs = [run(NOW - 10 * HOUR - n * DAY, outcome, errors=3) for n, outcome in enumerate(outcomes)]
        return [finding(assessed(options(), account(runs)), KEY).state]

    assert [*nights(0), *nights(1), *nights(2), *nights(3)] == [
        State.OK, State.WARNING, State.WARNING, State.CRITICAL,
    ]  # fmt: skip


def test_an_incomplete_run_does_not_keep_the_rpo_where_the_estate_says_so() -> None:
    runs = [run(NOW - HOUR, Outcome.PARTIAL), run(NOW - 30 * HOUR)]

    lenient = finding(assessed(options(), account(runs)), KEY)
    strict = finding(assessed(options({"ben": {"partial_counts": False}}), account(runs)), KEY)

    assert (lenient.state, strict.state) == (State.WARNING, State.CRITICAL)


@pytest.mark.parametrize(
    "hollow",
    [{"bytes": 0}, {"files": 0}, {"nothing": True}],
    ids=["no bytes", "no files", "everything excluded"],
)
def test_a_run_that_ended_well_and_protected_nothing_leaves_no_point(hollow: dict[str, object]) -> None:
    runs = [run(NOW - HOUR, **hollow), run(NOW - 40 * HOUR)]  # type: ignore[arg-type]

    found = finding(assessed(options(), account(runs)), KEY)

    assert found.state is State.CRITICAL
    assert "protected nothing" in found.summary
    assert "1 d 16 h ago" in found.summary


def test_a_point_that_is_too_small_infected_or_damaged_is_none() -> None:
    good = point(NOW - 40 * HOUR)
    for bad in (
        replace(point(NOW - HOUR), bytes=2048),
        replace(point(NOW - HOUR), infected=True),
        replace(point(NOW - HOUR), sound=False),
    ):
        found = finding(assessed(options({"ben": {"at_least": "1 MB"}}), account(NIGHTS[:0], points=(good, bad))), KEY)

        assert found.state is State.CRITICAL


def test_an_outcome_that_nobody_knows_is_unknown_and_never_ok() -> None:
    found = finding(assessed(options(), account([run(NOW - HOUR, Outcome.UNKNOWN), *NIGHTS])), KEY)

    assert found.state is State.UNKNOWN


def test_a_missed_start_is_told_after_its_grace_and_over_when_it_runs() -> None:
    said = options({"ben": {"rpo": "3d", "schedule": {"cron": "0 12 * * *"}}})
    before = account([run(NOW - 26 * HOUR)])

    missed = finding(assessed(said, before), KEY)
    in_grace = finding(assessed(said, replace(before, at=NOW - 3 * HOUR), NOW - 3 * HOUR), KEY)
    started = finding(assessed(said, account([*before.runs, run(NOW - 60, Outcome.RUNNING)])), KEY)

    assert missed.state is State.WARNING
    assert "it should have started at 2026-09-21 12:00 and has not" in missed.summary
    assert in_grace.state is State.OK
    assert started.state is State.OK


def test_a_run_that_takes_far_longer_than_ever_is_told() -> None:
    found = finding(assessed(options(), account([*NIGHTS, run(NOW - 3 * HOUR, Outcome.RUNNING)])), KEY)

    assert found.state is State.WARNING
    assert "a run goes on since" in found.summary


def test_a_product_that_was_not_read_leaves_the_object_uncovered_until_nothing_could_make_it_good() -> None:
    first = assessed(options(), account(NIGHTS))

    silent = assessed(options(), None, NOW + HOUR, first.memory)
    later = assessed(options(), None, NOW + 2 * DAY, first.memory)

    for found in (silent, later):
        assert KEY not in found.covers
        assert KEY not in {one.key for one in found.findings}
    assert finding(silent, "backup/product/veeam").state is State.UNKNOWN
    assert "beyond their RPO as far as is known: ben" in finding(later, "backup/product/veeam").summary


def test_a_part_that_was_not_read_is_not_taken_for_an_empty_one() -> None:
    first = assessed(options(), account(NIGHTS))
    told = account([], NOW + HOUR, unread={Part.POINTS: "403"}, points=())

    found = assessed(options(), told, NOW + HOUR, first.memory)

    assert KEY not in found.covers
    assert "points not read: 403" in finding(found, "backup/product/veeam").summary


def test_a_point_older_than_the_window_is_remembered_and_one_that_was_deleted_is_not() -> None:
    first = assessed(options(), account(NIGHTS))
    window = account([], NOW + HOUR, since=NOW, objects=("ben",))
    everything = account([], NOW + HOUR, objects=("ben",))

    assert finding(assessed(options(), window, NOW + HOUR, first.memory), KEY).state is State.OK
    assert finding(assessed(options(), everything, NOW + HOUR, first.memory), KEY).state is State.CRITICAL


def test_what_is_backed_up_and_not_declared_is_told_once_with_names() -> None:
    told = account([*NIGHTS, run(NOW - HOUR, object="mystery")])

    found = assessed(options(), told)
    excepted = assessed(options(undeclared_except=["myst*"]), told)

    assert finding(found, "backup/undeclared/veeam").state is State.WARNING
    assert "mystery" in finding(found, "backup/undeclared/veeam").summary
    assert finding(excepted, "backup/undeclared/veeam").state is State.OK


def test_a_product_that_lists_nothing_is_unknown() -> None:
    found = assessed(options(), account([], jobs=(), objects=()))

    assert finding(found, "backup/product/veeam").state is State.UNKNOWN


def test_levels_are_not_compared_with_each_other() -> None:
    runs = [run(NOW - n * HOUR * 6, level=Level.FULL if n % 7 == 0 else Level.INCREMENTAL, bytes=10**11 if n % 7 == 0
            else 10**9) for n in range(1, 55)]  # fmt: skip

    found = assessed(options(), account(runs))

    assert not [one for one in found.findings if one.key.startswith("backup/size/")]


def test_a_copy_is_elsewhere_only_where_the_estate_says_where_the_original_is() -> None:
    wish = {"copies": {"total": 2, "media": 1, "elsewhere": 1, "out_of_reach": 0}}
    where = [{"repository": "main", "place": "gateway"}]

    known = assessed(options({"ben": {"at": "forum", **wish}}, repositories=where), account(NIGHTS))
    untold = assessed(options({"ben": wish}, repositories=where), account(NIGHTS))

    assert finding(known, "backup/copies/ben").state is State.OK
    assert finding(untold, "backup/copies/ben").state is State.WARNING
    assert "where the original is, the estate does not say" in finding(untold, "backup/copies/ben").summary


def test_a_verification_of_one_object_says_nothing_of_others_that_have_no_job() -> None:
    both = [replace(run(NOW - 10 * HOUR, object=name), job="") for name in ("ben", "planning")]
    read = (Verification(NOW - HOUR, sound=False, repository="main", object="planning"),)

    found = assessed(options({"ben": {}, "planning": {}}), account(both, verifications=read))

    states = {one.key: one.state for one in found.findings if one.key.startswith("backup/verified/")}
    assert states == {"backup/verified/planning": State.CRITICAL}


def test_damage_that_a_verification_under_way_finds_later_counts() -> None:
    begun = [Verification(NOW - HOUR, sound, "main", "ben") for sound in (True, False)]
    first = assessed(options(), account(NIGHTS, verifications=(begun[0],)))

    second = assessed(options(), account(NIGHTS, verifications=(begun[1],)), memory=first.memory)

    assert finding(second, "backup/verified/ben").state is State.CRITICAL


def test_a_job_that_fails_does_not_hide_behind_another_that_goes_well() -> None:
    good = [replace(run(NOW - 10 * HOUR - n * DAY), job="image") for n in range(5)]
    bad = [replace(run(NOW - 11 * HOUR - n * DAY, Outcome.FAILED, message="no space"), job="dump") for n in range(2)]
    old = [replace(run(NOW - 30 * DAY, Outcome.FAILED), job="retired")]

    both = finding(assessed(options(), account([*good, *bad])), KEY)
    retired = finding(assessed(options(), account([*good, *old])), KEY)

    assert both.state is State.WARNING
    assert both.summary.startswith("ben: job dump: its last run failed, the 1 before it no better: no space.")
    assert retired.state is State.OK


def test_what_is_unusual_of_two_jobs_is_one_series() -> None:
    runs = [
        replace(run(NOW - hours * HOUR - n * DAY), job=job, bytes=size + n)
        for n in range(1, 31)
        for job, hours, size in (("image", 10, 10**11), ("dump", 9, 10**9))
    ]

    found = assessed(options(), account(runs))

    series = [(one.family.name, one.labels) for one in found.readings]
    assert len(series) == len(set(series))
    assert not [one for one in found.findings if one.key.startswith("backup/size/")]


@pytest.mark.parametrize("missing", ["left_out", "reason", "owner", "review"])
def test_nothing_is_left_out_on_purpose_unless_somebody_says_why_and_until_when(missing: str) -> None:
    said = {"left_out": "scsi1", "reason": "scratch", "owner": "Revenues", "review": "2027-03-31"}

    assert options({"ben": {"accept": [said]}}).objects["ben"].accept[0].reason == "scratch"
    del said[missing]
    with pytest.raises(ValueError, match=missing):
        options({"ben": {"accept": [said]}})


def test_a_point_of_a_run_that_protected_nothing_does_not_count_when_the_run_is_told_no_more() -> None:
    told = account([run(NOW - HOUR, files=0), run(NOW - 40 * HOUR)])
    first = assessed(options(), told)

    second = assessed(options(), replace(told, runs=(), at=NOW + HOUR), NOW + HOUR, first.memory)

    assert [finding(one, KEY).state for one in (first, second)] == [State.CRITICAL] * 2
    assert "1 d 17 h ago" in finding(second, KEY).summary


def test_a_run_of_another_level_takes_no_point_away() -> None:
    log = run(NOW - HOUR, Outcome.FAILED, level=Level.LOG, job="log backup", bytes=None)
    told = account([run(NOW - HOUR), log])

    assert "1 h of data at risk" in finding(assessed(options(), told), KEY).summary


@pytest.mark.parametrize("at", [NOW - HOUR, NOW - 60], ids=["the newest that is known", "one that is newer"])
def test_damage_that_a_window_tells_is_told_at_once(at: float) -> None:
    told = account([run(NOW - HOUR), run(NOW - 40 * HOUR)], since=NOW - 50 * HOUR)
    first = assessed(options(), told)
    window = replace(told, at=NOW + HOUR, since=NOW - 2 * HOUR, runs=(), points=(point(at, infected=True),))

    second = assessed(options(), window, NOW + HOUR, first.memory)
    third = assessed(options(), replace(window, points=()), NOW + 2 * HOUR, second.memory)

    assert finding(second, "backup/verified/ben").state is State.CRITICAL
    assert finding(third, "backup/verified/ben").state is State.CRITICAL
    assert finding(second, KEY).state is (State.CRITICAL if at == NOW - HOUR else State.OK)


@pytest.mark.parametrize(
    "cut",
    [{"unread": {Part.OBJECTS: "cut"}, "points": ()}, {"jobs": (), "runs": (), "points": ()}],
    ids=["cut", "empty"],
)
def test_what_nobody_declared_is_not_over_by_a_list_that_was_not_read(cut: dict[str, Any]) -> None:
    told = account([*NIGHTS, run(NOW - HOUR, object="lab")])
    first = assessed(options(), told)

    second = assessed(options(), replace(told, objects=(), **cut), NOW + HOUR, first.memory)

    assert finding(first, "backup/undeclared/veeam").state is State.WARNING
    assert "backup/undeclared/veeam" not in {*second.covers, *(one.key for one in second.findings)}
    assert "backup/*" not in second.covers


def test_what_a_product_told_is_over_when_it_leaves_the_estate() -> None:
    bad = Verification(NOW - HOUR, False, "main")
    damaged = account([run(NOW - 2 * HOUR, Outcome.FAILED), *NIGHTS], verifications=(bad,))
    said = {"products": {name: {"product": "veeam", "target": name} for name in ("veeam", "vbr")}}
    both = [{"product": name, "object": "ben"} for name in said["products"]]
    first = assessed(options({"ben": {"by": both}}, **said), damaged, vbr=account(NIGHTS))
    del said["products"]["veeam"]
    gone = account(NIGHTS, NOW + DAY, repositories=(Repository("main", online=False),))

    second = assessed(options({"ben": {"by": both[1:]}}, **said), None, NOW + DAY, first.memory, vbr=gone)

    assert finding(first, "backup/verified/ben").state is State.CRITICAL
    assert {one.key for one in second.findings if one.state.bad} == {"backup/repository/vbr/main"}


def test_damage_is_over_where_all_that_lay_there_is_gone() -> None:
    bad = Verification(NOW - HOUR, False, "main")
    first = assessed(options(), account(NIGHTS, verifications=(bad,)))
    anew = [replace(point(NOW), repository="new")]

    second = assessed(options(), account(NIGHTS, NOW + HOUR, points=tuple(anew)), NOW + HOUR, first.memory)

    assert finding(first, "backup/verified/ben").state is State.CRITICAL
    assert "backup/verified/ben" not in {one.key for one in second.findings}
