"""A network of its own for a whole run: loopback that belongs to nobody else, and another side to be cut off from.

The benchmark executes itself again in a new network namespace; the kernel removes it with its last process.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from testbeds.peers import find
from tests.benchmarks.figures import Void

_INSIDE = "RIDGEWAY_BENCHMARK_NETWORK"
_PINGABLE = Path("/proc/sys/net/ipv4/ping_group_range")
NEAR, FAR = "10.76.0.1", "10.76.0.2"
"""The two ends of the line to the other side."""
BEYOND = "10.77"
"""Every address 10.77.x.y lives on the other side."""


def enter(module: str, arguments: Sequence[str]) -> None:
    """Go on inside a namespace; returns where we are in one already, or where none can be had."""
    if _INSIDE in os.environ:
        _furnish()
        return
    way = _unshare()
    if way is None:
        return
    os.environ[_INSIDE] = "1"
    os.execv(way[0], [*way, sys.executable, "-m", module, *arguments])


def own_network() -> bool:
    """Whether this process has a network of its own."""
    return _INSIDE in os.environ


def address(number: int) -> str:
    """The address of the target of this number on loopback; one for all where the network is not our own."""
    return f"127.{10 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}" if own_network() else "127.0.0.1"


def echoes(process: int | None = None) -> int:
    """Echo requests that a process's network has received so far."""
    lines = Path(f"/proc/{process or os.getpid()}/net/snmp").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith("Icmp:"))
    return int(values[names.index("InEchos")])


class OtherSide:
    """A second namespace behind a line; it answers echo requests to 10.77.0.0/16 until told to be silent."""

    def __init__(self, process: int) -> None:
        self.process = process

    def silence(self) -> None:
        """Answer nothing any more, the router included, as when a line is dead."""
        self._inside("echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all")

    def speak(self) -> None:
        self._inside("echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_all")

    def _inside(self, command: str) -> None:
        _run(_need("nsenter"), "-t", str(self.process), "-n", "sh", "-c", command)


@contextlib.contextmanager
def other_side() -> Iterator[OtherSide]:
    """Lay the line, and take it away again."""
    ip = _need("ip")
    holder = subprocess.Popen([_need("unshare"), "--net", "sleep", "infinity"])
    try:
        _wait_for_own_network(holder.pid)
        side = OtherSide(holder.pid)
        _run(ip, "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", str(holder.pid))
        _run(ip, "addr", "add", f"{NEAR}/24", "dev", "near")
        _run(ip, "link", "set", "near", "up")
        side._inside(
            f"{ip} link set lo up; {ip} addr add {FAR}/24 dev far; {ip} link set far up; "
            f"{ip} route add local {BEYOND}.0.0/16 dev lo"
        )
        _run(ip, "route", "add", f"{BEYOND}.0.0/16", "via", FAR)
        yield side
    finally:
        # The kernel takes a dead namespace's end of the line away in its own time; the next line has the same name.
        subprocess.run([ip, "link", "del", "near"], capture_output=True, check=False)
        holder.kill()
        holder.wait()


def _unshare() -> list[str] | None:
    program = find("unshare")
    if program is None or find("ip") is None:
        return None
    for way in (["--net"], ["--user", "--map-root-user", "--net"]):
        command = [str(program), *way]
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    return None


def _furnish() -> None:
    _run(_need("ip"), "link", "set", "lo", "up")
    with contextlib.suppress(OSError):  # a container may keep /proc/sys read-only; root may then use raw sockets
        _PINGABLE.write_text("0 0")


def _wait_for_own_network(process: int) -> None:
    ours = Path("/proc/self/ns/net").readlink()
    while Path(f"/proc/{process}/ns/net").readlink() == ours:
        time.sleep(0.01)


def _need(program: str) -> str:
    found = find(program)
    if found is None:
        raise Void(f"{program} is missing; on Debian: apt-get install iproute2 util-linux")
    return str(found)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Void(f"{' '.join(command)}: {done.stderr.strip()}")
