"""What is wrong with whole jobs: said at every poll, once for all that they take, and over when it is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.backup.model import Account, Job, Level, Outcome, Part, Run
from checks.contract import Assessment, Memory, State
from testbeds.backup_accounts import DAY, HOUR, NOW, account, assessed, finding, options, run

NAMES = ("ben", "planning", "rents", "tax")
FOUR = options({name: {} for name in NAMES})
ALL = "backup/job/veeam/nightly"
KEY = "backup/protection/ben"


def nights(count: int = 10, at: float = NOW - 10 * HOUR, names: tuple[str, ...] = NAMES) -> list[Run]:
    return [run(at - night * DAY, object=name) for night in range(count) for name in names]


def whole(at: float, outcome: Outcome = Outcome.SUCCESS, hours: float = 2.0, job: str = "nightly", **more: Any) -> Run:
    """What the product tells of the job itself."""
    ended = at + hours * HOUR if outcome.over else None
    return Run(f"{job}-{at}", job, outcome, "", at, ended, **more)


def bad(found: Assessment) -> dict[str, State]:
    return {one.key: one.state for one in found.findings if one.state is not State.OK}


def later(
    told: Account, memory: Memory | None, hours: float = 1.0, **more: Any
) -> tuple[Account, float, Memory | None]:
    """What the next poll brings: nothing but what is new."""
    now = NOW + hours * HOUR
    return replace(told, at=now, clock=None, since=now - HOUR, **({"runs": (), "points": ()} | more)), now, memory


def test_a_job_that_is_off_is_one_finding_for_all_that_it_takes_at_every_poll() -> None:
    told = account(nights(), jobs=(Job("nightly", enabled=False),))
    first = assessed(FOUR, told)
    second = assessed(FOUR, *later(told, first.memory))
    on = later(told, second.memory, 2.0, jobs=(Job("nightly", enabled=True),))

    assert bad(first) == bad(second) == {ALL: State.WARNING}
    assert finding(second, ALL).summary.startswith(
        "job nightly (4 objects: ben, planning, rents …): its job nightly is"
    )
    assert finding(second, ALL).evidence["owner"] == "Revenues"
    assert f"{ALL} says why" in finding(second, "backup/protection/tax").summary
    assert bad(assessed(FOUR, *on)) == {}


def test_a_run_that_failed_for_most_is_the_jobs_and_for_one_is_its_own() -> None:
    words = "the storage is full"
    most = [*nights(), *(run(NOW - HOUR, Outcome.FAILED, object=name, message=words) for name in NAMES[:3])]
    one = [*nights(), run(NOW - HOUR, Outcome.FAILED, object="ben", message=words)]

    assert bad(assessed(FOUR, account(most))) == {ALL: State.WARNING}
    assert "did not do for 3 of 4 objects: the storage is full" in finding(assessed(FOUR, account(most)), ALL).summary
    assert bad(assessed(FOUR, account(one))) == {"backup/protection/ben": State.WARNING}


def test_objects_that_are_late_by_a_job_that_is_told_of_are_told_with_it() -> None:
    told = account(nights(at=NOW - 31 * HOUR), jobs=(Job("nightly", enabled=False),))

    found = assessed(FOUR, told)

    assert bad(found) == {ALL: State.CRITICAL}
    assert "4 of 4 objects are late by it, ben: last restorable point" in finding(found, ALL).summary
    assert "is switched off" in finding(found, ALL).summary
    assert all(
        "backup/job/veeam/nightly says why" in finding(found, f"backup/protection/{one}").summary for one in NAMES
    )


def test_an_object_that_is_late_by_more_than_its_job_is_told_by_itself() -> None:
    mine = [one for one in nights(at=NOW - 31 * HOUR) if one.object == "ben"]
    others = [one for one in nights() if one.object != "ben"]
    copied = Run("copy", "ben to Aylesbury", Outcome.FAILED, "ben", NOW - 2 * HOUR, NOW - HOUR)
    told = account([*mine, *others, copied], jobs=(Job("nightly", enabled=False), Job("ben to Aylesbury")))

    found = bad(assessed(FOUR, told))

    assert found == {ALL: State.WARNING, "backup/protection/ben": State.CRITICAL}


def test_objects_that_are_late_though_their_job_is_well_are_told_each() -> None:
    found = bad(assessed(FOUR, account(nights(), points=())))

    assert found == {f"backup/protection/{name}": State.CRITICAL for name in NAMES}


def test_a_job_that_failed_before_it_came_to_any_object_is_told() -> None:
    failed = whole(NOW - 2 * HOUR, Outcome.FAILED, 0.1, message="vCenter refuses the password")

    found = assessed(FOUR, account([*nights(), failed]))

    assert bad(found) == {ALL: State.WARNING}
    assert "failed before it came to this: vCenter refuses the password" in finding(found, ALL).summary


def test_a_whole_job_that_goes_on_for_too_long_is_measured_by_other_whole_runs() -> None:
    before = [whole(NOW - 10 * HOUR - night * DAY) for night in range(1, 10)]
    usual = [*nights(), *before, whole(NOW - 2.5 * HOUR, Outcome.RUNNING)]
    long = [*nights(), *before, whole(NOW - 3.5 * HOUR, Outcome.RUNNING)]

    assert bad(assessed(FOUR, account(usual))) == {}
    assert bad(assessed(FOUR, account(long))) == {ALL: State.WARNING}
    assert "3 h 0 min would be long" in finding(assessed(FOUR, account(long)), ALL).summary


def test_a_job_that_came_to_an_object_late_has_begun_in_time() -> None:
    said = options({name: {"schedule": {"cron": "13 15 * * *"}} for name in NAMES})  # an hour before NOW, in London
    told = account([*nights(), whole(NOW - HOUR, Outcome.RUNNING)], NOW)
    due = assessed(said, told, NOW)
    ended = account([*nights(), whole(NOW - HOUR, hours=0.2)], NOW)

    assert bad(due) == {}
    assert set(bad(assessed(said, ended, NOW + 40 * 60))) == {ALL}, "it is over, and the objects never had their run"


def test_a_chained_job_is_due_when_the_one_before_it_has_ended() -> None:
    jobs = (Job("first"), Job("nightly", after="first", repository="main"))
    before = whole(NOW - 3 * HOUR, job="first")
    runs = nights(at=NOW - 26 * HOUR)

    soon = bad(assessed(FOUR, account([*runs, before], jobs=jobs), NOW - 0.6 * HOUR))
    due = assessed(FOUR, account([*runs, before], jobs=jobs, points=()), NOW)
    done = assessed(FOUR, account([*runs, *nights(1, NOW - HOUR), before], jobs=jobs))
    failed = assessed(FOUR, account([*runs, replace(before, outcome=Outcome.FAILED)], jobs=jobs))

    assert ALL not in soon
    assert "follows first, which ended at" in finding(due, ALL).summary
    assert ALL not in bad(done)
    assert "follows first" not in finding(failed, ALL).summary


def test_a_job_whose_own_next_run_has_passed_did_not_start() -> None:
    missed = account(nights(), jobs=(Job("nightly", enabled=True, next_run=NOW - HOUR),))
    begun = account([*nights(), whole(NOW - HOUR, Outcome.RUNNING)], jobs=missed.jobs)

    assert bad(assessed(FOUR, missed)) == {ALL: State.WARNING}
    assert "was due at 2026-09-21 14:13 by its own schedule" in finding(assessed(FOUR, missed), ALL).summary
    assert bad(assessed(FOUR, begun)) == {}


def test_a_job_that_the_estate_names_is_missed_though_another_goes_well() -> None:
    by = [{"product": "veeam", "job": "image"}, {"product": "veeam", "job": "log"}]
    wild = [{"product": "veeam", "job": "*"}]
    jobs = (Job("image", enabled=True), Job("log", enabled=False))
    told = account([replace(run(NOW - HOUR), job="image", object="")], jobs=jobs)

    assert "its job log is switched off" in finding(assessed(options({"ben": {"by": by}}), told), KEY).summary
    assert "switched off" not in finding(assessed(options({"ben": {"by": wild}}), told), KEY).summary


def test_a_job_that_took_an_object_once_is_not_its_job_any_more() -> None:
    moved = [replace(run(NOW - 10 * HOUR - night * DAY), job="new", id=f"n{night}") for night in range(5)]
    before = [replace(run(NOW - 10 * HOUR - night * DAY), id=f"o{night}") for night in range(6, 12)]
    jobs = (Job("nightly", repository="main"), Job("new", repository="main"))
    failed = whole(NOW - 2 * HOUR, Outcome.FAILED, 0.1, message="gone")

    first = assessed(options(), account([*moved, *before], jobs=jobs))
    found = assessed(options(), *later(account([]), first.memory, runs=(failed,), jobs=jobs, objects=("ben",)))

    assert KEY not in bad(found)


def test_log_backups_that_run_all_day_say_nothing_of_the_nightly_run() -> None:
    logs = [replace(run(NOW - n * 0.5 * HOUR), level=Level.LOG, job="log") for n in range(1, 40)]
    full = [replace(run(NOW - 25 * HOUR - n * DAY), job="full") for n in range(5)]
    said = options({"ben": {"schedule": {"cron": "0 14 * * *"}}})

    found = finding(assessed(said, account([*logs, *full])), KEY)

    assert found.state is State.WARNING
    assert "should have started at 2026-09-21 14:00" in found.summary


def test_a_run_that_will_be_tried_again_is_passed_over_until_nobody_tries_any_more() -> None:
    tried = run(NOW - HOUR, Outcome.FAILED, retries=True, message="locked")
    first = assessed(options(), account([*nights(names=("ben",)), tried]))
    still = later(account([]), first.memory, 0.5, jobs=(Job("nightly", enabled=True),), objects=("ben",))
    never = later(account([]), first.memory, 4.0, jobs=(Job("nightly", enabled=True),), objects=("ben",))
    good = run(NOW - 0.2 * HOUR)
    done = assessed(options(), *later(account([]), first.memory, 4.0, runs=(good,), objects=("ben",)))

    assert bad(first) == {}
    assert KEY not in bad(assessed(options(), *still))
    assert finding(assessed(options(), *never), KEY).summary.startswith("ben: its last run failed: locked.")
    assert KEY not in bad(done)


def test_the_words_of_a_failure_stay_after_its_poll() -> None:
    failed = run(NOW - HOUR, Outcome.FAILED, message="no space left on device")
    first = assessed(options(), account([*nights(names=("ben",)), failed]))

    second = assessed(options(), *later(account([]), first.memory, objects=("ben",)))

    assert "no space left on device" in finding(second, KEY).summary


def test_a_full_run_below_its_floor_is_told_at_once_and_not_when_the_rpo_is_over() -> None:
    said = options({"ben": {"at_least": "1 GB"}})

    found = finding(assessed(said, account([*nights(names=("ben",)), run(NOW - HOUR, bytes=2048)])), KEY)

    assert found.state is State.CRITICAL
    assert "2048 bytes" in found.summary


def test_a_failed_job_that_writes_elsewhere_takes_no_point_from_another() -> None:
    jobs = (Job("nightly", repository="main"), Job("dump", repository="nas"))
    failed = replace(run(NOW - 10 * HOUR, Outcome.FAILED), job="dump", id="dump")

    found = assessed(options(), account([*nights(names=("ben",)), failed], jobs=jobs))

    assert next(
        one.value for one in found.readings if one.family.name.endswith("last_restorable_timestamp_seconds")
    ) == (NOW - 10 * HOUR)


def test_each_job_of_an_object_has_a_series_of_its_own() -> None:
    image = replace(run(NOW - 10 * HOUR), job="image")
    dump = replace(run(NOW - 9 * HOUR, bytes=5), job="dump", ended=NOW - 9 * HOUR + 60)

    found = assessed(options(), account([image, dump, replace(image, started=NOW - 34 * HOUR, id="older")]))

    told = {one.labels: one.value for one in found.readings if one.family.name == "ridgeway_backup_last_run_bytes"}
    names = {one.family.name: one.family.labels for one in found.readings if "last_run" in one.family.name}
    assert told == {("ben", "image"): 10**11, ("ben", "dump"): 5}
    assert names == dict.fromkeys(
        (f"ridgeway_backup_last_run_{what}" for what in ("timestamp_seconds", "duration_seconds", "bytes")),
        ("object", "job_name"),
    )


def test_nothing_good_is_said_of_a_job_while_its_objects_are_not_read_whole() -> None:
    off = account(nights(), jobs=(Job("nightly", enabled=False),))
    first = assessed(FOUR, off)
    cut = later(off, first.memory, unread={Part.POINTS: "cut short"})
    second = assessed(FOUR, *cut)

    assert bad(first) == {ALL: State.WARNING}
    assert bad(second) == {"backup/product/veeam": State.UNKNOWN}
    assert ALL not in {*second.covers, *(one.key for one in second.findings)}
    assert "backup/*" not in second.covers


@pytest.mark.parametrize("jobs", [(Job("renamed", enabled=True),), ()], ids=["renamed", "none is listed"])
def test_what_a_job_owes_that_is_not_listed_any_more_is_still_told_once(jobs: tuple[Job, ...]) -> None:
    failed = [*nights(), *(run(NOW - HOUR, Outcome.FAILED, object=name) for name in NAMES)]
    first = assessed(FOUR, account(failed))
    second = assessed(FOUR, *later(account(failed), first.memory, jobs=jobs))
    runs = nights(1, NOW + DAY) + nights(1, NOW + 2 * DAY)
    well = [replace(one, job="renamed") for one in runs]
    third = assessed(
        FOUR, *later(account(failed), second.memory, 50.0, jobs=jobs, runs=well, points=account(well).points)
    )

    assert bad(first) == bad(second) == {ALL: State.WARNING}
    assert bad(third) == {}


def test_what_was_judged_and_what_was_removed_is_over_though_another_product_is_not_read() -> None:
    said = {"products": {name: {"product": "veeam", "target": name} for name in ("veeam", "far", "old")}}
    far = {"by": [{"product": "far", "object": "tax"}]}
    before = options({"ben": {}, "rents": {}, "tax": far}, **said)
    first = assessed(before, account(nights()), far=account(nights(names=("tax",))), old=account([]))
    del said["products"]["old"]

    found = assessed(options({"ben": {}, "tax": far}, **said), *later(account(nights()), first.memory))

    assert first.whole
    assert not found.whole
    assert {"backup/size/ben", "backup/protection/rents", "backup/product/old", "backup/job/old/*"} <= found.covers
    assert not {"backup/protection/tax", "backup/size/tax", "backup/verified/tax"} & found.covers
