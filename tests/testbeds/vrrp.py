"""A pair of Linux firewalls with the real keepalived, nftables, snmpd and sshd, in network namespaces of their own.

`apart` gives the command that runs this file where nothing of the host is touched: new namespaces for network, mounts
and processes, and for users unless root starts it. `Lab` holds two machines in there, `fw1` and `fw2`: a cable between
them, on which they speak VRRP and share 10.0.0.254, and one from each to the place where the check stands. Everything
ends with the process.

OpenSSH's sshd wants setgroups(2), which an ordinary user's namespace does not allow: there the machines have no sshd.

Run as a program it goes through the eight states of a pair, and prints after each what the check says, a line of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.records import CheckResult
from agent.run import Runner
from checks.catalogue import load_catalogue
from checks.contract import Memory
from checks.firewall import judgement as alone
from checks.firewall.failovers import failovers
from checks.firewall.pair import PairAnswers, PairOptions
from checks.transports import Transports
from config.load import load_estate
from testbeds.peers import find, need

SHARED = "10.0.0.254"
PROGRAMS = ("keepalived", "nft", "snmpd", "sshd", "ssh-keygen", "ip", "unshare", "mount")
_PATIENCE = 15.0
"""Seconds that a state may take to come about."""


def apart(home: Path) -> list[str]:
    """The command that goes through the states in namespaces of its own; `home` is an empty folder."""
    for program in PROGRAMS:
        need(program)
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    namespaces = ["--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    return [str(need("unshare")), *user, *namespaces, sys.executable, "-m", "testbeds.vrrp", str(home)]


class Lab:
    """The two machines. Numbers are 1 and 2."""

    def __init__(self, home: Path, *, with_sshd: bool) -> None:
        self._home = home
        self.with_sshd = with_sshd
        self._daemons: dict[int, subprocess.Popen[bytes]] = {}
        self._others: list[subprocess.Popen[bytes]] = []

    def build(self) -> None:
        """Cables, addresses, snmpd and sshd; keepalived does not run yet."""
        _run("mount", "-t", "tmpfs", "none", "/run")  # this namespace's own: ip netns and sshd keep things there
        Path("/run/sshd").mkdir(mode=0o755)
        _run("ip", "link", "set", "lo", "up")
        for number in (1, 2):
            _run("ip", "netns", "add", f"fw{number}")
        _run("ip", "link", "add", "ha1", "netns", "fw1", "type", "veth", "peer", "name", "ha2", "netns", "fw2")
        if self.with_sshd:
            for key in ("host", "user"):
                _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._home / key))
        for number in (1, 2):
            self._machine(number)

    def _machine(self, number: int) -> None:
        inside, outside = f"mgmt{number}", f"to{number}"
        _run("ip", "link", "add", outside, "type", "veth", "peer", "name", inside, "netns", f"fw{number}")
        _run("ip", "addr", "add", f"10.66.{number}.1/24", "dev", outside)
        _run("ip", "link", "set", outside, "up")
        for line in (
            "link set lo up", f"link set ha{number} up", f"link set {inside} up",
            f"addr add 10.0.0.{number}/24 dev ha{number}", f"addr add {address(number)}/24 dev {inside}",
        ):  # fmt: skip
            _run("ip", "-n", f"fw{number}", *line.split())
        snmpd = self._file(
            f"snmpd{number}.conf",
            f"rocommunity public\nmaster agentx\nagentXSocket /run/agentx{number}\nsysName fw{number}\n",
        )
        listen = f"udp:{address(number)}:161"
        self._start(number, "snmpd", "-f", "-Lf", "/dev/null", "-C", "-c", snmpd, "-p", f"/run/snmpd{number}", listen)
        self._file(f"fw{number}.conf", _KEEPALIVED.format(number=number, priority=110 - 10 * number, shared=SHARED))
        if self.with_sshd:
            sshd = self._file(f"sshd{number}", _SSHD.format(address=address(number), home=self._home))
            self._start(number, "sshd", "-D", "-e", "-f", sshd)

    def start(self, number: int) -> None:
        """Start keepalived; it begins as a backup."""
        for name in ("ka", "vrrp"):
            Path(f"/run/{name}{number}.pid").unlink(missing_ok=True)
        self._daemons[number] = self._start(
            number, "keepalived", "-n", "-l", "-D", "-x", "-A", f"/run/agentx{number}", "-f",
            str(self._home / f"fw{number}.conf"), "-p", f"/run/ka{number}.pid", "-r", f"/run/vrrp{number}.pid",
        )  # fmt: skip

    def stop(self, number: int) -> None:
        """End keepalived in order: it says good-bye, and takes the address away."""
        self._daemons[number].terminate()
        self._daemons[number].wait(10)

    def kill(self, number: int) -> None:
        """Kill both of its processes, so that the address stays."""
        for name in ("ka", "vrrp"):
            os.kill(int(Path(f"/run/{name}{number}.pid").read_text()), signal.SIGKILL)
        self._daemons[number].wait(10)

    def deafen(self, number: int) -> None:
        """Let a machine hear no VRRP any more (protocol 112)."""
        rules = "add table inet f\nadd chain inet f in { type filter hook input priority 0 ; }\n"
        rules += "add rule inet f in ip protocol 112 counter drop\n"
        _run("ip", "netns", "exec", f"fw{number}", str(need("nft")), "-f", self._file("deaf.nft", rules))

    def heal(self, number: int) -> None:
        """Let it hear again."""
        _run("ip", "netns", "exec", f"fw{number}", str(need("nft")), "flush", "ruleset")

    def cut(self) -> None:
        """Pull out the cable between them."""
        _run("ip", "-n", "fw1", "link", "set", "ha1", "down")

    def host_key(self) -> str:
        """As the estate writes it."""
        shown = _run("ssh-keygen", "-lf", str(self._home / "host.pub"))
        return f"ssh-ed25519 {shown.split()[1]}"

    def close(self) -> None:
        for process in (*self._daemons.values(), *self._others):
            process.terminate()
        for process in (*self._daemons.values(), *self._others):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)

    def _start(self, number: int, program: str, *words: str) -> subprocess.Popen[bytes]:
        with (self._home / f"{program}{number}.log").open("ab") as log:
            process = subprocess.Popen(
                [str(need("ip")), "netns", "exec", f"fw{number}", str(need(program)), *words], stdout=log, stderr=log
            )
        self._others.append(process)
        return process

    def _file(self, name: str, text: str) -> str:
        path = self._home / name
        path.write_text(text)
        return str(path)


def address(number: int) -> str:
    """Where a machine is asked."""
    return f"10.66.{number}.2"


_KEEPALIVED = """
global_defs {{
 router_id fw{number}
 script_user root
 enable_script_security
}}
vrrp_instance V1 {{
 state BACKUP
 interface ha{number}
 virtual_router_id 51
 priority {priority}
 advert_int 1
 version 3
 virtual_ipaddress {{ {shared}/24 }}
}}
"""
_SSHD = """
Port 22
ListenAddress {address}
HostKey {home}/host
AuthorizedKeysFile {home}/user.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
"""
_ESTATE = """
estate: {{name: lab, vantage: here}}
vantages: {{here: {{site: forum}}}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{title: The Forum, council: dacorum}}}}
credentials:
  firewalls: {{kind: snmp-v2c, community: "env:LAB_COMMUNITY"}}
{ssh}
targets:
  firewall:
    address: {shared}
    site: forum
    checks: [{{firewall_pair: {{members: [fw1, fw2], profile: firewall/linux, retries: 1, timeout: 5s}}}}]
  fw1: {{address: {one}, site: forum, {access} checks: []}}
  fw2: {{address: {two}, site: forum, {access} checks: []}}
"""


def estate_text(lab: Lab, home: Path) -> str:
    """The estate by which the pair is checked."""
    access, ssh = "credentials: {snmp: firewalls},", ""
    if lab.with_sshd:
        ssh = f'  watcher: {{kind: ssh-key, user: root, key: "file:{home}/user"}}'
        access = f'credentials: {{snmp: firewalls, ssh: watcher}}, host_keys: ["{lab.host_key()}"],'
    return _ESTATE.format(shared=SHARED, one=address(1), two=address(2), ssh=ssh, access=access)


@dataclass(frozen=True, slots=True)
class Step:
    """One of the states: how it is brought about, and by what words of which finding it is known to be there."""

    name: str
    bring_about: Callable[[Lab], None]
    key: str
    words: str


def _both(lab: Lab) -> None:
    lab.start(1)
    lab.start(2)


def steps(with_sshd: bool) -> Iterator[Step]:
    """The eight states in their order. Where nobody lists addresses the fourth looks as the second does."""
    yield Step("normal", _both, "pair/service", "fw1 is active")
    yield Step("master stopped", lambda lab: lab.stop(1), "pair/service", "fw2 is active")
    yield Step("pre-empted back", lambda lab: lab.start(1), "pair/service", "fw1 is active")
    seen = "stands on fw1 and fw2 at once" if with_sshd else "fw2 is active"
    yield Step("master killed", lambda lab: lab.kill(1), "pair/service", seen)
    yield Step("recovered", lambda lab: lab.start(1), "pair/service", "fw1 is active")
    yield Step("split brain", lambda lab: lab.deafen(2), "pair/service", "2 members are active")
    yield Step("healed", lambda lab: lab.heal(2), "pair/service", "fw1 is active")
    yield Step("link lost", lambda lab: lab.cut(), "pair/service", "no member is active")


class Watch:
    """The check as the agent makes it, again and again, with its memory."""

    def __init__(self, file: Path, transports: Transports) -> None:
        self._estate = load_estate(file, load_catalogue(), {})
        self._spec = self._estate.targets["firewall"].checks[0]
        self._runner = Runner(self._estate, load_catalogue(), transports, vantage="here", clock=time.time)
        self.memory: Memory | None = None

    async def until(self, step: Step) -> dict[str, Any]:
        """What the check says once it says what the step is known by, and the round after; or, in vain, the last."""
        end = time.monotonic() + _PATIENCE
        result = await self._round()
        while time.monotonic() < end and not self._is_there(result, step):
            await asyncio.sleep(0.2)
            result = await self._round()
        return self._told(step, await self._round())

    async def _round(self) -> CheckResult:
        result = await self._runner.run(self._spec, time.time())
        self.memory = result.assessment.memory or self.memory
        return result

    def _is_there(self, result: CheckResult, step: Step) -> bool:
        return any(one.key == step.key and step.words in one.summary for one in result.assessment.findings)

    def _told(self, step: Step, result: CheckResult) -> dict[str, Any]:
        findings = [one for one in result.assessment.findings if one.key.startswith("pair/")]
        return {
            "state": step.name,
            "findings": {one.key: [one.state.value, one.summary] for one in findings},
            "alone": self._alone(result),
            "failovers": [[one.away_from, one.to, one.reason] for one in failovers(self.memory)],
        }

    def _alone(self, result: CheckResult) -> dict[str, str]:
        """What the kind `firewall` says of each member's cluster, by the same answers."""
        answers, options = result.observations[0].answers, self._spec.options
        assert isinstance(answers, PairAnswers) and isinstance(options, PairOptions)
        said = {}
        for name, part in answers.members.items():
            if part.answers is not None:
                made = alone.judged(options, part.answers, True, None, result.started)
                said[name] = next((one.state.value for one in made.findings if one.key == "firewall/ha"), "nothing")
        return said


async def _through(home: Path) -> None:
    with_sshd = Path("/proc/self/setgroups").read_text().strip() == "allow"
    lab = Lab(home, with_sshd=with_sshd)
    transports = Transports.open()
    os.environ["LAB_COMMUNITY"] = "public"
    try:
        lab.build()
        file = home / "estate.yaml"
        file.write_text(estate_text(lab, home))
        watch = Watch(file, transports)
        for step in steps(with_sshd):
            step.bring_about(lab)
            print(json.dumps(await watch.until(step)), flush=True)
    finally:
        lab.close()
        await transports.close()


def _run(program: str, *words: str) -> str:
    done = subprocess.run([str(find(program) or program), *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{program} {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as scratch:
        asyncio.run(_through(Path(scratch)))
