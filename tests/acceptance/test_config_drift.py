"""A whole agent over a firewall whose configuration changes: approved by a person, announced, kept over a kill."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from testbeds import network_shell
from testbeds.agent import Agent
from testbeds.configurations import text_of, with_moved_rule
from testbeds.network_shell import Cli, Device
from testbeds.peers import wait_until

pytestmark = pytest.mark.acceptance

SECRET = "Bridgewater77"
ESTATE = """
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
targets:
  fw-a:
    address: 127.0.0.1
    site: forum
    credentials: {{ssh: ops}}
    host_keys: ["{pin}"]
    checks: [{{firewall_config: {{syntax: fortios, port: {port}, every: 6s, timeout: 5s}}}}]
credentials: {{ops: {{kind: password, user: ops, password: "env:FW_PASSWORD"}}}}
"""


@pytest.fixture
def fortigate() -> Iterator[Device]:
    with network_shell.running(Cli(prompt="fw-1 # ", answers={"show": text_of("fortios", SECRET)})) as device:
        yield device


def test_a_change_waits_for_its_change_record_and_a_window_announces_the_next(
    new_agent: Callable[..., Agent], fortigate: Device
) -> None:
    agent = new_agent(environment={"FW_PASSWORD": network_shell.PASSWORD})
    (pin,) = fortigate.device().host_keys
    agent.write(ESTATE.format(pin=pin, port=fortigate.port))

    def is_approved(value: float) -> Callable[[], bool]:
        return lambda: agent.metric("ridgeway_firewall_config_approved", target="fw-a") == value

    def noted() -> dict[str, object]:
        (row,) = json.loads(agent.run("config", "show", "fw-a", "--json"))["states"]
        found: dict[str, object] = row["noted"]
        return found

    agent.start()
    wait_until(is_approved(1.0), "the first reading", 30)
    listed = agent.run("config", "show")
    fortigate.cli.answers["show"] = with_moved_rule("fortios")
    wait_until(is_approved(0.0), "the change is seen", 30)

    shown = agent.run("config", "show", "fw-a")
    digest = agent.run("config", "digest")
    refused = agent.run("config", "approve", "fw-a", "--change", "CHG-7", "--state", "0" * 12, status=None)
    unknown = agent.run("config", "approve", "fw-z", "--change", "CHG-7", status=None)
    state = str(noted()["state"])
    agent.run("config", "approve", "fw-a", "--change", "CHG-7", "--state", state, "--by", "jo")
    wait_until(is_approved(1.0), "the check was asked again", 30)
    agent.kill()
    agent.start()
    wait_until(is_approved(1.0), "it is still approved", 30)
    after_kill = agent.run("config", "show", "fw-a")

    agent.run("maintenance", "add", "--target", "fw-a", "--hours", "1", "--reason", "CHG-8")
    fortigate.cli.answers["show"] = text_of("fortios", SECRET)
    wait_until(lambda: "in the window MNT-" in agent.run("config", "digest"), "the window announced it", 30)

    assert "nobody" in listed
    assert "firewall policy" in shown
    assert "announced by nobody" in digest
    assert "Still waiting" in digest
    assert f"the state is {state} now, not 000000000000" in refused
    assert "the estate has no target fw-z" in unknown
    assert "by jo: CHG-7" in after_kill
    assert noted()["pending"] == {}
    assert agent.incidents() == []
    (act,) = [row for row in agent.audit() if row[2] == "config-approve"]
    assert (act[1], act[3]) == ("jo", "fw-a/firewall_config")
    assert json.loads(str(act[4]))["change"] == "CHG-7"
    pages = agent.page("/metrics") + agent.page("/targets")
    agent.stop()
    everything = pages.encode() + b"".join(path.read_bytes() for path in agent.home.iterdir() if path.is_file())
    assert b"firewall policy" in everything
    assert SECRET.encode() not in everything
