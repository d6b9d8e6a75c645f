"""Asking firewalls themselves, over SSH or FortiOS's API: one device after the other, one question at a time."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from checks.contract import Reason, Target
from checks.network.command_judgement import CommandAnswers
from checks.network.command_plan import Plan
from checks.network.shown import shown
from checks.network.ssh_login import ROLE as SSH_ROLE
from checks.network.ssh_login import device_of
from checks.path.answers import Count, Word
from checks.path.options import Counter, Flow, Lookup, Simulator, is_address
from checks.path.questions import (
    DESTINATION,
    DESTINATION_PORT,
    PROTOCOL,
    PROTOCOL_NUMBER,
    Mute,
    counted,
    filled,
    plan_of,
    simulated,
)
from checks.transports import Transports
from checks.transports.fault import TransportFault
from checks.transports.http import HttpQuestion, Limits, Url, refusal

T = TypeVar("T")
HTTP_ROLE = "http"
_OUTPUT = 65_536
_PAGE = 256 * 1024
_NUMBERS = {"tcp": "6", "udp": "17"}
"""Protocols by number (IANA)."""


class Unasked(Exception):
    """The device could not be asked at all; the message says why."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A flow and what its devices are to be asked of it."""

    name: str
    flow: Flow
    address: str
    device: Target


@dataclass(slots=True)
class Devices:
    """Asks in one run. A device that does not answer is not asked again in it."""

    transports: Transports
    deadline: float = 0.0
    """Of what is being asked, in loop time."""
    mute: dict[str, str] = field(default_factory=dict)

    async def counters(self, wanted: Sequence[Asking], deadline: float) -> dict[str, Count]:
        """By flow: the counter's value now, as `before`."""
        self.deadline = deadline
        return await self._each(wanted, self._counter, lambda why, asked: Count(fault=why, asked=asked))

    async def simulators(self, wanted: Sequence[Asking], deadline: float, now: Callable[[], float]) -> dict[str, Word]:
        """By flow: what the device says of it."""
        self.deadline = deadline
        words = await self._each(wanted, self._simulator, lambda why, asked: Word(fault=why, asked=asked))
        at = now()
        return {name: replace(word, at=at) for name, word in words.items()}

    async def _each(
        self, wanted: Sequence[Asking], ask: Callable[[Asking], Awaitable[T]], unable: Callable[[str, bool], T]
    ) -> dict[str, T]:
        by_device: dict[str, list[Asking]] = defaultdict(list)
        for one in wanted:
            by_device[one.device.name].append(one)
        found: dict[str, T] = {}

        async def of_one(asked: Sequence[Asking]) -> None:
            for one in asked:
                found[one.name] = await self._guarded(one, ask, unable)

        async with asyncio.TaskGroup() as group:
            for asked in by_device.values():
                group.create_task(of_one(asked))
        return found

    async def _guarded(self, one: Asking, ask: Callable[[Asking], Awaitable[T]], unable: Callable[[str, bool], T]) -> T:
        name = one.device.name
        if name in self.mute:
            return unable(self.mute[name], False)
        try:
            return await ask(one)
        except (Mute, ValueError) as error:  # a parameter that the command does not take is one too
            return unable(f"{name}: {error}"[:500], True)
        except (Unasked, TransportFault) as error:
            # Who refused the account may be another council's target: that is told where only they can read it.
            spared = isinstance(error, TransportFault) and error.reason is Reason.WITHHELD
            why = "its account was refused lately and is spared" if spared else str(error)
            self.mute[name] = f"{name} could not be asked: {why}"[:400]
            return unable(self.mute[name], False)

    async def _counter(self, one: Asking) -> Count:
        counter = one.flow.counter
        assert counter is not None  # only such are asked
        plan = plan_of(counter.command, counter.parameters)
        return Count(before=counted(plan, await self._run(one.device, counter, plan)))

    async def _simulator(self, one: Asking) -> Word:
        simulator = one.flow.simulator
        assert simulator is not None  # only such are asked
        if simulator.fortios is not None:
            return await self._looked_up(one, simulator.fortios)
        assert simulator.command is not None  # one of the two
        carrier = one.flow.protocol.carrier
        given = {
            DESTINATION: one.address,
            DESTINATION_PORT: str(one.flow.at),
            PROTOCOL: carrier,
            PROTOCOL_NUMBER: _NUMBERS[carrier],
        }
        plan = plan_of(simulator.command, filled(simulator.command, simulator.parameters, given))
        return simulated(plan, await self._run(one.device, simulator, plan))

    async def _run(self, device: Target, asked: Counter | Simulator, plan: Plan) -> CommandAnswers:
        if SSH_ROLE not in device.credentials:
            raise Unasked(f"it has no credential in the role {SSH_ROLE}: `credentials: {{{SSH_ROLE}: NAME}}`")
        place, ssh = device_of(device, asked.port), self.transports.ssh
        if plan.shell is not None:
            (said,) = await ssh.shell(place, (plan.line,), plan.shell, deadline=self.deadline, limit=_OUTPUT)
            return CommandAnswers(said, "", None, False, 0.0)
        ran = await ssh.run(place, plan.line, deadline=self.deadline, limit=_OUTPUT)
        return CommandAnswers(ran.stdout, ran.stderr, ran.exit_status, ran.truncated, ran.seconds)

    async def _looked_up(self, one: Asking, lookup: Lookup) -> Word:
        """FortiOS: which policy is hit (monitor/firewall/policy-lookup), and what it does (cmdb/firewall/policy)."""
        if not is_address(one.address):
            raise Mute(f"the lookup takes an address, and {one.address} is a name")
        found = await self._results(one, lookup, _question(one, lookup))
        number = found.get("policy_id") if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping) or found.get("success") is not True or not _is_number(number):
            raise Mute(f"the policy lookup names no policy; it answers: {shown(json.dumps(found), 300)}")
        if number == 0:
            return Word(False, "policy 0, the implicit one", "deny")
        rows = await self._results(one, lookup, f"/api/v2/cmdb/firewall/policy/{number}?vdom={lookup.vdom}")
        row = rows[0] if isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], Mapping) else {}
        action, status = row.get("action"), row.get("status")
        if row.get("policyid") != number or status != "enable" or action not in ("accept", "deny"):
            raise Mute(f"policy {number} says neither accept nor deny: {shown(json.dumps(row), 300)}")
        name = row.get("name")
        return Word(action == "accept", f"policy {number} {shown(str(name), 60) if name else ''}".rstrip(), action)

    async def _results(self, one: Asking, lookup: Lookup, path: str) -> Any:
        device = one.device
        if HTTP_ROLE not in device.credentials:
            raise Unasked(f"it has no credential in the role {HTTP_ROLE}: `credentials: {{{HTTP_ROLE}: NAME}}`")
        question = HttpQuestion(
            target=device.name,
            address=device.address,
            url=Url.read(f"https://:{lookup.port}{path}", device.address),
            headers=(("Accept", "application/json"),),
            credential=device.credentials[HTTP_ROLE],
            ca=lookup.ca,
            pins=(lookup.pin,) if lookup.pin else (),
            limits=Limits(body=_PAGE),
        )
        reply = await self.transports.http.ask(question, deadline=self.deadline)
        refused = refusal(reply)
        if refused is not None:
            raise refused
        if reply.status != 200 or reply.truncated:
            raise Mute(f"{question.url.shown}: status {reply.status}: {shown(reply.text(), 200)}")
        try:
            answer = json.loads(reply.text())
        except (ValueError, RecursionError) as error:
            raise Mute(f"{question.url.shown}: answers no JSON: {shown(reply.text(), 200)}") from error
        if not isinstance(answer, Mapping) or answer.get("status") != "success":
            raise Mute(f"{question.url.shown}: does not say success: {shown(reply.text(), 200)}")
        return answer.get("results")


def _question(one: Asking, lookup: Lookup) -> str:
    version = "true" if ":" in one.address else "false"
    return (
        f"/api/v2/monitor/firewall/policy-lookup?vdom={lookup.vdom}&ipv6={version}&srcintf={lookup.interface}"
        f"&sourceip={lookup.source}&protocol={_NUMBERS[one.flow.protocol.carrier]}&dest={one.address}"
        f"&destport={one.flow.at}"
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**32
