"""What mails mean, by the rules of the estate and by those of whoever writes none; what is in doubt is unknown."""

from __future__ import annotations

import string
from typing import Any

import pytest
from pydantic import ValidationError

from checks.backup.model import Outcome, Run
from checks.backup.products.push.figures import count_of, seconds_of, size_of
from checks.backup.products.push.rules import MailOptions, MailRule
from checks.contract import State
from checks.transports.inbox import Mail, Ping, Sign
from testbeds.backup_accounts import DAY, HOUR, NOW
from testbeds.inboxes import Told, runs, watch
from testbeds.inboxes import ping as told

KEY = "backup/protection/ben"
TEN = NOW - 6 * HOUR


def mailed(subject: str, text: str = "", at: float = TEN, received: float | None = None, **more: Any) -> Ping:
    of_mail = {name: more.pop(name) for name in ("dated", "left_out") if name in more}
    received = at if received is None else received
    return Ping("backups/ben", at, Sign.MAIL, received, log=text, mail=Mail(subject, **of_mail), **more)


def judged(*pings: Ping, **rules: Any) -> list[Run]:
    return runs(*pings, now=NOW, mail=MailOptions.model_validate(rules))


@pytest.mark.parametrize(
    ("subject", "outcome"),
    [
        ("[Success] Backup Job 1 (2 objects) 2 machines", Outcome.SUCCESS),
        ("[Warning] Backup Job 1 (2 objects) 1 warning", Outcome.PARTIAL),
        ("[Failed] Backup Job 1 (2 objects) 1 failed", Outcome.FAILED),
        ("Backup task [Ledger] on [NAS-FORUM] finished successfully", Outcome.SUCCESS),
        ("Backup Exec Alert: Job Success (Server: SRV-BEN)", Outcome.SUCCESS),
        ("Backup Exec Alert: Job Failed (Server: SRV-BEN)", Outcome.FAILED),
        ("Backup Exec Alert: Job Completed with Exceptions", Outcome.PARTIAL),
        ("vzdump backup status (pve): backup successful", Outcome.SUCCESS),
        ("vzdump backup status (pve): backup failed", Outcome.FAILED),
        ("Duplicati Success report for books", Outcome.SUCCESS),
        ("Duplicati Warning report for books", Outcome.PARTIAL),
        ("Backup completed successfully with 0 errors, 0 warnings", Outcome.SUCCESS),
        ("Backup completed successfully with 12 errors", Outcome.PARTIAL),
        ("12 jobs succeeded, 0 failed", Outcome.SUCCESS),
        ("12 jobs succeeded, 10 failed", Outcome.FAILED),
        ("Backup was not successful", Outcome.FAILED),
        ("Backup unsuccessful", Outcome.FAILED),
        ("Backup did not complete", Outcome.FAILED),
        ("Not OK: nightly backup", Outcome.FAILED),
        ("OK: nightly backup", Outcome.SUCCESS),
        ("Weekly report of NAS-FORUM", Outcome.UNKNOWN),
        ("Sicherung erfolgreich", Outcome.UNKNOWN),
        ("", Outcome.UNKNOWN),
    ],
)
def test_without_rules_the_subject_says_it_or_nothing_does(subject: str, outcome: Outcome) -> None:
    (run,) = judged(mailed(subject, "success failed error warning"))

    assert run.outcome is outcome


async def test_a_mail_that_no_rule_knows_is_unknown_and_says_so() -> None:
    before = mailed("[Success] Ben", at=TEN - HOUR)

    found = await watch(Told([before, mailed("Weekly report of NAS-FORUM", "all is well")]), NOW).run()

    assert found.bad[KEY] is State.UNKNOWN
    assert "a mail that no rule of `mail` knows: Weekly report of NAS-FORUM" in found.words(KEY)


async def test_rules_that_change_judge_anew_what_came_before() -> None:
    inbox = Told([mailed("Report", "Backup of Ben is done")])

    before = await watch(inbox, NOW).run()
    after = await watch(inbox, NOW, {"mail": {"success": ["is done"]}}).run()

    assert (before.bad[KEY], after.bad) == (State.CRITICAL, {})


async def test_a_mail_of_success_is_a_restore_point_and_one_of_failure_a_trouble() -> None:
    good = await watch(Told([mailed("[Success] Ben")]), NOW).run()
    bad = await watch(Told([mailed("[Success] Ben", at=TEN - HOUR), mailed("[Failed] Ben")]), NOW).run()

    assert good.bad == {}
    assert bad.bad[KEY] is State.WARNING
    assert "its last run failed: [Failed] Ben" in bad.words(KEY)


@pytest.mark.parametrize(
    ("subject", "text", "outcome"),
    [
        ("Report", "Backup of Ben is done", Outcome.SUCCESS),
        ("Report", "Backup of Ben is done\n3 files skipped", Outcome.PARTIAL),
        ("Report", "Backup of Ben is done\n3 files skipped\nE-7042", Outcome.FAILED),
        ("Report of ben", "", Outcome.SUCCESS),
        ("Report", "undone", Outcome.UNKNOWN),
        ("Report", "Backup is under way", Outcome.RUNNING),
        ("[Failed] Report", "Backup of Ben is done", Outcome.SUCCESS),
    ],
)
def test_of_the_estates_rules_the_worst_that_fits_counts(subject: str, text: str, outcome: Outcome) -> None:
    (run,) = judged(
        mailed(subject, text),
        failure=[{"body": r"\bE-\d+"}],
        partial=[{"body": r"^[1-9]\d* files skipped$"}],
        success=["is DONE", {"subject": "Ben$"}],
        start=["under way"],
    )

    assert run.outcome is outcome


def test_rules_that_are_not_written_stay_as_they_are() -> None:
    (run,) = judged(mailed("[Failed] Report", "the night is over"), success=["the night is over"])

    assert run.outcome is Outcome.FAILED


def test_words_are_no_pattern_and_not_a_part_of_other_words() -> None:
    rule = MailRule.model_validate("[Success] Job")

    assert rule.fits("re: [success]  job 7", "")
    assert not rule.fits("s", "u")
    assert not MailRule.model_validate("success").fits("unsuccessful", "successes")
    assert [sign for sign in string.punctuation if not MailRule(words=f"a{sign}b").fits("", f"x a{sign}b")] == []


def test_a_rule_with_two_patterns_needs_both() -> None:
    rule = MailRule(subject="report", body="done")

    assert [rule.fits("Report", "done"), rule.fits("Report", ""), rule.fits("", "done")] == [True, False, False]


@pytest.mark.parametrize(
    "rules",
    [
        {"success": [{}]},
        {"success": [""]},
        {"success": [{"subject": "("}]},
        {"success": [{"subject": "a" * 401}]},
        {"success": ["x"] * 21},
        {"figures": [r"\d+"]},
        {"figures": [r"(?P<bytes>\d+)"]},
        {"sucess": ["x"]},
    ],
)
def test_rules_that_could_never_be_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MailOptions.model_validate(rules)


def test_what_is_to_be_ignored_says_nothing_whatever_else_fits() -> None:
    found = judged(mailed("[Success] Ben"), mailed("[Failed] Disk report", at=TEN + 60), ignore=["disk report"])

    assert [run.outcome for run in found] == [Outcome.SUCCESS]


def test_a_mail_that_comes_twice_counts_once() -> None:
    again = mailed("[Success] Ben", id="a", at=TEN + HOUR)

    found = judged(mailed("[Success] Ben", id="a"), again, mailed("[Success] Ben", at=TEN + 2 * HOUR))

    assert [run.started for run in found] == [TEN, TEN + 2 * HOUR]


def test_two_mails_are_a_run_as_two_pings_are_and_may_be_mixed_with_them() -> None:
    by_mail = judged(mailed("Backup started"), mailed("Backup succeeded", at=TEN + 600))
    mixed = judged(told(TEN, Sign.START), mailed("Backup succeeded", at=TEN + 600))

    assert [(run.outcome, run.started, run.ended) for run in by_mail] == [(Outcome.SUCCESS, TEN, TEN + 600)]
    assert [(run.outcome, run.started, run.ended) for run in mixed] == [(Outcome.SUCCESS, TEN, TEN + 600)]


def test_what_was_not_seen_whole_is_not_believed_where_a_failure_could_stand_in_it() -> None:
    by_subject = {"failure": [{"subject": "failed"}], "partial": [], "success": [{"subject": "done"}]}
    by_body = {**by_subject, "failure": ["failed"]}
    long = mailed("done", "much", left_out=7)

    assert judged(long, **by_subject)[0].outcome is Outcome.SUCCESS
    assert judged(long, **by_body)[0].outcome is Outcome.UNKNOWN
    assert "too long to be read whole" in judged(long, **by_body)[0].message
    assert judged(mailed("failed", left_out=7), **by_body)[0].outcome is Outcome.FAILED


def test_a_mail_of_another_age_is_no_proof_and_a_failure_is_one_all_the_same() -> None:
    old = NOW - 400 * DAY

    doubted = judged(mailed("[Success] Ben", dated=old))
    failed = judged(mailed("[Failed] Ben", dated=old))

    assert (doubted[0].outcome, failed[0].outcome) == (Outcome.UNKNOWN, Outcome.FAILED)
    assert "399 days ago: set the sender's clock" in doubted[0].message


async def test_a_mail_that_was_long_on_its_way_is_as_old_as_it_is() -> None:
    late = mailed("[Success] Ben", at=NOW - 3 * DAY, received=NOW - HOUR)

    found = await watch(Told([late]), NOW).run()

    assert found.bad[KEY] is State.CRITICAL
    assert judged(late)[0].message == "71 h on the way: [Success] Ben"


def test_figures_are_read_out_of_a_mail_and_nonsense_is_left_out() -> None:
    text = "Files: 12,345\nData: 1.5 GB\nDuration: 01:02:03\nErrors: 2\nFiles: 9"
    rules = {"figures": [r"Files: (?P<files>\S+)", r"data: (?P<size>.*)", r"Duration: (?P<duration>\S+)"]}

    (run,) = judged(mailed("Success", text, at=TEN), **rules)
    (odd,) = judged(mailed("Success", "Files: many\nData: 1.5 LB", at=TEN), **rules)
    (partial,) = judged(mailed("Success", text), figures=[r"Errors: (?P<errors>\d+)"])

    assert (run.files, run.bytes, run.started, run.ended) == (12_345, 3 * 2**29, TEN - 3723, TEN)
    assert (odd.files, odd.bytes) == (None, None)
    assert (partial.outcome, partial.errors) == (Outcome.PARTIAL, 2)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("12", 12), ("12,345 bytes", 12_345), ("1 KB", 1024), ("1.5GiB", 3 * 2**29), ("2 tb", 2**41), ("7 B", 7),
        ("1.234,5", None), ("-1", None), ("1 XB", None), ("", None), ("9" * 16 + " PB", None), ("nan", None),
    ],
)  # fmt: skip
def test_sizes_as_programs_write_them(text: str, size: int | None) -> None:
    assert size_of(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("95", 95.0), ("1:02:03", 3723.0), ("1.02:03:04", 93_784.0), ("1 h 5 min", 3900.0), ("0:00:07.25", 7.0),
        ("2 hours, 3 minutes and 4 seconds", 7384.0), ("soon", None), ("1:2", None), ("99999999 h", None), ("", None),
    ],
)  # fmt: skip
def test_durations_as_programs_write_them(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


def test_counts_as_programs_write_them() -> None:
    assert [count_of(text) for text in ("12,345", "12 345", "7", "7.5", "x", "")] == [
        12_345,
        12_345,
        7,
        None,
        None,
        None,
    ]


def test_senders_are_addresses_or_domains() -> None:
    rules = MailOptions.model_validate({"from": ["NAS@forum.example", "@gateway.example"]})

    taken = [rules.takes_from(one) for one in ("nas@forum.example", "x@gateway.example", "x@forum.example", "")]

    assert taken == [True, True, False, False]
    assert MailOptions().takes_from("")
