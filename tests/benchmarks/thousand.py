"""A thousand targets with ten SNMP checks a minute each, for two minutes after every check has run once."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tests.benchmarks import estates, peer
from tests.benchmarks.cost import scraped
from tests.benchmarks.figures import Figure, Void, at_most, not_measured
from tests.benchmarks.meter import agent, quantile, settle
from tests.benchmarks.world import address

CHECKS = 10
EVERY = 60.0
ABOVE_PEER = 6.0
"""Per cent of a core that the agent may take beyond what the peer takes for the same questions."""
MOST_RESIDENT = 150.0
MOST_LATE = 250.0
_LATENESS = "ridgeway_scheduler_lateness_seconds"


def measure(quick: bool) -> Iterable[Figure]:
    targets, every, seconds = (20, 2.0, 6.0) if quick else (1_000, EVERY, 120.0)
    name = f"{targets:,} targets × {CHECKS} SNMP checks every {every:.0f} s"
    rate = targets * CHECKS / every
    try:
        with tempfile.TemporaryDirectory() as directory, peer.snmpd() as port:
            profiles = Path(directory)
            estates.profiles(profiles, CHECKS)
            hosts = [f"{address(number)}:{port}" for number in range(targets)]
            with (
                peer.snmp_exporter(hosts) as other,
                agent(estates.snmp(targets, CHECKS, every, port), profiles=profiles) as one,
                peer.Asker(other, rate) as asker,
            ):
                settle(one, "snmp", targets * CHECKS)
                before, failed, runs = one.samples(f"{_LATENESS}_bucket"), one.failed(), one.runs("snmp")
                cpu, other_cpu, asked, begun = one.cpu(), other.cpu(), asker.asked, time.monotonic()
                with scraped(one):
                    time.sleep(seconds)
                took = time.monotonic() - begun
                cpu, other_cpu, asked = one.cpu() - cpu, other.cpu() - other_cpu, asker.asked - asked
                runs, failed = one.runs("snmp") - runs, one.failed() - failed
                late = quantile(before, one.samples(f"{_LATENESS}_bucket"), _LATENESS, 0.99) * 1e3
                resident, peak = one.resident(), one.peak()
    except peer.PeerMissing as error:
        yield not_measured(f"{name}: CPU", "% of a core", "≤ peer + 6 % of a core", str(error))
        return
    if failed > 0.01 * runs:
        raise Void(f"{failed:.0f} of {runs:.0f} runs of the agent failed; the figure is void")
    ours, theirs = 100 * cpu / took, 100 * other_cpu / asked * runs / took
    yield Figure(
        f"{name}: CPU", ours, "% of a core", f"≤ peer + {ABOVE_PEER:g} % of a core", "snmp_exporter", theirs,
        ours / theirs, ours <= theirs + ABOVE_PEER, f"{runs / took:.0f} checks/s, {cpu / runs * 1e6:.0f} µs a check",
    )  # fmt: skip
    yield at_most(f"{name}: resident", resident, "MiB", MOST_RESIDENT, note=f"peak {peak:.0f} MiB")
    yield at_most(f"{name}: lateness p99", late, "ms", MOST_LATE, note="histogram, linear within its bucket")
