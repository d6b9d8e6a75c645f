"""Checks made from another vantage: the judge asks the prober that stands there, and takes its observation.

What comes back is judged as if it had been observed here. When nothing usable comes, the fault says whose it is: the
vantage is *away* (no answer, no trust, token refused), or it *differs* (it reads another revision of the estate).
Neither says anything about the target. While a vantage is away it is tried every few seconds only, however many checks
are due.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from agent.isolation import AWAY, DIFFERS
from checks.contract import CheckKind, Context, Fault, Observation, Reason
from checks.transports.fault import TransportFault
from checks.transports.http import HttpQuestion, HttpReply, Limits, Url
from checks.wire import LARGEST, WireError, observation_of, parsed
from config.estate import CheckSpec, Estate, Target, Vantage
from config.secrets import SecretError

Collect = Callable[[Target, Any, Context], Awaitable[Observation]]
ALLOWANCE = 2.5
"""Seconds beyond the check's own time-out for the way there and back, and for a prober that has to stop a run."""
_MARGIN = 0.2
"""Seconds before the runner's own deadline at which asking ends, so that it is told what is wrong."""
TRY_EVERY = 5.0
"""Seconds between two questions to a vantage that is away."""
_log = structlog.get_logger("agent.elsewhere")
WITHIN = "Ridgeway-Within"
"""The header that says for how many seconds the judge goes on waiting."""


def digest_of(target: Target, spec: CheckSpec, inputs: Sequence[Target] = ()) -> str:
    """What is asked, as both sides read it in their estate; where it differs the answer is to another question."""
    asked = {
        "address": target.address,
        "inputs": [(one.name, one.address) for one in inputs],
        "kind": spec.kind,
        "options": spec.options.model_dump(mode="json"),
        "timeout": spec.timeout,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


class _Refused(Exception):
    """The prober gave nothing usable; the message says what to do."""

    def __init__(self, condition: str, message: str) -> None:
        super().__init__(message)
        self.condition = condition


@dataclass(slots=True)
class _Line:
    """What is known of the way to one prober."""

    trouble: str = ""
    """Why it is away; empty while it answers."""
    counted: float = float("-inf")
    """When it was last found away, loop time."""
    trying: bool = False
    differing: set[str] = field(default_factory=set)
    """Checks that it answers by another estate."""

    def away(self, vantage: str, trouble: str) -> None:
        if trouble != self.trouble:
            _log.warning("vantage cannot be asked", vantage=vantage, why=trouble)
        self.trouble = trouble

    def differs(self, vantage: str, check: str, why: str) -> None:
        self.trouble = ""
        if check not in self.differing:
            self.differing.add(check)
            _log.warning("vantage differs", vantage=vantage, check=check, why=why)

    def answers(self, vantage: str, check: str) -> None:
        if self.trouble:
            _log.info("vantage answers again", vantage=vantage)
        self.trouble = ""
        self.differing.discard(check)


class Elsewhere:
    """Asks the probers of an estate. Belongs to the event loop."""

    def __init__(self, estate: Estate, kinds: Mapping[str, CheckKind]) -> None:
        self._vantages = estate.vantages
        self._kinds = kinds
        self._lines: dict[str, _Line] = {}

    def use(self, estate: Estate) -> None:
        """Ask the probers of this estate from now on, with what it says of each."""
        for name, place in estate.vantages.items():
            if place != self._vantages.get(name):
                self._lines.pop(name, None)  # what was wrong may be mended by this: ask at once
        self._vantages = estate.vantages

    def collector(self, vantage: str, spec: CheckSpec) -> Collect:
        """The `collect` of this check from that vantage. It raises nothing but what cancelling raises."""
        first = self._vantages[vantage]

        async def collect(target: Target, _options: object, ctx: Context) -> Observation:
            place = self._vantages.get(vantage, first)
            line = self._lines.setdefault(vantage, _Line())
            return await self._collect(place, line, target, spec, ctx)

        return collect

    async def _collect(self, place: Vantage, line: _Line, target: Target, spec: CheckSpec, ctx: Context) -> Observation:
        loop = asyncio.get_running_loop()
        begun, started = loop.time(), ctx.now()

        def nothing(reason: Reason, condition: str, message: str) -> Observation:
            fault = Fault(reason, message[:500], condition)
            return Observation(target.name, place.name, started, loop.time() - begun, None, fault)

        scout = bool(line.trouble)
        if scout:
            if line.trying or begun < line.counted + TRY_EVERY:
                return nothing(Reason.WITHHELD, AWAY, line.trouble)
            line.trying = True
        try:
            observation = await self._ask(place, target, spec, ctx)
        except _Refused as refused:
            if refused.condition == DIFFERS:
                line.differs(place.name, spec.id, str(refused))
                return nothing(Reason.LOCAL, DIFFERS, str(refused))
            line.away(place.name, str(refused))
            if loop.time() < line.counted + TRY_EVERY:
                return nothing(Reason.WITHHELD, AWAY, line.trouble)  # one of many that were under way together
            line.counted = loop.time()
            return nothing(Reason.LOCAL, AWAY, line.trouble)
        finally:
            if scout:
                line.trying = False
        line.answers(place.name, spec.id)
        # By this machine's clock: the prober's may go wrong, and what is read is compared with what was read before.
        return replace(observation, started=max(started, ctx.now() - observation.duration))

    async def _ask(self, place: Vantage, target: Target, spec: CheckSpec, ctx: Context) -> Observation:
        reply = await _exchange(place, target, spec, ctx)
        if reply.status == 401:
            raise _Refused(AWAY, f"{_prober(place)} refuses the token; let `token` be the same secret on both sides")
        if reply.status == 404:
            raise _Refused(DIFFERS, f"{_prober(place)} lacks checks of this estate: {_DEPLOY}")
        if reply.status != 200 or reply.truncated:
            what = f"answers with status {reply.status}" if reply.status != 200 else f"sends more than {LARGEST} octets"
            raise _Refused(AWAY, f"{_prober(place)} {what}; look at its log, and at what stands before it")
        try:
            answer = parsed(reply.body)
            if not isinstance(answer, dict) or answer.get("asked") != digest_of(target, spec, ctx.inputs):
                raise _Refused(DIFFERS, f"{_prober(place)} reads another revision of the estate: {_DEPLOY}")
            observation = observation_of(answer.get("observation"), self._kinds)
        except WireError as error:
            message = f"{_prober(place)} answers what this agent cannot read ({error}): {_DEPLOY}"
            raise _Refused(DIFFERS, message) from error
        if (observation.target, observation.vantage) != (target.name, place.name):
            raise _Refused(DIFFERS, f"{_prober(place)} answers for another target or vantage: {_DEPLOY}")
        return observation


_DEPLOY = "deploy the same estate and the same version on both sides"


def _prober(place: Vantage) -> str:
    return f"the prober at {place.name} ({place.url})"


async def _exchange(place: Vantage, target: Target, spec: CheckSpec, ctx: Context) -> HttpReply:
    """One question and its answer. Raises _Refused."""
    assert place.url is not None and place.token is not None  # `config.resolve.places.check_probers` saw to it
    loop = asyncio.get_running_loop()
    try:
        token = place.token.resolve().reveal()
    except SecretError as error:
        raise _Refused(AWAY, f"the token for {_prober(place)} cannot be had: {error}") from error
    url = Url.read(f"{place.url}/probe?target={target.name}&check={spec.name}", "")
    within = max(0.1, ctx.deadline - loop.time())
    question = HttpQuestion(
        target=place.name,
        address=url.host,
        url=url,
        headers=(("Authorization", f"Bearer {token}"), (WITHIN, f"{within:.3f}"), ("Accept", "application/json")),
        ca=place.ca,
        pins=(place.pin,) if place.pin else (),
        limits=Limits(body=LARGEST),
    )
    try:
        return await ctx.transports.http.ask(question, deadline=ctx.deadline - _MARGIN)
    except TransportFault as fault:
        raise _Refused(AWAY, f"{_prober(place)} does not answer: {fault}") from fault
