"""An agent whose estate is changed 200 times while it works: whole, wrong, cut off and half written files."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import requests

from agent.cadence import phase
from testbeds.agent import Agent
from testbeds.peers import wait_until
from testbeds.simulation import FULL, MEMORY, Desk, Simulation
from testbeds.small_estates import demo_desk

pytestmark = pytest.mark.acceptance

RELOADS = 200
EVERY = 2.0
STEADY = 24
"""Checks that stand unchanged in every whole file."""
HEAD = """\
# revision {number}
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
credentials: {{read: {{kind: snmp-v2c, community: env:COMMUNITY}}}}
defaults:
  {{every: {every:g}s, timeout: 500ms, open_after: 2 of 2, clear_after: 2 of 2, hold_down: 1s, reopen_window: 5m}}
{desk}targets:
"""


class Counted:
    """TCP services on loopback that write down when each was connected to."""

    def __init__(self, count: int) -> None:
        self._sockets = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in range(count)]
        self.ports = [one.getsockname()[1] for one in self._sockets]
        self.seen: dict[int, list[float]] = {port: [] for port in self.ports}
        for listening in self._sockets:
            threading.Thread(target=self._serve, args=(listening,), daemon=True).start()

    def _serve(self, listening: socket.socket) -> None:
        seen = self.seen[listening.getsockname()[1]]
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            seen.append(time.time())
            client.close()

    def close(self) -> None:
        for listening in self._sockets:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()


@pytest.fixture
def services() -> Iterator[Counted]:
    counted = Counted(STEADY + 1)
    yield counted
    counted.close()


class Changing:
    """The agent's estate file, as it is written in one way after the other, and what has to come of each."""

    def __init__(self, agent: Agent, simulation: Simulation, services: Counted, desk: Desk) -> None:
        self._agent = agent
        self._path = agent.home / "estate.yaml"
        self._ports = {device.name: device.port for device in simulation.devices}
        self._services = services
        self._desk = desk
        self.in_force = ""
        """Revision of the last whole file."""

    def whole(self, number: int) -> str:
        """A small change every time: a target comes and goes, another changes its name, a third its time-out."""
        # A check's phase is its name's: renamed many times within one period, it would never be due.
        name, was = ("phone-a", "phone-b") if number // 20 % 2 else ("phone-b", "phone-a")
        rows = [
            self._firewall("broken", "broken"),
            self._firewall(name, "phone", f"formerly: [{was}], "),
            self._firewall("changing", "changing", timeout=f"{400 + number % 50}ms"),
        ]
        rows += [
            f"  steady-{place:02d}: {{address: 127.0.0.1, site: forum, checks: [{{tcp: {{port: {port}}}}}]}}"
            for place, port in enumerate(self._services.ports[:STEADY])
        ]
        if number % 3 == 0:
            check = f"{{tcp: {{port: {self._services.ports[STEADY]}}}}}"
            rows.append(f"  passing-{number % 9}: {{address: 127.0.0.1, site: forum, checks: [{check}]}}")
        head = HEAD.format(number=number, every=EVERY, desk=demo_desk(self._desk.url))
        return head + "\n".join(rows) + "\n"

    def _firewall(self, name: str, device: str, more: str = "", timeout: str = "500ms") -> str:
        check = f"{{profile: small-firewall, port: {self._ports[device]}, retries: 0, timeout: {timeout}}}"
        return (
            f"  {name}: {{address: 127.0.0.1, site: forum, {more}credentials: {{snmp: read}}, "
            f"checks: [{{snmp: {check}}}]}}"
        )

    def write(self, text: str) -> None:
        self._path.write_text(text, encoding="utf-8")

    def reload(self, number: int) -> str:
        """Write a file in the way of this number, send SIGHUP, and wait for the one right outcome."""
        way = ("whole", "whole", "wrong", "whole", "cut", "whole", "growing")[number % 7]
        text = self.whole(number)
        if way == "whole":
            self.write(text)
            self._hang_up()
            self._is_in_force(text)
        elif way == "wrong":
            self.write(text.replace("site: forum, checks", "site: from, checks"))
            self._hang_up()
            self._is_refused()
        elif way == "cut":  # at the end of a line, so that what is left is a smaller estate and no mistake
            self.write("\n".join(text.splitlines()[: -2 * STEADY // 3]) + "\n")
            self._hang_up()
            self._is_refused()
        else:
            self._grow(text)
        return way

    def _grow(self, text: str) -> None:
        """The signal comes while somebody is still writing; the next one comes when he is done."""
        lines = text.splitlines(keepends=True)
        enough = threading.Event()
        with self._path.open("w", encoding="utf-8") as file:

            def write() -> None:
                file.writelines(lines[:-3])
                while not enough.wait(0.01):
                    file.write("# not done yet\n")
                    file.flush()

            writer = threading.Thread(target=write)
            writer.start()
            wait_until(lambda: self._path.stat().st_size > 0, "somebody writes")
            self._hang_up()
            self._is_refused()
            enough.set()
            writer.join()
        self.write(text)
        self._hang_up()
        self._is_in_force(text)

    def _hang_up(self) -> None:
        assert self._agent.process is not None
        self._agent.process.send_signal(signal.SIGHUP)

    def _is_in_force(self, text: str) -> None:
        self.in_force = sha256(text.encode()).hexdigest()
        wait_until(lambda: self._told() == (self.in_force, 1), "it is in force", 30)

    def _is_refused(self) -> None:
        """A whole file always came before, so that its 1 turns into 0."""
        wait_until(lambda: self._told() == (self.in_force, 0), "it is refused, and what was in force still is", 30)

    def _told(self) -> tuple[str, float]:
        """The revision in force, and whether the last reload was successful."""
        page = self._agent.page("/metrics")
        revision = re.search(r'^ridgeway_config_info\{digest="([0-9a-f]+)"\} 1', page, re.MULTILINE)
        good = re.search(r"^ridgeway_config_last_reload_successful (\S+)", page, re.MULTILINE)
        assert revision is not None and good is not None
        return revision[1], float(good[1])


@pytest.mark.timeout(300)
def test_200_reloads_lose_no_check_and_touch_no_incident(
    new_agent: Callable[..., Agent], simulation: Simulation, services: Counted
) -> None:
    simulation.add("broken", "phone", "changing")
    simulation.start()
    desk = simulation.desk()
    for name in ("broken", "phone"):
        simulation[name].set(MEMORY, FULL)
    agent = new_agent()
    changing = Changing(agent, simulation, services, desk)
    changing.write(changing.whole(0))
    agent.start()
    wait_until(desk.has(new=2), "both faults have their ticket", 30)
    wait_until(lambda: all(services.seen.values()), "everything runs")

    begun = time.time()
    ways = Counter(changing.reload(number) for number in range(1, RELOADS + 1))
    ended = time.time()

    print(f"{ways} in {ended - begun:.0f} s")
    assert sum(ways.values()) == RELOADS and min(ways.values()) >= RELOADS // 8
    assert _missing(services, begun, ended) == {}
    assert sorted(row["condition"] for row in agent.known()) == ["snmp/memory_used"] * 2
    for row in agent.known():
        kinds = Counter(agent.events(row["id"]))
        assert (kinds["opened"], kinds["ticket"]) == (1, 1), kinds
        assert not kinds.keys() & {"resolved", "reopened", "recovering", "cancelled", "relapsed"}, kinds
    assert desk.statuses() == Counter(new=2)
    for name in ("broken", "phone"):
        simulation[name].set(MEMORY, 54)
    wait_until(desk.has(resolved=2), "both tickets are resolved", 30)
    reloads = [json.loads(str(row[4])) for row in agent.audit() if row[1:3] == ("SIGHUP", "reload")]
    assert len(reloads) == ways["whole"] + ways["growing"]
    assert [row["before"] for row in reloads[1:]] == [row["after"] for row in reloads[:-1]]
    assert reloads[-1]["after"] == changing.in_force
    assert agent.stop() == 0


def _missing(services: Counted, begun: float, ended: float) -> dict[str, list[str]]:
    """By check, the periods in which it was not connected to exactly once, counted from its phase on."""
    found: dict[str, list[str]] = {}
    for place, port in enumerate(services.ports[:STEADY]):
        check = f"steady-{place:02d}/tcp"
        offset = phase(check, EVERY)
        first = int((begun - offset) // EVERY) + 1
        last = int((ended - offset) // EVERY) - 1
        counts = Counter(int((at - offset) // EVERY) for at in services.seen[port])
        wrong = [f"{counts[period]} in period {period - first}" for period in range(first, last) if counts[period] != 1]
        if wrong:
            found[check] = wrong
    return found


def test_a_reload_over_http_is_for_those_who_may_and_says_what_came_of_it(
    new_agent: Callable[..., Agent], services: Counted
) -> None:
    closed, opened = new_agent(), new_agent(options=("--web.enable-lifecycle",))
    for agent in (closed, opened):
        agent.write(_services(services.ports[:2]))
        agent.start()
    opened.write(_services(services.ports[:3]))

    refused = requests.post(f"{closed.url}/-/reload", timeout=30)
    done = requests.put(f"{opened.url}/-/reload", timeout=30)
    opened.write("targets: [")
    wrong = requests.post(f"{opened.url}/-/reload", timeout=30)
    foreign = requests.post(f"{opened.url}/-/reload", headers={"Origin": "https://elsewhere.example"}, timeout=30)

    assert refused.status_code == 403
    assert (done.status_code, "targets: 1 added; checks: 1 added" in done.text) == (200, True)
    assert wrong.status_code == 422 and "estate.yaml:2:1: not YAML" in wrong.text
    assert foreign.status_code == 403
    assert requests.get(f"{opened.url}/-/reload", timeout=30).status_code == 405


def test_a_plan_is_looked_at_and_then_applied_with_its_change(
    new_agent: Callable[..., Agent], services: Counted, tmp_path: Path
) -> None:
    agent = new_agent()
    agent.write(_services(services.ports[:12]))
    agent.start()
    same = agent.run("plan", status=0)
    agent.write(_services(services.ports[:3]))

    plan = json.loads(agent.run("plan", "--json", status=1))
    refused = agent.run("reload", status=None)
    other = agent.run("apply", "--expect", "0" * 16, "--change", "CHG-1", status=None)
    done = agent.run("apply", "--expect", plan["expect"], "--change", "CHG-2", "--by", "A. Engineer")
    candidate = tmp_path / "candidate.yaml"
    candidate.write_text(_services(services.ports[:4]))
    told = agent.run("plan", "--config.file", str(candidate), status=1)
    candidate.write_text("targets: [")
    wrong = agent.run("plan", "--config.file", str(candidate), status=None)

    assert "Nothing changes." in same
    assert plan["suspicions"] == ["9 of 12 targets are gone"]
    assert "LOOKS HALF WRITTEN" in refused and f"--expect {plan['expect']}" in refused
    assert f"the plan is now {plan['expect']}" in other
    assert "is in force: targets: 9 removed; checks: 9 removed" in done
    assert "+ web-3" in told
    assert "not YAML" in wrong
    assert agent.audit()[-1][1:3] == ("A. Engineer", "reload")
    assert '"change":"CHG-2"' in agent.audit()[-1][4]


def test_without_an_agent_a_plan_compares_two_files(new_agent: Callable[..., Agent], services: Counted) -> None:
    agent = new_agent()
    agent.write(_services(services.ports[:2]))
    other = agent.home / "other.yaml"
    other.write_text(_services(services.ports[:1]))

    alone = agent.run("plan", status=None)
    against = agent.run("plan", "--against", str(other), status=1)

    assert "No agent listens" in alone and "targets: 2 added" in alone
    assert "targets: 1 added; 2 then" in against and "ridgeway apply" not in against


def _services(ports: list[int]) -> str:
    rows = [
        f"  web-{place}: {{address: 127.0.0.1, site: forum, checks: [{{tcp: {{port: {port}}}}}]}}"
        for place, port in enumerate(ports)
    ]
    return HEAD.format(number=0, every=EVERY, desk="") + "\n".join(rows) + "\n"
