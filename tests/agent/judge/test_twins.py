"""A judge that lives on through reloads against one that is made anew from what the ledger keeps of it.

Random estates and changes of them, random stories. After each reload, against a judge made from the ledger as the
reload left it (`anew`), and against one made from the ledger before it, by a start with the changed estate (`born`).

What a restarted judge does not know, and the comparison therefore leaves out, each for its reason:

* Histories, lengths and times: only what stands open, pending or held, and behind what, is compared.
* What a check said before its last run, when that run could not tell whether the target answers. Others are then not
  asked before "unreachable" opens, so what the one judge holds for a bounded time, or behind another cause, may be open
  in the other at once.
* When a check began to fail. So a fault of its protocol, or of the way, may open beside "unreachable" in one of them,
  by the choice of decision 30; such extra causes are not compared while everything is lost.
* Silence: a start gives every check its full time to report, by decision 32.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.isolation import AWAY, ISOLATED, PATH, SILENT
from agent.judge.vantages import ends
from agent.records import OPEN_LEVELS, Alert, AlertLevel, Cause
from checks.contract import REACH
from config.estate import Estate
from testbeds.judging import ONCE, TWICE, Stage
from testbeds.twins import (
    ABROAD,
    COUNCILS,
    HOME,
    SITES,
    CheckPlan,
    EstatePlan,
    TargetPlan,
    all_say,
    anew,
    asked,
    contributors,
    forked,
    open_causes,
    reload,
    tell,
)

NAMES = ("gate", "core", "fw")
KINDS = ("icmp", "snmp", "tls")
HOWS = ("good", "bad", "lost", "refused", "local", "away", "untried")
Step = tuple[str, int | str | float | bool, str | float | bool]
Story = list[Step]


@dataclass(frozen=True, slots=True)
class Life:
    """What happens to an agent: an estate, then chapters of a story and the change of the estate that ends it."""

    first: EstatePlan
    chapters: tuple[tuple[Story, EstatePlan], ...]
    after: Story


check_plans = st.builds(
    CheckPlan,
    st.just("icmp"),
    st.sampled_from([(HOME,), (HOME, ABROAD), (ABROAD,)]),
    st.integers(0, 1),
    st.sampled_from([ONCE, TWICE]),
    st.sampled_from([False, False, False, True]),
    st.sampled_from([60.0, 300.0]),
)
results = st.tuples(st.integers(0, 11).map(str), st.sampled_from(HOWS), st.sampled_from([1.0, 5.0, 30.0, 60.0]))
rounds = st.tuples(st.just("round"), st.sampled_from(HOWS), st.just(20.0))
waits = st.tuples(st.just("wait"), st.sampled_from([5.0, 60.0, 400.0]), st.just(""))
jumps = st.tuples(st.just("jump"), st.sampled_from([-3_600.0, 3_600.0]), st.just(""))
windows = st.tuples(st.just("window"), st.sampled_from(NAMES), st.booleans())
crashes = st.just(("crash", "", ""))
stories = st.lists(
    st.one_of(results, results, results, results, rounds, rounds, waits, jumps, windows, crashes), max_size=10
)
plain_stories = st.lists(st.one_of(results, results, results, rounds, waits), max_size=8)


@st.composite
def target_plans(draw: st.DrawFn, name: str) -> TargetPlan:
    kinds = draw(st.lists(st.sampled_from(KINDS), unique=True, min_size=1))
    return TargetPlan(
        name,
        tuple(replace(draw(check_plans), kind=kind) for kind in kinds),
        draw(st.sampled_from([(), *((other,) for other in NAMES if other != name)])),
        draw(st.sampled_from(["", *(other for other in NAMES if other < name)])),
        draw(st.sampled_from(COUNCILS)),
        draw(st.sampled_from(SITES)),
    )


@st.composite
def estate_plans(draw: st.DrawFn) -> EstatePlan:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    gateways = draw(st.sampled_from(["", "gate"])), draw(st.sampled_from(["", "", "core"]))
    return EstatePlan(tuple(draw(target_plans(name)) for name in names), *gateways)


@st.composite
def changes(draw: st.DrawFn, plan: EstatePlan) -> EstatePlan:
    """One change as people make it, or another estate altogether."""
    how = draw(st.sampled_from(["add", "remove", "rename", "respecify", "respecify", "move", "gateways", "all"]))
    if how == "gateways":
        return replace(
            plan, gateway=draw(st.sampled_from(["", "gate"])), gateway_abroad=draw(st.sampled_from(["", "core"]))
        )
    if how == "all":
        return draw(estate_plans())
    at = draw(st.integers(0, len(plan.targets) - 1))
    one = plan.targets[at]
    before, behind = plan.targets[:at], plan.targets[at + 1 :]
    free = [name for name in NAMES if name not in {other.name for other in plan.targets}]
    if how == "add" and free:
        return replace(plan, targets=(*plan.targets, draw(target_plans(draw(st.sampled_from(free))))))
    if how == "remove" and len(plan.targets) > 1:
        return replace(plan, targets=(*before, *behind))
    if how == "rename" and free:
        one = replace(one, name=draw(st.sampled_from(free)), formerly=(one.name,))
    elif how == "move":
        one = replace(one, council=draw(st.sampled_from(COUNCILS)), site=draw(st.sampled_from(SITES)))
    else:
        one = replace(one, checks=draw(respecified(one.checks)))
    return replace(plan, targets=(*before, one, *behind))


@st.composite
def respecified(draw: st.DrawFn, checks: tuple[CheckPlan, ...]) -> tuple[CheckPlan, ...]:
    """One check written otherwise, taken out, or put in."""
    at = draw(st.integers(0, len(checks)))
    if at == len(checks):
        new = [kind for kind in KINDS if kind not in {one.kind for one in checks}]
        return (*checks, *(replace(draw(check_plans), kind=kind) for kind in new[:1]))
    if len(checks) > 1 and draw(st.booleans()):
        return (*checks[:at], *checks[at + 1 :])
    return (*checks[:at], replace(draw(check_plans), kind=checks[at].kind), *checks[at + 1 :])


@st.composite
def lives(draw: st.DrawFn) -> Life:
    first = plan = draw(estate_plans())
    chapters = []
    for _ in range(draw(st.integers(1, 3))):
        story = draw(stories)
        plan = draw(changes(plan))
        chapters.append((story, plan))
    return Life(first, tuple(chapters), draw(plain_stories))


@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(lives())
def test_a_judge_that_lives_on_through_reloads_and_one_made_anew_from_the_ledger_agree(life: Life) -> None:
    stage = Stage(life.first.made())
    stage.tick()
    for story, plan in life.chapters:
        for step in story:
            play(stage, step)
        estate = plan.made()
        born = anew(stage, estate)
        reload(stage, estate)
        stage.tick()

        for twin in (anew(stage), born):
            nothing_is_open_that_the_estate_does_not_hold(stage)
            nothing_is_open_that_the_estate_does_not_hold(twin)
            the_same_is_open(stage, twin)
            all_closes_when_all_is_well(stage, twin)
            the_same_opens_when_all_is_bad(stage, twin)
            nothing_is_green_by_mistake(stage, twin, life.after)


def play(stage: Stage, step: Step) -> None:
    what, how, more = step
    if what == "round":
        stage.now += float(more)
        for id, place in asked(stage.estate):
            tell(stage, id, place, str(how))
        stage.tick()
    elif what == "wait":
        stage.wait(float(how), 20.0)
    elif what == "jump":
        stage.now += float(how) + 0.37  # off every round deadline: adding a jump to it rounds in the last digit
        stage.tick()
    elif what == "window":
        stage.windows |= {str(how): "MNT-1"}
        if not more:
            del stage.windows[str(how)]
    elif what == "crash":
        stage.crash()
        stage.tick()
    else:
        runs = list(asked(stage.estate))
        id, place = runs[int(what) % len(runs)]
        tell(stage, id, place, str(how), float(more))


# What must hold


def nothing_is_open_that_the_estate_does_not_hold(stage: Stage) -> None:
    """And whatever is open has somebody left who can say that it is over."""
    for alert in stage.judge.alerts.values():
        if alert.level is not AlertLevel.CLEAR and alert.cause.condition != SILENT:
            assert is_held_by(stage.estate, alert), alert


def is_held_by(estate: Estate, alert: Alert) -> bool:
    cause = alert.cause
    if cause.condition == AWAY:
        return any(place == cause.subject for _, place in asked(estate))
    if cause.condition == PATH:
        vantage, site = ends(cause)
        several = len({place for _, place in asked(estate)} | {HOME}) > 1
        sites = {
            place: {estate.targets[id.partition("/")[0]].site for id, at in asked(estate) if at == place}
            for _, place in asked(estate)
        }
        return several and site in sites.get(vantage, set())
    if cause.condition == ISOLATED:
        held = estate.vantages[cause.subject].gateway in estate.targets
    else:
        held = cause.subject in estate.targets and estate.targets[cause.subject].council == cause.council
    speaks = bool(alert.contributions) or cause.condition in (REACH, ISOLATED)
    return held and speaks and alert.contributions.keys() <= contributors(estate)


def the_same_is_open(lived: Stage, twin: Stage) -> None:
    waiting = {one.cause for one in lived.judge.alerts.values() if one.held_until is not None}
    ours, theirs = ({cause for cause in open_causes(one) if cause.condition != SILENT} for one in (lived, twin))
    assert ours <= theirs
    assert theirs - ours <= waiting


def all_closes_when_all_is_well(lived: Stage, twin: Stage) -> None:
    for stage in (forked(lived), forked(twin)):
        stage.windows.clear()
        all_say(stage, "good")
        assert not standing(stage)


def the_same_opens_when_all_is_bad(lived: Stage, twin: Stage) -> None:
    for how in ("lost", "bad", "refused"):
        ours, theirs = forked(lived), forked(twin)
        for stage in (ours, theirs):
            stage.windows.clear()
            all_say(stage, how, rounds=8)
        if how == "lost":
            assert _unreached(ours) == _unreached(theirs)
        else:
            assert standing(ours) == standing(theirs), how


def standing(stage: Stage) -> dict[Cause, tuple[AlertLevel, Cause | None]]:
    alerts = stage.judge.alerts.values()
    return {one.cause: (one.level, one.suppressed_by) for one in alerts if one.level is not AlertLevel.CLEAR}


def _unreached(stage: Stage) -> set[Cause]:
    return {
        cause for cause in standing(stage) if cause.condition != PATH and not cause.condition.endswith("/no-answer")
    }


def nothing_is_green_by_mistake(lived: Stage, twin: Stage, story: Story) -> None:
    """What was open at first, and stays so in the judge made anew, stays so in the one that lives on."""
    ours, theirs = forked(lived), forked(twin)
    still = open_causes(theirs) & open_causes(ours)
    for step in story:
        for stage in (ours, theirs):
            play(stage, step)
        still &= open_causes(theirs)
        assert all(ours.judge.alerts[cause].level in OPEN_LEVELS for cause in still if cause in ours.judge.alerts)
        assert still <= ours.judge.alerts.keys()
