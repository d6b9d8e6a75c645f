"""One run over several vantages: the order of its turns, and what a prober may and may not say."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from time import time as wall
from typing import Any

import pytest

from checks.catalogue import load_catalogue
from checks.contract import Context, Fault, Observation, Reason
from checks.path import CHECK, PathAnswers, PathOptions
from checks.path.answers import Attempt, FlowAnswers, Outcome, Role
from checks.path.probing import APART
from checks.transports import Transports
from checks.wire import observation_json, observation_of
from testbeds import ntp_server
from testbeds.agent import Service
from testbeds.datagrams import peer
from testbeds.peers import free_port
from testbeds.single import check, target

WHO = {"owner": "them", "reason": "why"}


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


def blocked(port: int) -> dict[str, Any]:
    return {"from": "here", "to": "127.0.0.1", "port": port, "must": "block", "alive_from": "there", **WHO}


def passing(port: int, **more: Any) -> dict[str, Any]:
    return {"from": "here", "to": "127.0.0.1", "port": port, "must": "pass", **WHO, **more}


class Prober:
    """An agent at `there` that brings what it is told to, and keeps count."""

    def __init__(self, *brings: Callable[[float], Observation]) -> None:
        self.brings = list(brings)
        self.asked = 0

    async def __call__(self) -> Observation:
        made = self.brings[min(self.asked, len(self.brings) - 1)]
        self.asked += 1
        return made(wall())


def part(
    name: str = "flow", outcome: Outcome = Outcome.OPEN, *, duration: float = 0.0, leads: bool = False, **more: Any
):  # type: ignore[no-untyped-def]
    """What a prober brings: this flow seen alive."""
    attempt = replace(Attempt(0, Role.ALIVE, "there", outcome, 1, 0.01, 0.0, "127.0.0.1"), **more)
    answers = PathAnswers(leads, {name: FlowAnswers([attempt])})
    return lambda now: Observation("fw-a", "there", now, duration, answers)


async def collected(
    options: dict[str, Any],
    prober: Callable[[], Awaitable[Observation]] | None = None,
    timeout: float = 5.0,
    vantage: str = "here",
):  # type: ignore[no-untyped-def]
    made = PathOptions.model_validate({"wait_seconds": 0.2, **options})
    transports = Transports.open()
    try:
        context = Context(vantage, transports, wall, asyncio.get_running_loop().time() + timeout)
        context.places = {"there": prober} if prober is not None else {}
        return await CHECK.collect(target(check("path", made)), made, context)
    finally:
        await transports.close()


async def test_the_listener_s_life_is_asked_before_and_after_the_flow_is_tried() -> None:
    prober = Prober(part())

    observation = await collected({"flows": {"flow": blocked(free_port())}}, prober)

    attempts = observation.answers.flows["flow"].attempts
    assert [(one.turn, one.role, one.outcome) for one in attempts] == [
        (1, Role.ALIVE, Outcome.OPEN), (2, Role.PROBE, Outcome.REFUSED), (3, Role.ALIVE, Outcome.OPEN)
    ]  # fmt: skip
    assert prober.asked == 2
    assert observation.fault is None


async def test_a_prober_says_nothing_of_flows_or_roles_that_are_not_its_own() -> None:
    strange = Prober(part("other"), part(role=Role.PROBE))

    observation = await collected({"flows": {"flow": blocked(free_port())}}, strange)

    assert [one.vantage for one in observation.answers.flows["flow"].attempts] == ["here"]
    assert set(observation.answers.flows) == {"flow"}


async def test_a_run_that_had_begun_before_it_was_asked_is_not_believed_and_asked_again() -> None:
    joined, fresh = part(duration=60.0), part()
    prober = Prober(joined, fresh, joined, fresh)

    observation = await collected({"flows": {"flow": blocked(free_port())}}, prober)

    assert [one.turn for one in observation.answers.flows["flow"].attempts] == [1, 2, 3]
    assert prober.asked == 4


@pytest.mark.parametrize(
    ("brings", "words"),
    [
        (part(duration=60.0), "busy with what somebody else asked"),
        (part(leads=True), "deploy the same on both sides"),
        (
            lambda now: Observation("fw-a", "there", now, 0.0, None, Fault(Reason.LOCAL, "no answer", "vantage/away")),
            "no answer",
        ),
    ],
)
async def test_a_prober_that_cannot_be_asked_makes_the_run_a_partial_one(
    brings: Callable[[float], Observation], words: str
) -> None:
    observation = await collected({"flows": {"flow": blocked(free_port())}}, Prober(brings))

    assert words in observation.answers.away["there"]
    assert observation.fault is not None
    assert observation.fault.condition == "path/vantage/there"
    assert observation.fault.reached is None


async def test_a_prober_that_never_answers_leaves_time_for_the_flows_that_do_not_need_it(service: Service) -> None:
    async def never() -> Observation:
        await asyncio.Event().wait()
        raise AssertionError

    flows = {"flow": blocked(free_port()), "other": passing(service.port)}
    observation = await collected({"flows": flows}, never, timeout=2.0)

    assert observation.answers.away == {"there": "it does not answer in time"}
    assert [one.outcome for one in observation.answers.flows["other"].attempts] == [Outcome.OPEN]


async def test_a_prober_tries_its_own_flows_only_and_its_part_travels(service: Service) -> None:
    flows = {"mine": passing(service.port, **{"from": "there"}), "other": passing(service.port)}
    observation = await collected({"flows": flows | {"alive": blocked(service.port)}}, vantage="there")

    travelled = observation_of(observation_json(observation, CHECK), load_catalogue())

    assert travelled == observation
    assert not observation.answers.leads
    assert {name: [one.role for one in flow.attempts] for name, flow in observation.answers.flows.items()} == {
        "mine": [Role.PROBE], "other": [], "alive": [Role.ALIVE]
    }  # fmt: skip


async def test_tries_keep_their_pace_and_what_there_is_no_time_for_is_left_out(service: Service) -> None:
    flows = {f"f{number}": passing(service.port) for number in range(200)}

    observation = await collected({"flows": flows}, timeout=1.0)

    tried = [one for flow in observation.answers.flows.values() for one in flow.attempts]
    assert 0 < len(tried) <= 1.0 / APART


@pytest.mark.parametrize(
    ("protocol", "outcome"),
    [("tcp", Outcome.OPEN), ("tls", Outcome.BROKEN), ("dns", Outcome.REFUSED), ("ntp", Outcome.REFUSED)],
)
async def test_each_protocol_says_how_it_ended(service: Service, protocol: str, outcome: Outcome) -> None:
    """The listener takes connections and hangs up; nobody answers over UDP."""
    observation = await collected({"flows": {"flow": passing(service.port, protocol=protocol)}})

    (attempt,) = observation.answers.flows["flow"].attempts
    assert attempt.outcome is outcome
    assert attempt.tries == 1, "what answered is not asked again"


async def test_any_reply_over_udp_shows_that_the_flow_passes() -> None:
    """A name server that refuses the question has answered it; so has a time server that nobody would believe."""

    def refused(data: bytes) -> list[bytes]:
        return [data[:2] + b"\x80\x05" + b"\0\1" + b"\0" * 6 + data[12:17]]

    def unbelieved(question: bytes) -> list[bytes]:
        return [ntp_server.reply(question, mode=3)]

    async with peer(refused) as names, peer(unbelieved) as clock:
        flows = {"names": passing(names.port, protocol="dns"), "clock": passing(clock.port, protocol="ntp")}
        observation = await collected({"flows": flows})

    found = [one.outcome for flow in observation.answers.flows.values() for one in flow.attempts]
    assert found == [Outcome.OPEN, Outcome.OPEN]
