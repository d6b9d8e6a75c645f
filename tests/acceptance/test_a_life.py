"""One agent as its operators meet it: start, refuse, obey, restart, stop."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from testbeds.agent import Agent, Service
from testbeds.peers import wait_until
from testbeds.small_estates import one_service

pytestmark = pytest.mark.acceptance


def test_it_stops_cleanly_and_says_so_in_the_ledger(new_agent: Callable[..., Agent], service: Service) -> None:
    agent = new_agent()
    agent.write(one_service(service.port))
    agent.start()
    wait_until(lambda: (agent.metric("ridgeway_check_runs_total", kind="tcp") or 0) > 1, "checks run")

    status = agent.stop()

    assert status == 0
    with sqlite3.connect(agent.home / "ledger.sqlite3") as ledger:
        lives = ledger.execute("SELECT clean FROM agent_spans").fetchall()
    ledger.close()
    assert lives == [(1,)]
    assert not agent.control.exists()


def test_a_second_agent_on_the_same_ledger_is_refused_with_the_name_of_the_first(
    new_agent: Callable[..., Agent], service: Service
) -> None:
    first, second = new_agent(), new_agent()
    first.write(one_service(service.port))
    second.write(one_service(service.port))
    first.start()
    second.ledger = str(first.home / "ledger.sqlite3")

    second.start(ready=False)
    assert second.process is not None and first.process is not None
    status = second.process.wait(30)
    second.process = None

    assert status == 1
    assert str(first.process.pid) in second.log.read_text()


def test_a_wrong_estate_is_refused_with_file_line_and_suggestion(new_agent: Callable[..., Agent]) -> None:
    agent = new_agent()
    agent.write(one_service(443).replace("site: forum,", "site: fourm,"))

    said = agent.run("run", status=None)

    assert "estate.yaml:" in said
    assert 'did you mean "forum"?' in said


def test_metrics_are_whole_at_once_after_a_restart(new_agent: Callable[..., Agent], service: Service) -> None:
    agent = new_agent()
    agent.write(one_service(service.port).replace("every: 1s", "every: 1h"))
    agent.start()
    agent.run("check", "web")
    wait_until(lambda: agent.metric("ridgeway_tcp_connect_seconds", target="web") is not None, "the first run", 90)
    before = agent.metric("ridgeway_tcp_connect_seconds", target="web")
    agent.stop()

    agent.start()

    assert agent.metric("ridgeway_tcp_connect_seconds", target="web") == before
    assert agent.metric("ridgeway_check_state", target="web", state="ok") == 1


def test_people_can_list_show_and_acknowledge(new_agent: Callable[..., Agent], service: Service) -> None:
    agent = new_agent()
    agent.write(one_service(service.port))
    agent.start()
    service.close()
    wait_until(lambda: agent.states() == ["open"], "the incident is open")
    incident = agent.incidents()[0]["id"]

    listed = agent.run("incidents", "list", status=1)
    taken = agent.run("incidents", "ack", incident, "--comment", "looking at it", "--by", "Asha")
    shown = json.loads(agent.run("incidents", "show", incident, "--json"))

    assert incident in listed
    assert "Asha" in taken
    assert shown["acknowledged"]["by"] == "Asha"
    assert [event["kind"] for event in shown["events"]] == ["suspected", "opened", "acknowledged"]
    assert "There is no incident RWY-0" in agent.run("incidents", "show", "RWY-0", status=None)


def test_incidents_can_be_read_while_no_agent_runs(new_agent: Callable[..., Agent], service: Service) -> None:
    agent = new_agent()
    agent.write(one_service(service.port))
    agent.start()
    service.close()
    wait_until(lambda: agent.states() == ["open"], "the incident is open")

    agent.kill()

    assert [row["state"] for row in agent.incidents()] == ["open"]


def test_maintenance_mutes_opening_and_its_end_opens_what_is_still_bad(
    new_agent: Callable[..., Agent], service: Service
) -> None:
    agent = new_agent()
    agent.write(one_service(service.port))
    agent.start()
    window = json.loads(
        agent.run("maintenance", "add", "--target", "web", "--hours", "1", "-m", "CHG 12", "--by", "Asha", "--json")
    )
    service.close()

    def held() -> bool:
        said = agent.run("explain", "web")
        return "maintenance" in said and "held" in said

    wait_until(held, "the alert is held by the window")

    quiet = agent.states()
    listed = agent.run("maintenance", "list")
    agent.run("maintenance", "end", window["id"], "--by", "Asha")

    assert quiet in ([], ["suspect"])
    assert window["id"] in listed and "CHG 12" in listed
    wait_until(lambda: agent.states() == ["open"], "what is still bad opens after the window")


def test_a_window_that_would_cover_nothing_is_refused(new_agent: Callable[..., Agent], service: Service) -> None:
    agent = new_agent()
    agent.write(one_service(service.port))
    agent.start()

    said = agent.run("maintenance", "add", "--target", "wbe", "--hours", "1", "-m", "x", status=None)

    assert "no target of the estate is covered" in said
    assert agent.run("maintenance", "list").strip() == "No window."


def test_systemd_is_told_that_it_is_ready_and_that_it_makes_progress(
    new_agent: Callable[..., Agent], service: Service, tmp_path: Path
) -> None:
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        manager.settimeout(20)
        agent = new_agent(environment={"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "4000000"})
        agent.write(one_service(service.port))
        agent.start()

        told: list[str] = []
        while not (any("READY=1" in line for line in told) and any("WATCHDOG=1" in line for line in told)):
            told.append(manager.recv(4096).decode())
        agent.stop()
        manager.settimeout(0.5)
        while "STOPPING=1" not in told[-1]:
            told.append(manager.recv(4096).decode())

    assert "1 checks of 1 targets" in next(line for line in told if "READY=1" in line)


def test_the_pages_answer_and_a_foreign_host_name_does_not(new_agent: Callable[..., Agent], service: Service) -> None:
    agent = new_agent()
    agent.write(one_service(service.port))
    agent.start()

    pages = [agent.page(path) for path in ("/", "/incidents", "/targets", "/targets/web", "/runbooks/", "/metrics")]
    foreign = requests.get(f"{agent.url}/", headers={"Host": "attacker.example"}, timeout=5)

    assert all(pages)
    assert foreign.status_code in (400, 403, 421)


def test_a_check_from_the_command_line_answers_as_a_plug_in_does(
    new_agent: Callable[..., Agent], service: Service
) -> None:
    agent = new_agent()
    agent.write(one_service(service.port))

    good = json.loads(agent.run("check", "web/tcp", "--json"))
    service.close()
    bad = json.loads(agent.run("check", "web", "--json", status=2))

    assert (good["target"], good["council"], good["site"]) == ("web", "dacorum", "forum")
    assert good["checks"][0]["state"] == "ok" and good["checks"][0]["reached"] is True
    assert bad["checks"][0]["findings"][0]["state"] == "critical"
    assert "Did you mean web" in agent.run("check", "wep", status=None)
    agent.run("check", "wep", status=3)
    agent.run("check", status=3)
