"""The runner with checks that behave as badly as checks can."""

import asyncio
import threading
from dataclasses import dataclass, replace

import pytest
import structlog
from pydantic import BaseModel
from structlog.testing import capture_logs

from agent.run import Runner
from checks.contract import (
    Assessment,
    CheckKind,
    Fault,
    Finding,
    KindDefaults,
    Memory,
    Observation,
    Reason,
    State,
)
from checks.transports import Transports
from config.estate import Cron, MofN, WakeClass
from testbeds.single import check, estate, states, target


class Nothing(BaseModel):
    """No options."""


@dataclass(frozen=True, slots=True)
class Number:
    value: int


class PanicException(BaseException):
    """As a Rust extension raises it: not an Exception."""


def _ok(subject, observations, memory, now):
    return Assessment((Finding("odd/value", State.OK, "fine"),), covers=frozenset({"odd/value"}))


def kind(collect, assess=_ok) -> CheckKind:
    """A kind called `odd` made of these two functions."""
    defaults = KindDefaults(60.0, 1.0, MofN(1, 1), MofN(1, 1), WakeClass.NOW)
    return CheckKind("odd", "Odd", Nothing, Number, defaults, {}, tuple, collect, assess)


def _seen(answers=None, fault=None) -> Observation:
    return Observation("fw-a", "here", 0.0, 0.0, answers, fault)


async def answer(target, options, ctx):
    return _seen(Number(1))


class Bench:
    """A runner of one kind on a small estate, and the results it gave."""

    def __init__(self, kind: CheckKind, *specs, **limits) -> None:
        self.specs = specs or (check("odd", Nothing(), timeout=0.05),)
        self.transports = Transports.open()
        self.results = []
        by_target = {}
        for spec in self.specs:
            by_target.setdefault(spec.target, []).append(spec)
        self.estate = estate(*(target(*specs) for specs in by_target.values()))
        self.runner = Runner(
            self.estate, {"odd": kind}, self.transports, vantage="here", results=self.results.append, **limits
        )

    async def once(self, due: float = 0.0):
        return await self.runner.run(self.specs[0], due)


@pytest.fixture
async def bench():
    made = []

    def build(*args, **limits):
        made.append(Bench(*args, **limits))
        return made[-1]

    yield build
    for each in made:
        await each.runner.stop(0.1)
        await each.transports.close()


async def _until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_good_run_gives_one_result_with_everything_in_it(bench):
    odd = bench(kind(answer))

    result = await odd.once(due=-3.0)

    assert odd.results == [result]
    assert states(result.assessment.findings) == {"odd/value": "ok"}
    assert (result.reached, result.fault, result.due, result.vantage) == (True, None, -3.0, "here")
    assert result.valid_for == 2.5 * 60 + 0.05
    assert odd.runner.running == 0


def _raising(error):
    async def collect(target, options, ctx):
        raise error

    def plain(target, options, ctx):
        raise error

    return [collect, plain]


@pytest.mark.parametrize(
    "collect",
    [
        *_raising(ValueError("community=hunter2")),
        *_raising(PanicException("hunter2")),
        *_raising(asyncio.CancelledError()),
        *_raising(RecursionError()),
    ],
)
async def test_a_check_that_raises_is_unknown_with_the_place_and_without_the_text(bench, collect):
    odd = bench(kind(collect))

    with capture_logs() as logs:
        first, second = await odd.once(), await odd.once()

    assert first.fault.reason is Reason.INTERNAL
    assert states(first.assessment.findings) == {"odd/internal": "unknown"}
    assert first.reached is None
    assert "at test_run.py:" in first.fault.message
    assert "hunter2" not in repr((first, second, logs))
    assert [line["event"] for line in logs] == ["check raised while asking"]


async def test_an_assess_that_raises_is_unknown_and_keeps_the_old_memory(bench):
    seen = []

    def assess(subject, observations, memory, now):
        seen.append(memory)
        if len(seen) == 2:
            raise KeyError("hunter2")
        return replace(_ok(subject, observations, memory, now), memory=Memory(1, str(len(seen))))

    odd = bench(kind(answer, assess), memories={("fw-a/odd", "here"): Memory(1, "old")})

    with capture_logs():
        results = [await odd.once() for _ in range(3)]

    assert [result.fault and result.fault.reason for result in results] == [None, Reason.INTERNAL, None]
    assert "hunter2" not in repr(results[1])
    assert seen == [Memory(1, "old"), Memory(1, "1"), Memory(1, "1")]


async def test_what_the_last_judgement_noted_is_there_to_be_read_while_asking(bench):
    seen = []

    async def collect(target, options, ctx):
        seen.append(ctx.memory)
        return _seen(Number(1))

    def assess(subject, observations, memory, now):
        return replace(_ok(subject, observations, memory, now), memory=Memory(1, str(len(seen))))

    odd = bench(kind(collect, assess), memories={("fw-a/odd", "here"): Memory(1, "from before the restart")})

    await odd.once()
    await odd.once()

    assert seen == [Memory(1, "from before the restart"), Memory(1, "1")]


async def test_a_check_of_two_vantages_is_made_from_both_and_each_has_its_own_memory(bench):
    seen = []

    def assess(subject, observations, memory, now):
        seen.append((observations[0].vantage, memory))
        return replace(_ok(subject, observations, memory, now), memory=Memory(1, observations[0].vantage))

    async def from_there(target, options, ctx):
        return replace(_seen(Number(1)), vantage="there")

    spec = replace(check("odd", Nothing(), timeout=0.5), vantages=("here", "there"))
    odd = bench(kind(answer, assess), spec, elsewhere=lambda vantage, _spec: from_there)

    for _ in range(2):
        odd.runner.start(spec, 0.0)
        async with asyncio.timeout(5):
            while odd.runner.running:
                await asyncio.sleep(0.01)

    assert sorted(result.vantage for result in odd.results) == ["here", "here", "there", "there"]
    assert sorted(seen, key=str) == sorted(
        [("here", None), ("there", None), ("here", Memory(1, "here")), ("there", Memory(1, "there"))], key=str
    )


async def test_a_vantage_that_hangs_keeps_the_other_one_from_nothing(bench):
    async def hangs(target, options, ctx):
        await asyncio.sleep(60)

    spec = replace(check("odd", Nothing(), timeout=0.5), vantages=("here", "there"))
    odd = bench(kind(answer, _ok), spec, elsewhere=lambda vantage, _spec: hangs, per_target=1)

    odd.runner.start(spec, 0.0)
    async with asyncio.timeout(5):
        while not odd.results:
            await asyncio.sleep(0.01)

    assert [result.vantage for result in odd.results] == ["here"]
    assert odd.runner.running == 1


@pytest.mark.parametrize(
    "brought", [None, "text", _seen(), _seen(answers="text")], ids=["nothing", "text", "empty", "other answers"]
)
async def test_what_is_not_an_observation_of_the_kind_is_unknown_never_ok(bench, brought):
    async def collect(target, options, ctx):
        return brought

    odd = bench(kind(collect))

    with capture_logs() as logs:
        result = await odd.once()

    assert states(result.assessment.findings) == {"odd/internal": "unknown"}
    assert logs[0]["event"] == "check gave no usable observation"


async def test_a_memory_that_is_too_big_is_not_kept(bench):
    seen = []

    def assess(subject, observations, memory, now):
        seen.append(memory)
        return replace(_ok(subject, observations, memory, now), memory=Memory(1, "x" * 65_537))

    odd = bench(kind(answer, assess))

    with capture_logs() as logs:
        await odd.once()
        await odd.once()

    assert seen == [None, None]
    assert logs[0]["what"] == "65537 characters"


async def test_a_check_that_ignores_its_deadline_is_stopped_and_unknown(bench):
    async def collect(target, options, ctx):
        await asyncio.sleep(3600)

    odd = bench(kind(collect))

    result = await odd.once()

    assert result.fault.reason is Reason.HANGING
    assert (result.reached, states(result.assessment.findings)) == (None, {"odd/hanging": "unknown"})
    assert odd.runner.running == 0


async def test_the_deadline_stands_in_the_context(bench):
    deadlines = []

    async def collect(target, options, ctx):
        deadlines.append(ctx.deadline - asyncio.get_running_loop().time())
        return _seen(Number(1))

    odd = bench(kind(collect))
    await odd.once()

    assert 0 < deadlines[0] <= 0.05


async def test_a_kind_that_is_judged_aside_does_not_hold_the_loop_and_runs_once_at_a_time(bench):
    judging, others_ran = threading.Event(), threading.Event()

    def slow(subject, observations, memory, now):
        judging.set()
        seen = others_ran.wait(20)
        return Assessment((Finding("odd/loop", State.OK if seen else State.CRITICAL, "whether the loop went on"),))

    odd = bench(replace(kind(answer, slow), assessed_aside=True))
    run = asyncio.create_task(odd.once())
    await _until(judging.is_set)
    odd.runner.start(odd.specs[0], 1.0)
    others_ran.set()

    assert states((await run).assessment.findings) == {"odd/loop": "ok"}
    assert (odd.runner.skipped, odd.runner.running) == (1, 0)


@pytest.mark.parametrize("error", [RuntimeError("no"), StopIteration("no"), PanicException("no")])
async def test_a_judgement_aside_that_raises_is_a_defect_of_its_check(bench, error):
    def broken(subject, observations, memory, now):
        raise error

    odd = bench(replace(kind(answer, broken), assessed_aside=True))

    result = await odd.once()

    assert result.fault.reason is Reason.INTERNAL
    assert odd.runner.running == 0


async def test_an_answer_that_came_while_the_loop_was_held_past_the_deadline_still_counts(bench):
    loop = asyncio.get_running_loop()

    async def collect(target, options, ctx):
        future = loop.create_future()
        loop.call_at(ctx.deadline - 0.01, future.set_result, None)
        loop.call_soon(threading.Event().wait, 0.3)
        await future
        return _seen(None, Fault(Reason.NO_ANSWER, "no answer", "odd/no-answer"))

    odd = bench(kind(collect))

    result = await odd.once()

    assert result.fault.reason is Reason.NO_ANSWER


async def test_a_run_that_ignores_cancellation_is_hanging_until_it_has_really_ended(bench, monkeypatch):
    monkeypatch.setattr("agent.run._GRACE", 0.05)
    release = threading.Event()
    starts = []

    async def collect(target, options, ctx):
        starts.append(1)
        waiting = asyncio.ensure_future(asyncio.to_thread(release.wait, 30))
        while not waiting.done():
            try:
                await asyncio.shield(waiting)
            except asyncio.CancelledError:
                continue
        return _seen(Number(1))

    odd = bench(kind(collect))

    first = await odd.once(due=1.0)
    second = await odd.once(due=2.0)
    still = (odd.runner.running, odd.runner.hanging)
    release.set()
    await _until(lambda: odd.runner.running == 0)
    third = await odd.once(due=3.0)

    assert [result.fault and result.fault.reason for result in (first, second, third)] == [
        Reason.HANGING,
        Reason.HANGING,
        None,
    ]
    assert "still hanging" in second.fault.message
    assert [result.due for result in odd.results] == [1.0, 2.0, 3.0]
    assert still == (1, 1)
    assert (len(starts), odd.runner.hanging) == (2, 0)


class _Gate:
    """A collect that waits to be let through, and knows how many stand in it at most."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.inside = 0
        self.most = 0
        self.by_target: dict[str, int] = {}

    async def collect(self, target, options, ctx):
        self.inside += 1
        self.most = max(self.most, self.inside)
        self.by_target[target.name] = self.by_target.get(target.name, 0) + 1
        await self.open.wait()
        self.inside -= 1
        return _seen(Number(1))


async def test_no_more_than_the_limits_run_at_once_and_everybody_gets_a_turn(bench):
    gate = _Gate()
    specs = [check("odd", Nothing(), target=f"t{n % 4}", name=f"c{n}", timeout=20) for n in range(40)]
    odd = bench(kind(gate.collect), *specs, limit=6, per_target=2)

    for spec in specs:
        odd.runner.start(spec, 0.0)
    await _until(lambda: gate.inside == 6)
    per_target, waiting = dict(gate.by_target), odd.runner.waiting
    gate.open.set()
    await _until(lambda: len(odd.results) == 40)

    assert gate.most == 6
    assert max(per_target.values()) == 2
    assert waiting == 34
    assert {result.subject.check.id for result in odd.results} == {spec.id for spec in specs}
    assert (odd.runner.running, odd.runner.waiting) == (0, 0)


async def test_a_check_that_is_due_again_while_it_runs_is_left_out_and_counted(bench):
    gate = _Gate()
    odd = bench(kind(gate.collect), check("odd", Nothing(), timeout=20))

    for due in (1.0, 2.0, 3.0):
        odd.runner.start(odd.specs[0], due)
    await _until(lambda: gate.inside == 1)
    gate.open.set()
    await _until(lambda: odd.results)

    assert [result.due for result in odd.results] == [1.0]
    assert odd.runner.skipped == 2


async def test_a_reload_takes_new_options_keeps_the_rest_and_forgets_what_went(bench):
    gate = _Gate()
    stays, changes, goes = (check("odd", Nothing(), name=name, timeout=20) for name in ("stays", "changes", "goes"))
    odd = bench(kind(gate.collect), stays, changes, goes)
    for spec in (stays, changes, goes):
        odd.runner.start(spec, 0.0)
    await _until(lambda: gate.inside == 3)

    odd.runner.load(estate(target(stays, replace(changes, timeout=30.0))))
    gate.open.set()
    await _until(lambda: odd.runner.running == 0)
    odd.runner.start(goes, 1.0)
    after = await odd.runner.run(changes, 1.0)

    assert [(result.subject.check.name, result.due) for result in odd.results] == [
        ("stays", 0.0),
        ("changes", 0.0),  # asked anew at once, since its answer was one to the old question
        ("changes", 1.0),
    ]
    assert {result.subject.check.timeout for result in (*odd.results[1:], after)} == {30.0}


async def test_a_check_that_is_renamed_while_it_runs_is_asked_anew_at_once_under_its_new_name(bench):
    gate = _Gate()
    old = check("odd", Nothing(), name="old", timeout=20)
    new = replace(old, id=old.id.replace("old", "new"), name="new")
    odd = bench(kind(gate.collect), old)
    odd.runner.start(old, 3.0)
    await _until(lambda: gate.inside == 1)

    odd.runner.load(estate(target(new)), {new.id: old.id})
    gate.open.set()
    await _until(lambda: odd.results and odd.runner.running == 0)

    assert [(result.subject.check.name, result.due) for result in odd.results] == [("new", 3.0)]


class _Aside:
    """A kind that is judged in a thread, which waits there until it may go on."""

    def __init__(self) -> None:
        self.open, self.inside, self.ended, self.told = threading.Event(), 0, 0, []
        self.kind = replace(kind(self.collect, self.assess), assessed_aside=True)

    async def collect(self, target, options, ctx):
        self.told.append(ctx.unjudged)
        return _seen(Number(1))

    def assess(self, subject, observations, memory, now):
        self.inside += 1
        assert self.open.wait(20)
        self.ended += 1
        return replace(_ok(subject, observations, memory, now), memory=Memory(1, f"{subject.check.timeout:g}"))


async def test_a_judgement_aside_does_not_count_when_the_estate_changes_meanwhile(bench):
    aside = _Aside()
    spec = check("odd", Nothing(), timeout=0.05)  # which is not the judgement's
    odd = bench(aside.kind, spec)
    odd.runner.start(spec, 0.0)
    await _until(lambda: aside.inside == 1)

    odd.runner.load(estate(target(replace(spec, timeout=30.0))))
    aside.open.set()
    await _until(lambda: odd.results and odd.runner.running == 0)
    await odd.once(1.0)

    assert [result.subject.check.timeout for result in odd.results] == [30.0, 30.0]
    assert odd.runner.remembered(spec.id)["here"].text == "30"
    assert aside.told == [False, True, False]


async def test_a_judgement_aside_takes_longer_than_the_check_may_and_is_not_stopped(bench):
    aside = _Aside()
    odd = bench(aside.kind)
    waiting = asyncio.ensure_future(odd.once())
    await _until(lambda: aside.inside == 1)
    await asyncio.sleep(0.2)  # beyond the check's time-out and its grace
    aside.open.set()

    assert (await waiting).fault is None


async def test_a_judgement_aside_that_raises_is_unknown_and_its_answer_is_asked_for_again(bench):
    aside = _Aside()

    def assess(subject, observations, memory, now):
        raise PanicException("hunter2")

    odd = bench(replace(aside.kind, assess=assess))
    first, _ = await odd.once(), await odd.once()

    assert first.fault.reason is Reason.INTERNAL
    assert "hunter2" not in repr(first)
    assert aside.told == [False, True]


async def test_stopping_ends_quickly_while_a_judgement_aside_goes_on(bench):
    aside = _Aside()
    odd = bench(aside.kind)
    odd.runner.start(odd.specs[0], 0.0)
    await _until(lambda: aside.inside == 1)

    async with asyncio.timeout(5):
        await odd.runner.stop()
    aside.open.set()
    await _until(lambda: aside.ended == 1)

    assert odd.results == []
    assert odd.runner.running == 0


async def test_stopping_ends_quickly_gives_no_more_results_and_lets_nobody_wait(bench):
    gate = _Gate()
    odd = bench(kind(gate.collect), check("odd", Nothing(), timeout=3600))
    waiting = asyncio.ensure_future(odd.once())
    await _until(lambda: gate.inside == 1)

    async with asyncio.timeout(5):
        await odd.runner.stop()
    odd.runner.start(odd.specs[0], 1.0)

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert odd.results == []
    assert odd.runner.running == 0


async def test_a_nightly_result_is_valid_until_the_night_after_next(bench):
    spec = check("odd", Nothing(), schedule=Cron("0 3 * * *", "Europe/London"), timeout=10)
    odd = bench(kind(answer), spec, clock=lambda: 1_780_279_200.0)  # 2026-06-01T02:00Z, which is 03:00 in London

    result = await odd.once()

    assert result.valid_for == 2 * 86_400 + 10


async def test_a_kind_that_is_not_installed_is_unknown_and_stops_nothing(bench):
    odd = bench(kind(answer), check("lost", Nothing()), check("odd", Nothing()))

    lost, good = [await odd.runner.run(spec, 0.0) for spec in odd.specs]

    assert states(lost.assessment.findings) == {"lost/local": "unknown"}
    assert good.fault is None


async def test_a_thousand_different_defects_do_not_flood_the_log(bench):
    async def collect(target, options, ctx):
        raise ValueError

    specs = [check("odd", Nothing(), target=f"t{n}") for n in range(200)]

    with capture_logs() as logs:
        odd = bench(kind(collect), *specs, log=structlog.get_logger())
        for spec in specs:
            odd.runner.start(spec, 0.0)
        await _until(lambda: len(odd.results) == 200)

    assert len(logs) == 21
    assert logs[-1]["event"].startswith("more defects than are logged")


def _asking_two(collect) -> tuple[CheckKind, tuple]:
    return kind(collect), (
        replace(check("odd", Nothing(), timeout=5.0), inputs=("fw-b",)),
        check("odd", Nothing(), target="fw-b", timeout=5.0),
    )


async def test_a_check_of_several_targets_is_given_the_others_as_the_estate_has_them(bench) -> None:
    seen = []

    async def collect(target, options, ctx):
        seen.append((target.name, [one.address for one in ctx.inputs]))
        return _seen(Number(1))

    odd, specs = _asking_two(collect)
    made = bench(odd, *specs)
    await made.once()
    moved = replace(made.estate.targets["fw-b"], address="127.0.0.9")

    made.runner.load(replace(made.estate, targets={**made.estate.targets, "fw-b": moved}))
    await made.once()

    assert seen == [("fw-a", ["127.0.0.1"]), ("fw-a", ["127.0.0.9"])]


async def test_an_answer_of_several_targets_does_not_count_when_one_of_them_moved_meanwhile(bench) -> None:
    begun, go_on, asked = asyncio.Event(), asyncio.Event(), []

    async def collect(target, options, ctx):
        asked.append(ctx.inputs[0].address if ctx.inputs else "")
        begun.set()
        await go_on.wait()
        return _seen(Number(1))

    odd, specs = _asking_two(collect)
    made = bench(odd, *specs)
    result = asyncio.ensure_future(made.once())
    await begun.wait()
    moved = replace(made.estate.targets["fw-b"], address="127.0.0.9")

    made.runner.load(replace(made.estate, targets={**made.estate.targets, "fw-b": moved}))
    go_on.set()
    await result

    assert asked == ["127.0.0.1", "127.0.0.9"]
    assert len(made.results) == 1


async def test_a_check_made_from_several_vantages_in_one_run_is_given_a_way_to_the_others(bench) -> None:
    said = []

    def elsewhere(vantage, spec):
        async def collect(target, options, ctx):
            said.append((vantage, spec.id, target.name, ctx.vantage))
            return replace(_seen(Number(2)), vantage=vantage)

        return collect

    async def collect(target, options, ctx):
        there = await ctx.places["there"]()
        assert "here" not in ctx.places
        return _seen(there.answers)

    spec = replace(check("odd", Nothing(), timeout=5.0), places=("here", "there"))
    made = bench(kind(collect), spec, elsewhere=elsewhere)

    result = await made.once()

    assert result.vantage == "here"
    assert [observation.answers for observation in result.observations] == [Number(2)]
    assert said == [("there", "fw-a/odd", "fw-a", "here")]
