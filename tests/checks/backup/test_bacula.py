"""What the rows of a catalogue mean: letters, times, chains of backups, proofs."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup.model import Level, Outcome, Part
from testbeds.bacula_rows import DAY, NOW, job, told

VERIFIED = "lab-dir JobId 9: Verifying against JobId=1 Job=nightly.2026-11-23_05.35.08_04\n"
RESTORED = "lab-dir JobId 9: Restoring files from JobId(s) 1,2\n"


@pytest.mark.parametrize(
    ("status", "errors", "outcome"),
    [
        ("T", 0, Outcome.SUCCESS),
        ("T", 1, Outcome.PARTIAL),
        ("W", 0, Outcome.PARTIAL),
        ("I", 0, Outcome.PARTIAL),
        *((letter, 0, Outcome.FAILED) for letter in "EefD"),
        ("A", 0, Outcome.CANCELLED),
        *((letter, 0, Outcome.RUNNING) for letter in "CR"),
        *((letter, 0, Outcome.WAITING) for letter in "BFSmMsjcdtpialq"),
        *((letter, 0, Outcome.UNKNOWN) for letter in ("Z", "", None, "TT")),
    ],
)
def test_every_letter_of_a_job_and_its_errors(status: str, errors: int, outcome: Outcome) -> None:
    found = told(job(1, status=status, joberrors=errors))

    assert [run.outcome for run in found.runs] == [outcome]


def test_a_run_under_way_has_the_number_nought_for_its_end() -> None:
    begun = NOW - 600

    found = told(job(1, begun, "R", endtime=0, jobtdate=int(begun)), job(2, begun, "C", starttime=0, endtime=None))

    assert [(run.started, run.ended) for run in found.runs] == [(begun + 600, None), (begun, None)]
    assert found.points == ()


def test_a_job_that_was_only_just_made_is_of_the_object_that_it_took_before() -> None:
    found = told(job(1, NOW - DAY), job(2, status="C", client=None, fileset=None), job(3, name="new", client=None))

    assert [run.object for run in found.runs] == ["", "srv-ben:Ledger", "srv-ben:Ledger"]
    assert found.objects == ("srv-ben:Ledger",)


def test_a_run_in_the_hour_that_comes_twice_is_where_its_jobtdate_is() -> None:
    second = 1_792_891_800.0  # 2026-10-25 01:30 GMT, an hour after 01:30 BST

    found = told(job(1, second))

    assert [(run.started, run.ended) for run in found.runs] == [(second, second + 600)]


def test_a_run_across_the_end_of_summer_time_lasts_as_long_as_it_did() -> None:
    begun = 1_792_884_600.0  # 00:30 BST; it ends at 01:30 GMT, two hours later

    found = told(job(1, begun, endtime="2026-10-25 01:30:00", jobtdate=int(begun + 7200)))

    assert [run.started for run in found.runs] == [begun]


def test_a_wrong_zone_is_said_and_the_times_are_right_all_the_same() -> None:
    found = told(job(1), zone=ZoneInfo("America/New_York"))

    assert "is zone America/New_York right?" in found.unread[Part.RUNS]
    assert [run.started for run in found.runs] == [NOW - 3600]


def test_a_point_needs_the_full_below_it_and_every_volume_of_its_chain() -> None:
    jobs = (
        job(1, NOW - 6 * DAY),
        job(2, NOW - 5 * DAY, level="I"),
        job(3, NOW - 4 * DAY, level="I"),
        job(4, NOW - 3 * DAY, level="D"),
        job(5, NOW - 2 * DAY, level="I"),
    )

    whole, middle, below = (told(*jobs, lost={n: int(n == away) for n in range(1, 6)}) for away in (0, 2, 1))

    assert [point.id for point in whole.points] == ["1", "2", "3", "4", "5"]
    assert [point.id for point in middle.points] == ["1", "4", "5"]
    assert below.points == ()


def test_a_point_lies_where_its_full_lies() -> None:
    found = told(job(1, NOW - 2 * DAY, pool="Full"), job(2, NOW - DAY, level="I", pool="Incremental"))

    assert {point.repository for point in found.points} == {"Full"}


def test_a_copy_is_a_point_in_its_own_pool_and_no_run() -> None:
    found = told(job(1), job(2, type="C", pool="Offsite"))

    assert [run.id for run in found.runs] == ["1"]
    assert {point.repository for point in found.points} == {"Tape", "Offsite"}


def test_what_was_deleted_from_its_volumes_is_no_point_and_what_wrote_nothing_needs_none() -> None:
    written, empty = job(1, NOW - DAY), job(2, level="I", jobfiles=0, jobbytes=0)

    deleted, kept = told(written, empty, lost={}), told(written, empty, lost={1: 0})

    assert deleted.points == ()
    assert [point.id for point in kept.points] == ["1", "2"]


def test_a_full_of_nothing_protects_nothing_and_an_incremental_of_nothing_is_a_quiet_night() -> None:
    found = told(job(1, NOW - DAY, jobfiles=0, jobbytes=0), job(2, level="I", jobfiles=0, jobbytes=0))

    assert {run.level: run.nothing for run in found.runs} == {Level.FULL: True, Level.INCREMENTAL: False}


def test_only_what_bacula_would_restore_from_is_a_point() -> None:
    found = told(*(job(number, status=status) for number, status in enumerate("TWEefAIDR")))

    assert {point.id for point in found.points} == {"0", "1"}


@pytest.mark.parametrize(
    ("status", "files", "log", "sound"),
    [
        ("T", 3, "", True),
        ("T", 0, "", None),
        ("D", 3, "", False),
        ("E", 1, "", False),
        ("f", 0, "lab-sd JobId 9: Error: block_util.c:467 Volume data error at 0:0!\n", False),
        ("f", 0, "lab-dir JobId 9: Fatal error: bsock.c:139 Unable to connect to Storage daemon\n", None),
        ("A", 1, "", None),
        ("Z", 1, "", None),
    ],
)
def test_a_verification_says_damage_only_of_what_it_read(status: str, files: int, log: str, sound: bool | None) -> None:
    verify = job(9, NOW - 1800, status, type="V", level="O", name="again", jobfiles=files)

    found = told(job(1), verify, log={9: VERIFIED + log})

    assert [(one.object, one.job, one.sound) for one in found.verifications] == [("srv-ben:Ledger", "again", sound)]


def test_verify_jobs_that_look_at_the_client_prove_nothing_of_the_volumes() -> None:
    found = told(job(1), *(job(2 + n, type="V", level=level) for n, level in enumerate("CVd")))

    assert found.verifications == ()


def test_a_restore_is_a_proof_of_the_object_whose_jobs_it_read() -> None:
    jobs = (job(1, NOW - DAY), job(2, NOW - 7200, level="I"), job(9, NOW - 1800, type="R", name="restore", jobfiles=4))

    (proof,) = told(*jobs, log={9: RESTORED}).proofs

    assert (proof.object, proof.passed, proof.seconds, proof.point) == ("srv-ben:Ledger", True, 600.0, NOW - 7200)


def test_a_restore_of_two_objects_is_nobodys_but_its_jobs() -> None:
    jobs = (job(1), job(2, client="srv-plan"), job(9, NOW - 1800, type="R", name="restore"))

    (both,), (silent,) = (told(*jobs, log=log).proofs for log in ({9: RESTORED}, {}))

    assert (both.object, both.job, silent.object) == ("", "restore", "")


def test_volumes_in_error_are_named() -> None:
    pools = [
        {"pool": "Tape", "volume": "Vol-7"},
        {"pool": "Tape", "volume": "Vol-9"},
        {"pool": "Scratch", "volume": None},
    ]

    found = told(job(1), pools=pools)

    assert {one.name: one.ails for one in found.repositories} == {
        "Tape": "volumes in error: Vol-7, Vol-9",
        "Scratch": "",
    }


def test_the_reason_of_a_failed_run_is_the_logs_first_error() -> None:
    log = (
        "lab-fd JobId 1: Error: Runscript: returned non-zero status=1.\nlab-dir JobId 1: Error: Bacula lab-dir 9.6.7:\n"
    )

    found = told(job(1, status="f"), log={1: log})

    assert found.runs[0].message == "Error: Runscript: returned non-zero status=1."


CELL = st.one_of(st.none(), st.integers(), st.text(max_size=8), st.datetimes(), st.sampled_from([*"BCVRTWEfADIFO"]),
                 st.just("2026-11-23 05:35:08"), st.just(int(NOW)))  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from([name for name in job(1) if name != "jobid"]), CELL), max_size=6))
def test_no_row_breaks_the_reading_and_no_time_is_beyond_what_can_be_shown(rows: list[dict[str, object]]) -> None:
    found = told(*(job(number, **row) for number, row in enumerate(rows)))

    times = [at for run in found.runs for at in (run.started, run.ended) if at is not None]
    assert all(-1e6 <= at < 4.2e9 for at in (*times, *(point.at for point in found.points)))
