"""OPTIONS beside SNMP: what a disagreement says, and that one cause is never two findings."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import ValidationError

from agent.demo.devices import SimulatedDevices
from checks.contract import Assessment, Context, Fault, Observation, Reason, State
from checks.telephony.mitel import CHECK, MitelAnswers, MitelOptions
from checks.telephony.mitel.crosscheck import SipHeard, Voice, voice
from checks.telephony.mitel.judgement import judged
from checks.telephony.sip_options import Endpoint, SipOptions
from checks.transports import Transports
from checks.wire import observation_from_text, observation_json
from testbeds import kamailio
from testbeds.mitel import IPERA, MITEL_TREE, NOW, assessed, bad, business, overrides, said
from testbeds.single import check, subject, target
from testbeds.sip_peer import always, over_udp
from testbeds.snmpd import community, running, user

KEY = "mitel/disagreement"
SIP: dict[str, Any] = {"sip": {}}
PLACE = "192.0.2.20"


def of(status: int | None = None, reason: Reason = Reason.REFUSED, known: bool = False) -> SipHeard:
    """What one endpoint said, or the reason why it said nothing."""
    fault = None if status is not None else Fault(reason, "nobody there", f"sip_options/{reason.value}")
    return SipHeard((Endpoint(PLACE, status, "So", fault=fault),), frozenset({PLACE} if known else ()))


def told(level: int, sip: SipHeard, **answers: Any) -> Assessment:
    return assessed(replace(business(level, **answers), sip=sip), **SIP)


@pytest.mark.parametrize(("sip", "how"), [
    (of(200), Voice.UP), (of(403), Voice.UP), (of(503), Voice.UNWELL), (of(408), Voice.UNWELL),
    (of(reason=Reason.REFUSED), Voice.DEAD), (of(reason=Reason.PROTOCOL), Voice.UNWELL),
    (of(reason=Reason.NO_ANSWER), Voice.STRANGER),
    (of(reason=Reason.NO_ANSWER, known=True), Voice.DEAD), (of(reason=Reason.LOCAL), Voice.UNASKED),
    (SipHeard(fault=Fault(Reason.NAME, "no such name", "sip_options/name")), Voice.UNASKED),
    (SipHeard(fault=Fault(Reason.NO_ANSWER, "silent", "sip_options/no-answer")), Voice.DEAD),
    (SipHeard(), Voice.UNASKED),
])  # fmt: skip
def test_what_sip_says_of_a_system(sip: SipHeard, how: Voice) -> None:
    assert voice(sip, answered_before=False) is how


def test_of_several_addresses_the_worst_that_tells_is_taken() -> None:
    both = SipHeard((*of(200).endpoints, *of(reason=Reason.REFUSED).endpoints))

    assert voice(both, answered_before=True) is Voice.DEAD


@pytest.mark.parametrize(("level", "sip", "state"), [
    (1, of(200), State.OK), (1, of(reason=Reason.REFUSED), State.CRITICAL), (1, of(503), State.WARNING),
    (1, of(408), State.CRITICAL), (1, of(reason=Reason.NO_ANSWER), State.UNKNOWN), (3, of(200), State.OK),
    (3, of(reason=Reason.REFUSED), State.OK), (4, of(reason=Reason.REFUSED), State.OK),
    (2, of(reason=Reason.REFUSED), State.CRITICAL), (9, of(reason=Reason.REFUSED), State.CRITICAL),
    (9, of(200), State.OK),
])  # fmt: skip
def test_only_what_the_alarms_do_not_tell_is_a_finding_of_its_own(level: int, sip: SipHeard, state: State) -> None:
    assessment = told(level, sip)

    assert bad(assessment).get(KEY, State.OK) is state
    (finding,) = [finding for finding in assessment.findings if finding.key == KEY]
    assert finding.evidence["sip"] and finding.evidence["level"]


def test_a_critical_alarm_of_a_system_that_answers_sip_is_one_finding_and_says_that_it_answers() -> None:
    assessment = told(4, of(200), categories=[("SIP Link", 4, 0, 2)])

    assert bad(assessment) == {"mitel/category/SIP Link": State.CRITICAL}
    assert "answers SIP (200 So), though not all is well" in said(assessment, KEY)


def test_a_system_that_answered_once_is_dead_and_no_stranger_after_a_restart_of_the_agent() -> None:
    first = told(1, of(200))

    second = assessed(
        replace(business(uptime=86_460), sip=of(reason=Reason.NO_ANSWER)), first.memory, NOW + 60, **SIP
    )  # fmt: skip

    assert bad(second) == {KEY: State.CRITICAL}


def test_what_a_check_of_the_same_endpoint_says_is_not_said_twice() -> None:
    options = MitelOptions.model_validate(SIP)
    own = check("mitel", options)
    other = check("sip_options", SipOptions.model_validate({}))
    elsewhere = check("sip_options", SipOptions.model_validate({"port": 5070}))
    answers = replace(business(), sip=of(reason=Reason.REFUSED))

    beside = replace(subject(own), targets=(target(own, other),))
    alone = replace(subject(own), targets=(target(own, elsewhere),))

    assert bad(judged(options, answers, True, None, NOW, subject=beside)) == {}
    assert "the check sip_options says so" in said(judged(options, answers, True, None, NOW, subject=beside), KEY)
    assert bad(judged(options, answers, True, None, NOW, subject=alone)) == {KEY: State.CRITICAL}


def test_not_even_that_it_has_never_answered_is_said_twice() -> None:
    own, other = check("mitel", MitelOptions.model_validate(SIP)), check("sip_options", SipOptions.model_validate({}))
    beside = replace(subject(own), targets=(target(own, other),))
    answers = replace(business(), sip=of(reason=Reason.NO_ANSWER))

    assert bad(judged(MitelOptions.model_validate(SIP), answers, True, None, NOW, subject=beside)) == {}


def test_an_endpoint_of_its_own_address_belongs_to_no_other_check() -> None:
    options = MitelOptions.model_validate({"sip": {"address": "192.0.2.77"}})
    own, other = check("mitel", options), check("sip_options", SipOptions.model_validate({}))
    answers = replace(business(), sip=of(reason=Reason.REFUSED))

    assessment = judged(options, answers, True, None, NOW, subject=replace(subject(own), targets=(target(own, other),)))

    assert bad(assessment) == {KEY: State.CRITICAL}


def test_a_product_whose_alarms_cannot_be_read_is_critical_when_it_is_dead_by_sip() -> None:
    dead = assessed(replace(MitelAnswers("telephony/unread", business().snmp), sip=of(reason=Reason.REFUSED)), **SIP)

    assert bad(dead) == {"mitel/alarms": State.UNSUPPORTED, KEY: State.CRITICAL}


def test_options_of_sip_are_those_of_its_own_kind() -> None:
    with pytest.raises(ValidationError, match="user"):
        MitelOptions.model_validate({"sip": {"user": "a b"}})
    with pytest.raises(ValidationError, match="ca and server_name belong to transport: tls"):
        MitelOptions.model_validate({"sip": {"ca": "/etc/ours.pem"}})


@pytest.fixture
async def device() -> AsyncIterator[SimulatedDevices]:
    simulated = SimulatedDevices()
    simulated.add("controller-b", MITEL_TREE)
    await simulated.start()
    yield simulated
    await simulated.stop()


@pytest.fixture
async def context() -> AsyncIterator[Context]:
    transports = Transports.open()
    yield Context("here", transports, time.time)
    await transports.close()


@pytest.fixture
def closed() -> Iterator[int]:
    """A TCP port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield cast("int", held.getsockname()[1])


async def asked(device: SimulatedDevices, context: Context, **sip: Any) -> tuple[Observation, Assessment]:
    options = MitelOptions.model_validate({"port": device["controller-b"].port, "retries": 0, "sip": sip})
    spec = check("mitel", options)
    context.deadline = asyncio.get_running_loop().time() + 3
    observation = await CHECK.collect(replace(target(spec), credentials={"snmp": community()}), options, context)
    if observation.answers is not None:  # it travels as every other
        text = json.dumps(observation_json(observation, CHECK))
        observation = observation_from_text(text.encode(), {"mitel": CHECK})
    return observation, CHECK.assess(subject(spec), [observation], None, time.time())


async def test_both_are_asked_in_one_round(device: SimulatedDevices, context: Context) -> None:
    async with over_udp(always(200, "OK")) as peer:
        observation, assessment = await asked(device, context, port=peer.port, user="ping")

    assert observation.fault is None
    assert "answers SIP (200 OK)" in said(assessment, KEY)
    assert [request.uri for request in peer.asked] == [f"sip:ping@127.0.0.1:{peer.port}"]


async def test_a_level_that_is_no_worse_than_minor_does_not_explain_a_closed_port(
    device: SimulatedDevices, context: Context, closed: int
) -> None:
    _, assessment = await asked(device, context, port=closed, transport="tcp")

    assert bad(assessment)[KEY] is State.CRITICAL
    assert "no worse than minor, but does not answer SIP" in said(assessment, KEY)


async def test_a_system_that_is_silent_by_snmp_and_answers_sip_is_there_and_its_fault_says_so(
    device: SimulatedDevices, context: Context
) -> None:
    device["controller-b"].silent = True

    async with over_udp(always(200, "OK")) as peer:
        observation, assessment = await asked(device, context, port=peer.port)

    assert observation.fault is not None and observation.fault.reason is Reason.NO_ANSWER
    assert observation.fault.message.startswith("SIP answers (200 OK), but: ")
    assert isinstance(observation.answers, MitelAnswers)  # so that the target counts as reached
    assert (assessment.findings, assessment.covers) == ((), frozenset())


async def test_a_system_that_is_silent_by_both_has_the_fault_of_snmp_alone(
    device: SimulatedDevices, context: Context, closed: int
) -> None:
    device["controller-b"].silent = True

    observation, _ = await asked(device, context, port=closed, transport="tcp")

    assert observation.answers is None
    assert observation.fault is not None and observation.fault.condition == "snmp/no-answer"
    assert "SIP" not in observation.fault.message


QUIET = {oid: value for oid, value in MITEL_TREE.items() if not oid.startswith((f"{IPERA}.2.4.", f"{IPERA}.4."))}


@pytest.mark.acceptance
@pytest.mark.parametrize(("user_part", "state"), [("anybody", State.OK), ("maintenance", State.WARNING)])
async def test_a_real_snmpd_by_v3_and_a_real_kamailio_are_compared(
    context: Context, tmp_path: Path, user_part: str, state: State
) -> None:
    tree = QUIET | {f"{IPERA}.2.1.0": 1, f"{IPERA}.2.7.0": 2, f"{IPERA}.2.8.0": 0x100}
    with running(overrides(tree)) as agent, kamailio.running(tmp_path) as proxy:
        options = MitelOptions.model_validate({"port": agent.port, "sip": {"port": proxy.port, "user": user_part}})
        spec = check("mitel", options)
        context.deadline = asyncio.get_running_loop().time() + 5
        system = replace(target(spec), credentials={"snmp": user("sha256aes256")})
        observation = await CHECK.collect(system, options, context)

    assessment = CHECK.assess(subject(spec), [observation], None, time.time())

    assert bad(assessment).get(KEY, State.OK) is state
    assert "cause: software (software)" in said(assessment, "mitel/start")
