"""Drills of telephony: the primary loses its power, its phones go to their backup and come home, or nothing tells."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from testbeds.agent import RIDGEWAY, Agent
from testbeds.controllers import Controllers, date_and_time
from testbeds.peers import wait_until

pytestmark = pytest.mark.acceptance
ESTATE = """
estate: {{name: drills, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
credentials: {{key: {{kind: snmp-v2c, community: "env:COMMUNITY"}}}}
defaults: {{every: 5s, timeout: 1s, open_after: 1 of 1, clear_after: 1 of 1}}
targets:
  forum: {{address: 127.0.8.1, site: forum, credentials: {{snmp: key}}, checks: [
    {{mitel: {{port: {snmp}, retries: 0}}}}, {{sip_options: {{port: {primary}}}}}]}}
  civic: {{address: 127.0.8.2, site: forum, credentials: {{snmp: key}}, checks: [
    {{mitel: {{port: {snmp}, retries: 0, primaries: {{FORUM: forum}}}}}}, {{sip_options: {{port: {backup}}}}}]}}
  alone: {{address: 127.0.8.1, site: forum, checks: [{{icmp: {{}}}}]}}
"""


@dataclass
class World:
    agent: Agent
    controllers: Controllers
    lines: list[subprocess.Popen[str]] = field(default_factory=list)

    def begin(self, *more: str) -> subprocess.Popen[str]:
        """`ridgeway drill telephony` in a process of its own, once it is under way."""
        known = len(self.drills())
        command = [RIDGEWAY, "drill", "telephony", *more, "-m", "yearly", "--by", "jo", "--json",
                   "--control.socket", str(self.agent.control)]  # fmt: skip
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines.append(process)
        wait_until(lambda: process.poll() is not None or len(self.drills()) > known, "the drill is under way")
        assert process.poll() is None, process.communicate()
        return process

    def drills(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.agent.run("drill", "list", "--json"))["drills"]
        return found

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.agent.run("drill", "show", self.drills()[0]["id"], "--json"))
        return found

    def seen(self, so: Callable[[dict[str, Any]], object], what: str) -> None:
        wait_until(lambda: bool(so(self.shown())), what)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One agent for all: the test that kills it comes last."""
    controllers = Controllers()
    agent = Agent(tmp_path_factory.mktemp("phones"), environment={"COMMUNITY": "public"})
    ports = {"primary": controllers.primary.port, "backup": controllers.backup.port}
    agent.write(ESTATE.format(snmp=controllers.snmp, **ports))
    agent.start()
    try:
        yield World(agent, controllers)
    finally:
        agent.stop()
        controllers.close()


@pytest.fixture
def world(running: World) -> Iterator[World]:
    """Both controllers are well, and the check of each has said so."""
    running.controllers.primary.start()
    running.controllers.primary.sets_out(0)
    running.controllers.backup.forgets()
    wait_until(
        lambda: all(
            running.agent.metric("ridgeway_telephony_resources_unavailable", target=name) == 0
            for name in ("forum", "civic")
        ),
        "both controllers are known",
    )
    yield running
    for process in running.lines:
        process.kill()
        process.communicate()
    running.lines.clear()


def test_phones_that_go_to_their_backup_and_come_home_are_a_proven_failover_with_what_it_cost(world: World) -> None:
    primary, backup = world.controllers.primary, world.controllers.backup
    moved = date_and_time(time.time())
    line = world.begin("civic", "--until", "whole")
    world.seen(lambda drill: drill["looks"] and drill["looks"][-1]["active"] == ["forum"], "the phones are at home")
    announced = json.loads(world.agent.run("maintenance", "list", "--json"))["windows"]

    primary.stop()
    world.seen(lambda drill: primary.probe in drill["away"], "the primary is lost")
    backup.carries("FORUM", 1, moved)
    world.seen(lambda drill: drill["failovers"], "the phones went to the backup")
    backup.carries("FORUM", 2, moved)
    world.seen(lambda drill: "well again" in drill["looks"][-1]["text"], "the health check is complete")
    primary.sets_out(12)
    primary.start()
    world.seen(lambda drill: any(one["worst"] == 12 for one in drill["out_of_service"]), "sets are out")
    meanwhile = (world.shown()["outcome"], world.agent.causes("open"))
    primary.sets_out(0)
    backup.carries("FORUM", 3, date_and_time(time.time(), zone=False))
    said, told = line.communicate(timeout=90)

    drill = json.loads(said)
    assert meanwhile == (None, []), "it is announced, so nothing of it is an incident"
    assert [window["id"] for window in announced] == [drill["window"]]
    assert (drill["outcome"], drill["kind"], drill["ended_by"], line.returncode) == ("proven", "telephony", "agent", 0)
    assert (drill["target"], drill["standby"], sorted(drill["covers"])) == ("forum", "civic", ["civic", "forum"])
    assert "The phones moved there and back" in drill["summary"] and "They are at home." in drill["summary"]
    assert [(one["away_from"], one["to"]) for one in drill["failovers"]] == [("forum", "civic"), ("civic", "forum")]
    assert drill["looks"][1]["dated"] == f"{time.strftime('%Y-%m-%dT%H:%M', _of(moved))}:{moved[6]:02}.000Z"
    assert {one["probe"]: bool(one["lost"]) for one in drill["probes"] if one["probe"].startswith("sip:")} == {
        primary.probe: True,
        backup.probe: False,
    }
    sets = {one["target"]: (one["before"], one["worst"], one["last"]) for one in drill["out_of_service"]}
    assert sets == {"forum": (0, 12, 0), "civic": (0, 0, 0)}
    assert "pull the plug of forum, whose phones are to go to civic" in told
    assert "PHONES: forum to civic" in told and "IP Sets at forum: 12 out of service" in told
    assert world.agent.metric("ridgeway_last_proven_failover_timestamp_seconds", target="forum", council="dacorum")
    assert "Last proven failover of forum" in world.agent.run("explain", "forum")
    page = world.agent.page(f"/drills/{drill['id']}")
    assert "Telephony drill of forum" in page and "phones on: civic" in page and "Sets out of service" in page


def _of(date: bytes) -> time.struct_time:
    return time.struct_time((int.from_bytes(date[:2]), *date[2:7], 0, 0, 0))


def test_a_controller_of_which_no_backup_is_known_is_measured_and_nothing_more_is_claimed(world: World) -> None:
    primary = world.controllers.primary
    line = world.begin("alone", "--probe", primary.probe)
    world.seen(lambda drill: drill["probes"][0]["answered"], "it is answered")

    primary.stop()
    world.seen(lambda drill: drill["away"], "it is lost")
    primary.start()
    world.seen(lambda drill: not drill["away"] and drill["probes"][0]["gaps"], "it is back")
    world.seen(lambda drill: drill["probes"][0]["answered"] > 3, "and stays so")
    line.send_signal(signal.SIGINT)
    said, _ = line.communicate(timeout=100)

    drill = json.loads(said)
    assert (drill["outcome"], drill["standby"], line.returncode) == ("measured", None, 0)
    assert "No backup tells here where the phones are" in drill["summary"]
    assert drill["probes"][0]["lost_by_way"] == {"refused": drill["probes"][0]["lost"]}


def test_an_agent_that_is_killed_files_the_drill_with_the_phones_still_on_their_backup(world: World) -> None:
    primary, backup = world.controllers.primary, world.controllers.backup
    line = world.begin("forum", "--backup", "civic", "--probe", primary.probe, "--probe", backup.probe)
    primary.stop()
    world.seen(lambda drill: drill["away"], "the primary is lost")
    backup.carries("FORUM", 1, date_and_time(time.time()))
    world.seen(lambda drill: drill["failovers"], "the phones went to the backup")
    wait_until(lambda: _kept(world), "that is in the ledger")

    world.agent.kill()
    world.agent.start()
    said, _ = line.communicate(timeout=100)

    drill = json.loads(said)
    assert (drill["outcome"], drill["ended_by"], line.returncode) == ("broken off", "agent", 1)
    assert [(one["away_from"], one["to"]) for one in drill["failovers"]] == [("forum", "civic")]
    assert drill["probes"][0]["lost"] > 0
    assert drill["window"] in drill["summary"]


def _kept(world: World) -> bool:
    with sqlite3.connect(f"file:{world.agent.home / 'ledger.sqlite3'}?mode=ro", uri=True, timeout=5) as ledger:
        (body,) = ledger.execute("SELECT body FROM drills ORDER BY id DESC LIMIT 1").fetchone()
    ledger.close()
    return bool(json.loads(body)["evidence"]["swaps"])
