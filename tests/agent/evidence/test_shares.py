"""Three shares that make up the whole, whatever the ledger holds: nothing that was not watched counts as kept."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.evidence.shares import Said, Shares, Verdict, between, pieces, shares, verdict_of
from checks.contract import State

AT = 1_790_000_000.0
MOMENT = st.floats(AT - 1_000, AT + 11_000)
SAID = st.builds(Said, MOMENT, MOMENT, st.sampled_from(Verdict))
# A busy machine is no reason to fail: what is generated is small.
_PROPERTY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
END = st.floats(AT, AT + 10_000)


def told(said: list[Said], end: float = AT + 10_000) -> Shares:
    return shares(pieces(said, AT, end))


@_PROPERTY
@given(st.lists(SAID, max_size=12), END)
def test_the_three_shares_add_up_to_the_whole_time(said: list[Said], end: float) -> None:
    found = told(said, end)

    assert found.kept + found.broken + found.unproven == round(end * 1000) - round(AT * 1000)
    kept, broken, unproven = (round(share * 100) for share in found.percentages)
    assert kept + broken + unproven == 10_000
    assert min(kept, broken, unproven) >= 0


@_PROPERTY
@given(st.lists(SAID, max_size=12), SAID)
def test_one_more_thing_that_was_wrong_never_raises_what_was_kept(said: list[Said], more: Said) -> None:
    worse = Said(more.start, more.end, max(more.verdict, Verdict.UNPROVEN))

    assert told([*said, worse]).kept <= told(said).kept
    assert told([*said, worse]).broken >= told(said).broken


@_PROPERTY
@given(st.lists(SAID, max_size=12), END)
def test_a_time_in_two_parts_is_the_whole(said: list[Said], middle: float) -> None:
    first, second = shares(pieces(said, AT, middle)), shares(pieces(said, middle, AT + 10_000))

    whole = told(said)

    assert whole == Shares(
        first.kept + second.kept, first.broken + second.broken, first.unproven + second.unproven
    )  # fmt: skip


@_PROPERTY
@given(st.lists(SAID, max_size=12))
def test_pieces_follow_each_other_and_change_each_time(said: list[Said]) -> None:
    found = pieces(said, AT, AT + 10_000)

    assert (found[0].start, found[-1].end) == (AT, AT + 10_000)
    for one, next_one in pairwise(found):
        assert one.end == next_one.start
        assert one.verdict is not next_one.verdict


@_PROPERTY
@given(st.lists(st.tuples(MOMENT, MOMENT), max_size=12))
def test_what_no_agent_saw_is_what_is_left_of_the_time(lives: list[tuple[float, float]]) -> None:
    alive = [(start, end) for start, end in lives if start < end]

    gaps = between(alive, AT, AT + 10_000)

    seen = told([*(Said(*one, Verdict.KEPT) for one in alive), *(Said(*gap, Verdict.BROKEN) for gap in gaps)])
    assert seen.unproven <= len(gaps)  # a gap below half a millisecond is none
    assert sum(end - start for start, end in gaps) * 1000 - seen.broken < 1 + len(gaps)


def test_of_two_verdicts_on_one_moment_the_worse_counts() -> None:
    found = told([Said(AT, AT + 10_000, Verdict.KEPT), Said(AT + 1_000, AT + 3_000, Verdict.BROKEN)])

    assert found == Shares(8_000_000, 2_000_000, 0)


def test_a_moment_of_which_nothing_is_said_is_unproven() -> None:
    assert told([Said(AT, AT + 2_500, Verdict.KEPT)]).percentages == (25.0, 0.0, 75.0)


def test_a_second_that_was_not_kept_in_a_quarter_shows() -> None:
    quarter = 91 * 86_400.0
    found = shares(pieces([Said(AT, AT + quarter, Verdict.KEPT), Said(AT, AT + 1, Verdict.BROKEN)], AT, AT + quarter))

    assert found.percentages == (99.99, 0.01, 0.0)


def test_of_no_time_everything_is_unproven() -> None:
    assert told([], AT).percentages == (0.0, 0.0, 100.0)


def test_only_what_was_judged_and_fresh_is_proof() -> None:
    said = {(state, flags): verdict_of(state, flags) for state in State for flags in ("", "flapping,stale")}

    assert {what for what, verdict in said.items() if verdict is Verdict.KEPT} == {(State.OK, ""), (State.WARNING, "")}
    assert {what for what, verdict in said.items() if verdict is Verdict.BROKEN} == {(State.CRITICAL, "")}


def test_maintenance_and_a_parent_to_blame_stop_no_clock() -> None:
    assert verdict_of(State.CRITICAL, "maintenance,suppressed") is Verdict.BROKEN
