"""Two real agents in two networks look at one site: what the ways between them say, and what happens without one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbeds.apart import page
from testbeds.certificates import Authority
from testbeds.councils import JUDGE, MAIL, PORT, PROBE, PROBER, SITE, WEB, Councils, Resident, folder
from testbeds.peers import wait_until

pytestmark = pytest.mark.acceptance

ESTATE = """
estate: {{name: two, vantage: forum}}
councils: {{dacorum: {{title: Dacorum}}, aylesbury-vale: {{title: Aylesbury Vale}}}}
sites: {{forum: {{council: dacorum}}, gateway: {{council: aylesbury-vale}}}}
vantages:
  forum: {{site: forum}}
  gateway:
    site: gateway
    url: "https://{probe}"
    token: env:PROBE_TOKEN
    ca: {home}/ca.pem
    listen: "{probe}"
    certificate: {home}/server.pem
    key: file:{home}/server.key
defaults: {{every: 1s, timeout: 500ms, open_after: 2 of 2, clear_after: 2 of 2, hold_down: 1s, reopen_window: 5m,
  vantages: [forum, gateway]}}
targets:
  web: {{address: {web}, site: gateway, checks: [{{tcp: {{port: {port}}}}}]}}
  mail: {{address: {mail}, site: gateway, checks: [{{tcp: {{port: {port}}}}}]}}
"""
TOKEN = "the-token-of-the-prober"
FROM_FORUM = ("forum to gateway", "path/unreachable")
FROM_GATEWAY = ("gateway to gateway", "path/unreachable")
AWAY = ("gateway", "vantage/away")


@dataclass
class World:
    councils: Councils
    judge: Resident
    prober: Resident
    home: Path
    """Of the certificates."""

    def certify(self, authority: Authority, *, trusted: bool = True) -> None:
        """What the prober shows from its next start on."""
        chain, key = authority.issue(["10.20.1.2"]).write(self.home)
        key.chmod(0o600)
        assert chain.name == "server.pem"
        if trusted:
            (self.home / "ca.pem").write_text(authority.pem)

    def start_prober(self, **environment: str) -> None:
        """At once, as after a power cut, if it runs already."""
        self.prober.kill()
        self.prober.environment = {"PROBE_TOKEN": TOKEN, **environment}
        self.prober.start()

    def judge_says(self, why: str) -> None:
        """Wait until the judge has logged that the vantage cannot be asked, and why; it looks every five seconds."""
        words = ("vantage cannot be asked", "vantage differs")
        wait_until(
            lambda: any(line["event"] in words and why in line["why"] for line in self.judge.said()),
            f"the judge says {why!r}",
        )

    def judge_page(self, path: str) -> str:
        assert self.judge.process is not None
        return page(self.judge.process.pid, f"{self.judge.url}{path}")

    def summary(self, cause: tuple[str, str]) -> str:
        rows = [row for row in self.judge.known() if (row["subject"], row["condition"]) == cause]
        assert rows, f"no incident of {cause}"
        return str(rows[-1]["summary"])

    def tickets(self, cause: tuple[str, str]) -> int:
        """How many incidents this cause ever had."""
        return self.judge.causes().count(cause)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    home = tmp_path_factory.mktemp("two-vantages")
    text = ESTATE.format(home=home, probe=PROBE, web=WEB, mail=MAIL, port=PORT)
    with Councils() as councils:
        token = {"PROBE_TOKEN": TOKEN}
        judge = Resident(folder(home / "judge"), token, before=councils.inside(JUDGE))
        prober = Resident(folder(home / "prober"), token, before=councils.inside(PROBER), vantage="gateway")
        made = World(councils, judge, prober, home)
        made.certify(Authority())
        judge.write(text)
        prober.write(text)
        try:
            prober.start()
            judge.start()
            yield made
        finally:
            judge.kill()
            prober.kill()


def test_a_site_that_one_vantage_does_not_reach_is_one_fault_of_the_way(world: World) -> None:
    world.judge.is_quiet()

    world.councils.cut(JUDGE, SITE)
    world.judge.opens(FROM_FORUM)
    world.judge.stays(FROM_FORUM, seconds=3)
    sentence = world.summary(FROM_FORUM)
    metrics = world.judge_page("/metrics")
    target = world.judge_page("/targets/web")
    world.councils.mend(JUDGE, SITE)
    world.judge.is_quiet()

    assert 'ridgeway_target_up{target="web",council="aylesbury-vale",vantage="forum"} 0' in metrics
    assert 'ridgeway_target_up{target="web",council="aylesbury-vale",vantage="gateway"} 1' in metrics
    assert "from forum" in target and "from gateway" in target
    assert "answers gateway but not forum" in sentence
    assert "the way between is at fault, not the target" in sentence
    assert world.judge.causes() == [FROM_FORUM]


def test_the_same_holds_for_the_other_vantage(world: World) -> None:
    world.judge.is_quiet()

    world.councils.cut(PROBER, SITE)
    world.judge.opens(FROM_GATEWAY)
    sentence = world.summary(FROM_GATEWAY)
    world.councils.mend(PROBER, SITE)
    world.judge.is_quiet()

    assert "answers forum but not gateway" in sentence
    assert world.tickets(FROM_GATEWAY) == 1


def test_a_target_that_nobody_reaches_is_unreachable_and_no_way_is_blamed(world: World) -> None:
    world.judge.is_quiet()
    ways = world.tickets(FROM_FORUM) + world.tickets(FROM_GATEWAY)

    world.councils.switch_off(WEB)
    world.judge.opens(("web", "target/unreachable"))
    world.judge.stays(("web", "target/unreachable"), seconds=3)
    world.councils.switch_on(WEB)
    world.judge.is_quiet()

    assert world.tickets(("web", "target/unreachable")) == 1
    assert world.tickets(FROM_FORUM) + world.tickets(FROM_GATEWAY) == ways


def test_a_prober_that_cannot_be_asked_is_one_vantage_away_whatever_the_reason(world: World) -> None:
    """Its line is cut; it is killed, comes back with another token, authority and estate, and is well at last."""
    world.judge.is_quiet()
    estate = (world.prober.home / "estate.yaml").read_text()

    world.councils.cut(JUDGE, PROBER)
    world.judge.opens(AWAY)
    sentence = world.summary(AWAY)
    world.councils.switch_off(MAIL)
    world.judge.opens(AWAY, ("mail", "target/unreachable"))
    world.councils.switch_on(MAIL)
    world.judge.opens(AWAY)
    world.prober.kill()
    world.councils.mend(JUDGE, PROBER)
    world.start_prober(PROBE_TOKEN="another-token-altogether")
    world.judge_says("refuses the token")
    world.certify(Authority("Somebody else's authority"), trusted=False)
    world.start_prober()
    world.judge_says("certificate")
    world.certify(Authority())
    world.prober.write(estate.replace(f"port: {PORT}", f"port: {PORT + 1}"))
    world.start_prober()
    world.judge_says("another revision of the estate")
    world.judge.opens(AWAY)
    world.prober.write(estate)
    world.start_prober()
    world.judge.is_quiet()

    assert "does not answer" in sentence
    assert world.tickets(AWAY) == 1
    assert world.tickets(("mail", "target/unreachable")) == 1
    assert world.tickets(FROM_FORUM) == world.tickets(FROM_GATEWAY) == 1
    assert TOKEN not in world.judge.log.read_text() + world.prober.log.read_text()


def test_both_sides_reload_and_look_at_a_new_target_without_a_word_about_the_vantage(world: World) -> None:
    world.start_prober()
    world.judge.is_quiet()
    text = (world.judge.home / "estate.yaml").read_text()
    more = f"  again: {{address: {WEB}, site: gateway, checks: [{{tcp: {{port: {PORT}}}}}]}}\n"
    incidents = len(world.judge.known())

    for resident in (world.prober, world.judge):
        assert resident.process is not None
        resident.write(text + more)
        resident.process.send_signal(signal.SIGHUP)
        wait_until(
            lambda resident=resident: any(line["event"] == "estate reloaded" for line in resident.said()),  # type: ignore[misc]
            "it has reloaded",
        )

    for vantage in ("forum", "gateway"):
        labels = f'target="again",check="tcp",council="aylesbury-vale",vantage="{vantage}",state="ok"'
        line = f"ridgeway_check_state{{{labels}}} 1"
        wait_until(lambda line=line: line in world.judge_page("/metrics"), f"looked at from {vantage}")  # type: ignore[misc]
    assert len(world.judge.known()) == incidents
