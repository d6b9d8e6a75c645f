"""Two real agents before a firewall: what one must not reach is proved to be blocked by what the other one sees."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from testbeds.agent import RIDGEWAY
from testbeds.apart import page
from testbeds.certificates import Authority
from testbeds.councils import JUDGE, PORT, PROBE, PROBER, SITE, WEB, Councils, Resident, folder
from testbeds.peers import need, wait_until

pytestmark = pytest.mark.acceptance

HR, CORE = 8443, 8022
ESTATE = """
estate: {{name: two, vantage: hemel}}
councils: {{dacorum: {{title: Dacorum}}, aylesbury-vale: {{title: Aylesbury Vale}}}}
sites: {{forum: {{council: dacorum}}, gateway: {{council: aylesbury-vale}}}}
vantages:
  hemel: {{site: forum}}
  aylesbury:
    site: gateway
    url: "https://{probe}"
    token: env:PROBE_TOKEN
    ca: {home}/ca.pem
    listen: "{probe}"
    certificate: {home}/server.pem
    key: file:{home}/server.key
defaults: {{every: 2s, timeout: 1900ms, open_after: 2 of 2, clear_after: 2 of 2, hold_down: 1s, reopen_window: 5m}}
targets:
  hr-web: {{address: {web}, site: gateway, checks: []}}
  fw:
    address: {web}
    site: gateway
    checks:
      - path:
          wait_seconds: 0.2
          flows:
            web: {{from: hemel, to: hr-web, port: {port}, must: pass, owner: web team, reason: the site}}
            web-there: {{from: aylesbury, to: hr-web, port: {port}, must: pass, owner: web team, reason: the site}}
            hr: {{from: hemel, to: hr-web, port: {hr}, must: block, alive_from: aylesbury, owner: HR, reason: staff}}
            core: {{from: aylesbury, to: {web}, port: {core}, must: block, alive_from: hemel, owner: NOC, reason: own}}
"""
_LISTENER = """
import socket, sys
listening = socket.create_server((sys.argv[1], int(sys.argv[2])), backlog=64)
print("ready", flush=True)
while True:
    listening.accept()[0].close()
"""
RULES = f"""
flush ruleset
table inet p {{
    chain in {{
        type filter hook input priority 0
        iifname "judge" tcp dport {HR} counter drop
        iifname "prober" tcp dport {CORE} counter reject with tcp reset
    }}
}}
"""
AWAY = ("fw", "path/vantage/aylesbury")
HR_CAUSE = ("fw", "path/hr")
NOTHING = "nothing answers aylesbury there either"


@dataclass
class World:
    councils: Councils
    judge: Resident
    prober: Resident
    listeners: dict[int, subprocess.Popen[str]] = field(default_factory=dict)

    def rules(self, text: str) -> None:
        command = [*self.councils.inside(SITE), str(need("nft")), "-f", "-"]
        subprocess.run(command, input=text, text=True, check=True, timeout=20)

    def listen(self, port: int) -> None:
        command = [*self.councils.inside(SITE), sys.executable, "-c", _LISTENER, WEB, str(port)]
        process = self.listeners[port] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"

    def die(self, port: int) -> None:
        process = self.listeners.pop(port)
        process.kill()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()

    def paths(self) -> dict[str, dict[str, Any]]:
        """The matrix, as its JSON tells it."""
        assert self.judge.process is not None
        text = page(self.judge.process.pid, f"{self.judge.url}/api/v1/paths")
        return {row["flow"]: row for row in json.loads(text)["paths"]} if text else {}

    def become(self, **states: str) -> dict[str, dict[str, Any]]:
        """Wait until these flows are in these states."""

        def reached() -> bool:
            now = self.paths()
            return all(now.get(name.replace("_", "-"), {}).get("state") == state for name, state in states.items())

        wait_until(reached, f"{states}; there is {json.dumps(self.paths())[-3000:]}", 60)
        return self.paths()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("paths")
    text = ESTATE.format(home=home, probe=PROBE, web=WEB, port=PORT, hr=HR, core=CORE)
    authority = Authority()
    _, key = authority.issue(["10.20.1.2"]).write(home)
    key.chmod(0o600)
    (home / "ca.pem").write_text(authority.pem)
    need("nft")
    with Councils() as councils:
        token = {"PROBE_TOKEN": "the-token-of-the-prober"}
        judge = Resident(folder(home / "judge"), token, before=councils.inside(JUDGE))
        prober = Resident(folder(home / "prober"), token, before=councils.inside(PROBER), vantage="aylesbury")
        judge.write(text)
        prober.write(text)
        made = World(councils, judge, prober)
        try:
            made.rules(RULES)
            made.listen(HR)
            made.listen(CORE)
            prober.start()
            judge.start()
            yield made
        finally:
            judge.kill()
            prober.kill()
            for port in list(made.listeners):
                made.die(port)


def test_each_council_s_view_proves_what_the_other_must_not_reach(world: World) -> None:
    found = world.become(web="ok", web_there="ok", hr="ok", core="ok")

    assert {name: row["passes"] for name, row in found.items()} == {
        "web": True, "web-there": True, "hr": False, "core": False
    }  # fmt: skip
    assert "the listener answers aylesbury" in found["hr"]["summary"]
    assert "no answer" in found["hr"]["summary"]
    assert "closed or rejected" in found["core"]["summary"]
    assert found["hr"]["evidence"]["listener"].count("aylesbury: got through") >= 2
    assert world.judge.causes("open") == []


def test_the_same_is_found_by_hand_without_the_daemon(world: World) -> None:
    world.become(hr="ok")

    command = [*world.councils.inside(JUDGE), RIDGEWAY, "check", "fw/path", "--json"]
    environment = {**os.environ, **world.judge.environment, "RIDGEWAY_CONFIG_FILE": f"{world.judge.home}/estate.yaml"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    (check,) = json.loads(done.stdout)["checks"]
    assert {one["key"]: one["state"] for one in check["findings"]} == dict.fromkeys(
        ("path/web", "path/web-there", "path/hr", "path/core", "path/vantage/aylesbury"), "ok"
    )


def test_a_listener_that_died_proves_nothing_though_nothing_connects(world: World) -> None:
    world.become(hr="ok")

    world.die(HR)
    world.become(hr="unknown")
    # The round it died in says only that it answered before and not after: the next ones say that nothing answers.
    wait_until(lambda: NOTHING in world.paths()["hr"]["summary"], f"the finding says {NOTHING!r}", 60)
    found = world.paths()
    world.judge.opens(HR_CAUSE)
    world.listen(HR)
    world.become(hr="ok")
    world.judge.is_quiet()

    assert found["hr"]["passes"] is None


def test_a_rule_that_went_is_critical_at_once(world: World) -> None:
    world.become(hr="ok")

    world.rules("flush ruleset")
    found = world.become(hr="critical", core="critical")
    world.judge.opens(("fw", "path/core"), HR_CAUSE)
    metrics = page(world.judge.process.pid, f"{world.judge.url}/metrics") if world.judge.process else ""
    table = world.judge.run("paths", status=1)
    world.rules(RULES)
    world.become(hr="ok", core="ok")
    world.judge.is_quiet()

    assert found["hr"]["passes"] is True
    assert "open although it must be blocked" in found["hr"]["summary"]
    assert 'ridgeway_path_flow_ok{target="fw",council="aylesbury-vale",vantage="hemel",flow="hr"' in metrics
    assert "hr-web:8443/tcp" in table


def test_a_prober_that_is_away_is_told_once_and_leaves_the_flows_as_they_were(world: World) -> None:
    world.become(hr="ok")

    world.prober.kill()
    world.judge.opens(AWAY)
    found = world.paths()
    world.prober.start()
    world.become(web="ok", hr="ok", core="ok")
    world.judge.is_quiet()

    assert found["web"]["state"] == "ok", "what needs no prober is still judged"
    assert {found[name]["passes"] for name in ("hr", "core", "web-there")} == {None}
