"""When a flow counts as passing, as blocked, or as unknown: by hand, and for every order in which things can happen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.contract import Assessment, Finding, State
from checks.path.answers import Attempt, Count, FlowAnswers, Outcome, PathAnswers, Role, Word
from checks.path.judgement import judged
from checks.path.options import PathOptions

HERE, THERE = "hemel", "aylesbury"
WHO = {"owner": "network team", "reason": "the test"}
BLOCKED = {"from": HERE, "to": "192.0.2.9", "port": 443, "must": "block", "alive_from": THERE, **WHO}
PASSING = {"from": HERE, "to": "192.0.2.10", "port": 5061, "must": "pass", **WHO}
COUNTED = {
    "from": HERE, "to": "192.0.2.9", "port": 8022, "must": "block", **WHO,
    "counter": {"command": "nft-drop-rule", "with": {"table": "p", "chain": "in", "comment": "dmz"}},
}  # fmt: skip
LOOKED_UP = {"fortios": {"interface": "port3", "source": "192.0.2.77"}}
CONTROL = {"control": PASSING}
DEAD = (Outcome.REFUSED, Outcome.SILENT)


def options(**flows: object) -> PathOptions:
    return PathOptions.model_validate({"flows": flows})


def tried(outcome: Outcome, turn: int = 2, role: Role = Role.PROBE, vantage: str = HERE, tries: int = 2) -> Attempt:
    return Attempt(turn, role, vantage, outcome, tries, 0.9, 1_800_000_000.0, "192.0.2.9")


def alive(turn: int, outcome: Outcome = Outcome.OPEN) -> Attempt:
    return tried(outcome, turn, Role.ALIVE, THERE, 1)


ANSWERED = FlowAnswers([tried(Outcome.OPEN)])


def judge(
    flow: object, *attempts: Attempt, counter: Count | None = None, simulator: Word | None = None,
    control: FlowAnswers = ANSWERED, away: dict[str, str] | None = None, mute: dict[str, str] | None = None,
) -> Assessment:  # fmt: skip
    """The flow beside one that must pass from the same vantage."""
    answers = PathAnswers(
        True, {"flow": FlowAnswers(list(attempts), counter, simulator), "control": control}, away or {}, mute or {}
    )
    return judged(options(flow=flow, **CONTROL), answers, HERE)


def found(assessment: Assessment, key: str = "path/flow") -> Finding:
    return {finding.key: finding for finding in assessment.findings}[key]


def values(assessment: Assessment) -> dict[str, float]:
    return {one.family.name: one.value for one in assessment.readings if one.labels[0] == "flow"}


def test_a_flow_that_must_pass_and_connects_is_ok() -> None:
    assessment = judge(PASSING, tried(Outcome.OPEN, tries=1))

    assert found(assessment).state is State.OK
    assert values(assessment) == {
        "ridgeway_path_flow_ok": 1.0, "ridgeway_path_flow_passes": 1.0, "ridgeway_path_connect_seconds": 0.9
    }  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.REFUSED, "closed or rejected, which cannot be told apart"),
        (Outcome.SILENT, "no answer"),
        (Outcome.UNREACHABLE, "no way"),
        (Outcome.BROKEN, "no answer in its protocol"),
    ],
)
def test_a_flow_that_must_pass_and_does_not_is_critical_and_says_how(outcome: Outcome, words: str) -> None:
    assessment = judge(PASSING, tried(outcome))

    assert found(assessment).state is State.CRITICAL
    assert words in found(assessment).summary
    assert values(assessment) == {"ridgeway_path_flow_ok": 0.0}, "that it is blocked is not proved"


def test_what_could_not_be_tried_is_unknown_and_says_why() -> None:
    attempt = Attempt(2, Role.PROBE, HERE, Outcome.FAILED, 1, 0.0, 0.0, "x", "this process is out of file descriptors")

    assessment = judge(PASSING, attempt)

    assert found(assessment).state is State.UNKNOWN
    assert "out of file descriptors" in found(assessment).summary
    assert values(assessment) == {}


def test_a_blocked_flow_that_connects_is_critical_whatever_else_is_known() -> None:
    assessment = judge(BLOCKED, alive(1), tried(Outcome.SILENT, 1), tried(Outcome.OPEN), alive(3))

    assert found(assessment).state is State.CRITICAL
    assert "open although it must be blocked" in found(assessment).summary


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.SILENT, Outcome.UNREACHABLE])
def test_no_connection_while_the_listener_lives_before_and_after_is_blocked(outcome: Outcome) -> None:
    assessment = judge(BLOCKED, alive(1), tried(outcome), alive(3))

    assert found(assessment).state is State.OK
    assert values(assessment) == {"ridgeway_path_flow_ok": 1.0, "ridgeway_path_flow_passes": 0.0}
    assert found(assessment).evidence["owner"] == "network team"


@pytest.mark.parametrize(
    ("attempts", "words"),
    [
        ([tried(Outcome.REFUSED)], "nothing answers aylesbury there either"),
        ([alive(1, Outcome.REFUSED), tried(Outcome.REFUSED), alive(3, Outcome.REFUSED)], "is the listener up"),
        ([alive(1), tried(Outcome.SILENT), alive(3, Outcome.SILENT)], "only before or only after"),
        ([alive(1, Outcome.SILENT), tried(Outcome.SILENT), alive(3)], "only before or only after"),
        ([alive(2), tried(Outcome.SILENT), alive(2)], "only before or only after"),
    ],
)
def test_no_connection_without_proof_of_life_is_unknown_and_says_what_lacks(
    attempts: list[Attempt], words: str
) -> None:
    assessment = judge(BLOCKED, *attempts)

    assert found(assessment).state is State.UNKNOWN
    assert words in found(assessment).summary


def test_silence_proves_nothing_where_the_vantage_hears_nothing_at_all() -> None:
    deaf = FlowAnswers([tried(Outcome.SILENT)])

    silent = judge(BLOCKED, alive(1), tried(Outcome.SILENT), alive(3), control=deaf)
    rejected = judge(BLOCKED, alive(1), tried(Outcome.REFUSED), alive(3), control=deaf)

    assert found(silent).state is State.UNKNOWN
    assert "add a flow from there that must pass" in found(silent).summary
    assert found(rejected).state is State.OK, "a rejection was heard"


@pytest.mark.parametrize(
    ("counter", "state", "words"),
    [
        (Count(7, 9), State.OK, "its rule counted 2 packets"),
        (Count(7, 8), State.UNKNOWN, "did not drop them all"),
        (Count(7, 10), State.UNKNOWN, "others meet it too"),
        (Count(7, 3), State.UNKNOWN, "did not drop them all"),
        (Count(fault="no such rule"), State.UNKNOWN, "no such rule"),
    ],
)
def test_a_counter_proves_a_block_only_by_the_very_packets(counter: Count, state: State, words: str) -> None:
    assessment = judge(COUNTED, tried(Outcome.SILENT), counter=counter)

    assert found(assessment).state is state
    assert words in found(assessment).summary


def test_what_a_device_or_a_vantage_could_not_be_asked_is_told_once_and_leaves_the_flow_as_it_was() -> None:
    counter = Count(fault="fw could not be asked", asked=False)

    muted = judge(COUNTED, tried(Outcome.SILENT), counter=counter, mute={"fw": "fw could not be asked: no"})
    gone = judge(BLOCKED, tried(Outcome.SILENT), away={THERE: "it does not answer"})

    assert "path/flow" not in muted.covers
    assert found(muted, "path/asking").state is State.UNKNOWN
    assert "path/flow" not in gone.covers
    assert found(gone, f"path/vantage/{THERE}").state is State.UNKNOWN
    assert found(gone, "path/control").state is State.OK


@pytest.mark.parametrize(
    "nonsense", [{"seconds": math.nan}, {"seconds": math.inf}, {"seconds": -1.0}, {"at": 1e300}, {"tries": 10**9}]
)
def test_what_cannot_have_happened_is_no_evidence(nonsense: dict[str, float]) -> None:
    opened = [replace(one, **nonsense) for one in (alive(1), alive(3), tried(Outcome.OPEN))]  # type: ignore[arg-type]

    assessment = judge(BLOCKED, *opened, tried(Outcome.SILENT))

    assert found(assessment).state is State.UNKNOWN


def test_a_flow_that_is_open_is_told_even_if_nobody_could_be_asked() -> None:
    assessment = judge(BLOCKED, tried(Outcome.OPEN), away={THERE: "it does not answer"})

    assert found(assessment).state is State.CRITICAL


def test_a_prober_s_part_by_itself_says_nothing() -> None:
    answers = PathAnswers(False, {"flow": FlowAnswers([tried(Outcome.OPEN)])})

    assert judged(options(flow=PASSING), answers, THERE) == Assessment(())


@pytest.mark.parametrize(
    ("must", "outcome", "passes", "state", "words"),
    [
        ("pass", Outcome.OPEN, True, State.OK, "and so it is"),
        ("pass", Outcome.OPEN, False, State.WARNING, "but the probe got through"),
        ("pass", Outcome.SILENT, True, State.OK, "look behind the firewall"),
        ("pass", Outcome.SILENT, False, State.OK, "and so it is"),
        ("block", Outcome.SILENT, False, State.OK, "and so it is"),
        ("block", Outcome.SILENT, True, State.WARNING, "by something else than this firewall's rules"),
        ("block", Outcome.OPEN, False, State.WARNING, "but the probe got through"),
        ("block", Outcome.OPEN, True, State.OK, "and so it is"),
    ],
)
def test_the_simulator_s_word_is_held_against_the_probe(
    must: str, outcome: Outcome, passes: bool, state: State, words: str
) -> None:
    flow = {**(PASSING if must == "pass" else BLOCKED), "simulator": LOOKED_UP}

    assessment = judge(flow, alive(1), tried(outcome), alive(3), simulator=Word(passes, "policy 7", "accept"))

    assert found(assessment, "path/flow/simulator").state is state
    assert words in found(assessment, "path/flow/simulator").summary


def test_a_simulator_that_would_let_through_is_told_where_no_probe_can_tell() -> None:
    assessment = judge({**BLOCKED, "simulator": LOOKED_UP}, tried(Outcome.SILENT), simulator=Word(True, "policy 7"))

    assert found(assessment).state is State.UNKNOWN
    assert found(assessment, "path/flow/simulator").state is State.WARNING


def test_a_simulator_that_is_not_understood_is_unknown_and_shows_what_it_said() -> None:
    word = Word(fault="says neither; it prints: Policy: x, action-type: perhaps")

    assessment = judge({**PASSING, "simulator": LOOKED_UP}, tried(Outcome.OPEN), simulator=word)

    assert found(assessment).state is State.OK
    assert found(assessment, "path/flow/simulator").state is State.UNKNOWN
    assert "perhaps" in found(assessment, "path/flow/simulator").summary


@dataclass(frozen=True)
class World:
    """What is true in each of the three turns. Each thing changes once at most: no test sees a blink within a turn."""

    listens: tuple[bool, bool, bool]
    blocks: tuple[bool, bool, bool]
    line: tuple[bool, bool, bool]
    """Of the vantage where the flow begins."""

    def probe(self, turn: int, rejects: bool) -> Outcome:
        if not self.line[turn - 1]:
            return Outcome.SILENT
        if self.blocks[turn - 1]:
            return Outcome.REFUSED if rejects else Outcome.SILENT
        return Outcome.OPEN if self.listens[turn - 1] else Outcome.REFUSED

    def life(self, turn: int) -> Outcome:
        return Outcome.OPEN if self.listens[turn - 1] else Outcome.REFUSED

    def control(self, turn: int) -> Outcome:
        return Outcome.OPEN if self.line[turn - 1] else Outcome.SILENT


def changing() -> st.SearchStrategy[tuple[bool, ...]]:
    return st.builds(
        lambda first, at: tuple(first if turn < at else not first for turn in range(3)),
        st.booleans(),
        st.integers(0, 3),
    )


WORLDS = st.builds(World, changing(), changing(), changing())


def some(*turns: int) -> st.SearchStrategy[set[int]]:
    """All of these turns, or only some of them."""
    return st.just(set(turns)) | st.sets(st.sampled_from(turns))


@given(WORLDS, st.booleans(), some(1, 2, 3), some(1, 2, 3), some(1, 3), st.permutations(range(6)))
@settings(max_examples=400)
def test_blocked_is_never_said_of_a_flow_that_is_not(
    world: World, rejects: bool, probes: set[int], controls: set[int], lives: set[int], order: list[int]
) -> None:
    """Whatever is missing, and in whatever order it comes in: a prober tries in every turn, the judge in the second."""
    made = [tried(world.probe(turn, rejects), turn) for turn in probes]
    made += [alive(turn, world.life(turn)) for turn in lives]
    made = [made[place] for place in order if place < len(made)]
    control = FlowAnswers([tried(world.control(turn), turn) for turn in controls])

    assessment = judge(BLOCKED, *made, control=control)

    state = found(assessment).state
    if state is State.OK:
        assert world.blocks[1] and world.line[1] and 2 in probes
        assert {1, 3} <= lives
    if any(world.probe(turn, rejects) is Outcome.OPEN for turn in probes):
        assert state is State.CRITICAL
    else:
        assert state in (State.OK, State.UNKNOWN)


@given(WORLDS, st.booleans(), st.integers(0, 3), st.integers(0, 1000))
def test_a_counter_never_proves_what_its_rule_did_not_drop(
    world: World, rejects: bool, tries: int, before: int
) -> None:
    outcome = world.probe(2, rejects)
    dropped = tries if world.blocks[1] and world.line[1] else 0
    attempts = [tried(outcome, tries=tries)] if tries else []

    assessment = judge(COUNTED, *attempts, counter=Count(before, before + dropped))

    if found(assessment).state is State.OK:
        assert world.blocks[1] and world.line[1]
