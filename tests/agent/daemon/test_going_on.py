"""After a reload everything is as after a fresh start from the same ledger; random pairs of estates, random stories."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.daemon.handover import handover
from agent.daemon.parts import subjects_of
from agent.judge import Seen
from agent.planning.difference import renamed_targets
from agent.records import Alert, Cause
from agent.run import Runner
from agent.schedule import Scheduler
from checks.catalogue import load_catalogue
from checks.contract import State
from checks.transports import Transports
from config.estate import Estate, Every
from exporters.prometheus.exposition import Exposition
from testbeds.judging import ONCE, START, Stage, check, estate, finding, target

_NAMES = ("fw", "core", "ups", "ap")
_CHECKS = ("icmp", "snmp")
Story = list[tuple[int, int]]


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    made = []
    for name in draw(st.lists(st.sampled_from(_NAMES), unique=True, min_size=1)):
        every = draw(st.sampled_from([60.0, 300.0]))
        kinds = draw(st.lists(st.sampled_from(_CHECKS), unique=True, min_size=1))
        formerly = draw(st.sampled_from([(), *((other,) for other in _NAMES if other != name)]))
        council = draw(st.sampled_from(["dacorum", "aylesbury-vale"]))
        checks = (check(name, kind, every=every, open_after=ONCE, clear_after=ONCE) for kind in kinds)
        made.append(target(name, *checks, formerly=formerly, council=council))
    return estate(*made)


stories = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 2)), max_size=12)


def tell(stage: Stage, story: Story) -> None:
    """Results of whatever checks there are, good and bad."""
    ids = [spec.id for one in stage.estate.targets.values() for spec in one.checks]
    for which, how in story:
        id = ids[which % len(ids)]
        if how == 0:
            stage.good(id, 5.0)
        elif how == 1:
            stage.lost(id, 5.0)
        else:
            stage.result(id, finding(f"{id.partition('/')[2]}/load", State.CRITICAL), after=5.0)


@settings(deadline=None)
@given(estates(), estates(), stories, stories)
def test_what_a_judge_leaves_after_a_reload_is_what_a_fresh_start_makes_of_the_ledger(
    old: Estate, new: Estate, before: Story, after: Story
) -> None:
    lived, born = Stage(old), Stage(old)
    for stage in (lived, born):
        stage.tick()
        tell(stage, before)
    lived.reload(new)
    born.estate = new
    for stage in (lived, born):
        stage.seen = _renamed(stage.seen, renamed_targets(old, new))
        stage.crash()

    for stage in (lived, born):
        stage.tick()
        tell(stage, after)

    assert _told(lived) == _told(born)
    assert _live(lived) == _live(born)


def _renamed(seen: dict[str, Seen], names: dict[str, str]) -> dict[str, Seen]:
    """As `agent.daemon.parts.renamed_since` does it at a start."""

    def now(id: str) -> str:
        name, _, rest = id.partition("/")
        return f"{names.get(name, name)}/{rest}"

    return {now(id): replace(one, check_id=now(one.check_id)) for id, one in seen.items()}


def _told(stage: Stage) -> dict[Cause, tuple[object, ...]]:
    def of(alert: Alert) -> tuple[object, ...]:
        return alert.level, alert.state, alert.history, alert.length, alert.contributions, alert.suppressed_by

    return {cause: of(alert) for cause, alert in deepcopy(dict(stage.judge.alerts)).items()}


def _live(stage: Stage) -> dict[Cause, tuple[object, ...]]:
    return {cause: (one.state, one.opened_at, one.suspected_at) for cause, one in stage.machine.live.items()}


@given(estates(), estates())
def test_a_schedule_after_a_reload_is_that_of_a_fresh_start(old: Estate, new: Estate) -> None:
    reloaded, fresh = _scheduler(), _scheduler()
    reloaded.load(_specs(old))
    reloaded.load(_specs(new))

    fresh.load(_specs(new))

    assert _slots(reloaded) == _slots(fresh)
    assert all(reloaded.next_due(spec.id) == fresh.next_due(spec.id) for spec in _specs(new))


def _scheduler() -> Scheduler:
    return Scheduler(lambda _spec, _due: None, clock=lambda: START)


def _specs(what: Estate) -> list:
    return [spec for one in what.targets.values() for spec in one.checks]


def _slots(scheduler: Scheduler) -> dict[object, list[object]]:
    return {key: list(slot.members) for key, slot in scheduler._slots.items() if isinstance(key, tuple)}


@settings(deadline=None)  # each example opens and closes every transport
@given(estates(), estates())
def test_a_runner_after_a_reload_asks_what_one_asks_that_was_started_with_that_estate(old: Estate, new: Estate) -> None:
    async def entries(*loaded: Estate) -> dict[str, list[tuple[object, ...]]]:
        transports = Transports.open()
        runner = Runner(loaded[0], load_catalogue(), transports, vantage="here")
        for one in loaded[1:]:
            runner.load(one)
        await transports.close()
        return {
            id: [(entry.subject, entry.target, entry.kind.kind, entry.valid_for, entry.gone) for entry in some]
            for id, some in runner._entries.items()
        }

    assert asyncio.run(entries(old, new)) == asyncio.run(entries(new))


@given(estates(), estates())
def test_a_page_after_a_reload_is_that_of_a_fresh_start(old: Estate, new: Estate) -> None:
    reloaded, fresh = Exposition(()), Exposition(())
    reloaded.configure(subjects_of(old), "here", START)
    over = handover(old, new, "here", {})

    reloaded.change((*over.gone, *over.renamed), over.subjects, "here", START)

    fresh.configure(subjects_of(new), "here", START)
    assert _lines(reloaded) == _lines(fresh)


def _lines(page: Exposition) -> list[str]:
    return sorted(b"".join(page.page(openmetrics=False, now=START)).decode().splitlines())


@given(estates(), estates())
def test_a_handover_names_each_check_of_what_changed_once_as_gone_or_going_on(old: Estate, new: Estate) -> None:
    over = handover(old, new, "here", {})

    had = {spec.id for spec in _specs(old)}
    has = {spec.id for spec in _specs(new)}
    gone = {id for id, _ in over.gone}
    assert gone | set(over.checks.values()) == had - has
    assert not gone & set(over.checks.values())
    assert {subject.check.id for subject in over.subjects} <= has
    assert had & has <= has - set(over.checks)


def test_a_changed_schedule_is_caught_up_from_the_last_run() -> None:
    slow = estate(target("fw", check("fw", every=3600.0)))
    begun: list[str] = []
    scheduler = Scheduler(lambda spec, _due: begun.append(spec.id), clock=lambda: START)
    scheduler.load(_specs(slow), {"fw/icmp": START - 100.0})
    spec = slow.targets["fw"].checks[0]

    scheduler.load([replace(spec, schedule=Every(7200.0))], {"fw/icmp": START - 100.0})

    assert [key for key in scheduler._slots if isinstance(key, float)] == []
