"""One run of one check: limits, deadline, and always exactly one result.

Nothing that a check does raises out of here. A check that raises is a defect of Ridgeway (or of a plug-in), shown as
*unknown* with the exception's type and place, never with its text, which may hold a secret.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from functools import partial

import structlog
from structlog.typing import FilteringBoundLogger

from agent import fold
from agent.cadence import valid_for
from agent.complaints import Complaints, place
from agent.elsewhere import ALLOWANCE, Collect
from agent.records import CheckResult
from checks.catalogue import unavailable
from checks.contract import (
    Assessment,
    CheckKind,
    Context,
    Fault,
    Hearing,
    Memory,
    Observation,
    Reason,
    Subject,
    Work,
)
from checks.transports import Transports
from config.estate import CheckSpec, Estate, Every, Target

_YIELD = 0.1
"""Seconds between a deadline and cancelling: after a held loop the answer may have come and only not been read yet."""
_GRACE = 1.0
"""Seconds a cancelled run has to end before it counts as hanging."""
NOTHING: Mapping[str, str] = {}
_OURS = (Reason.INTERNAL, Reason.HANGING)
"""Of a fault: the run came to nothing here, whatever it was told."""
_FINAL = (KeyboardInterrupt, SystemExit, GeneratorExit)


class _Stage(Enum):
    IDLE = 0
    WAITING = 1
    RUNNING = 2
    HANGING = 3


class _Door:
    """How many runs of one target are under way, and who waits for their end."""

    __slots__ = ("inside", "queue")

    def __init__(self) -> None:
        self.inside = 0
        self.queue: deque[_Entry] = deque()


class _Entry:
    """A check at one vantage and its run, of which there is never more than one."""

    __slots__ = (
        "allowance", "began", "collect", "context", "door", "due", "epoch", "gone", "inputs", "kind", "memory",
        "overdue", "stage", "started", "subject", "target", "task", "timer", "valid_for", "waiters",
    )  # fmt: skip

    def __init__(self, subject: Subject, kind: CheckKind, context: Context, door: _Door) -> None:
        self.context = context
        self.door = door
        self.memory: Memory | None = None
        self.gone = False
        """Taken out of the estate."""
        self.epoch = 0
        self.stage = _Stage.IDLE
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.overdue = False
        self.due = self.started = self.began = 0.0
        self.waiters: list[asyncio.Future[CheckResult]] = []
        self.set(subject, kind)

    def is_for(self, target: Target, spec: CheckSpec, inputs: tuple[Target, ...]) -> bool:
        """Whether it runs just this: the same objects as before."""
        same = self.target is target and self.subject.check is spec and len(inputs) == len(self.inputs)
        return same and all(one is other for one, other in zip(inputs, self.inputs, strict=True))

    def set(
        self, subject: Subject, kind: CheckKind, inputs: tuple[Target, ...] = (), elsewhere: Collect | None = None
    ) -> None:
        """What to run from now on; `elsewhere` asks for it from another vantage."""
        spec = subject.check
        self.collect = elsewhere or kind.collect
        self.allowance = ALLOWANCE if elsewhere is not None else 0.0
        self.subject = subject
        self.target = subject.targets[0]
        self.inputs = self.context.inputs = inputs
        self.kind = kind
        self.valid_for = valid_for(spec.schedule, spec.timeout, 0.0) if isinstance(spec.schedule, Every) else None


class Runner:
    """Runs checks when told to, at most `limit` at once and `per_target` at one target, and hands on their results."""

    def __init__(
        self,
        estate: Estate,
        kinds: Mapping[str, CheckKind],
        transports: Transports,
        *,
        vantage: str,
        clock: Callable[[], float] = time.time,
        results: Callable[[CheckResult], None] | None = None,
        memories: Mapping[tuple[str, str], Memory] | None = None,
        elsewhere: Callable[[str, CheckSpec], Collect] | None = None,
        work: Work | None = None,
        hearing: Hearing | None = None,
        limit: int = 512,
        per_target: int = 4,
        log: FilteringBoundLogger | None = None,
    ) -> None:
        """Made inside the running loop. `results` gets every result; `memories` are the ledger's notes by check id and
        vantage. Every check is made from `vantage`; with `elsewhere`, from each of its own vantages, and that gives
        what asks another one. `work`: for judgements that tell announced work from other; `hearing`: for those that
        tell whether a change was announced by the target.
        """
        self._loop = asyncio.get_running_loop()
        self._kinds = kinds
        self._transports = transports
        self._vantage = vantage
        self._clock = clock
        self._results = results
        self._memories = dict(memories or {})
        self._elsewhere = elsewhere
        self._work = work
        self._hearing = hearing
        self._limit = limit
        self._per_target = per_target
        self._complaints = Complaints(log or structlog.get_logger("agent.run"), self._loop.time)
        self._entries: dict[str, tuple[_Entry, ...]] = {}
        """By check id: one for each vantage."""
        self._doors: dict[tuple[str, str], _Door] = {}
        """By target and vantage: what a prober asks does not burden the target from here."""
        self._queue: deque[_Entry] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.running = 0
        """Runs under way, hanging ones included: their place is free only when they have really ended."""
        self.hanging = 0
        self.skipped = 0
        """Runs left out since the check's previous one had not ended in time for them."""
        self.load(estate)

    @property
    def waiting(self) -> int:
        """Checks that are due but wait for a place."""
        return sum(entry.stage is _Stage.WAITING for entries in self._entries.values() for entry in entries)

    def load(self, estate: Estate, renamed: Mapping[str, str] = NOTHING) -> None:
        """Run the checks of this estate from now on. Runs under way of checks that changed or went give no result;
        what changed is asked anew at once.

        `renamed` has the old id of checks that go on under a new one, by that: what they remember goes with them. Costs
        some microseconds for a check whose target is the same object as before.
        """
        entries: dict[str, tuple[_Entry, ...]] = {}
        doors: dict[tuple[str, str], _Door] = {}
        again: list[tuple[_Entry, float]] = []
        for target in estate.targets.values():
            for spec in target.checks:
                known = self._entries.get(spec.id, ())
                inputs = tuple(estate.targets[name] for name in spec.inputs)
                if known and known[0].is_for(target, spec, inputs):
                    doors |= {(target.name, entry.context.vantage): entry.door for entry in known}
                    entries[spec.id] = known
                    continue
                had = {entry.context.vantage: entry for entry in known}
                was = {entry.context.vantage: entry for entry in self._entries.get(renamed.get(spec.id, ""), ())}
                made = []
                for vantage in self._vantages(spec):
                    place = (target.name, vantage)
                    door = doors.get(place) or self._doors.get(place) or _Door()
                    doors[place] = door
                    former = was.get(vantage)
                    made.append(self._entry(target, spec, inputs, door, vantage, had.pop(vantage, None), former))
                    if former is not None and former.stage in (_Stage.WAITING, _Stage.RUNNING):
                        again.append((made[-1], former.due))  # its answer would come under the old name
                entries[spec.id] = tuple(made)
                _end(had.values())
        _end(entry for name, some in self._entries.items() if name not in entries for entry in some)
        self._entries, self._doors = entries, doors
        self._memories = {}
        for entry, due in again:
            self._start(entry, due)

    def start(self, spec: CheckSpec, due: float) -> None:
        """Run a check now, or as soon as there is a place; never raises. The result goes to `results`."""
        if self._stopping:
            return
        for entry in self._entries.get(spec.id, ()):  # none when it was taken out of the estate a moment ago
            self._start(entry, due)

    def _start(self, entry: _Entry, due: float) -> None:
        if entry.stage is _Stage.IDLE:
            entry.due = due
            door = entry.door
            if door.inside >= self._per_target:
                entry.stage = _Stage.WAITING
                door.queue.append(entry)
            elif self.running >= self._limit:
                entry.stage = _Stage.WAITING
                self._queue.append(entry)
            else:
                self._begin(entry)
        elif entry.stage is _Stage.HANGING:
            self._still_hanging(entry, due)
        else:
            self.skipped += 1

    async def run(self, spec: CheckSpec, due: float) -> CheckResult:
        """Run a check, or join its run under way, and wait for the result; of several vantages the first one's.

        Raises KeyError for a check not loaded.
        """
        entry = self._entries[spec.id][0]
        future: asyncio.Future[CheckResult] = self._loop.create_future()
        entry.waiters.append(future)
        if not self._stopping:
            self._start(entry, due)
        return await future

    def remembered(self, check: str) -> Mapping[str, Memory]:
        """What a check remembers, by vantage."""
        entries = self._entries.get(check, ())
        return {entry.context.vantage: entry.memory for entry in entries if entry.memory is not None}

    def remember(self, check: str, vantage: str, memory: Memory) -> None:
        """Give a check another memory than its own: a person approved something. KeyError when it has none there."""
        entry = {one.context.vantage: one for one in self._entries[check]}[vantage]
        self._remember(entry, entry.kind, memory)

    async def stop(self, within: float = 2.0) -> None:
        """Cancel what is under way and wait for its end, at most `within` seconds; no results come any more."""
        self._stopping = True
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        for entries in self._entries.values():
            for entry in entries:
                for future in entry.waiters:
                    future.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=within)

    def _vantages(self, spec: CheckSpec) -> tuple[str, ...]:
        return (self._vantage,) if self._elsewhere is None else spec.vantages or (self._vantage,)

    def _entry(
        self,
        target: Target,
        spec: CheckSpec,
        inputs: tuple[Target, ...],
        door: _Door,
        vantage: str,
        entry: _Entry | None,
        was: _Entry | None,
    ) -> _Entry:
        kind = self._kinds.get(spec.kind) or unavailable(spec.kind, "no plug-in provides it")
        subject = Subject(target.name, target.council, target.site, spec, (target,), self._work, self._hearing)
        if entry is None:
            entry = _Entry(subject, kind, Context(vantage, self._transports, self._clock), door)
            entry.memory = was.memory if was is not None else self._memories.get((spec.id, vantage))
        elif entry.subject.check != spec or not _alike((entry.target, *entry.inputs), (target, *inputs)):
            entry.epoch += 1  # the answer that is on its way is one to another question
        asks = self._elsewhere
        entry.set(subject, kind, inputs, asks(vantage, spec) if asks is not None and vantage != self._vantage else None)
        if asks is not None and spec.places:
            context = entry.context
            others = [(place, asks(place, spec)) for place in spec.places if place != self._vantage]
            context.places = {place: partial(ask, target, spec.options, context) for place, ask in others}
            entry.allowance = ALLOWANCE
        return entry

    def _begin(self, entry: _Entry) -> None:
        entry.stage = _Stage.RUNNING
        entry.door.inside += 1
        self.running += 1
        entry.task = task = self._loop.create_task(self._go(entry, entry.epoch, entry.due))
        self._tasks.add(task)

    async def _go(self, entry: _Entry, epoch: int, due: float) -> None:
        loop, kind, subject = self._loop, entry.kind, entry.subject
        entry.started = started = self._clock()
        entry.began = began = loop.time()
        entry.overdue = False
        entry.context.memory = entry.memory
        entry.context.deadline = deadline = began + subject.check.timeout + entry.allowance
        entry.timer = loop.call_at(deadline, self._overdue, entry)
        try:
            observation = await self._observe(entry, kind, subject, started)
            entry.timer.cancel()
            judged: Assessment | BaseException | None = None
            if kind.assessed_aside and observation.answers is not None and entry.stage is not _Stage.HANGING:
                now = self._clock()
                judged = await asyncio.to_thread(_judged, kind, subject, observation, entry.memory, now)
        finally:
            entry.timer.cancel()
            hung = entry.stage is _Stage.HANGING
            entry.context.unjudged = True
            self._release(entry)
        if not hung and entry.epoch == epoch:
            self._conclude(entry, subject, kind, due, observation, judged)
        elif (entry.waiters or entry.epoch != epoch) and not entry.gone and not self._stopping:
            self._start(entry, due)  # else what runs once a night would be asked the new question tomorrow

    async def _observe(self, entry: _Entry, kind: CheckKind, subject: Subject, started: float) -> Observation:
        """What the check brought back, or an observation of why it brought nothing."""
        check = subject.check
        try:
            observation = await entry.collect(entry.target, check.options, entry.context)
        except asyncio.CancelledError as error:
            if self._stopping:
                raise
            if entry.overdue:
                message = f"{check.id}: the check did not end within {check.timeout:g} s and was stopped"
                return self._nothing(entry, kind, Reason.HANGING, message, started)
            return self._defect(entry, kind, error, "asking", started)
        except _FINAL:
            raise
        except BaseException as error:  # noqa: BLE001 - plug-ins and their libraries may raise anything, panics included
            return self._defect(entry, kind, error, "asking", started)
        why = _unusable(observation, kind)
        if why:
            self._complaints.say("check gave no usable observation", check.id, kind.kind, why)
            message = f"{check.id}: defect in the check {kind.kind}: {why}; please report it"
            return self._nothing(entry, kind, Reason.INTERNAL, message, started)
        return observation

    def _conclude(
        self,
        entry: _Entry,
        subject: Subject,
        kind: CheckKind,
        due: float,
        observation: Observation,
        judged: Assessment | BaseException | None = None,
    ) -> None:
        """Judge what came back unless that was done aside, keep the check's new memory, and hand the result on."""
        check = subject.check
        acceptance = check.accept_unreadable
        now = self._clock()
        if observation.answers is not None:
            try:
                if isinstance(judged, BaseException):
                    raise judged
                found = judged if judged is not None else kind.assess(subject, (observation,), entry.memory, now)
                assessment = fold.with_answers(kind.kind, found, observation.fault, acceptance, now)
            except _FINAL:
                raise
            except BaseException as error:  # noqa: BLE001 - as above
                observation = self._defect(entry, kind, error, "judging the answers", observation.started)
        if observation.answers is None:
            assert observation.fault is not None  # `_unusable` saw to it; for mypy
            assessment = fold.without_answers(kind.kind, observation.fault, acceptance, now)
        elif assessment.memory is not None:
            self._remember(entry, kind, assessment.memory)
        entry.context.unjudged = observation.fault is not None and observation.fault.reason in _OURS
        self._hand_on(entry, subject, due, observation, assessment)

    def _hand_on(
        self, entry: _Entry, subject: Subject, due: float, observation: Observation, assessment: Assessment
    ) -> None:
        check = subject.check
        result = CheckResult(
            subject,
            entry.context.vantage,
            due,
            entry.started,
            self._loop.time() - entry.began,
            (observation,) if entry.waiters or len(subject.targets) > 1 else (),
            assessment,
            fold.reached(observation, check.accept_unreadable),
            observation.fault,
            entry.valid_for or valid_for(check.schedule, check.timeout, entry.started),
        )
        if self._results is not None:
            self._results(result)
        if entry.waiters:
            waiters, entry.waiters = entry.waiters, []
            for future in waiters:
                if not future.done():
                    future.set_result(result)

    def _remember(self, entry: _Entry, kind: CheckKind, memory: Memory) -> None:
        if len(memory.text) <= kind.largest_memory:
            entry.memory = memory
        else:
            what = f"{len(memory.text)} characters"
            self._complaints.say("check's memory is too big and was not kept", entry.subject.check.id, kind.kind, what)

    def _overdue(self, entry: _Entry) -> None:
        entry.timer = self._loop.call_later(_YIELD, self._cancel, entry)

    def _cancel(self, entry: _Entry) -> None:
        entry.overdue = True
        if entry.task is not None:
            entry.task.cancel()
        entry.timer = self._loop.call_later(_GRACE, self._give_up, entry)

    def _give_up(self, entry: _Entry) -> None:
        """The run ignores being cancelled: say so now, and again whenever it is due, until it has ended."""
        entry.stage = _Stage.HANGING
        self.hanging += 1
        self._still_hanging(entry, entry.due)

    def _still_hanging(self, entry: _Entry, due: float) -> None:
        subject = entry.subject
        seconds = self._loop.time() - entry.began
        message = f"{subject.check.id}: the previous run is still hanging after {seconds:.0f} s; no new one is started"
        observation = self._nothing(entry, entry.kind, Reason.HANGING, message, entry.started)
        self._conclude(entry, subject, entry.kind, due, observation)

    def _release(self, entry: _Entry) -> None:
        if entry.stage is _Stage.HANGING:
            self.hanging -= 1
        entry.stage = _Stage.IDLE
        assert entry.task is not None  # for mypy
        self._tasks.discard(entry.task)
        entry.task = None
        door = entry.door
        door.inside -= 1
        self.running -= 1
        if door.queue:
            self._queue.append(door.queue.popleft())
        while self._queue and self.running < self._limit and not self._stopping:
            waiting = self._queue.popleft()
            if waiting.gone:
                waiting.stage = _Stage.IDLE  # taken out of the estate while it waited
            elif waiting.door.inside >= self._per_target:
                waiting.door.queue.append(waiting)
            else:
                self._begin(waiting)

    def _defect(self, entry: _Entry, kind: CheckKind, error: BaseException, doing: str, started: float) -> Observation:
        what = f"{type(error).__name__} {place(error)}"
        self._complaints.say(f"check raised while {doing}", entry.subject.check.id, kind.kind, what)
        message = f"{entry.subject.check.id}: defect in the check {kind.kind} while {doing}: {what}; please report it"
        return self._nothing(entry, kind, Reason.INTERNAL, message, started)

    def _nothing(self, entry: _Entry, kind: CheckKind, reason: Reason, message: str, started: float) -> Observation:
        fault = Fault(reason, message[:500], f"{kind.kind}/{reason.value}")
        vantage = entry.context.vantage
        return Observation(entry.target.name, vantage, started, self._loop.time() - entry.began, None, fault)


def _end(entries: Iterable[_Entry]) -> None:
    """These are no longer asked."""
    for entry in entries:
        entry.epoch += 1
        entry.gone = True
        for future in entry.waiters:
            future.cancel()


def _alike(some: Sequence[Target], others: Sequence[Target]) -> bool:
    """Whether these are the same but for their checks: adding one does not change what the others ask."""
    return [replace(target, checks=()) for target in some] == [replace(target, checks=()) for target in others]


def _judged(
    kind: CheckKind, subject: Subject, observation: Observation, memory: Memory | None, now: float
) -> Assessment | BaseException:
    """What the answers mean, or what judging them raised: not every exception can leave a thread by itself."""
    try:
        return kind.assess(subject, (observation,), memory, now)
    except BaseException as error:  # noqa: BLE001 - raised again by whoever asked, who tells defects from ends
        return error


def _unusable(observation: object, kind: CheckKind) -> str:
    """Why what a check returned cannot be used; empty when it can."""
    if not isinstance(observation, Observation):
        return f"it returned {type(observation).__name__}, not Observation"
    if observation.answers is None:
        return "" if observation.fault is not None else "it returned neither answers nor a fault"
    if not isinstance(observation.answers, kind.answers):
        return f"it returned answers of type {type(observation.answers).__name__}, not {kind.answers.__name__}"
    return ""
