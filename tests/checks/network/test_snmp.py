"""The kind `snmp` as the agent uses it: options, collect against real and simulated devices, and assess."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from pydantic import ValidationError

from agent.demo.devices import SimulatedDevices
from checks.contract import Assessment, Context, Observation, Reason, State, Subject, covered, worst
from checks.network.snmp import CHECK, SnmpAnswers, SnmpOptions
from checks.transports import Transports
from checks.transports.snmp import SnmpTransport
from config.estate import CheckSpec, Credential, Every, MofN, Target, WakeClass
from config.profiles import SEARCH_VARIABLE
from testbeds.snmpd import Snmpd, community, user


class OnlySnmp:
    """The one transport this kind uses."""

    def __init__(self) -> None:
        self.snmp = SnmpTransport()


@pytest.fixture
async def context() -> AsyncIterator[Context]:
    transports = OnlySnmp()
    yield Context("here", cast("Transports", transports), time.time)
    await transports.snmp.close()


def subject(credential: Credential, port: int, *, host: str = "127.0.0.1", **options: Any) -> Subject:
    settings = SnmpOptions.model_validate({"profile": "generic", "port": port, "retries": 0} | options)
    one = MofN(1, 1)
    spec = CheckSpec(
        "box/snmp", "box", "snmp", "snmp", settings, Every(60), 2.0, one, one, 0, 0, WakeClass.NOW, False, ("here",)
    )
    target = Target("box", host, "dacorum", "hemel", ("here",), (spec,), credentials={"snmp": credential})
    return Subject("box", "dacorum", "hemel", spec, (target,))


async def run(of: Subject, context: Context, seconds: float = 2.0) -> tuple[Observation, Assessment]:
    context.deadline = asyncio.get_running_loop().time() + seconds
    observation = await CHECK.collect(of.targets[0], of.check.options, context)
    return observation, CHECK.assess(of, [observation], None, time.time())


@pytest.mark.acceptance
@pytest.mark.parametrize("profile", ["generic", "net-snmp-host", "interfaces"])
@pytest.mark.parametrize("credential", [community(), user("sha256aes256")], ids=lambda credential: credential.name)
async def test_a_shipped_profile_reads_a_real_host(
    agent: Snmpd, context: Context, profile: str, credential: Credential
) -> None:
    of = subject(credential, agent.port, profile=profile)

    observation, assessment = await run(of, context)

    assert observation.fault is None
    assert isinstance(observation.answers, SnmpAnswers)
    assert not any(finding.state is State.UNKNOWN for finding in assessment.findings), assessment.findings
    assert all(covered(assessment.covers, finding.key) for finding in assessment.findings)
    boots = [r.value for r in assessment.readings if r.family.name == "ridgeway_boot_timestamp_seconds"]
    assert len(boots) == 1 and boots[0] < time.time()


@pytest.mark.acceptance
async def test_the_loopback_interface_is_read_with_its_name(agent: Snmpd, context: Context) -> None:
    _, assessment = await run(subject(community(), agent.port, profile="interfaces"), context)

    states = {finding.key: finding.state for finding in assessment.findings}
    families = {reading.family.name for reading in assessment.readings if reading.labels == ("lo",)}
    assert states["interface_state/lo"] is State.OK
    assert "ridgeway_interface_receive_bytes_total" in families


@pytest.mark.acceptance
async def test_a_wrong_password_is_a_fault_and_nothing_is_judged(agent: Snmpd, context: Context) -> None:
    of = subject(user("sha384", auth_password="wrongwrong"), agent.port)

    observation, assessment = await run(of, context)

    assert observation.answers is None
    assert observation.fault is not None
    assert (observation.fault.reason, observation.fault.condition) == (Reason.AUTHENTICATION, "snmp/authentication")
    assert observation.fault.reached is True
    assert assessment == Assessment(findings=())


FIREWALL = {
    "1.3.6.1.2.1.1.1.0": "a firewall",
    "1.3.6.1.2.1.1.2.0": ("oid", "1.3.6.1.4.1.12356.101.1.1001"),
    "1.3.6.1.2.1.1.3.0": ("uptime", 86_400),
    "1.3.6.1.2.1.1.5.0": "fw-hemel",
    "1.3.6.1.4.1.12356.101.4.1.1.0": "v7.4.12",
    "1.3.6.1.4.1.12356.101.4.1.3.0": ("gauge", 12),
    "1.3.6.1.4.1.12356.101.4.1.4.0": ("gauge", 50),
    "1.3.6.1.4.1.12356.101.4.1.8.0": ("gauge", 4321),
}
MEMORY = "1.3.6.1.4.1.12356.101.4.1.4.0"


@pytest.fixture
async def devices() -> AsyncIterator[SimulatedDevices]:
    simulated = SimulatedDevices()
    simulated.add("fw-hemel", FIREWALL)
    await simulated.start()
    yield simulated
    await simulated.stop()


async def test_a_filling_memory_goes_from_well_to_critical_and_back(
    devices: SimulatedDevices, context: Context
) -> None:
    of = subject(community(), devices["fw-hemel"].port, profile="firewall/fortigate")
    seen = []

    for percent in (50, 85, 95, 40):
        devices["fw-hemel"].set(MEMORY, percent)
        _, assessment = await run(of, context)
        seen.append(worst([finding.state for finding in assessment.findings]))

    assert seen == [State.OK, State.WARNING, State.CRITICAL, State.OK]


async def test_a_device_that_falls_silent_is_no_answer(devices: SimulatedDevices, context: Context) -> None:
    of = subject(community(), devices["fw-hemel"].port, profile="firewall/fortigate")
    devices["fw-hemel"].silent = True

    observation, _ = await run(of, context, seconds=0.3)

    assert observation.fault is not None and observation.fault.reason is Reason.NO_ANSWER
    assert observation.fault.reached is False


async def test_a_value_taken_away_is_unknown(devices: SimulatedDevices, context: Context) -> None:
    of = subject(community(), devices["fw-hemel"].port, profile="firewall/fortigate")
    devices["fw-hemel"].remove(MEMORY)

    observation, assessment = await run(of, context)

    states = {finding.key: finding.state for finding in assessment.findings}
    assert observation.fault is None
    assert states["snmp/memory_used"] is State.UNKNOWN
    assert "ridgeway_memory_used_ratio" not in {reading.family.name for reading in assessment.readings}


async def test_the_wrong_product_is_not_well(devices: SimulatedDevices, context: Context) -> None:
    of = subject(community(), devices["fw-hemel"].port, profile="net-snmp-host")

    _, assessment = await run(of, context)

    states = {finding.key: finding.state for finding in assessment.findings}
    assert states["snmp/memory_used"] is State.UNKNOWN
    assert states["snmp/load_1"] is State.UNKNOWN


async def test_a_poll_cut_short_between_scalars_and_tables_is_partial(
    devices: SimulatedDevices, context: Context
) -> None:
    of = subject(community(), devices["fw-hemel"].port, profile="interfaces")
    device = devices["fw-hemel"]

    async def fall_silent_after_the_first_question() -> None:
        while device.questions < 1:
            await asyncio.sleep(0)
        device.silent = True

    falling = asyncio.create_task(fall_silent_after_the_first_question())
    observation, assessment = await run(of, context, seconds=0.5)
    await falling

    assert observation.fault is not None and observation.answers is not None
    assert {finding.key for finding in assessment.findings} == {"snmp/boot"}
    assert not covered(assessment.covers, "interface_state/wan1")


def test_options_refuse_an_unknown_profile_with_the_near_one() -> None:
    with pytest.raises(ValidationError, match="did you mean 'firewall/fortigate'"):
        SnmpOptions(profile="firewall/fortygate")


def test_options_refuse_a_threshold_of_a_value_that_is_not_there() -> None:
    with pytest.raises(ValidationError, match="did you mean 'memory_used'"):
        SnmpOptions.model_validate(
            {"profile": "firewall/fortigate", "thresholds": {"memory_use": {"warning": {"above": 0.5}}}}
        )


def test_checks_with_the_same_options_share_one_plan() -> None:
    assert SnmpOptions(profile="generic").plan is SnmpOptions(profile="generic", port=1161).plan


def test_the_families_of_all_profiles_agree_and_are_named_as_they_must_be() -> None:
    families = CHECK.families()

    assert len({family.name for family in families}) == len(families) > 10
    for family in families:
        assert family.name.startswith("ridgeway_") and family.help
        assert (family.type == "counter") == family.name.endswith("_total")


def test_a_profile_of_one_s_own_is_found_before_the_shipped_ones(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ours.yaml").write_text(
        "profile: ours\ntitle: Ours\nsource: us\nvalues:\n  fan:\n    title: fan\n    oid: 1.3.6.1.4.1.99.1.0\n"
    )
    monkeypatch.setenv(SEARCH_VARIABLE, str(tmp_path))

    assert SnmpOptions(profile="ours").plan.oids == ("1.3.6.1.4.1.99.1.0",)
