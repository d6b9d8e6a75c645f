"""The doctor beside a running agent, and without one."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from testbeds.agent import Agent, Service
from testbeds.simulation import Simulation
from testbeds.small_estates import demo_desk, one_service

pytestmark = pytest.mark.acceptance


def lines(agent: Agent, *expected: int) -> dict[str, dict[str, str]]:
    """What the doctor says, by what it looked at."""
    said = agent.run("doctor", "--json", status=None)
    answer = json.loads(said[said.index("{") : said.rindex("}") + 1])
    assert answer["status"] in expected
    return {line["what"]: line for line in answer["lines"]}


def test_a_running_agent_is_found_healthy_and_a_changed_estate_is_seen(
    new_agent: Callable[..., Agent], service: Service, simulation: Simulation
) -> None:
    desk = simulation.desk()
    agent = new_agent()
    agent.write(one_service(service.port, desk=demo_desk(desk.url)))
    agent.start()
    before = agent.run("ledger", "info", "--json")

    found = lines(agent, 0, 1)
    agent.write(one_service(service.port, desk=demo_desk(desk.url), impact="high"))
    changed = lines(agent, 1)

    levels = {what: line["level"] for what, line in found.items()}
    wanted = ("estate", "secrets", "agent", "version", "estate in force", "ledger", "ledger lock", "control socket",
              "descriptors", "desk")  # fmt: skip
    assert {what: levels[what] for what in wanted} == dict.fromkeys(wanted, "ok")
    assert changed["estate in force"]["level"] == "warning"
    assert json.loads(agent.run("ledger", "info", "--json"))["epoch"] == json.loads(before)["epoch"]
    assert desk.statuses() == {}
    agent.stop()


def test_without_an_agent_and_with_a_missing_secret_it_says_both(
    new_agent: Callable[..., Agent], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = new_agent()
    agent.write(one_service(service.port, desk=demo_desk("http://127.0.0.1:9")))
    monkeypatch.delenv("DESK_TOKEN", raising=False)

    found = lines(agent, 1)

    assert found["agent"]["level"] == "broken" and "systemctl start ridgeway" in found["agent"]["mend"]
    assert found["secret"]["where"] == "env:DESK_TOKEN"
    assert "there is no ledger at" in found["ledger"]["text"]
