"""The list of failovers: announced or not, and how long the service was away, said no better than anything tells."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agent.drills.failover_log import (
    Logged,
    ToldBy,
    failover_log,
    loss_by_checks,
    loss_in,
    remembered,
)
from agent.drills.records import Drill, Evidence, Gap, Measured, Swap
from agent.ledger.batch import Batch, MaintenanceWindow, Span
from agent.ledger.ledger import Ledger
from agent.records import Cause
from checks.contract import Memory, State
from checks.firewall.failovers import KEY, Failover, as_json
from config.estate import CheckSpec, Estate, Selector
from testbeds import kept
from testbeds.judging import check, estate, target

NOW = kept.NOW
FAILOVER = Failover(NOW, NOW + 20, "fw-a", "fw-b", "link failed")


def of_pair(council: str = "dacorum", members: str = "dacorum") -> Estate:
    pair = check("forum", "firewall_pair", kind="firewall_pair")
    return estate(
        target("forum", replace(pair, inputs=("fw-a", "fw-b")), council=council),
        target("fw-a", council=members), target("fw-b", council=members), target("other"),
    )  # fmt: skip


def note(*some: Failover) -> Memory:
    return Memory(1, json.dumps({KEY: as_json(some)}))


def memory(*some: Failover) -> dict[str, Memory]:
    return {"forum/firewall_pair": note(*some)}


def listed(ledger: Ledger, *some: Failover, of: Estate | None = None) -> tuple[Logged, ...]:
    known = of or of_pair()
    notes = memory(*some)
    found = remembered(known, lambda spec: notes.get(spec.id), None, None)
    return ledger.reader.read(lambda connection: failover_log(connection, known, found))


@pytest.fixture
def ledger(tmp_path: Path):  # type: ignore[no-untyped-def]
    with closing(Ledger.open(tmp_path / "ledger.sqlite3", clock=lambda: NOW, vantage="here")) as made:
        yield made


def keep(ledger: Ledger, **rows: object) -> None:
    ledger.writer.submit(Batch(**rows)).result(30)  # type: ignore[arg-type]


def window(start: float, end: float, *names: str, ended_at: float | None = None) -> MaintenanceWindow:
    return MaintenanceWindow("MNT-1", start, end, "jo", "firmware, CHG 12", Selector(targets=names), ended_at)


def test_a_failover_that_nobody_announced_and_nothing_measured_is_said_to_be_so(ledger: Ledger) -> None:
    (one,) = listed(ledger, FAILOVER)

    assert one.announced is None
    assert (one.loss.told_by, one.loss.seconds, one.loss.text) == (ToldBy.NOBODY, None, "not measured")


def test_a_failover_in_a_maintenance_window_was_announced(ledger: Ledger) -> None:
    keep(ledger, maintenance=(window(NOW - 60, NOW + 600, "for*"),))

    (one,) = listed(ledger, FAILOVER)

    assert one.announced is not None
    assert (one.announced.window, one.announced.reason, one.announced.drill) == ("MNT-1", "firmware, CHG 12", None)


@pytest.mark.parametrize(
    "made",
    [
        window(NOW + 60, NOW + 600, "forum"),
        window(NOW - 600, NOW - 60, "forum"),
        window(NOW - 600, NOW + 600, "forum", ended_at=NOW - 60),
        window(NOW - 600, NOW + 600, "other"),
    ],
    ids=["later", "over", "ended before", "of another target"],
)
def test_a_window_that_was_not_in_force_there_and_then_announces_nothing(
    ledger: Ledger, made: MaintenanceWindow
) -> None:
    keep(ledger, maintenance=(made,))

    (one,) = listed(ledger, FAILOVER)

    assert one.announced is None


def test_a_device_whose_clock_is_a_minute_wrong_was_still_announced(ledger: Ledger) -> None:
    keep(ledger, maintenance=(window(NOW - 5, NOW + 600, "forum"),))

    (near, far) = listed(
        ledger, Failover(NOW - 60, NOW, "fw-a", "fw-b"), Failover(NOW - 7200, NOW, "fw-b", "fw-a", "history")
    )

    assert near.announced is not None
    assert far.announced is None


def drilled(*gaps: Gap, swaps: tuple[float, ...] = (NOW + 20,), left_out: int = 0) -> Drill:
    probe = Measured("tcp:192.0.2.1:443", 0.1, 0.9, 600, 587, 13, 0, {}, 0.12, None, gaps, left_out)
    evidence = Evidence((probe,), tuple(Swap(at, at, "fw-a", "fw-b", "") for at in swaps))
    return kept.drill(
        target="forum", covers=("forum", "fw-a", "fw-b"), start=NOW - 100, ended_at=NOW + 700, evidence=evidence
    )


def test_a_failover_in_a_drill_was_announced_by_it_and_its_loss_is_what_the_drill_measured(ledger: Ledger) -> None:
    keep(ledger, drills=(drilled(Gap(NOW - 1, 1.3, 1.2, 1.4, 13)),))

    (one,) = listed(ledger, FAILOVER)

    assert one.announced is not None and one.announced.drill == "DRL-1"
    assert (one.loss.told_by, one.loss.seconds, one.loss.text) == (ToldBy.DRILL, 1.3, "1.3 s (1.20 to 1.40)")


def test_each_of_two_failovers_in_a_drill_has_the_gap_that_lies_nearest_to_it() -> None:
    there, back = Gap(NOW + 19, 1.0, 0.9, 1.1, 10), Gap(NOW + 118, 3.0, 2.9, 3.1, 30)
    drill = drilled(there, back, swaps=(NOW + 20, NOW + 120))

    first = loss_in(drill, FAILOVER)
    second = loss_in(drill, Failover(NOW + 120, NOW + 120, "fw-b", "fw-a"))

    assert first is not None and second is not None
    assert (first.seconds, second.seconds) == (1.0, 3.0)


def test_a_drill_in_which_nothing_was_lost_says_so_with_its_resolution() -> None:
    found = loss_in(drilled(), FAILOVER)

    assert found is not None
    assert (found.seconds, found.text) == (0.0, "nothing lost, asked at least every 0.12 s")


def test_where_gaps_were_left_out_none_of_them_is_claimed_not_to_have_been() -> None:
    assert loss_in(drilled(left_out=3), FAILOVER) is None


def span(start: float, end: float, state: State, run: str | None = None) -> Span:
    return Span(Cause("dacorum", "forum", "target/unreachable"), start, end, state, "", run)


def test_without_a_drill_the_targets_own_checks_tell_as_exactly_as_they_ask(ledger: Ledger) -> None:
    keep(ledger, spans=(span(NOW - 600, NOW - 3, State.OK), span(NOW - 3, NOW + 58, State.CRITICAL)))

    (one,) = listed(ledger, FAILOVER)

    assert (one.loss.told_by, one.loss.seconds) == (ToldBy.CHECKS, 61.0)
    assert one.loss.text == "its checks were critical for 61 s: target/unreachable (asked every 60 s)"


def test_checks_that_saw_nothing_claim_no_length() -> None:
    found = loss_by_checks(of_pair().targets["forum"], FAILOVER, [span(NOW - 600, NOW + 600, State.OK)])

    assert (found.told_by, found.seconds) == (ToldBy.CHECKS, None)
    assert found.text == "its checks saw no outage (asked every 60 s)"


@pytest.mark.parametrize(
    "spans",
    [
        [span(NOW - 600, NOW + 600, State.UNKNOWN)],
        [span(NOW - 600, NOW + 600, State.OK), span(NOW - 600, NOW + 600, State.UNKNOWN)],
        [replace(span(NOW - 600, NOW + 600, State.OK), flags="stale,suppressed")],
        [span(NOW - 600, NOW + 5, State.OK)],
    ],
    ids=["unknown", "partly unknown", "stale", "ended before it was seen"],
)
def test_checks_that_did_not_know_tell_nothing(spans: list[Span]) -> None:
    found = loss_by_checks(of_pair().targets["forum"], FAILOVER, spans)

    assert (found.told_by, found.text) == (ToldBy.NOBODY, "not measured")


def test_what_went_wrong_hours_after_a_failover_that_was_read_from_a_history_is_not_its_outage(ledger: Ledger) -> None:
    keep(ledger, spans=(span(NOW - 3_600, NOW - 3_000, State.CRITICAL),))

    (one,) = listed(ledger, Failover(NOW - 18_000, NOW, "fw-a", "fw-b", "history"))

    assert one.loss.told_by is ToldBy.NOBODY


def test_what_was_critical_for_months_before_is_no_outage_of_the_failover() -> None:
    found = loss_by_checks(of_pair().targets["forum"], FAILOVER, [span(NOW - 8e6, NOW + 600, State.CRITICAL)])

    assert "were critical" not in found.text


@pytest.mark.parametrize(("asked", "number"), [(None, 2), ("forum", 2), ("fw-b", 2), ("other", 0)])
def test_a_list_may_be_of_one_pair_or_of_the_pair_of_a_member(asked: str | None, number: int) -> None:
    notes = memory(FAILOVER, replace(FAILOVER, at=NOW + 100))

    found = remembered(of_pair(), lambda spec: notes.get(spec.id), asked, None)

    assert [failover.at for _, failover in found] == [NOW + 100, NOW][:number]


@pytest.mark.parametrize(
    ("council", "members", "seen"),
    [("dacorum", "dacorum", True), ("aylesbury-vale", "aylesbury-vale", False), ("shared", "aylesbury-vale", False),
     ("shared", "dacorum", True), ("shared", "shared", True)],
)  # fmt: skip
def test_a_reader_is_told_only_of_pairs_of_which_every_member_is_theirs_to_see(
    council: str, members: str, seen: bool
) -> None:
    def noted(spec: CheckSpec) -> Memory | None:
        return memory(FAILOVER).get(spec.id)

    found = remembered(of_pair(council, members), noted, None, frozenset({"dacorum", "shared"}))

    assert bool(found) is seen
