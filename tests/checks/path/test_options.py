"""What the estate may say of flows, and what is refused with it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from checks.path.options import MOST_FLOWS, PathOptions, inputs, places

PASS = {"from": "here", "to": "192.0.2.10", "port": 443, "must": "pass", "owner": "them", "reason": "why"}
BLOCK = {**PASS, "must": "block", "alive_from": "there"}
NFT = {"command": "nft-drop-rule", "with": {"table": "p", "chain": "in", "comment": "x"}}
JUNOS = {"command": "junos-match-policies", "with": {"from_zone": "a", "to_zone": "b", "source": "192.0.2.1"}}


def options(**flows: Any) -> PathOptions:
    return PathOptions.model_validate({"flows": flows})


def test_the_targets_and_vantages_that_flows_name_are_known_beforehand() -> None:
    made = options(
        a={**BLOCK, "to": "hr-web"},
        b={**PASS, "from": "there"},
        c={**BLOCK, "alive_from": None, "counter": {**NFT, "target": "fw-b"}},
    )

    assert inputs(made) == ("hr-web", "fw-b")
    assert places(made) == ("here", "there")


def test_ports_that_a_protocol_has_need_not_be_said() -> None:
    made = options(**{name: {**PASS, "port": None, "protocol": name} for name in ("tls", "dns", "ntp")})

    assert {name: flow.at for name, flow in made.flows.items()} == {"tls": 443, "dns": 53, "ntp": 123}


@pytest.mark.parametrize(
    ("flow", "words"),
    [
        ({**PASS, "port": None}, "needs a `port`"),
        ({**PASS, "alive_from": "there"}, "this one must pass"),
        ({**PASS, "counter": NFT}, "this one must pass"),
        ({**BLOCK, "alive_from": None}, "needs `alive_from`"),
        ({**BLOCK, "alive_from": "here"}, "name another vantage"),
        ({**PASS, "to": "192.0.2.0/24"}, "address of one machine"),
        ({**PASS, "to": "224.0.0.1"}, "address of one machine"),
        ({**PASS, "to": "0.0.0.0"}, "address of one machine"),
        ({**PASS, "to": "-oProxyCommand"}, "address of one machine"),
        ({**PASS, "port": 0}, "greater than or equal to 1"),
        ({**PASS, "ports": [1, 2]}, "Extra inputs are not permitted"),
        ({**PASS, "owner": ""}, "at least 1 character"),
        ({**BLOCK, "counter": {"command": "nft-drop-rule"}}, "needs `with: {table: …}`"),
        ({**BLOCK, "counter": {"command": "boot-time"}}, "counts nothing"),
        ({**PASS, "simulator": {"command": "boot-time"}}, "simulates nothing"),
        ({**PASS, "simulator": {"command": "no-such-command"}}, "there is no command template"),
        ({**PASS, "simulator": {}}, "either `command` or `fortios`"),
        ({**PASS, "simulator": {**JUNOS, "with": {**JUNOS["with"], "destination": "192.0.2.9"}}}, "the flow's own"),
        ({**PASS, "simulator": {**JUNOS, "with": {**JUNOS["with"], "source": "1;reboot"}}}, "may not stand"),
        ({**PASS, "simulator": {"fortios": {"interface": "port3&x=1", "source": "192.0.2.1"}}}, "should match pattern"),
        ({**PASS, "simulator": {"fortios": {"interface": "a", "source": "192.0.2.1"}, "port": 23}}, "has its own"),
    ],
)
def test_a_flow_that_cannot_be_tried_or_proved_is_refused(flow: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match="1 validation error") as refused:
        options(flow=flow)

    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["Guests", "a/b", "1st", "unreachable", "asking", "vantage", "x" * 64])
def test_a_name_that_could_be_taken_for_another_finding_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="a flow"):
        options(**{name: PASS})


def test_a_check_is_no_scanner() -> None:
    with pytest.raises(ValidationError, match="at most 200"):
        options(**{f"f{number}": PASS for number in range(MOST_FLOWS + 1)})
    with pytest.raises(ValidationError, match="counters and simulators"):
        options(**{f"f{number}": {**PASS, "simulator": JUNOS} for number in range(41)})
