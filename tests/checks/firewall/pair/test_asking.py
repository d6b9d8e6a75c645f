"""A round over real SNMP: all members at the same time, each with its own fault and its own kept part."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from agent import fold
from agent.demo.devices import SimpleValue, SimulatedDevices
from checks.contract import Context, Observation, Reason
from checks.firewall.pair import CHECK, PairOptions
from checks.firewall.pair.addresses import NotListed, listed
from checks.transports import Transports
from checks.transports.snmp import SnmpTransport
from checks.wire import observation_from_text, observation_json
from config.estate import Target
from testbeds.fortigate import fortigate
from testbeds.peers import free_port
from testbeds.single import check
from testbeds.snmpd import community

HOSTS = ("127.0.0.1", "127.0.0.2")
"""Members are asked at one port, so they differ by address."""


class Played:
    """Simulated members at addresses of their own, and rounds over them."""

    def __init__(self, devices: SimulatedDevices, port: int, snmp: SnmpTransport) -> None:
        self.devices = devices
        self.options = PairOptions.model_validate({"members": ["fw-a", "fw-b"], "port": port, "retries": 0})
        self.spec = check(CHECK.kind, self.options, target="firewall")
        self.inputs = tuple(
            Target(name, host, "dacorum", "forum", ("here",), (), credentials={"snmp": community()})
            for name, host in zip(self.options.members, HOSTS, strict=True)
        )
        transports = cast("Transports", type("OnlySnmp", (), {"snmp": snmp})())
        self.context = Context("here", transports, time.time, inputs=self.inputs)

    async def round(self, seconds: float = 5.0) -> Observation:
        self.context.deadline = asyncio.get_running_loop().time() + seconds
        target = Target("firewall", "192.0.2.254", "dacorum", "forum", ("here",), (self.spec,))
        return await CHECK.collect(target, self.options, self.context)


@pytest.fixture
async def play(snmp: SnmpTransport) -> AsyncIterator[Any]:
    playing: list[SimulatedDevices] = []

    async def started(*members: Mapping[str, SimpleValue] | None) -> Played:
        devices, port = SimulatedDevices(), free_port(socket.SOCK_DGRAM)
        for number, values in enumerate(members):
            if values is not None:
                devices.add(f"f{number}", values, host=HOSTS[number], port=port)
        await devices.start()
        playing.append(devices)
        return Played(devices, port, snmp)

    yield started
    for devices in playing:
        await devices.stop()


async def test_one_round_has_a_part_for_each_member_and_goes_over_the_wire(play: Any) -> None:
    pair = await play(fortigate(0), fortigate(1))

    observation = await pair.round()

    parts = observation.answers.members
    assert list(parts) == ["fw-a", "fw-b"]
    assert {part.answers.profile for part in parts.values()} == {"firewall/fortigate"}
    assert all(part.fault is None for part in parts.values())
    text = json.dumps(observation_json(observation, CHECK)).encode()
    assert observation_from_text(text, {CHECK.kind: CHECK}) == observation


async def test_a_member_that_is_silent_has_a_fault_of_its_own_and_the_other_is_read_whole(play: Any) -> None:
    pair = await play(fortigate(0), fortigate(1))
    pair.devices["f1"].silent = True

    observation = await pair.round(1.0)

    parts = observation.answers.members
    assert parts["fw-a"].fault is None and parts["fw-a"].answers is not None
    assert parts["fw-b"].fault.reason is Reason.NO_ANSWER and parts["fw-b"].answers is None
    assert observation.fault is None
    assert fold.reached(observation, None) is True


async def test_no_member_that_answers_is_one_fault_by_which_the_pair_is_not_reached(play: Any) -> None:
    pair = await play(fortigate(0), fortigate(1))
    for device in pair.devices:
        device.silent = True

    observation = await pair.round(0.5)

    assert observation.answers is None
    assert fold.reached(observation, None) is False


async def test_each_member_keeps_its_own_slower_values(play: Any) -> None:
    pair = await play(fortigate(0), fortigate(1))
    await pair.round()
    questions = [device.questions for device in pair.devices]

    await pair.round()

    again = [device.questions for device in pair.devices]
    quick = [after - before for after, before in zip(again, questions, strict=True)]
    assert quick == [2, 2]
    assert min(questions) > 3


async def test_a_member_at_another_address_is_another_device(play: Any) -> None:
    pair = await play(fortigate(0), fortigate(1))
    await pair.round()
    before = pair.devices["f0"].questions
    first, second = pair.inputs
    pair.context.inputs = (first, replace(second, address=HOSTS[0]))

    await pair.round()

    assert pair.devices["f0"].questions - before > 6  # the quick ones of fw-a, and everything of fw-b


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ('[{"addr_info": [{"local": "10.0.0.1"}, {"local": "::1"}]}]', ["10.0.0.1", "::1"]),
        ('[{}, {"addr_info": [{"family": "inet"}, {"local": "10.0.0.1"}]}]', ["10.0.0.1"]),
    ],
)
def test_the_list_of_ip_is_read(text: str, addresses: list[str]) -> None:
    assert listed(text) == addresses


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "7", "null", '["x"]', '[{"addr_info": [{"local": "x"}]}]', "[" * 9_000]
)
def test_what_is_no_list_of_ip_is_none(text: str) -> None:
    with pytest.raises(NotListed):
        listed(text)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"members": ["fw-a"]}, "at least 2 items"),
        ({"members": ["a", "b", "c", "d", "e"]}, "at most 4 items"),
        ({"members": ["fw-a", "fw-a"]}, "each target once"),
        ({"members": ["fw-a", "fw-b"], "addresses": ["firewall"]}, "'firewall' is no IP address"),
        ({"members": ["fw-a", "fw-b"], "mode": "both"}, "active_passive"),
        ({"members": ["fw-a", "fw-b"], "profile": "firewall/nobody"}, "firewall/nobody"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PairOptions.model_validate(options)
