"""Two agents and a site, each in a network of its own, joined by cables that can be cut.

    judge ──── prober        judge 10.20.1.1, prober 10.20.1.2
      └── site ──┘           judge 10.20.2.1, prober 10.20.3.1; the site's targets 10.20.9.9 and 10.20.9.10, port 8080

A cable is cut at its far end, so that what is sent into it is lost, as on a line that has died somewhere.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbeds.agent import Agent
from testbeds.network import allowed
from testbeds.peers import need, wait_until

JUDGE, PROBER, SITE = "judge", "prober", "site"
WEB, MAIL, PORT = "10.20.9.9", "10.20.9.10", 8080
PROBE = "10.20.1.2:10191"
_FAR_ENDS = {(JUDGE, PROBER): (PROBER, "judge"), (JUDGE, SITE): (SITE, "judge"), (PROBER, SITE): (SITE, "prober")}
_SETUP = f"""
mount -t tmpfs none /run
for place in judge prober site; do ip netns add $place; ip -n $place link set lo up; done
cable() {{
    ip link add name $2 netns $1 type veth peer name $1 netns $2
    ip -n $1 addr add $3/24 dev $2; ip -n $2 addr add $4/24 dev $1
    ip -n $1 link set $2 up; ip -n $2 link set $1 up
}}
cable judge prober 10.20.1.1 10.20.1.2
cable judge site 10.20.2.1 10.20.2.2
cable prober site 10.20.3.1 10.20.3.2
for target in {WEB} {MAIL}; do
    ip -n site addr add $target/32 dev lo
    ip -n judge route add $target/32 via 10.20.2.2
    ip -n prober route add $target/32 via 10.20.3.2
done
for place in judge prober site; do
    ip netns exec $place sh -c 'for file in /proc/sys/net/ipv4/neigh/*/retrans_time_ms; do echo 100 > $file; done'
done
echo ready
exec sleep 600
"""
_SERVICE = f"""
import socket, threading
def serve(host):
    listening = socket.create_server((host, {PORT}), backlog=64)
    while True:
        listening.accept()[0].close()
for host in ("{WEB}", "{MAIL}"):
    threading.Thread(target=serve, args=(host,)).start()
print("ready", flush=True)
"""


class Councils:
    """The three networks. Use it in a `with`."""

    def __enter__(self) -> Councils:
        ip, unshare = need("ip"), need("unshare")
        need("nsenter")
        self._environment = {**os.environ, "PATH": f"{os.environ['PATH']}:{ip.parent}"}
        own_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        alone = [str(unshare), *own_user, "--net", "--mount"]
        allowed(alone)
        self._processes: list[subprocess.Popen[str]] = []
        self._holder = self._start([*alone, "sh", "-ec", _SETUP], "ready")
        self._start([*self.inside(SITE), sys.executable, "-c", _SERVICE], "ready")
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._processes):
            process.kill()
            process.wait(10)
            if process.stdout is not None:
                process.stdout.close()

    def _start(self, command: Sequence[str], says: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE, text=True)
        self._processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().strip() == says, f"{command[-1]} did not start"
        return process

    def inside(self, place: str) -> list[str]:
        """What to put before a command so that it runs in that network."""
        own_user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        enter = [str(need("nsenter")), "--target", str(self._holder.pid), *own_user, "--mount", "--net"]
        return [*enter, str(need("ip")), "netns", "exec", place]

    def cut(self, near: str, far: str) -> None:
        place, interface = _FAR_ENDS[near, far]
        self._run(place, "link", "set", interface, "down")

    def mend(self, near: str, far: str) -> None:
        place, interface = _FAR_ENDS[near, far]
        self._run(place, "link", "set", interface, "up")

    def switch_off(self, target: str) -> None:
        """The target is away, for everybody."""
        self._run(SITE, "addr", "del", f"{target}/32", "dev", "lo")

    def switch_on(self, target: str) -> None:
        self._run(SITE, "addr", "add", f"{target}/32", "dev", "lo")

    def _run(self, place: str, *arguments: str) -> None:
        command = [*self.inside(place), str(need("ip")), *arguments]
        subprocess.run(command, env=self._environment, check=True, timeout=20)


@dataclass
class Resident(Agent):
    """An agent in one of the networks. Its pages are out of reach: it is asked through its socket and its log."""

    before: Sequence[str] = ()
    """What `Councils.inside` says."""
    vantage: str = ""
    """Of a prober."""

    def command(self) -> list[str]:
        command = [*self.before, *super().command()]
        return [*command, "--vantage", self.vantage] if self.vantage else command

    def start(self, *, ready: bool = True) -> None:
        self._read = self.log.stat().st_size if self.log.exists() else 0
        super().start(ready=ready)

    def is_ready(self) -> bool:
        assert self.process is not None and self.process.poll() is None, self.log.read_text()[-3000:]
        return any(line.get("event") in ("agent started", "prober started") for line in self.said())

    def said(self) -> list[Mapping[str, Any]]:
        """The lines of its log since it was started last."""
        with self.log.open("rb") as log:
            log.seek(self._read)
            lines = log.read().decode().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def known(self) -> list[dict[str, Any]]:
        """Every incident, through the control socket."""
        answer = self.ask("incidents", json.dumps({"state": "all", "council": None, "limit": 100}).encode())
        rows: list[dict[str, Any]] = json.loads(answer.partition(b"\r\n\r\n")[2])["incidents"]
        return rows

    def opens(self, *causes: tuple[str, str], within: float = 30.0) -> None:
        """Wait until exactly these causes, subject and condition, have open incidents."""
        wanted = sorted(causes)
        wait_until(lambda: self.causes("open") == wanted, f"open: {wanted}; there is {self._story()}", within)

    def is_quiet(self, within: float = 30.0) -> None:
        """Wait until no incident is live."""
        live = ("suspect", "open", "recovering")
        wait_until(lambda: not self.causes(*live), f"nothing is live; there is {self._story()}", within)

    def stays(self, *causes: tuple[str, str], seconds: float) -> None:
        """Nothing else opens meanwhile."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.causes("open") == sorted(causes)
            time.sleep(0.2)

    def _story(self) -> list[str]:
        return [f"{row['state']} {row['subject']} {row['condition']}" for row in self.known()]


def folder(path: Path) -> Path:
    path.mkdir()
    return path
