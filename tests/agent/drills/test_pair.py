"""How the pair stands, which failovers belong to a drill, and what came of it: all of it pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.drills.pair import Pair, party_of, standing, swaps_during
from agent.drills.records import Evidence, Gap, Look, Measured, Outcome, Swap
from agent.drills.verdict import verdict
from agent.records import CheckResult
from checks.contract import Assessment, Finding, Reading, State
from checks.firewall.cluster import HA_ROLE
from checks.firewall.failovers import Failover
from config.estate import Estate
from testbeds import kept
from testbeds.judging import check, estate, target

NOW = kept.NOW
MEMBER = "pair/member/fw-b"
PROBE = Measured("tcp:192.0.2.1:443", 0.1, 0.9, 600, 600, 0, 0, {}, 0.11)
LOST = replace(PROBE, answered=587, lost=13, longest=Gap(NOW, 1.3, 1.2, 1.4, 13), gaps=(Gap(NOW, 1.3, 1.2, 1.4, 13),))


def told(
    *active: str,
    state: State = State.OK,
    standby: tuple[str, ...] = (),
    started: float = NOW,
    text: str = "whole",
    key: str = "pair/service",
) -> CheckResult:
    """What the pair's check found: this, that a member's memory is full, and that all else is well."""
    roles = [(name, "active") for name in active] + [(name, "standby") for name in standby]
    readings = tuple(Reading(HA_ROLE, 1.0, labels) for labels in roles)
    findings = (
        Finding("firewall/fw-a/memory", State.CRITICAL, "memory is full"),
        Finding(key, state, text),
        Finding("pair/facts" if key == "pair/service" else "pair/service", State.OK, "fine"),
    )
    return kept.result("pair/firewall_pair", started, Assessment(findings, readings, frozenset()))


def look(at: float, *active: str) -> Look:
    return Look(at, "ok", active, "")


def test_the_pair_stands_as_its_check_says_with_the_worst_finding_in_its_words() -> None:
    found = standing([told("fw-a", state=State.WARNING, standby=("fw-b",), text="fw-b is gone", key=MEMBER)], NOW + 1)

    assert found is not None
    assert (found.state, found.service, found.active) == (State.WARNING, State.OK, ("fw-a",))
    assert (found.text, found.about, found.changing) == ("fw-b is gone", MEMBER, True)


def test_a_member_that_is_alone_carries_the_service() -> None:
    readings = (Reading(HA_ROLE, 1.0, ("fw-b", "alone")), Reading(HA_ROLE, 1.0, ("fw-a", "failed")))
    found = standing([kept.result("pair/firewall_pair", NOW, Assessment((), readings))], NOW)

    assert found is not None
    assert (found.active, found.service) == (("fw-b",), State.UNKNOWN)


@pytest.mark.parametrize(
    ("result", "changing"),
    [
        (told("fw-a"), False),
        (told("fw-a", state=State.WARNING, key="pair/firmware"), False),
        (told("fw-a", state=State.UNSUPPORTED, key="pair/address"), False),
        (told("fw-a", state=State.UNKNOWN, key="pair/member/fw-b"), True),
        (told("fw-a", "fw-b", state=State.CRITICAL), True),
    ],
)
def test_only_what_may_soon_be_otherwise_has_a_pair_asked_at_once(result: CheckResult, changing: bool) -> None:
    found = standing([result], NOW)

    assert found is not None
    assert found.changing is changing


@pytest.mark.parametrize("results", [[None], [told("fw-a", started=NOW - 3600)], [told("fw-a"), None]])
def test_what_is_missing_or_too_old_is_unknown_and_no_member_counts_as_active(
    results: list[CheckResult | None],
) -> None:
    found = standing(results, NOW + 1)

    assert found is not None
    assert (found.state, found.active) == (State.UNKNOWN, ())


def test_without_a_check_nothing_stands_in_any_way() -> None:
    assert standing([], NOW) is None


def of_pair() -> Estate:
    pair = check("forum", "firewall_pair", kind="firewall_pair")
    return estate(
        target("forum", replace(pair, inputs=("fw-a", "fw-b"))), target("fw-a"), target("fw-b"), target("other")
    )


@pytest.mark.parametrize("name", ["forum", "fw-a"])
def test_a_drill_of_the_pair_or_of_a_member_covers_all_three(name: str) -> None:
    party = party_of(of_pair(), name)

    assert (party.target, set(party.covers)) == ("forum", {"forum", "fw-a", "fw-b"})
    assert [spec.id for spec in party.telling] == ["forum/firewall_pair"]


def test_a_target_without_a_pair_is_covered_alone() -> None:
    alone = party_of(of_pair(), "other")

    assert (alone.covers, alone.telling, alone.probed) == (("other",), (), ("other",))


def test_failovers_that_the_note_had_before_or_that_lie_long_ago_are_not_the_drills() -> None:
    before = Failover(NOW - 1000, NOW - 990, "fw-b", "fw-a")
    history = Failover(NOW - 90_000, NOW + 5, "fw-a", "fw-b", "read from the device's history only now")
    during = Failover(NOW + 10, NOW + 12, "fw-a", "fw-b", "link failed")

    found = swaps_during([before], [before, history, during], [], NOW)

    assert found == (Swap(NOW + 10, NOW + 12, "fw-a", "fw-b", "link failed"),)


def test_a_change_of_the_active_member_that_the_note_says_nothing_of_is_a_failover() -> None:
    looks = [look(NOW, "fw-a"), look(NOW + 5), look(NOW + 8, "fw-b"), look(NOW + 400, "fw-a", "fw-b")]

    found = swaps_during([], [], looks, NOW)

    assert [(swap.away_from, swap.to, swap.seen) for swap in found] == [("fw-a", "fw-b", NOW + 8)]


def test_a_failover_in_the_note_and_in_the_looks_counts_once() -> None:
    noted = Failover(NOW + 7, NOW + 8, "fw-a", "fw-b", "link failed")

    found = swaps_during([], [noted], [look(NOW, "fw-a"), look(NOW + 9, "fw-b")], NOW)

    assert [swap.reason for swap in found] == ["link failed"]


def test_there_and_back_and_there_again_within_a_minute_are_three_failovers() -> None:
    looks = [look(NOW, "a"), look(NOW + 10, "b"), look(NOW + 20, "a"), look(NOW + 30, "b")]
    noted = Failover(NOW + 9, NOW + 10, "a", "b", "why")

    found = swaps_during([], [noted], looks, NOW)

    assert [(swap.to, swap.reason) for swap in found] == [("b", "why"), ("a", ""), ("b", "")]


SWAP = Swap(NOW + 1, NOW + 2, "fw-a", "fw-b", "")
WORDS = Pair("forum", (), ()).words
BACK = Swap(NOW + 300, NOW + 302, "fw-b", "fw-a", "")


@pytest.mark.parametrize(
    ("swaps", "away", "pair", "has_pair", "outcome", "words"),
    [
        ((SWAP,), [], told("fw-b"), True, Outcome.PROVEN, "one way (fw-a to fw-b)"),
        ((SWAP, BACK), [], told("fw-a"), True, Outcome.PROVEN, "there and back"),
        ((SWAP,), [], told("fw-b", state=State.WARNING, text="gone", key=MEMBER), True, Outcome.PROVEN, "whole: gone."),
        ((SWAP,), [], told("fw-b", state=State.UNSUPPORTED, key="pair/address"), True, Outcome.PROVEN, "is whole"),
        ((), [], told(state=State.UNSUPPORTED), True, Outcome.MEASURED, "tells no roles"),
        ((), [], told("fw-a"), True, Outcome.NO_FAILOVER, "No failover was seen"),
        ((SWAP,), ["tcp:192.0.2.1:443"], told("fw-b"), True, Outcome.FAILED, "did not come back"),
        ((SWAP,), [], told("fw-a", "fw-b", state=State.CRITICAL, text="two!"), True, Outcome.FAILED, "two!"),
        ((SWAP,), [], told(state=State.UNKNOWN, text="not read"), True, Outcome.UNKNOWN, "not read."),
        ((SWAP,), [], told("fw-b", started=NOW - 3600), True, Outcome.UNKNOWN, "recent enough"),
        ((), [], None, True, Outcome.UNKNOWN, "not known"),
        ((), [], None, False, Outcome.MEASURED, "only the loss"),
        ((), ["icmp:192.0.2.1"], None, False, Outcome.FAILED, "did not come back"),
    ],
)  # fmt: skip
def test_the_outcome_follows_from_what_was_seen_and_is_never_better_than_that(
    swaps: tuple[Swap, ...], away: list[str], pair: CheckResult | None, has_pair: bool, outcome: Outcome, words: str
) -> None:
    stands = standing([pair], NOW + 1) if pair is not None else None

    found = verdict(Evidence((LOST,), swaps), away, stands, WORDS, told=has_pair)

    assert found.outcome is outcome
    assert words in found.summary
    assert "13 of 600 lost, at most 1.3 s (1.20 to 1.40) at a time" in found.summary
    assert (found.proven_at is not None) == (outcome is Outcome.PROVEN)


def test_a_drill_in_which_nothing_was_lost_says_how_closely_it_looked() -> None:
    found = verdict(Evidence((PROBE,), (SWAP,)), [], standing([told("fw-b")], NOW), WORDS, told=True)

    assert "nothing lost of 600, asked at least every 0.11 s" in found.summary
    assert found.proven_at == SWAP.seen
