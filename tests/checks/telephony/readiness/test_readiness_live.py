"""The kind on real sockets: two SIP endpoints, a real snmpd that is a UPS and a controller, and a file of records."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.fold import with_answers, without_answers
from checks.catalogue import load_catalogue
from checks.contract import Assessment, Context, Memory, Observation, Reason, State, Subject
from checks.network.snmp import SnmpOptions
from checks.telephony.readiness import CHECK, ReadinessOptions
from checks.telephony.readiness.options import inputs
from checks.transports import Transports
from checks.transports.sip.message import Request
from checks.wire import observation_from_text, observation_json
from config.estate import Target
from testbeds import snmpd
from testbeds.mitel import IPERA, overrides
from testbeds.readiness import NOON, UPS, bad, readings, said
from testbeds.single import check
from testbeds.sip_peer import always, over_udp, reply

CONTROLLER = {
    f"{IPERA}.2.1.0": 1,
    f"{IPERA}.2.4.1.1.7": 7, f"{IPERA}.2.4.1.8.7": "Lines", f"{IPERA}.2.4.1.4.7": 1, f"{IPERA}.2.4.1.2.7": 4,
    f"{IPERA}.2.4.1.3.7": 0,
}  # fmt: skip
SUPPLY = {
    f"{UPS}.2.1.0": 2, f"{UPS}.2.3.0": 42, f"{UPS}.2.4.0": ("gauge", 98), f"{UPS}.4.1.0": 5,
    f"{UPS}.6.1.0": ("gauge", 0), f"{UPS}.7.3.0": 1,
}  # fmt: skip
RECORDS = """
locations: [{name: Forum, owner: telephony team, reviewed: "2024-01-01"}]
lines: [{name: lift, kind: analogue, owner: facilities, numbers: "01632960009"}]
"""


@pytest.fixture(scope="module")
def devices() -> Iterator[snmpd.Snmpd]:
    with snmpd.running(overrides(CONTROLLER | SUPPLY)) as agent:
        yield agent


class Council:
    """One check with its targets, all on this machine, and the memory that the ledger would keep."""

    def __init__(self, transports: Transports, options: dict[str, Any], timeout: float = 3.0) -> None:
        self.options = ReadinessOptions.model_validate(options)
        self.spec = replace(
            check(CHECK.kind, self.options, target="controller"), inputs=tuple(inputs(self.options)), timeout=timeout
        )
        credentials = {"snmp": snmpd.community()}
        self.own = Target("controller", "127.0.0.1", "c", "s", ("here",), (self.spec,), credentials=credentials)
        others = tuple(replace(self.own, name=name, checks=()) for name in self.spec.inputs)
        self.context = Context("here", transports, lambda: NOON, inputs=others)
        self.memory: Memory | None = None

    async def observed(self) -> Observation:
        self.context.deadline = asyncio.get_running_loop().time() + self.spec.timeout
        return await CHECK.collect(self.own, self.options, self.context)

    async def judged(self) -> Assessment:
        return self.assessed(await self.observed())

    def assessed(self, observation: Observation) -> Assessment:
        if observation.answers is None:
            assert observation.fault is not None
            return without_answers(CHECK.kind, observation.fault, None, NOON)
        found = CHECK.assess(Subject("controller", "c", "s", self.spec, (self.own,)), [observation], self.memory, NOON)
        self.memory = found.memory or self.memory
        return with_answers(CHECK.kind, found, observation.fault, None, NOON)


def routes(*ports: int) -> dict[str, Any]:
    return {
        f"carrier-{number}": {"target": f"trunk-{number}", "sip": {"port": port}} for number, port in enumerate(ports)
    }


@pytest.mark.acceptance
async def test_a_whole_round_is_judged_and_nobody_is_asked_more_than_options(
    transports: Transports, devices: snmpd.Snmpd, tmp_path: Path
) -> None:
    file = tmp_path / "emergency.yaml"
    file.write_text(RECORDS)

    async with over_udp(always(200, "OK")) as first, over_udp(always(503, "Service Unavailable")) as second:
        council = Council(
            transports,
            {
                "routes": routes(first.port, second.port) | {"isdn": {"category": "Lines"}},
                "snmp_port": devices.port,
                "power": {"forum-ups": {"port": devices.port, "feeds": "controller"}},
                "in_service": {"analogue": {"kind": "analogue", "category": "Lines"}},
                "records": str(file),
            },
        )
        assessment = await council.judged()
        asked = [*first.asked, *second.asked]

    assert bad(assessment) == {
        "pair/member/trunk-1": State.WARNING,
        "emergency_readiness/power/forum-ups": State.WARNING,
        "emergency_readiness/location/forum": State.WARNING,
        "emergency_readiness/switch_off": State.WARNING,
    }
    assert {request.method for request in asked} == {"OPTIONS"}
    assert all("@" not in request.uri for request in asked)
    assert readings(assessment)["emergency_routes_up",] == 2
    assert readings(assessment)["power_runtime_seconds", "forum-ups"] == 2_520
    assert "4 of 4 in service (Lines)" in said(assessment, "emergency_readiness/route/isdn")
    assert "01632960009" not in repr(assessment)


async def test_a_route_that_falls_silent_is_down_also_after_a_restart_of_the_agent(transports: Transports) -> None:
    well = True

    def answering(request: Request, _count: int) -> list[bytes]:
        return [reply(request, 200, "OK")] if well else []

    async with over_udp(always(200)) as first, over_udp(answering) as second:
        council = Council(transports, {"routes": routes(first.port, second.port)}, timeout=1.0)
        before = await council.judged()
        well, council.context.kept = False, None
        after = await council.judged()

    assert bad(before) == {}
    assert bad(after) == {"pair/member/trunk-1": State.WARNING}


async def test_when_nothing_answers_any_more_the_agent_first_asks_whether_it_is_cut_off(transports: Transports) -> None:
    well = True

    def answering(request: Request, _count: int) -> list[bytes]:
        return [reply(request, 200, "OK")] if well else []

    async with over_udp(answering) as first, over_udp(answering) as second:
        council = Council(transports, {"routes": routes(first.port, second.port)}, timeout=1.0)
        await council.judged()
        well = False
        silent = await council.observed()
        council.context.kept = None
        restarted = await council.judged()

    assert silent.answers is None and silent.fault is not None
    assert (silent.fault.condition, silent.fault.state) == ("emergency_readiness/routes", State.CRITICAL)
    assert silent.fault.reason is Reason.NO_ANSWER
    assert bad(restarted) == {"emergency_readiness/routes": State.CRITICAL}


async def test_a_controller_that_does_not_answer_is_told_as_the_check_s_own_target(transports: Transports) -> None:
    async with over_udp(lambda _request, _count: []) as hole, over_udp(always(200)) as carrier:
        del hole
        council = Council(
            transports, {"routes": routes(carrier.port) | {"isdn": {"category": "Lines"}}, "snmp_port": 9}, timeout=1.5
        )
        observation = await council.observed()
        assessment = council.assessed(observation)

    assert observation.fault is not None and observation.fault.condition in ("snmp/refused", "snmp/no-answer")
    assert bad(assessment) == {observation.fault.condition: State.UNKNOWN}


@pytest.mark.acceptance
async def test_a_target_without_credential_and_a_file_that_is_not_there_say_what_to_do(
    transports: Transports, devices: snmpd.Snmpd, tmp_path: Path
) -> None:
    council = Council(
        transports, {"power": {"forum-ups": {"port": devices.port}}, "records": str(tmp_path / "none.yaml")}
    )
    council.context.inputs = tuple(replace(one, credentials={}) for one in council.context.inputs)

    assessment = await council.judged()

    assert bad(assessment) == {
        "emergency_readiness/power/forum-ups": State.UNKNOWN,
        "emergency_readiness/records": State.UNKNOWN,
    }
    assert "add `credentials: {snmp: NAME}`" in said(assessment, "emergency_readiness/power/forum-ups")
    assert "No such file" in said(assessment, "emergency_readiness/records")


@pytest.mark.acceptance
async def test_a_ups_with_a_check_of_its_own_keeps_the_incident(transports: Transports, devices: snmpd.Snmpd) -> None:
    council = Council(transports, {"power": {"forum-ups": {"port": devices.port}}})
    own = check("snmp", SnmpOptions(profile="network/ups", port=devices.port), target="forum-ups", name="battery")
    council.context.inputs = tuple(replace(one, checks=(own,)) for one in council.context.inputs)

    assessment = await council.judged()

    assert bad(assessment) == {}
    assert "its own check battery has the incident" in said(assessment, "emergency_readiness/power/forum-ups")


async def test_records_are_read_anew_at_every_run_and_one_name_is_there_once(
    transports: Transports, tmp_path: Path
) -> None:
    file = tmp_path / "emergency.yaml"
    file.write_text(RECORDS)
    council = Council(
        transports, {"records": str(file), "lines": [{"name": "alarm", "kind": "analogue", "owner": "x"}]}
    )
    before = await council.judged()

    file.write_text(RECORDS.replace("2024-01-01", "2026-11-01"))
    mended = await council.judged()
    file.write_text(RECORDS.replace("lift", "alarm"))
    twice = await council.judged()

    assert "emergency_readiness/location/forum" in bad(before)
    assert "emergency_readiness/location/forum" not in bad(mended)
    assert "two are called 'alarm'" in said(twice, "emergency_readiness/records")


@pytest.mark.acceptance
async def test_an_observation_travels_and_says_the_same(
    transports: Transports, devices: snmpd.Snmpd, tmp_path: Path
) -> None:
    file = tmp_path / "emergency.yaml"
    file.write_text(RECORDS)
    async with over_udp(always(200)) as first, over_udp(lambda _request, _count: []) as second:
        council = Council(
            transports,
            {
                "routes": routes(first.port, second.port) | {"isdn": {"target": "pbx", "category": "Lines"}},
                "snmp_port": devices.port, "power": {"forum-ups": {"port": devices.port}}, "records": str(file),
            },
            timeout=1.5,
        )  # fmt: skip
        observation = await council.observed()

    text = json.dumps(observation_json(observation, CHECK)).encode()

    travelled = observation_from_text(text, load_catalogue())
    assert travelled == observation
    assert council.assessed(travelled).findings == council.assessed(observation).findings
    assert b"01632960009" not in text
