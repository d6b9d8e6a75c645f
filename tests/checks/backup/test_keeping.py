"""How much is kept and where, what is out of reach, and that what nobody told is never called enough."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from checks.backup.history import DELETION_TOLD
from checks.backup.model import Account, Job, Level, Part, Proof, Repository, RestorePoint, Run, Stock, Verification
from checks.backup.note import unpacked
from checks.contract import Assessment, State
from testbeds.backup_accounts import DAY, HOUR, NOW, account, assessed, finding, options, point, run

RETENTION, COPIES, VERIFIED = "backup/retention/ben", "backup/copies/ben", "backup/verified/ben"
RESTORED, LOCK = "backup/restored/ben", "backup/lock/veeam/main"


def nights(count: int, newest: float = NOW - 10 * HOUR) -> list[Run]:
    return [run(newest - night * DAY) for night in range(count)]


def kept(wish: dict[str, Any], told: Account, memory: Any = None, now: float = NOW) -> Assessment:
    return assessed(options({"ben": {"retention": wish}}), replace(told, at=now), now, memory)


def windowed(told: Account) -> Account:
    return replace(told, since=NOW - 3 * DAY)


def test_a_count_or_an_age_that_no_product_tells_is_unknown_and_never_enough() -> None:
    only_runs = account(nights(5), points=(), has=(Part.JOBS, Part.RUNS))

    points = finding(kept({"points": 3}, only_runs), RETENTION)
    first = kept({"oldest": "2d"}, only_runs)
    oldest = finding(kept({"oldest": "2d"}, replace(only_runs, runs=()), first.memory, NOW + 3 * DAY), RETENTION)

    assert points.state is oldest.state is State.UNKNOWN
    assert "how many restore points are kept is not told" in points.summary


def test_the_oldest_point_of_a_list_that_was_cut_by_time_is_not_believed_for_ever() -> None:
    wish = {"oldest": "30d", "may_shrink_by": 100}
    first = kept(wish, account(nights(40)))
    cut = nights(5, NOW + 31 * DAY)
    listed = kept(wish, replace(account(cut), since=NOW, all_points=True), first.memory, NOW + 31 * DAY)
    never = kept(wish, replace(account(cut), since=NOW), first.memory, NOW + 31 * DAY)

    assert finding(first, RETENTION).state is State.OK
    assert finding(listed, RETENTION).state is State.WARNING
    assert finding(never, RETENTION).state is State.UNKNOWN


def test_a_sudden_deletion_is_told_for_a_week_and_then_over() -> None:
    told = account(nights(20))
    first = kept({"points": 2}, told)
    less = replace(told, points=told.points[:5])
    at_once = kept({"points": 2}, less, first.memory, NOW + HOUR)
    after = kept({"points": 2}, less, at_once.memory or first.memory, NOW + 5 * DAY)
    over = kept({"points": 2}, less, after.memory or at_once.memory, NOW + DELETION_TOLD + HOUR)
    ended = kept({"points": 2}, less, over.memory, NOW + DELETION_TOLD + 2 * HOUR)

    assert finding(at_once, RETENTION).state is finding(after, RETENTION).state is State.CRITICAL
    assert "15 restore points have gone from veeam/main since 2026-09-21 15:13" in finding(after, RETENTION).summary
    assert finding(ended, RETENTION).state is State.OK


def test_weeks_and_months_without_a_point_are_told_and_the_first_and_the_present_one_need_none() -> None:
    wish = {"gfs": {"weekly": 4, "monthly": 3}}
    days = [datetime(2026, *day, tzinfo=UTC) for day in ((9, 18), (9, 10), (9, 3), (8, 27), (7, 30), (6, 1))]
    points = tuple(point(day.timestamp()) for day in days)
    told = account([run(NOW - HOUR)], points=(point(NOW - HOUR), *points))
    hole = replace(told, points=tuple(one for one in told.points if one.at != days[2].timestamp()))

    assert finding(kept(wish, told), RETENTION).state is State.OK
    assert "1 of the last 4 weeks have no restore point" in finding(kept(wish, hole), RETENTION).summary
    assert finding(kept(wish, windowed(told)), RETENTION).state is State.UNKNOWN


def test_weeks_keep_their_verdict_between_two_lists_of_all_points() -> None:
    wish = {"gfs": {"weekly": 4}}
    told = replace(account(nights(40)), since=NOW - DAY, all_points=True)
    first = kept(wish, told)

    between = kept(wish, windowed(replace(told, all_points=False)), first.memory, NOW + HOUR)

    assert finding(first, RETENTION).state is State.OK
    assert RETENTION not in {one.key for one in between.findings}
    assert RETENTION not in between.covers and "backup/*" not in between.covers


def two_places(behind: float, **more: Any) -> Account:
    runs = nights(20)
    far = tuple(RestorePoint("ben", (one.started or 0.0) - behind, "copy", one.level, 10**11) for one in runs)
    made = account(runs, jobs=(Job("nightly", repository="main"),))
    return replace(made, points=(*made.points, *far), **more)


def test_a_copy_elsewhere_has_an_rpo_of_its_own_and_its_lag_is_said() -> None:
    wish = {"at": "forum", "copies": {"total": 3, "media": 1, "out_of_reach": 0, "lag": "3d"}}
    where = [{"repository": "main", "place": "forum"}, {"repository": "copy", "place": "gateway"}]
    said = options({"ben": wish}, repositories=where)

    near, far = assessed(said, two_places(2 * DAY)), assessed(said, two_places(5 * DAY))

    assert finding(near, COPIES).state is State.OK
    assert finding(far, COPIES).state is State.WARNING
    assert "veeam/copy is 5 d 0 h behind the newest point, 3d are allowed" in finding(far, COPIES).summary


def test_a_copy_that_was_found_damaged_is_none() -> None:
    wish = {"copies": {"total": 3, "media": 1, "elsewhere": 0, "out_of_reach": 0}}
    bad = (Verification(NOW - HOUR, sound=False, repository="copy", object="ben"),)

    good = assessed(options({"ben": wish}), two_places(0))
    damaged = assessed(options({"ben": wish}), two_places(0, verifications=bad))

    assert finding(good, COPIES).state is State.OK
    assert finding(damaged, COPIES).state is State.WARNING
    assert "veeam/copy was found damaged" in finding(damaged, COPIES).summary


def test_a_sound_part_proves_nothing_of_the_whole_and_a_damaged_part_is_damage() -> None:
    wish = {"ben": {"verified_within": "35d"}}

    def found(*told: Verification) -> Assessment:
        return assessed(options(wish), account(nights(5), verifications=told))

    part = Verification(NOW - HOUR, sound=True, repository="main", object="ben", share=0.1)
    assert "was not read again yet" in finding(found(part), VERIFIED).summary
    damaged = replace(part, at=NOW - 2 * HOUR, sound=False)
    assert finding(found(damaged, part), VERIFIED).state is State.CRITICAL
    assert finding(found(damaged, replace(part, share=1.0)), VERIFIED).state is State.OK


def test_what_was_not_proved_yet_is_not_called_proved() -> None:
    wish = {"ben": {"verified_within": "35d", "drilled_within": "30d", "rto": "8h"}}

    found = assessed(options(wish), account(nights(5)))

    assert finding(found, VERIFIED).summary == "ben: its data was not read again yet"
    assert finding(found, RESTORED).summary.startswith("ben: no restore of it was proved yet; how long a restore")


def locked(days: float | None, now: float, memory: Any = None, **said: Any) -> Assessment:
    where = [{"repository": "main", "place": "forum", **said}]
    told = account(nights(5), at=now, repositories=(Repository("main", online=True, immutable_days=days),))
    return assessed(options(repositories=where), told, now, memory)


def test_a_lock_that_was_shortened_is_told_for_a_week_and_what_was_agreed_then_counts() -> None:
    first = locked(30, NOW, immutable_days=14)
    less = locked(14, NOW + HOUR, first.memory, immutable_days=14)
    week = locked(14, NOW + 8 * DAY, less.memory, immutable_days=14)
    after = locked(14, NOW + 9 * DAY, week.memory, immutable_days=14)
    too_few = locked(7, NOW + 9 * DAY, week.memory, immutable_days=14)
    untold = locked(14, NOW + 9 * DAY, less.memory)

    assert [finding(one, LOCK).state for one in (first, less, week, after)] == [
        State.OK, State.CRITICAL, State.OK, State.OK,
    ]  # fmt: skip
    assert finding(too_few, LOCK).state is finding(untold, LOCK).state is State.CRITICAL


def test_points_of_the_newest_days_that_are_not_really_locked_are_a_matter_of_security() -> None:
    where = [{"repository": "main", "place": "forum", "immutable_days": 14}]
    told = account(nights(20), repositories=(Repository("main", online=True, immutable_days=14),))
    each = tuple(replace(one, locked_until=one.at + 14 * DAY) for one in told.points)
    hole = (*each[:3], replace(each[3], locked_until=None), *each[4:])

    good = assessed(options(repositories=where), replace(told, points=each))
    bad = assessed(options(repositories=where), replace(told, points=hole))

    assert finding(good, LOCK).state is State.OK
    assert finding(bad, LOCK).state is State.CRITICAL
    assert "1 points of the last 14 days are not locked" in finding(bad, LOCK).summary


def test_a_configuration_backup_is_recent_encrypted_or_told() -> None:
    def server(**more: Any) -> tuple[State, str]:
        found = finding(assessed(options(), account(nights(5), **more)), "backup/server/veeam")
        return found.state, found.summary

    assert server(server_encrypted=True)[0] is State.OK
    assert "is not encrypted" in server(server_encrypted=False)[1]
    assert server(server_backup=NOW - 8 * DAY)[0] is State.WARNING
    assert server(not_permitted={Part.SERVER: "that needs another role"})[0] is State.UNSUPPORTED


def test_what_is_in_no_job_and_not_declared_is_told_and_may_be_excepted() -> None:
    told = account(nights(5), unprotected=("ben", "lost"))

    found = assessed(options(), told)
    excepted = assessed(options(undeclared_except=["lo*"]), told)

    key = "backup/unprotected/veeam"
    assert finding(found, key).summary.startswith("veeam: 1 in no job, and not declared: lost.")
    assert key not in {one.key for one in excepted.findings}
    assert "backup/*" in excepted.covers and "backup/unprotected/*" in excepted.may_go
    unread = assessed(options(), replace(told, unread={Part.JOBS: "403"}))
    assert key not in {one.key for one in unread.findings} and "backup/*" not in unread.covers


def test_a_product_that_lists_no_objects_still_judges_completely() -> None:
    found = assessed(options(), account(nights(5), points=(), has=(Part.JOBS, Part.RUNS)))

    assert "backup/*" in found.covers


def test_an_estimate_takes_the_whole_object_and_the_start_of_its_service() -> None:
    increment = replace(run(NOW - HOUR), level=Level.INCREMENTAL, bytes=10**8)
    told = account(
        [*nights(5), increment], proofs=(Proof(NOW - HOUR, "ben", True, "samples", seconds=100.0, bytes=10**9),)
    )
    told = replace(told, points=(*told.points[:-1], replace(told.points[-1], level=Level.INCREMENTAL, bytes=10**8)))

    def state(**more: Any) -> State:
        wish = {"ben": {"drilled_within": "30d", **more}}
        return finding(assessed(options(wish), told), RESTORED).state

    assert state(rto="3h") is State.OK  # 10^11 bytes at 10^7 a second: 2 h 46 min
    assert state(rto="3h", starts_in="1h") is State.WARNING
    assert state(rto="2h") is State.WARNING


def test_a_product_that_invents_repositories_makes_no_note_grow_for_ever() -> None:
    memory, now = None, NOW
    for poll in range(80):
        now += 7200
        stocks = (Stock("ben", f"invented-{poll}", 1, now - HOUR, now - HOUR),)
        found = assessed(options(), account([], now, stocks=stocks, objects=("ben",)), now, memory)
        memory = found.memory or memory

    assert len(unpacked(memory).objects["ben"].lying) <= 50
