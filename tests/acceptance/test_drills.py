"""Drills of a real agent: what it measures agrees with the listener's own log, and nothing that dies takes it along."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from testbeds.agent import RIDGEWAY, Agent, Service
from testbeds.peers import wait_until

pytestmark = pytest.mark.acceptance

ESTATE = """
estate: {{name: drills, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}, aylesbury: {{title: Aylesbury}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
defaults: {{every: 1s, timeout: 500ms, open_after: 1 of 1, clear_after: 1 of 1}}
targets:
  forum-firewall: {{address: 127.0.0.1, site: forum, checks: [{{tcp: {{port: {port}}}}}]}}
"""


@dataclass
class Outage:
    """When the listener went and came, each between two readings of the clock."""

    closed: tuple[float, float]
    opened: tuple[float, float]

    @property
    def least(self) -> float:
        return self.opened[0] - self.closed[1]

    @property
    def most(self) -> float:
        return self.opened[1] - self.closed[0]


@dataclass
class Listener:
    """A TCP service that writes down when it closed and opened."""

    service: Service = field(default_factory=Service)
    closed: tuple[float, float] = (0.0, 0.0)

    def close(self) -> None:
        before = time.time()
        self.service.close()
        self.closed = (before, time.time())

    def open(self) -> Outage:
        before = time.time()
        self.service.open()
        return Outage(self.closed, (before, time.time()))


@dataclass
class World:
    agent: Agent
    listener: Listener
    lines: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def probe(self) -> str:
        return f"tcp:127.0.0.1:{self.listener.service.port}"

    def begin(self, *more: str) -> subprocess.Popen[str]:
        """`ridgeway drill firewall` in a process of its own, once it is under way."""
        known = len(self.drills())
        command = [RIDGEWAY, "drill", "firewall", "forum-firewall", "--reason", "yearly drill", "--change", "CHG 12",
                   "--by", "jo", "--probe", self.probe, "--json", *more,
                   "--control.socket", str(self.agent.control)]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines.append(process)
        wait_until(lambda: process.poll() is not None or len(self.drills()) > known, "the drill is under way")
        assert process.poll() is None, process.communicate()
        return process

    def drills(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.agent.run("drill", "list", "--json"))["drills"]
        return found

    def shown(self, id: str = "") -> dict[str, Any]:
        drill: dict[str, Any] = json.loads(self.agent.run("drill", "show", id or self.drills()[0]["id"], "--json"))
        return drill

    def answered(self, more_than: int = 5) -> None:
        """Wait until the service is answered, and was for some probes."""
        before = self.shown()["probes"][0]["answered"]

        def is_so() -> bool:
            drill = self.shown()
            return not drill["away"] and drill["probes"][0]["answered"] > before + more_than

        wait_until(is_so, "the probes are answered")

    def lost(self, more_than: int = 5) -> None:
        wait_until(
            lambda: self.shown()["away"] and self.shown()["probes"][0]["gaps"][-1]["lost"] > more_than,
            "probes are lost",
        )

    def windows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.agent.run("maintenance", "list", "--json"))["windows"]
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One agent for all: the tests that kill it come last."""
    listener = Listener()
    agent = Agent(tmp_path_factory.mktemp("drills"))
    agent.write(ESTATE.format(port=listener.service.port))
    agent.start()
    try:
        yield World(agent, listener)
    finally:
        agent.stop()
        listener.service.close()


@pytest.fixture
def world(running: World) -> Iterator[World]:
    """The service is there, and no drill is under way."""
    running.listener.service.open()
    yield running
    for process in running.lines:
        process.kill()
        process.communicate()
    running.lines.clear()
    if running.agent.process is None:
        running.agent.start()
    if any(drill["outcome"] is None for drill in running.drills()):
        running.agent.run("drill", "end", status=None)


def test_what_is_measured_agrees_with_the_listeners_own_log_and_nothing_is_paged_meanwhile(world: World) -> None:
    line = world.begin()
    world.answered()
    announced = world.windows()
    second = world.agent.run("drill", "firewall", "forum-firewall", "-m", "another", "--probe", world.probe, status=1)

    world.listener.close()
    world.lost()
    wait_until(lambda: "covers it" in world.agent.run("explain", "forum-firewall"), "the check sees it too")
    meanwhile = world.agent.causes("open")
    outage = world.listener.open()
    world.answered()
    line.send_signal(signal.SIGINT)
    said, told = line.communicate(timeout=100)

    drill = json.loads(said)
    (probe,) = drill["probes"]
    (gap,) = probe["gaps"]
    assert second == "" and meanwhile == []
    assert gap["at_least"] <= outage.most and outage.least <= gap["at_most"], (gap, outage)
    assert gap["at_most"] - gap["at_least"] <= 3 * max(probe["coarsest_seconds"], 0.1)
    assert probe["sent"] == probe["answered"] + probe["lost"]
    assert (gap["lost"], gap["open"], probe["lost_by_way"]) == (probe["lost"], False, {"refused": probe["lost"]})
    assert (drill["outcome"], drill["ended_by"], drill["by"], drill["change"]) == ("measured", "jo", "jo", "CHG 12")
    assert line.returncode == 0
    assert "Pull the plug now" in told and f"{world.probe}: lost" in told and "answered again after" in told
    assert [window["id"] for window in announced] == [drill["window"]]
    assert drill["id"] in announced[0]["reason"] and "CHG 12" in announced[0]["reason"]
    assert world.windows() == []
    acts = [(row[1], row[2]) for row in world.agent.audit() if "drill" in str(row[2])]
    assert acts == [("jo", "drill-begin"), ("jo", "drill-end")]


def test_a_service_that_does_not_come_back_is_a_failed_drill_whose_window_ends_so_that_it_is_paged(
    world: World,
) -> None:
    line = world.begin()
    world.answered()
    world.listener.close()
    world.lost()

    ended = subprocess.run(
        [RIDGEWAY, "drill", "end", "--by", "sam", "--control.socket", str(world.agent.control)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    said, _ = line.communicate(timeout=100)
    drill = json.loads(said)
    assert (drill["outcome"], drill["ended_by"]) == ("failed", "sam")
    assert drill["probes"][0]["gaps"][-1]["open"] is True
    assert (ended.returncode, line.returncode) == (1, 1)
    assert "did not come back" in ended.stdout
    wait_until(
        lambda: ("forum-firewall", f"tcp/{world.listener.service.port}") in world.agent.causes("open"), "it is paged"
    )


def test_a_command_line_that_is_killed_leaves_the_drill_to_the_agent(world: World) -> None:
    line = world.begin()
    world.answered()
    line.kill()
    line.communicate(timeout=100)

    world.listener.close()
    world.lost()
    outage = world.listener.open()
    world.answered()
    world.agent.run("drill", "end", "--by", "sam")

    drill = world.shown()
    (gap,) = drill["probes"][0]["gaps"]
    assert (drill["outcome"], drill["by"], drill["ended_by"]) == ("measured", "jo", "sam")
    assert gap["at_least"] <= outage.most and outage.least <= gap["at_most"]


def test_a_service_that_is_not_answered_cannot_be_drilled(world: World) -> None:
    world.listener.close()
    before = world.drills()

    said = world.agent.run("drill", "firewall", "forum-firewall", "-m", "x", "--probe", world.probe, status=None)

    assert f"{world.probe} is not answered now (the connection is refused)" in said
    assert world.windows() == [] and world.drills() == before


def test_an_agent_that_is_killed_files_the_drill_as_broken_off_with_what_was_measured(world: World) -> None:
    line = world.begin()
    world.answered()
    world.listener.close()
    wait_until(lambda: _kept_lost(world.agent) > 0, "the loss is in the ledger")
    world.agent.kill()
    world.listener.open()

    world.agent.start()
    said, _ = line.communicate(timeout=100)

    drill = json.loads(said)
    assert (drill["outcome"], drill["ended_by"]) == ("broken off", "agent")
    assert drill["probes"][0]["lost"] > 0
    assert drill["window"] in drill["summary"]
    assert line.returncode == 1
    assert drill["window"] in [window["id"] for window in world.windows()], "people are still at it"
    again = world.begin()
    again.send_signal(signal.SIGINT)
    assert json.loads(again.communicate(timeout=100)[0])["outcome"] == "measured"


def test_an_agent_that_is_stopped_says_itself_that_the_drill_is_broken_off(world: World) -> None:
    line = world.begin()
    world.answered()

    status = world.agent.stop()

    row = _kept(world.agent)
    assert status == 0
    assert row["outcome"] == "broken off"
    assert row["body"]["evidence"]["probes"][0]["answered"] > 0
    world.agent.start()
    assert json.loads(line.communicate(timeout=100)[0])["outcome"] == "broken off"


def _kept(agent: Agent) -> dict[str, Any]:
    with sqlite3.connect(f"file:{agent.home / 'ledger.sqlite3'}?mode=ro", uri=True, timeout=5) as ledger:
        outcome, body = ledger.execute("SELECT outcome, body FROM drills ORDER BY id DESC LIMIT 1").fetchone()
    ledger.close()
    return {"outcome": outcome, "body": json.loads(body)}


def _kept_lost(agent: Agent) -> int:
    probes = _kept(agent)["body"]["evidence"]["probes"]
    return int(probes[0]["lost"]) if probes else 0
