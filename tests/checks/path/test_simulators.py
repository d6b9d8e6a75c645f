"""The firewall's own word beside the real probe: command lines of three vendors, and FortiOS's lookup over TLS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from time import time as wall
from typing import Any

import pytest

from checks.contract import Assessment, Context, Finding, State
from checks.path import CHECK, PathOptions
from checks.transports import Transports
from config.estate import Credential
from testbeds import network_shell
from testbeds.agent import Service
from testbeds.certificates import Authority
from testbeds.network_shell import Cli, Device
from testbeds.nginx import Nginx, Site, running
from testbeds.peers import free_port
from testbeds.single import check, subject, target

pytestmark = pytest.mark.acceptance

WHO = {"from": "here", "must": "pass", "owner": "them", "reason": "the test"}
OURS = Authority("Council authority")
TOKEN = "a-token-of-the-firewall"
POLICIES = {
    7: {"policyid": 7, "name": "SIP trunk", "action": "accept", "status": "enable"},
    8: {"policyid": 8, "name": "no guests", "action": "deny", "status": "enable"},
    9: {"policyid": 9, "name": "off", "action": "accept", "status": "disable"},
}


@dataclass(frozen=True)
class Product:
    """A simulator's command line, as its own device prints it."""

    command: str
    prompt: str
    prepared: tuple[str, ...]
    parameters: Mapping[str, str]
    line: str
    passes: str
    blocks: str
    """The same answer where the flow does not pass."""
    rule: str


ZONES = {"from_zone": "trust", "to_zone": "dmz", "source": "192.0.2.77"}
ASA = """
Phase: 1
Type: ROUTE-LOOKUP
Result: ALLOW

Phase: 2
Type: ACCESS-LIST
Result: {phase}
Config:
access-group outside_in in interface outside
access-list outside_in extended {verb} tcp any host 127.0.0.1 eq {port}

Result:
input-interface: outside
input-status: up
Action: {action}{reason}
"""
JUNOS = """Policy: sip-trunk, action-type: {action}, State: enabled, Index: 4
  Policy Type: Configured
  Sequence number: 1
  From zone: trust, To zone: dmz"""
PANOS = """"sip-trunk; index: 3" {{
        from trust;
        to dmz;
        application/service 0:any/tcp/any/5061;
        action {action};
        icmp-unreachable: no
        terminal yes;
}}"""
PRODUCTS = (
    Product(
        "asa-packet-tracer", "fw-a/pri/act# ", ("terminal pager 0",), {"interface": "outside", "source": "192.0.2.77"},
        "packet-tracer input outside tcp 192.0.2.77 40000 127.0.0.1 {port}",
        ASA.format(phase="ALLOW", verb="permit", port=5061, action="allow", reason=""),
        ASA.format(phase="DROP", verb="deny", port=5061, action="drop",
                   reason="\nDrop-reason: (acl-drop) Flow is denied by configured rule"),
        "access-list outside_in extended",
    ),
    Product(
        "junos-match-policies", "ops@srx-a> ", ("set cli screen-length 0",), ZONES,
        "show security match-policies from-zone trust to-zone dmz source-ip 192.0.2.77 destination-ip 127.0.0.1 "
        "source-port 40000 destination-port {port} protocol tcp",
        JUNOS.format(action="permit"), JUNOS.format(action="deny"), "sip-trunk",
    ),
    Product(
        "panos-policy-match", "ops@pa-a(active)> ", ("set cli pager off",), ZONES,
        "test security-policy-match from trust to dmz source 192.0.2.77 destination 127.0.0.1 "
        "destination-port {port} protocol 6",
        PANOS.format(action="allow"), PANOS.format(action="deny"), "sip-trunk",
    ),
)  # fmt: skip


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    made.close()


async def judged(flow: Mapping[str, Any], credentials: Mapping[str, Credential], keys: tuple[str, ...]) -> Assessment:
    """One run of a check with this flow to its own target."""
    options = PathOptions.model_validate({"flows": {"flow": flow}})
    spec = check("path", options, timeout=15.0)
    transports = Transports.open()
    try:
        asked = replace(target(spec), credentials=credentials, host_keys=keys)
        context = Context("here", transports, wall, asyncio.get_running_loop().time() + 15.0)
        observation = await CHECK.collect(asked, options, context)
    finally:
        await transports.close()
    return CHECK.assess(subject(spec), (observation,), None, wall())


def found(assessment: Assessment) -> dict[str, Finding]:
    return {finding.key: finding for finding in assessment.findings}


async def asked_by_ssh(product: Product, port: int, answer: str, **parameters: str) -> dict[str, Finding]:
    line = product.line.format(port=port)
    cli = Cli(prompt=product.prompt, answers={**dict.fromkeys(product.prepared, ""), line: answer})
    with network_shell.running(cli) as device:
        flow = {**WHO, "port": port, "simulator": simulator(product, device, parameters)}
        pin = device.device().host_keys
        return found(await judged(flow, {"ssh": network_shell.credential()}, pin))


def simulator(product: Product, device: Device, parameters: Mapping[str, str]) -> dict[str, Any]:
    return {"command": product.command, "port": device.port, "with": {**product.parameters, **parameters}}


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.command)
async def test_a_simulator_that_agrees_is_ok_and_one_that_does_not_is_a_finding_of_its_own(
    product: Product, service: Service
) -> None:
    agrees = await asked_by_ssh(product, service.port, product.passes)
    differs = await asked_by_ssh(product, service.port, product.blocks)

    assert {key: one.state for key, one in agrees.items()} == {
        "path/flow": State.OK, "path/flow/simulator": State.OK, "path/asking": State.OK
    }  # fmt: skip
    assert f"passes by {product.rule}" in agrees["path/flow/simulator"].summary
    assert differs["path/flow"].state is State.OK
    assert differs["path/flow/simulator"].state is State.WARNING
    assert "but the probe got through" in differs["path/flow/simulator"].summary


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.command)
@pytest.mark.parametrize(
    "answer", ["", "No rule matched", "Policy: x, action-type: perhaps, State: enabled", "Action:"]
)
async def test_what_is_not_understood_is_unknown_and_shown(product: Product, service: Service, answer: str) -> None:
    said = await asked_by_ssh(product, service.port, answer)

    assert said["path/flow"].state is State.OK
    assert said["path/flow/simulator"].state is State.UNKNOWN
    assert (answer or "(nothing)") in said["path/flow/simulator"].evidence["simulator"]


async def test_a_device_that_refuses_the_log_in_is_told_once_and_not_flow_by_flow(service: Service) -> None:
    product = PRODUCTS[0]
    with network_shell.running(Cli(prompt=product.prompt)) as device:
        flow = {**WHO, "port": service.port, "simulator": simulator(product, device, {})}
        credentials = {"ssh": network_shell.credential("wrong")}

        said = found(await judged(flow, credentials, device.device().host_keys))

    assert {key: one.state for key, one in said.items()} == {"path/flow": State.OK, "path/asking": State.UNKNOWN}
    assert "fw-a could not be asked" in said["path/asking"].summary


async def test_a_device_without_a_credential_is_told_with_what_to_do(service: Service) -> None:
    flow = {**WHO, "port": service.port, "simulator": {"command": PRODUCTS[1].command, "with": ZONES}}

    said = found(await judged(flow, {}, ()))

    assert "credentials: {ssh: NAME}" in said["path/asking"].summary


def location(path: str, *answers: str) -> str:
    refused = f'if ($http_authorization != "Bearer {TOKEN}") {{ return 401; }}'
    return f"location {path} {{ default_type application/json; {refused} {' '.join(answers)} }}"


def results(value: object) -> str:
    return json.dumps({"http_method": "GET", "results": value, "status": "success", "vdom": "root"})


@pytest.fixture(scope="module")
def fortigate() -> Iterator[Nginx]:
    by_source = {
        f"192.0.2.{number}": results({"success": True, "policy_id": number}) for number in (0, *POLICIES)
    } | {"192.0.2.20": results({"success": False, "error_code": -1}), "192.0.2.21": "<html>log in</html>"}  # fmt: skip
    lookups = [f"if ($arg_sourceip = '{source}') {{ return 200 '{text}'; }}" for source, text in by_source.items()]
    extra = [
        location("= /api/v2/monitor/firewall/policy-lookup", *lookups),
        *(
            location(f"= /api/v2/cmdb/firewall/policy/{n}", f"return 200 '{results([p])}';")
            for n, p in POLICIES.items()
        ),
    ]
    with running({"fw": Site(OURS.issue(), extra="\n".join(extra))}) as started:
        (started.folder / "ca.pem").write_text(OURS.pem)
        yield started


async def looked_up(fortigate: Nginx, port: int, source: str, token: str = TOKEN) -> dict[str, Finding]:
    lookup = {
        "interface": "port3", "source": source, "port": fortigate.port["fw"], "ca": str(fortigate.folder / "ca.pem")
    }  # fmt: skip
    flow = {**WHO, "port": port, "simulator": {"fortios": lookup}}
    return found(await judged(flow, {"http": Credential("api", "token", {"token": token})}, ()))


@pytest.mark.parametrize(
    ("source", "state", "words"),
    [
        ("192.0.2.7", State.OK, "passes by policy 7 SIP trunk"),
        ("192.0.2.8", State.WARNING, "is blocked by policy 8 no guests"),
        ("192.0.2.0", State.WARNING, "is blocked by policy 0, the implicit one"),
        ("192.0.2.9", State.UNKNOWN, "says neither accept nor deny"),
        ("192.0.2.20", State.UNKNOWN, "names no policy"),
        ("192.0.2.21", State.UNKNOWN, "answers no JSON"),
    ],
)
async def test_fortios_says_which_policy_decides_and_a_second_question_what_it_does(
    fortigate: Nginx, service: Service, source: str, state: State, words: str
) -> None:
    said = await looked_up(fortigate, service.port, source)

    assert said["path/flow"].state is State.OK
    assert said["path/flow/simulator"].state is state
    assert words in said["path/flow/simulator"].summary


async def test_a_refused_token_is_told_once_and_never_shown(fortigate: Nginx, service: Service) -> None:
    said = await looked_up(fortigate, service.port, "192.0.2.7", "another-token-altogether")

    assert {key: one.state for key, one in said.items()} == {"path/flow": State.OK, "path/asking": State.UNKNOWN}
    assert "another-token" not in str(said)


async def test_a_closed_port_and_a_simulator_that_lets_it_pass_point_behind_the_firewall(fortigate: Nginx) -> None:
    said = await looked_up(fortigate, free_port(), "192.0.2.7")

    assert said["path/flow"].state is State.CRITICAL
    assert said["path/flow/simulator"].state is State.OK
    assert "look behind the firewall" in said["path/flow/simulator"].summary
