"""Every fault of the table in an account as a product would tell it, judged by the rules alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from checks.backup.judgement import BackupAnswers, ProductPart, judged
from checks.backup.model import Job, Outcome, Part, Proof, Repository, Verification
from checks.backup.proofs import Proofs
from checks.contract import Assessment
from testbeds.backup_accounts import DAY, HOUR, NOW, account, assessed, options, point, run
from testbeds.planted import Planter
from testbeds.planted_faults import FAULTS

LONDON = ZoneInfo("Europe/London")
NIGHTS = [run(NOW - 10 * HOUR - night * DAY) for night in range(40)]
WIDE = options({"ben": {"rpo": "3d"}})
MAIN = Repository("main", online=True, capacity=10**12, free=6 * 10**11, immutable_days=14)


def last(outcome: Outcome = Outcome.SUCCESS, **more: object) -> Assessment:
    """Nights of which the last one was otherwise, within the RPO."""
    return assessed(WIDE, account([run(NOW - 10 * HOUR, outcome, **more), *NIGHTS[1:]]))


def with_account(**more: object) -> Assessment:
    return assessed(options(), account(NIGHTS, **more))


def then(later: dict[str, object], **before: object) -> Assessment:
    """What is found an hour after a first look."""
    first = assessed(options(), account(NIGHTS, **before))
    return assessed(options(), account(NIGHTS, NOW + HOUR, **later), NOW + HOUR, first.memory)


def incomplete() -> Assessment:
    return assessed(options(), account([*(replace(one, outcome=Outcome.PARTIAL, errors=3) for one in NIGHTS[:3]),
                                        *NIGHTS[3:]]))  # fmt: skip


def off_size() -> Assessment:
    runs = [replace(one, bytes=10**11 + n % 7 * 10**9) for n, one in enumerate(NIGHTS)]
    return assessed(options(), account([*(replace(one, bytes=10**13) for one in runs[:2]), *runs[2:]]))


def deleted() -> Assessment:
    said = options({"ben": {"retention": {"points": 1}}})
    first = assessed(said, account(NIGHTS))
    return assessed(said, account(NIGHTS[:2], NOW + HOUR), NOW + HOUR, first.memory)


def copied(places: list[dict[str, object]], wish: dict[str, object], far_at: float = NOW - 9 * HOUR) -> Assessment:
    said = options({"ben": {"at": "forum", "copies": {"media": 1, "total": 2, **wish}}}, repositories=places)
    near = point(NOW - 10 * HOUR)
    return assessed(said, account(NIGHTS, points=(near, replace(near, repository="far", at=far_at))))


def old_copy() -> Assessment:
    places: list[dict[str, object]] = [
        {"repository": "main", "place": "forum"}, {"repository": "far", "place": "gateway", "offline": True}
    ]  # fmt: skip
    return copied(places, {"elsewhere": 1, "out_of_reach": 0}, NOW - 9 * DAY)


def through_clock_change(day: datetime, *, ran: bool) -> Assessment:
    """Nightly at 01:30 by the wall of London, seen on the morning after the clocks changed."""
    nights = [day.replace(day=day.day - n, hour=1, minute=30, tzinfo=LONDON) for n in range(0 if ran else 1, 7)]
    now = day.replace(hour=5, tzinfo=LONDON).timestamp()
    said = options({"ben": {"rpo": "3d", "schedule": {"cron": "30 1 * * *"}}})
    return assessed(said, account([run(night.timestamp()) for night in nights], at=now), now)


def proved(proofs: Proofs) -> Assessment:
    said = options({"ben": {}}, proofs="/var/lib/ridgeway-proofs")
    return judged(said, BackupAnswers({"veeam": ProductPart(account(NIGHTS))}, proofs), None, NOW)


def aged(wish: dict[str, object]) -> Assessment:
    """A first look 60 days ago, and nothing proved since."""
    said = options({"ben": wish})
    before = [replace(one, started=(one.started or 0.0) - 60 * DAY, ended=None) for one in NIGHTS[:2]]
    first = assessed(said, account(before, NOW - 60 * DAY), NOW - 60 * DAY)
    return assessed(said, account(NIGHTS), NOW, first.memory)


MISSED = options({"ben": {"rpo": "3d", "schedule": {"cron": "0 12 * * *"}}})
PLANTED: dict[str, Callable[[], Assessment]] = {
    "none": with_account,
    "no run for two days": lambda: assessed(options(), account(NIGHTS[2:])),
    "a missed start": lambda: assessed(MISSED, account([run(NOW - 26 * HOUR)])),
    "a run that does not end": lambda: assessed(options(), account([run(NOW - 3 * HOUR, Outcome.RUNNING), *NIGHTS])),
    "a run under way": lambda: assessed(options(), account([run(NOW - 60, Outcome.RUNNING), *NIGHTS])),
    "a failed run": lambda: last(Outcome.FAILED),
    "a failed run, beyond the RPO": lambda: assessed(
        options(), account([run(NOW - 10 * HOUR, Outcome.FAILED), *NIGHTS[2:]])
    ),
    "an incomplete run": lambda: last(Outcome.PARTIAL, errors=3),
    "three incomplete runs in a row": incomplete,
    "a source that cannot be read": lambda: last(Outcome.PARTIAL, errors=20_000),
    "an interrupted run": lambda: last(Outcome.CANCELLED),
    "a run that protected nothing": lambda: last(bytes=0),
    "an outcome in a word that nobody knows": lambda: last(Outcome.UNKNOWN),
    "a job that is switched off": lambda: with_account(jobs=(Job("nightly", enabled=False),)),
    "a size far off what is usual": off_size,
    "a point below the size that it must have": lambda: assessed(
        options({"ben": {"at_least": "1 MB"}}), account(NIGHTS, points=(replace(point(NOW - HOUR), bytes=2048),))
    ),
    "backed up, and nobody declared it": lambda: with_account(objects=("ben", "mystery")),
    "declared, and nobody backs it up": lambda: assessed(options({"ben": {}, "planning": {}}), account(NIGHTS)),
    "many points are gone at once": deleted,
    "too little is kept": lambda: assessed(options({"ben": {"retention": {"points": 100}}}), account(NIGHTS)),
    "the copy at the other council is old": old_copy,
    "no copy out of an attacker's reach": lambda: copied(
        [{"repository": "main", "place": "forum"}, {"repository": "far", "place": "gateway"}], {"elsewhere": 1}
    ),
    "new points are locked for less time": lambda: then(
        {"repositories": (replace(MAIN, immutable_days=1),)}, repositories=(MAIN,)
    ),
    "a repository is nearly full": lambda: with_account(repositories=(replace(MAIN, free=10**10),)),
    "a repository is gone": lambda: with_account(repositories=(replace(MAIN, online=False),)),
    "the server's own backup is old": lambda: with_account(server_backup=NOW - 30 * DAY),
    "a verification that found damage": lambda: with_account(
        verifications=(Verification(NOW - HOUR, sound=False, repository="main", object="ben"),)
    ),
    "a restore that failed": lambda: with_account(proofs=(Proof(NOW - HOUR, "ben", False, "SureBackup"),)),
    "not read again for too long": lambda: aged({"verified_within": "35d"}),
    "no restore proved for too long": lambda: aged({"drilled_within": "35d"}),
    "malware in the newest point": lambda: with_account(
        points=(replace(point(NOW - HOUR), infected=True), point(NOW - 40 * HOUR))
    ),
    "a list is forbidden (403)": lambda: then({"unread": {Part.POINTS: "403"}, "points": ()}),
    "the list is empty": lambda: assessed(options(), account([], jobs=(), objects=())),
    "the product does not answer": lambda: assessed(
        options(), None, NOW + HOUR, assessed(options(), account(NIGHTS)).memory
    ),
    "what drills left is damaged": lambda: proved(Proofs(unread={"ben.json": "is larger than 256 KiB"})),
    "the clocks go forward": lambda: through_clock_change(datetime(2026, 3, 29, tzinfo=LONDON), ran=False),
    "the clocks go back": lambda: through_clock_change(datetime(2026, 10, 25, tzinfo=LONDON), ran=True),
    "the server's clock is wrong": lambda: with_account(clock=NOW - 600),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_the_rules_find_what_was_planted(fault: str, planted: Planter) -> None:
    planted(fault, "rules").seen(PLANTED[fault]())


def test_every_fault_that_the_rules_are_said_to_find_is_planted() -> None:
    assert set(PLANTED) == {fault for fault, row in FAULTS.items() if "rules" in row}
