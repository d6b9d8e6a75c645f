"""What a check costs: the CPU of the whole agent per run, beside the exporter that answers the same question.

Agent and peer are asked for the same number of probes a second of the same targets, and each window measures both at
once, so that whatever else the machine does meets both. The agent is scraped four times a minute meanwhile.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import estates, peer
from tests.benchmarks.figures import Figure, Void, beside, not_measured
from tests.benchmarks.meter import MeasuredAgent, agent, settle
from tests.benchmarks.world import address

TARGETS = 1_000
CALM, BUSY = 6.0, 1.0
"""Seconds between two runs: 167 runs a second as of 1,000 targets with ten checks a minute; and six times as many,
since idle processors make every probe dearer, the peer's too."""
_SCRAPE_EVERY = 15.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How many targets are asked, how often, and in how many windows of so many seconds that is measured."""

    targets: int
    every: float
    windows: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.targets / self.every


_QUICK = Pace(60, 1.0, 2, 3.0)
_CALM = Pace(TARGETS, CALM, 5, 12.0)
_BUSY = Pace(TARGETS, BUSY, 5, 4.0)


def measure_snmp(quick: bool) -> Iterable[Figure]:
    """One SNMP check of ten OIDs against snmp_exporter."""
    with tempfile.TemporaryDirectory() as directory, peer.snmpd() as port:
        estates.profiles(Path(directory), 1)
        for pace in (_QUICK,) if quick else (_CALM, _BUSY):
            hosts = [f"{address(number)}:{port}" for number in range(pace.targets)]
            yield _against(
                "SNMP check of 10 OIDs", "snmp", estates.snmp(pace.targets, 1, pace.every, port), pace,
                peer.snmp_exporter(hosts), "snmp_exporter", Path(directory),
            )  # fmt: skip


def measure_probes(quick: bool) -> Iterable[Figure]:
    """One `tcp` and one `icmp` check against blackbox_exporter."""
    for pace in (_QUICK,) if quick else (_CALM, _BUSY):
        hosts = [address(number) for number in range(pace.targets)]
        with peer.tcp_service() as port:
            yield _against(
                "tcp check", "tcp", estates.tcp(pace.targets, pace.every, port), pace,
                peer.blackbox_exporter("tcp", [f"{host}:{port}" for host in hosts]), "blackbox_exporter",
            )  # fmt: skip
        yield _against(
            "icmp check", "icmp", estates.icmp(pace.targets, pace.every), pace,
            peer.blackbox_exporter("icmp", hosts), "blackbox_exporter",
        )  # fmt: skip


def _against(
    name: str,
    kind: str,
    estate: str,
    pace: Pace,
    peer_process: contextlib.AbstractContextManager[peer.Peer],
    peer_name: str,
    profiles: Path | None = None,
) -> Figure:
    name = f"CPU per {name}, {pace.rate:,.0f} a second"
    try:
        with peer_process as other, agent(estate, profiles=profiles) as one, peer.Asker(other, pace.rate) as asker:
            settle(one, kind, 2 * pace.targets)
            ours, theirs, ran, asked = windows(one, kind, other, asker, pace)
    except peer.PeerMissing as error:
        return not_measured(name, "µs", "≤ 1.0 × peer", str(error))
    time_ = pace.windows * pace.seconds
    return beside(name, ours, theirs, "µs", peer_name, f"{ran / time_:.0f} and {asked / time_:.0f} probes/s")


def windows(
    one: MeasuredAgent, kind: str, other: peer.Peer, asker: peer.Asker, pace: Pace
) -> tuple[list[float], list[float], float, int]:
    """Microseconds per probe in each window, of the agent and of the peer; probes of both in all of them."""
    ours, theirs, total, all_asked = [], [], 0.0, 0
    failed = one.failed()
    with scraped(one):
        for _ in range(pace.windows):
            runs, cpu, asked, other_cpu = one.runs(kind), one.cpu(), asker.asked, other.cpu()
            time.sleep(pace.seconds)
            cpu, other_cpu = one.cpu() - cpu, other.cpu() - other_cpu
            asked, runs = asker.asked - asked, one.runs(kind) - runs
            ours.append(cpu / runs * 1e6)
            theirs.append(other_cpu / asked * 1e6)
            total += runs
            all_asked += asked
    if one.failed() - failed > 0.01 * total:
        raise Void(f"{one.failed() - failed:.0f} of {total:.0f} runs of the agent failed; the figure is void")
    return ours, theirs, total, all_asked


@contextlib.contextmanager
def scraped(one: MeasuredAgent) -> Iterator[None]:
    """Scrape the agent as Prometheus would."""
    stop = threading.Event()

    def scrape() -> None:
        while not stop.wait(_SCRAPE_EVERY):
            with urllib.request.urlopen(f"{one.url}/metrics", timeout=10) as answer:
                answer.read()

    thread = threading.Thread(target=scrape, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(15)
