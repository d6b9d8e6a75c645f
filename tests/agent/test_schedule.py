"""The scheduler on the real loop, with clocks that a test can step."""

import asyncio
import datetime as real
import time
from dataclasses import replace
from itertools import pairwise

import apscheduler.schedulers.base
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agent import schedule
from agent.cadence import phase
from agent.schedule import Scheduler
from config.estate import Cron, Every
from testbeds.single import check


class Nothing(BaseModel):
    """No options."""


class Clock:
    """The wall clock, as far wrong as the test wants it."""

    wrong = 0.0

    def __call__(self) -> float:
        return time.time() + self.wrong


@pytest.fixture
def clock(monkeypatch):
    """A clock that our scheduler and APScheduler's own `datetime.now` both read."""
    made = Clock()

    class Stepped(real.datetime):
        @classmethod
        def now(cls, tz=None):
            return real.datetime.fromtimestamp(made(), tz)

    monkeypatch.setattr(apscheduler.schedulers.base, "datetime", Stepped)
    return made


class Bench:
    """A running scheduler and what it began."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.begun: list[tuple[str, float]] = []
        self.steps: list[float] = []
        self.scheduler = Scheduler(self.begin, clock=clock, on_jump=self.steps.append)

    def begin(self, spec, due):
        self.begun.append((spec.id, due))

    def dues(self, check_id: str) -> list[float]:
        return [due for begun, due in self.begun if begun == check_id]

    def once(self) -> set[str]:
        """Checks for which a single run is laid out."""
        slots = self.scheduler._slots
        return {spec.id for key, slot in slots.items() if isinstance(key, float) for spec in slot.members}


@pytest.fixture
async def bench(clock):
    made = Bench(clock)
    made.scheduler.start()
    yield made
    await made.scheduler.stop()


def every(seconds: float, name: str = "a"):
    return check("null", Nothing(), name=name, schedule=Every(seconds))


def nightly(name: str = "nightly"):
    return check("null", Nothing(), name=name, schedule=Cron("0 3 * * *", "Europe/London"))


async def _until(condition) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_check_runs_each_period_at_its_phase_and_never_early(bench):
    spec, seen = every(1.0), []
    bench.scheduler._begin = lambda spec, due: seen.append((due, bench.clock()))

    bench.scheduler.load([spec])
    await _until(lambda: len(seen) == 3)

    dues = [due for due, _ in seen]
    assert [due % 1.0 for due in dues] == [phase(spec.id, 1.0)] * 3
    assert [later - sooner for sooner, later in pairwise(dues)] == [1.0, 1.0]
    assert all(began >= due for due, began in seen)


async def test_checks_of_one_period_and_phase_share_a_job(bench):
    specs = [every(2.0, f"c{number}") for number in range(100)]

    bench.scheduler.load(specs)

    assert len(bench.scheduler._store.get_all_jobs()) == len({phase(spec.id, 2.0) for spec in specs}) <= 8
    await _until(lambda: {name for name, _ in bench.begun} == {spec.id for spec in specs})


async def test_a_clock_stepped_back_an_hour_stops_nothing(bench):
    spec = every(0.5)
    bench.scheduler.load([spec])
    await _until(lambda: len(bench.begun) >= 2)
    latest = bench.begun[-1][1]

    bench.clock.wrong -= 3600
    await _until(lambda: bench.begun[-1][1] < latest - 3000)
    bench.begun.clear()
    await _until(lambda: len(bench.begun) >= 2)

    assert bench.scheduler.jumps == 1
    assert bench.steps == [pytest.approx(-3600, abs=1)]
    assert all(due <= bench.clock() for _, due in bench.begun)


async def test_a_clock_stepped_forward_a_year_runs_nothing_in_a_burst(bench):
    bench.scheduler.load([every(60.0, f"c{number}") for number in range(400)])
    await _until(lambda: len(bench.begun) >= 2)
    bench.begun.clear()

    bench.clock.wrong += 365 * 86_400
    await _until(lambda: bench.scheduler.jumps == 1)
    await _until(lambda: len(bench.begun) >= 2)

    assert len(bench.begun) < 100
    assert all(0 <= bench.clock() - due < 5 for _, due in bench.begun)


async def test_slow_checks_that_a_step_forward_passed_over_are_caught_up_and_others_are_not(bench):
    bench.scheduler.load([every(60.0, "quick"), every(7200.0, "slow"), nightly()], {"fw-a/slow": bench.clock()})
    assert bench.once() == set()

    bench.clock.wrong += 2 * 86_400
    await _until(lambda: bench.scheduler.jumps == 1)

    assert bench.once() == {"fw-a/slow", "fw-a/nightly"}


async def test_what_a_stopped_agent_missed_is_caught_up_and_a_first_nightly_run_waits_for_its_night(bench):
    now = bench.clock()
    last_runs = {
        "fw-a/recent": now - 10,
        "fw-a/old": now - 9000,
        "fw-a/missed": now - 3 * 86_400,
        "fw-a/future": now + 9e6,
    }
    slow = [every(7200.0, name) for name in ("new", "old", "future")]
    # the phase of `recent` may lie within the ten seconds, so that its run is counted from now on only
    recent = every(86_400.0, "recent")

    bench.scheduler.load([*slow, recent, nightly("missed"), nightly("first"), every(30.0, "quick")], last_runs)

    assert bench.once() - {"fw-a/recent"} == {"fw-a/new", "fw-a/old", "fw-a/missed", "fw-a/future"}


async def test_a_catch_up_really_runs_once_and_then_the_schedule_goes_on(bench, monkeypatch):
    monkeypatch.setattr(schedule, "CATCH_UP", 0.5)
    spec = every(7200.0)

    bench.scheduler.load([spec])
    await _until(lambda: bench.begun)

    assert bench.dues(spec.id)[0] <= bench.clock()
    assert bench.once() == set()
    assert bench.scheduler.next_due(spec.id) > bench.clock()
    assert len(bench.scheduler._store.get_all_jobs()) == 1


async def test_a_loop_held_for_longer_than_a_period_loses_no_check(bench):
    specs = [every(0.5, f"c{number}") for number in range(20)]
    bench.scheduler.load(specs)
    await _until(lambda: {name for name, _ in bench.begun} == {spec.id for spec in specs})
    bench.begun.clear()

    time.sleep(1.6)
    await _until(lambda: {name for name, _ in bench.begun} == {spec.id for spec in specs})

    assert bench.scheduler.jumps == 0


async def test_a_reload_moves_no_unchanged_check(bench):
    stays, goes, changes = every(1.0, "stays"), every(1.5, "goes"), every(1.0, "changes")
    bench.scheduler.load([stays, goes, changes])
    await _until(lambda: len(bench.dues(stays.id)) >= 1)
    before = bench.dues(stays.id)[0]

    bench.scheduler.load([stays, replace(changes, schedule=Every(2.0)), every(1.0, "comes")])
    bench.begun.clear()
    await _until(lambda: {"fw-a/stays", "fw-a/changes", "fw-a/comes"} <= {name for name, _ in bench.begun})

    assert {(due - before) % 1.0 for due in bench.dues(stays.id)} == {0.0}
    assert bench.dues("fw-a/changes")[0] % 2.0 == phase("fw-a/changes", 2.0)
    assert bench.dues(goes.id) == []
    assert bench.scheduler.next_due(goes.id) is None


async def test_a_changed_check_is_begun_with_its_new_options(bench):
    seen = []
    bench.scheduler._begin = lambda spec, due: seen.append(spec.timeout)
    bench.scheduler.load([every(0.5)])
    await _until(lambda: seen)

    bench.scheduler.load([replace(every(0.5), timeout=9.0)])
    seen.clear()
    await _until(lambda: seen)

    assert set(seen) == {9.0}


async def test_nothing_runs_while_paused_but_what_is_asked_for(bench):
    spec = every(0.5)
    bench.scheduler.load([spec])
    await _until(lambda: bench.begun)

    bench.scheduler.pause()
    await asyncio.sleep(0)
    bench.begun.clear()
    bench.scheduler.run_now([spec.id, "no/such"])
    await asyncio.sleep(1.2)
    paused = list(bench.begun)
    bench.scheduler.resume()
    await _until(lambda: len(bench.begun) > 2)

    assert [name for name, _ in paused] == [spec.id]


async def test_after_stopping_nothing_runs(clock):
    bench = Bench(clock)
    bench.scheduler.load([every(0.25)])
    bench.scheduler.start()
    await _until(lambda: bench.begun)

    await bench.scheduler.stop()
    await bench.scheduler.stop()
    bench.begun.clear()
    await asyncio.sleep(0.8)

    assert bench.begun == []


async def test_stopping_in_the_middle_of_a_slot_is_no_error(clock, caplog):
    bench = Bench(clock)
    bench.scheduler.start()
    specs = [check("null", Nothing(), name=f"n{number}", schedule=Cron("* * * * *", "UTC")) for number in range(1000)]
    bench.scheduler.load(specs)
    (slot,) = bench.scheduler._slots.values()
    slot.job.modify(next_run_time=real.datetime.fromtimestamp(clock(), real.UTC))
    while not bench.begun:
        await asyncio.sleep(0)

    await bench.scheduler.stop()

    assert len(bench.begun) < 1000
    assert caplog.records == []


async def test_progress_is_seen_while_slots_are_served_and_not_when_they_are_overdue(bench, monkeypatch):
    monkeypatch.setattr(schedule, "_STUCK", 0.2)
    bench.scheduler.load([every(0.5)])
    first = bench.scheduler.last_progress
    await _until(lambda: bench.scheduler.last_progress > first)

    bench.scheduler._engine.pause()  # as if APScheduler had died
    await _until(lambda: bench.clock() - bench.scheduler._store.get_next_run_time().timestamp() > 0.3)
    stuck = bench.scheduler.last_progress
    bench.scheduler._look_timer.cancel()
    bench.scheduler._look()

    assert bench.scheduler.last_progress == stuck


async def test_an_agent_that_has_nothing_to_do_makes_progress_too(bench):
    first = bench.scheduler.last_progress

    await _until(lambda: bench.scheduler.last_progress > first)


async def test_a_full_slot_lets_the_loop_breathe(bench):
    specs = [check("null", Nothing(), name=f"n{number}", schedule=Cron("* * * * *", "UTC")) for number in range(1000)]
    bench.scheduler.load(specs)
    (slot,) = bench.scheduler._slots.values()
    breaths = []

    firing = asyncio.ensure_future(bench.scheduler._fire(slot))
    while not firing.done():
        await asyncio.sleep(0)
        breaths.append(len(bench.begun))

    assert len(bench.begun) == 1000
    assert max(later - sooner for sooner, later in pairwise(breaths)) <= 64


@given(st.lists(st.tuples(st.sampled_from([1.0, 60.0, 300.0]), st.integers(0, 500)), unique_by=lambda row: row[1]))
def test_every_check_is_laid_out_exactly_once(rows):
    specs = [every(seconds, f"c{number}") for seconds, number in rows]

    scheduler = schedule.Scheduler(lambda _spec, _due: None)
    scheduler.load(specs)

    periodic = [slot for key, slot in scheduler._slots.items() if isinstance(key, tuple)]
    laid_out = [spec.id for slot in periodic for spec in slot.members]

    assert sorted(laid_out) == sorted(spec.id for spec in specs)
