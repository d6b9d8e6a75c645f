"""The kind `mitel` as the agent uses it: which product, what is asked of it, and that nothing is set."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from agent.demo.devices import SimulatedDevices
from agent.fold import with_answers
from checks.contract import Assessment, Context, Observation, Reason, State
from checks.network.transform import Answer
from checks.telephony.mitel import CHECK, MitelAnswers, MitelOptions
from checks.telephony.mitel.product import LEVEL, pairs, profile_for
from checks.transports import Transports
from checks.transports.snmp import SnmpTransport
from config.estate import Credential
from config.profiles.recognition import SYS_DESCR, SYS_OBJECT_ID
from testbeds.mitel import (
    BUSINESS,
    IPERA,
    MITEL_TREE,
    MSL,
    NOW,
    assessed,
    bad,
    business,
    msl,
    overrides,
    readings,
    said,
)
from testbeds.single import check, subject, target
from testbeds.snmpd import community, running, user

UNREAD = "telephony/unread"
BAD = dict.fromkeys(
    ("mitel/category/SIP Link", "mitel/resilience/controller-a", "mitel/zone_use/Town to town"), State.WARNING
)


@pytest.fixture
async def device() -> AsyncIterator[SimulatedDevices]:
    simulated = SimulatedDevices()
    simulated.add("controller-b", MITEL_TREE)
    await simulated.start()
    yield simulated
    await simulated.stop()


@pytest.fixture
async def context() -> AsyncIterator[Context]:
    class OnlySnmp:
        snmp = SnmpTransport()

    yield Context("here", cast("Transports", OnlySnmp()), time.time)
    await OnlySnmp.snmp.close()


async def run(simulated: SimulatedDevices, context: Context, **said: Any) -> tuple[Observation, Assessment]:
    return await asked(simulated["controller-b"].port, context, community(), **said)


async def asked(port: int, context: Context, credential: Credential, **said: Any) -> tuple[Observation, Assessment]:
    options = MitelOptions(port=port, retries=0, **said)
    spec = check("mitel", options)
    context.deadline = asyncio.get_running_loop().time() + 5
    observation = await CHECK.collect(replace(target(spec), credentials={"snmp": credential}), options, context)
    return observation, CHECK.assess(subject(spec), [observation], None, time.time())


async def test_a_whole_tree_is_read_over_v2c_and_judged(device: SimulatedDevices, context: Context) -> None:
    observation, assessment = await run(device, context)

    assert observation.fault is None
    assert isinstance(observation.answers, MitelAnswers) and observation.answers.profile == BUSINESS
    assert bad(assessment) == BAD


@pytest.mark.acceptance
@pytest.mark.parametrize("credential", [community(), user("sha256aes256")], ids=lambda credential: credential.name)
async def test_a_real_snmpd_that_serves_the_tree_is_judged_alike(credential: Credential, context: Context) -> None:
    with running(overrides(MITEL_TREE)) as agent:
        observation, assessment = await asked(agent.port, context, credential)

    assert observation.fault is None
    assert bad(assessment) == BAD | {"mitel/start": State.WARNING}
    assert "cause: system fault (watchdog (CPLD))" in said(assessment, "mitel/start")
    shown = readings(assessment)
    assert shown["disk_reads_total", "1"] == 700 and shown["disk_writes_total", "1"] == 900
    assert shown["call_load_ratio",] == pytest.approx(0.12)
    assert "cluster dacorum-cluster" in said(assessment, "mitel/system")


async def test_another_product_at_the_address_is_found_at_the_run_after(
    device: SimulatedDevices, context: Context
) -> None:
    await run(device, context)
    device["controller-b"].set(SYS_OBJECT_ID, ("oid", "1.3.6.1.4.1.1027.1.6.1"))
    device["controller-b"].remove(IPERA)

    await run(device, context)
    observation, _ = await run(device, context)

    assert isinstance(observation.answers, MitelAnswers) and observation.answers.profile == MSL


async def test_a_call_server_that_starts_after_its_server_is_found_within_the_hour(
    device: SimulatedDevices, context: Context
) -> None:
    device["controller-b"].set(SYS_OBJECT_ID, ("oid", "1.3.6.1.4.1.1027.1.6.1"))
    device["controller-b"].remove(IPERA)
    first, _ = await run(device, context)
    device["controller-b"].set(LEVEL, 3)
    context.now = lambda: time.time() + 3601

    second, assessment = await run(device, context)

    assert [one.answers.profile for one in (first, second)] == [MSL, BUSINESS]
    assert bad(assessment)["mitel/level"] is State.CRITICAL


async def test_a_product_whose_alarms_cannot_be_read_is_unsupported(device: SimulatedDevices, context: Context) -> None:
    device["controller-b"].set(SYS_OBJECT_ID, ("oid", "1.3.6.1.4.1.5329.1.2"))

    _, assessment = await run(device, context)

    assert bad(assessment) == {"mitel/alarms": State.UNSUPPORTED}


async def test_a_product_that_nobody_knows_is_unknown(device: SimulatedDevices, context: Context) -> None:
    device["controller-b"].set(SYS_OBJECT_ID, ("oid", "1.3.6.1.4.1.8072.3.2.10"))

    _, assessment = await run(device, context)

    assert bad(assessment) == {"mitel/profile": State.UNKNOWN}
    _, named = await run(device, context, profile=UNREAD)
    assert bad(named) == {"mitel/alarms": State.UNSUPPORTED}


async def test_a_system_that_is_silent_is_no_answer(device: SimulatedDevices, context: Context) -> None:
    device["controller-b"].silent = True

    observation, assessment = await run(device, context)

    assert observation.answers is None and observation.fault is not None
    assert observation.fault.reason is Reason.NO_ANSWER
    assert assessment.findings == ()


@pytest.mark.parametrize(("end", "level", "profile"), [
    ("1027.1.2.3", None, BUSINESS), ("1027.1.2.2", 1, BUSINESS), ("1027.1.2.2", None, UNREAD),
    ("1027.1.2.4", 1, UNREAD), ("1027.1.6.1", None, MSL), ("1027.1.6.1", 1, BUSINESS), ("1027.1.6.4", 1, BUSINESS),
    ("11268.1", None, UNREAD), ("5389.1", None, UNREAD), ("9.1", 1, ""), ("10270.1.2.3", 1, ""),
])  # fmt: skip
def test_a_product_is_known_by_its_sysobjectid_and_two_are_told_apart_by_their_level(
    end: str, level: int | None, profile: str
) -> None:
    said: dict[str, Answer] = {SYS_OBJECT_ID: f"1.3.6.1.4.1.{end}", SYS_DESCR: "", LEVEL: level}

    assert profile_for(said) == profile


@pytest.mark.parametrize(("text", "said"), [
    ("VerAg:1;VerSw:2", {"VerAg": "1", "VerSw": "2"}), ("VerSw:2; VerAg:1;", {"VerAg": "1", "VerSw": "2"}),
    ("New:a:b;VerHw", {"New": "a:b", "VerHw": ""}), ("", {}), (";;:x", {}),
])  # fmt: skip
def test_sysdescr_is_pairs_in_any_order_and_unknown_ones_are_kept(text: str, said: dict[str, str]) -> None:
    assert pairs(text) == said


def test_what_is_judged_goes_the_way_of_every_assessment() -> None:
    judged = assessed(business(resiliency={"controller-a": 1}))

    folded = with_answers("mitel", judged, None, None, NOW)

    assert {finding.key for finding in folded.findings} == {finding.key for finding in judged.findings}
    assert folded.covers > judged.covers


def test_healthy_systems_of_both_kinds_have_nothing_to_say() -> None:
    assert bad(assessed(business())) == bad(assessed(msl())) == {}


@pytest.mark.parametrize("answers", [business(), msl()])
def test_what_is_judged_is_a_set_that_the_agent_can_keep_by_its_hash(answers: MitelAnswers) -> None:
    found = assessed(answers)

    assert isinstance(found.covers, frozenset) and isinstance(found.may_go, frozenset)


@pytest.mark.parametrize(("options", "words"), [
    ({"profile": "generic"}, "not one of telephony"),
    ({"thresholds": {"sessions": {"warning": {"above": 1}}}}, "has 'sessions'"),
    ({"unavailable_warning": {"*": 0}}, "greater than or equal to 1"),
])  # fmt: skip
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        MitelOptions.model_validate(options)
