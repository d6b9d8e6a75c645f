"""One run: counters, the listeners' life, the flows themselves, life and counters again, and then the simulators.

A turn begins when the one before has ended, here and at every vantage, so that "alive before and after" needs no clock.
A prober makes all its tries whenever it is asked: it is not told which turn it is, and does not have to know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import ceil

from checks.contract import Context, Fault, Observation, Reason, Target
from checks.network.limits import give_up_at
from checks.path.answers import Attempt, Count, FlowAnswers, PathAnswers, Role
from checks.path.devices import Asking, Devices
from checks.path.options import KIND, Counter, Flow, PathOptions, Simulator, address_of, device_named, places
from checks.path.probing import APART, AT_ONCE, Tries, Try

BEFORE, AMID, AFTER = 1, 2, 3
_WAY = 2.5
"""Seconds for the way to a prober and back."""


class _Away(Exception):
    """A prober could not be asked; the message says why."""


async def collect(target: Target, options: PathOptions, ctx: Context) -> Observation:
    """Try the flows from wherever they begin. A prober tries its own and leaves the rest to whoever asked it."""
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    deadline = give_up_at(ctx.deadline, begun)
    run = _Run(target, options, ctx, Devices(ctx.transports), deadline)
    leads = all(name == ctx.vantage or name in ctx.places for name in places(options))
    if leads:
        await run.lead()
    else:
        await run.here((Role.PROBE, Role.ALIVE), 0)
    answers = PathAnswers(leads, run.answers, run.away, run.devices.mute)
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, _partial(answers))


def _partial(answers: PathAnswers) -> Fault | None:
    """What could not be asked, so that nobody takes what is missing for gone."""
    for vantage, why in answers.away.items():
        return Fault(Reason.LOCAL, why, f"{KIND}/vantage/{vantage}")
    for why in answers.mute.values():
        return Fault(Reason.LOCAL, why, f"{KIND}/asking")
    return None


@dataclass(slots=True)
class _Run:
    target: Target
    options: PathOptions
    ctx: Context
    devices: Devices
    deadline: float
    away: dict[str, str] = field(default_factory=dict)
    answers: dict[str, FlowAnswers] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.answers = {name: FlowAnswers() for name in self.options.flows}

    async def lead(self) -> None:
        """The whole run, turn by turn."""
        flows = self.options.flows
        witnesses = {flow.alive_from for flow in flows.values() if flow.alive_from is not None}
        counting = [self._asking(name, flow.counter) for name, flow in flows.items() if flow.counter is not None]
        simulating = [self._asking(name, flow.simulator) for name, flow in flows.items() if flow.simulator is not None]
        before = await self.devices.counters(counting, self._share(3))
        await self._turn(BEFORE, witnesses, Role.ALIVE)
        await self._turn(AMID, {flow.source for flow in flows.values()}, Role.PROBE)
        await self._turn(AFTER, witnesses, Role.ALIVE)
        after = await self.devices.counters(counting, self._share(2))
        for name, count in before.items():
            self.answers[name] = replace(self.answers[name], counter=_count(count, after[name]))
        # Last, for a simulated packet counts as a real one on some devices.
        words = await self.devices.simulators(simulating, self.deadline, self.ctx.now)
        for name, word in words.items():
            self.answers[name] = replace(self.answers[name], simulator=word)

    def _share(self, parts: int) -> float:
        """The moment (loop time) until which what comes next may last, so that the rest has its time too."""
        now = asyncio.get_running_loop().time()
        return now + max(0.1, (self.deadline - now) / parts)

    def _asking(self, name: str, asked: Counter | Simulator) -> Asking:
        flow = self.options.flows[name]
        return Asking(name, flow, self._address(flow), device_named(asked.target, self.target, self.ctx.inputs))

    def _address(self, flow: Flow) -> str:
        return address_of(flow, self.target, self.ctx.inputs)

    async def _turn(self, turn: int, vantages: Iterable[str], role: Role) -> None:
        """One turn at all of these vantages together; it ends with the last of them."""
        at = sorted(vantages)
        async with asyncio.TaskGroup() as group:
            for name in at:
                if name == self.ctx.vantage:
                    group.create_task(self.here((role,), turn))
                elif name not in self.away:
                    group.create_task(self._there(name, turn))

    async def here(self, roles: Sequence[Role], turn: int) -> None:
        """The tries that are made where this agent stands."""
        options, place = self.options, self.ctx.vantage
        tries = Tries(
            self.ctx.transports, place, options.wait_seconds, options.tries, self.deadline, self.ctx.now
        )  # fmt: skip
        wanted = [
            Try(name, flow, self._address(flow), role)
            for name, flow in options.flows.items()
            for role, vantage in ((Role.PROBE, flow.source), (Role.ALIVE, flow.alive_from))
            if vantage == place and role in roles
        ]
        self._keep(await tries.all(wanted, turn))

    async def _there(self, vantage: str, turn: int) -> None:
        """The same by the prober at that vantage."""
        try:
            answers = await self._asked(vantage)
        except _Away as away:
            self.away[vantage] = str(away)
            return
        self._keep(
            (name, replace(attempt, turn=turn, vantage=vantage))
            for name, flow in answers.flows.items()
            for attempt in flow.attempts
            if self._is_its(name, attempt.role, vantage)
        )

    async def _asked(self, vantage: str) -> PathAnswers:
        """What the prober does now. Raises _Away."""
        try:
            async with asyncio.timeout(self._patience()):
                observation = await self._fresh(vantage)
        except TimeoutError:
            raise _Away("it does not answer in time") from None
        answers = observation.answers
        if not isinstance(answers, PathAnswers):
            raise _Away(observation.fault.message if observation.fault is not None else "it brought nothing")
        if answers.leads or observation.vantage != vantage:
            raise _Away("its answer is not that of a prober of this estate; deploy the same on both sides")
        return answers

    async def _fresh(self, vantage: str) -> Observation:
        """A run that it had begun for somebody before says nothing of the order of things. Raises _Away."""
        loop = asyncio.get_running_loop()
        for _ in range(2):  # the second is begun when the one that was under way has ended
            asked = loop.time()
            observation = await self.ctx.places[vantage]()
            if observation.duration <= loop.time() - asked:
                return observation
        raise _Away("it is busy with what somebody else asked it")

    def _patience(self) -> float:
        """How long a prober can need for its tries and the way, so that one that is away leaves time for the others."""
        options = self.options
        tries = 2 * len(options.flows)
        needed = tries * APART + ceil(tries / AT_ONCE) * options.tries * options.wait_seconds + _WAY
        return min(needed, self._share(2) - asyncio.get_running_loop().time())

    def _is_its(self, name: str, role: Role, vantage: str) -> bool:
        flow = self.options.flows.get(name)
        return flow is not None and vantage == (flow.source if role is Role.PROBE else flow.alive_from)

    def _keep(self, attempts: Iterable[tuple[str, Attempt]]) -> None:
        for name, attempt in attempts:
            self.answers[name].attempts.append(attempt)


def _count(before: Count, after: Count) -> Count:
    if before.fault or after.fault:
        return Count(fault=before.fault or after.fault, asked=before.asked and after.asked)
    return Count(before.before, after.before)
