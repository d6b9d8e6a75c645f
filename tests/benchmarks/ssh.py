"""What an SSH command costs: the CPU of the whole agent per run, against a real sshd, on kept and on new connections.

The second sshd closes each connection that nobody used for a second, so that every run makes a new one: socket, key
exchange, host key, log-in by key. Nothing comparable runs beside it: no exporter keeps SSH connections.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass

from testbeds import sshd
from testbeds.sshd import USER, Sshd
from tests.benchmarks.figures import Figure, Void, at_most
from tests.benchmarks.meter import MeasuredAgent, agent, settle

KEPT_BOUND, NEW_BOUND = 2.0, 10.0
"""Milliseconds of CPU."""
_ESTATE = """\
estate: {{name: benchmark, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
credentials: {{reader: {{kind: ssh-key, user: "{user}", key: "file:{key}"}}}}
defaults: {{timeout: {timeout:.0f}ms, credentials: {{ssh: reader}}}}
targets:
"""
_HOST = """\
  host-{number:03d}:
    {{address: 127.0.0.1, site: forum, host_keys: ["{pin}"],
     checks: [{{ssh_command: {{command: load, port: {port}, every: {every:.0f}ms}}}}]}}
"""


@dataclass(frozen=True, slots=True)
class _Pace:
    targets: int
    every: float
    windows: int
    seconds: float


_KEPT, _NEW = _Pace(40, 2.0, 5, 8.0), _Pace(40, 4.0, 5, 8.0)
_QUICK = _Pace(6, 2.5, 1, 5.0)


def measure(quick: bool) -> Iterable[Figure]:
    """One `ssh_command` check on a connection that is kept, and one that has to log in."""
    with sshd.running() as keeping:
        pace = _QUICK if quick else _KEPT
        yield _figure("CPU per SSH command on a kept connection", KEPT_BOUND, keeping, pace, new=False)
    with sshd.running(("ed25519",), "UnusedConnectionTimeout 1s") as closing:
        pace = _QUICK if quick else _NEW
        yield _figure("CPU per SSH command on a new connection", NEW_BOUND, closing, pace, new=True)


def _figure(name: str, bound: float, server: Sshd, pace: _Pace, *, new: bool) -> Figure:
    with agent(_estate(server, pace)) as one:
        settle(one, "ssh_command", 2 * pace.targets)
        before = server.log.count("Accepted publickey")
        costs, runs = _windows(one, pace)
        logged_in = server.log.count("Accepted publickey") - before
    if (logged_in > 0.1 * runs) is not new:
        raise Void(f"{logged_in} of {runs:.0f} runs logged in; the figure is void")
    rate = runs / (pace.windows * pace.seconds)
    note = f"{min(costs):.2f} to {max(costs):.2f} ms over {len(costs)} windows; {rate:.0f} runs/s, {logged_in} log-ins"
    return at_most(name, statistics.median(costs), "ms", bound, note=note)


def _windows(one: MeasuredAgent, pace: _Pace) -> tuple[list[float], float]:
    """Milliseconds per run in each window, and the runs of all of them."""
    costs, total, failed = [], 0.0, one.failed()
    for _ in range(pace.windows):
        runs, cpu = one.runs("ssh_command"), one.cpu()
        time.sleep(pace.seconds)
        cpu, runs = one.cpu() - cpu, one.runs("ssh_command") - runs
        costs.append(cpu / runs * 1e3)
        total += runs
    if one.failed() - failed > 0.01 * total:
        raise Void(f"{one.failed() - failed:.0f} of {total:.0f} runs of the agent failed; the figure is void")
    return costs, total


def _estate(server: Sshd, pace: _Pace) -> str:
    head = _ESTATE.format(user=USER, key=server.directory / "user", timeout=800 * pace.every)
    pin = server.host_key()
    return head + "".join(
        _HOST.format(number=number, pin=pin, port=server.port, every=1e3 * pace.every) for number in range(pace.targets)
    )
