"""What a service desk reads: the object, its last good point, what is at risk, the owner, the next step, the source."""

from __future__ import annotations

from typing import Any

import pytest

from checks.backup.model import Job, Outcome, Verification
from checks.backup.round import MOST_WORDS
from checks.contract import Finding, State
from testbeds.backup_accounts import DAY, HOUR, NOW, account, assessed, options, run

NIGHTS = [run(NOW - 10 * HOUR - night * DAY) for night in range(10)]
DAMAGED = (Verification(NOW - HOUR, sound=False, repository="main", object="ben"),)
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "protection": ({}, {"runs": [*NIGHTS, run(NOW - HOUR, Outcome.FAILED, message="x" * 400)]}),
    "retention": ({"retention": {"points": 100}}, {}),
    "copies": ({"copies": {}}, {}),
    "verified": ({}, {"verifications": DAMAGED}),
    "restored": ({"drilled_within": "1d", "rto": "1m"}, {}),
}


def found(what: str, **more: Any) -> Finding:
    wish, told = CASES[what]
    told = {"runs": NIGHTS} | told | more
    runs = told.pop("runs")
    first = assessed(options({"ben": wish}), account(NIGHTS, NOW - 2 * DAY), NOW - 2 * DAY)
    result = assessed(options({"ben": wish}), account(runs, **told), memory=first.memory)
    return next(one for one in result.findings if one.key == f"backup/{what}/ben")


@pytest.mark.parametrize("what", CASES)
def test_every_finding_of_an_object_says_all_that_a_desk_asks(what: str) -> None:
    one = found(what)

    assert one.state is not State.OK
    assert len(one.summary) <= MOST_WORDS
    assert one.summary.startswith("ben: ")
    assert "Last restorable point 2026-09-21 05:13, 10 h of data at risk. Owner: Revenues. Next: " in one.summary
    assert one.summary.endswith(".")
    assert one.evidence["owner"] == "Revenues"
    assert one.evidence["next"] in one.summary
    assert one.evidence["read from veeam"] == "2026-09-21 15:13"
    assert one.evidence["data at risk"] == "10.0 h"


def test_without_any_point_the_desk_is_told_so() -> None:
    result = assessed(options(), account([run(NOW - HOUR, Outcome.FAILED)]))
    one = next(one for one in result.findings if one.key == "backup/protection/ben")

    assert "Last restorable point none is known. Owner: Revenues." in one.summary


def test_every_finding_that_is_not_ok_says_what_was_read_and_when() -> None:
    said = options(
        {"ben": {"copies": {}, "retention": {"points": 50}}, "planning": {}},
        repositories=[{"repository": "*", "place": "forum", "immutable_days": 5}],
    )
    both = [*NIGHTS, *(run(NOW - 10 * HOUR - night * DAY, object="planning") for night in range(3))]
    told = account([*both, run(NOW, object="lost")], jobs=(Job("nightly", enabled=False),), server_backup=None)

    wrong = [one for one in assessed(said, told).findings if one.state is not State.OK]

    assert {one.key.split("/")[1] for one in wrong} == {"job", "retention", "copies", "undeclared", "server"}
    assert all(one.evidence["read from veeam"] == "2026-09-21 15:13" for one in wrong)
