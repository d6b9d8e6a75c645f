"""Pings become runs, and the rules judge them: in time, late, too long, incomplete, failed, and not heard at all."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from checks.backup.model import Outcome
from checks.backup.note import unpacked
from checks.contract import State
from checks.transports import Transports
from checks.transports.inbox import Sign
from config.cron import LONDON
from testbeds.backup_accounts import DAY, HOUR, NOW
from testbeds.by_backup import BackupWatch
from testbeds.inboxes import Told, exited, ping, runs, watch
from testbeds.planted import Planter

KEY = "backup/protection/ben"
TEN = datetime(2026, 9, 21, 22, 0, tzinfo=ZoneInfo(LONDON)).timestamp()
"""When the job is due."""
NIGHTLY = {"schedule": {"cron": "0 22 * * *", "start_grace": "30m", "longest": "3h"}}


def test_a_start_and_the_next_end_are_a_run() -> None:
    found = runs(ping(TEN, Sign.START), exited(TEN + 1200, 0, bytes=10, files=2, errors=0), now=TEN + HOUR)

    (run,) = found
    assert (run.outcome, run.started, run.ended) == (Outcome.SUCCESS, TEN, TEN + 1200)
    assert (run.bytes, run.files, run.errors) == (10, 2, 0)


def test_runs_that_overlap_are_told_apart_by_their_ids() -> None:
    found = runs(
        ping(TEN, Sign.START, "a"),
        ping(TEN + 60, Sign.START, "b"),
        exited(TEN + 120, 1, "a"),
        exited(TEN + 180, 0, "b"),
        now=TEN + HOUR,
    )

    assert [(run.id, run.outcome, run.ended) for run in found] == [
        ("a", Outcome.FAILED, TEN + 120),
        ("b", Outcome.SUCCESS, TEN + 180),
    ]


@pytest.mark.parametrize(
    ("code", "partial", "outcome", "words"),
    [
        (0, (), Outcome.SUCCESS, ""),
        (1, (), Outcome.FAILED, "exit status 1"),
        (1, (1,), Outcome.PARTIAL, "exit status 1"),
        (3, (3,), Outcome.PARTIAL, "exit status 3"),
        (2, (1,), Outcome.FAILED, "exit status 2"),
        (137, (), Outcome.FAILED, "killed by signal 9"),
        (255, (1, 3), Outcome.FAILED, "killed by signal 127"),
    ],
)
def test_an_exit_status_means_what_the_estate_says(
    code: int, partial: tuple[int, ...], outcome: Outcome, words: str
) -> None:
    (run,) = runs(exited(TEN, code, seconds=60.0), now=TEN + HOUR, partial=partial)

    assert (run.outcome, run.message, run.started) == (outcome, words, TEN - 60)


def test_a_success_with_items_that_could_not_be_read_is_incomplete() -> None:
    (run,) = runs(ping(TEN, errors=2), now=TEN + HOUR)

    assert run.outcome is Outcome.PARTIAL


def test_a_run_that_ended_twice_ended_as_badly_as_it_ever_said() -> None:
    (run,) = runs(ping(TEN, Sign.FAIL, "a"), ping(TEN + 1, Sign.SUCCESS, "a"), now=TEN + HOUR)

    assert run.outcome is Outcome.FAILED


def test_of_two_runs_in_the_same_second_the_worse_one_stands() -> None:
    (run,) = runs(ping(TEN + 0.1, Sign.FAIL), ping(TEN + 0.2, Sign.SUCCESS), now=TEN + HOUR)

    assert run.outcome is Outcome.FAILED


def test_a_start_that_follows_a_start_means_that_the_first_never_ended() -> None:
    found = runs(ping(TEN, Sign.START), ping(TEN + DAY, Sign.START), now=TEN + DAY + 60)

    assert [run.outcome for run in found] == [Outcome.UNKNOWN, Outcome.RUNNING]
    assert found[0].message == "it began and never told its end"


def test_a_run_with_an_id_that_never_ends_is_given_up_once_later_ones_have_ended() -> None:
    pings = (ping(TEN, Sign.START, "a"), ping(TEN + HOUR, Sign.START, "b"), exited(TEN + 2 * HOUR, 0, "b"))

    soon = runs(*pings, now=TEN + 3 * HOUR)
    late = runs(*pings, now=TEN + 2 * DAY)

    assert [run.outcome for run in soon] == [Outcome.RUNNING, Outcome.SUCCESS]
    assert [run.outcome for run in late] == [Outcome.UNKNOWN, Outcome.SUCCESS]


def test_what_only_says_something_is_no_run_and_its_words_stand_with_the_run() -> None:
    alone = runs(ping(TEN, Sign.LOG, log="hello"), now=TEN + HOUR)
    (within,) = runs(ping(TEN, Sign.START, "a"), ping(TEN + 5, Sign.LOG, "a", log="1 of 2\n2 of 2\n"), now=TEN + HOUR)

    assert alone == []
    assert (within.outcome, within.message) == (Outcome.RUNNING, "2 of 2")


def test_the_last_line_of_the_log_stands_with_a_failure() -> None:
    (run,) = runs(exited(TEN, 12, log="sending\nrsync error: no space\n\n"), now=TEN + HOUR)

    assert run.message == "exit status 12: rsync error: no space"


def nights(inbox: Told, *, last: float = TEN - DAY) -> None:
    """Three good nights up to that one, each of an hour."""
    for night in range(3):
        begun = last - night * DAY
        inbox.add(ping(begun, Sign.START, f"n{night}"), exited(begun + HOUR, 0, f"n{night}", bytes=10**9, files=100))


async def test_good_nights_are_ok_and_a_run_that_does_not_start_is_missed_after_its_grace(planted: Planter) -> None:
    inbox = Told()
    nights(inbox)
    watched = watch(inbox, TEN + 29 * 60, **NIGHTLY)

    before = await watched.run()
    watched.now = TEN + 31 * 60
    after = await watched.run()

    assert before.bad == {}  # four fifths of the RPO are over, and the next run is within its grace
    assert "should have started" not in before.words(KEY)
    assert "should have started at 2026-09-21 22:00" in after.words(KEY)
    planted("a missed start", "push").seen(after)


@pytest.mark.parametrize("seconds", [-240.0, -1.0, 0.0, 29 * 60.0], ids=["4 min early", "1 s early", "on time", "late"])
async def test_a_start_a_little_early_or_late_is_no_fault(seconds: float) -> None:
    inbox = Told()
    nights(inbox)
    inbox.add(ping(TEN + seconds, Sign.START, "x"), exited(TEN + seconds + 1200, 0, "x", bytes=10**9, files=100))
    watched = watch(inbox, TEN + HOUR, **NIGHTLY)

    told = await watched.run()

    assert told.bad == {}


async def test_a_run_that_goes_on_for_too_long_is_told_and_is_over_with_its_end(planted: Planter) -> None:
    inbox = Told()
    nights(inbox)
    inbox.add(ping(TEN, Sign.START, "x"))
    watched = watch(inbox, TEN + 2 * HOUR, **{**NIGHTLY, "rpo": "48h"})

    fine = await watched.run()
    watched.now = TEN + 3 * HOUR + 60
    long = await watched.run()
    inbox.add(exited(TEN + 3 * HOUR + 90, 0, "x", bytes=10**9, files=100))
    watched.now += 120
    over = await watched.run()

    assert fine.bad == {}
    assert long.bad == {KEY: State.WARNING}
    assert "a run goes on since 2026-09-21 22:00" in long.words(KEY)
    assert over.bad == {}
    planted("a run that does not end", "push").seen(long)
    planted("none", "push").seen(over)


async def test_a_failed_run_is_told_with_its_status_and_what_it_printed(planted: Planter) -> None:
    inbox = Told()
    nights(inbox)
    inbox.add(ping(TEN, Sign.START, "x"), exited(TEN + 60, 2, "x", log="tar: disk full"))
    watched = watch(inbox, TEN + HOUR, rpo="48h")

    told = await watched.run()

    assert told.bad == {KEY: State.WARNING}
    assert "its last run failed: exit status 2: tar: disk full" in told.words(KEY)
    planted("a failed run", "push").seen(told)


async def test_a_full_run_of_no_files_protects_nothing_and_an_incremental_one_may(planted: Planter) -> None:
    inbox = Told()
    nights(inbox)
    inbox.add(ping(TEN, bytes=0, files=0))

    full = await watch(inbox, TEN + HOUR, rpo="48h").run()
    incremental = await watch(inbox, TEN + HOUR, {"level": "incremental"}, rpo="48h").run()

    assert full.bad == {KEY: State.CRITICAL}
    assert incremental.bad == {}
    planted("a run that protected nothing", "push").seen(full)


async def test_a_job_that_never_pinged_is_critical_and_not_ok(planted: Planter) -> None:
    told = await watch(Told(), NOW).run()

    assert told.bad == {KEY: State.CRITICAL}
    assert "there is no restore point" in told.words(KEY)
    planted("declared, and nobody backs it up", "push").seen(told)


async def test_jobs_that_cannot_be_heard_are_unknown_whatever_was_heard_before() -> None:
    inbox = Told()
    nights(inbox)
    inbox.trouble = "its key cannot be read: env:KEY_BEN: the environment variable KEY_BEN is not set"
    watched = watch(inbox, TEN - DAY + 2 * HOUR, rpo="26h")

    told = await watched.run()

    assert told.bad == {"backup/product/push": State.UNKNOWN}
    assert "KEY_BEN is not set" in told.words("backup/product/push")


async def test_whoever_takes_no_pings_knows_nothing_of_them() -> None:
    watched = watch(Told(), NOW)
    alone = BackupWatch(Transports.open(), watched.options, NOW)

    told = await alone.run()

    assert told.observation.answers is None
    assert told.observation.fault is not None
    assert told.observation.fault.condition == "backup/local"
    assert "--push.listen-address" in told.observation.fault.message


async def test_what_is_remembered_counts_while_only_the_last_days_are_read_again() -> None:
    inbox = Told()
    nights(inbox, last=TEN - 10 * DAY)
    watched = watch(inbox, TEN, rpo="15d")

    whole = await watched.run()
    watched.now += 300
    recent = await watched.run()
    watched.now += HOUR
    again = await watched.run()

    read = [told.part("push").account for told in (whole, recent, again)]
    assert [len(account.runs) for account in read if account is not None] == [3, 0, 3]
    assert [told.bad for told in (whole, recent, again)] == [{}, {}, {}]
    assert {told.value("last_restorable_timestamp_seconds", "ben") for told in (whole, recent, again)} == {
        TEN - 10 * DAY
    }


async def test_a_run_whose_start_leaves_the_window_is_no_second_run() -> None:
    inbox = Told()
    nights(inbox)
    watched = watch(inbox, TEN, rpo="15d")

    await watched.run()
    for minutes in range(-30, 90, 10):  # the window of three days passes over the start and the end of a run
        watched.now = TEN + 2 * DAY + minutes * 60
        assert watched.context is not None
        watched.context.kept.products["push"] = watched.now  # type: ignore[attr-defined]
        told = await watched.run()
    account = told.part("push").account

    assert account is not None and len(account.runs) == 0
    assert told.value("last_run_timestamp_seconds", "ben", "ben") == TEN - DAY
    assert len(unpacked(watched.memory).objects["ben"].runs) == 3


async def test_a_run_that_never_told_its_end_is_unknown_when_the_next_one_begins(planted: Planter) -> None:
    inbox = Told()
    nights(inbox)
    inbox.add(ping(TEN, Sign.START), ping(TEN + HOUR, Sign.START))

    told = await watch(inbox, TEN + HOUR + 60, rpo="48h").run()

    assert told.bad == {KEY: State.UNKNOWN}
    planted("an interrupted run", "push").seen(told)


async def test_an_exit_status_that_means_incomplete_is_told_so(planted: Planter) -> None:
    inbox = Told()
    nights(inbox)
    inbox.add(exited(TEN, 3))

    told = await watch(inbox, TEN + HOUR, {"partial_exit_codes": [3]}, rpo="48h").run()

    assert told.bad == {KEY: State.WARNING}
    planted("an incomplete run", "push").seen(told)
