"""The agent under measurement: a real `ridgeway run`, its CPU by the kernel's count, its work by its own metrics."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from testbeds.agent import RIDGEWAY, Agent
from tests.benchmarks.estates import ENVIRONMENT
from tests.benchmarks.figures import Void


@dataclass
class MeasuredAgent(Agent):
    """An agent with the log level and format that it has in service."""

    def command(self) -> list[str]:
        return [
            RIDGEWAY, "run",
            "--config.file", str(self.home / "estate.yaml"),
            "--ledger.url", str(self.home / "ledger.sqlite3"),
            "--control.socket", str(self.control),
            "--web.listen-address", f"127.0.0.1:{self.port}",
            "--log.format", "json",
        ]  # fmt: skip

    def samples(self, *names: str) -> dict[str, float]:
        """Every sample of these names on the agent's page, by name and labels as they stand there."""
        try:
            with urllib.request.urlopen(f"{self.url}/metrics", timeout=30) as answer:
                page = answer.read().decode()
        except (http.client.HTTPException, OSError) as error:
            raise Void(f"the agent's page: {error!r}; its log ends with {self.log.read_text()[-1500:]}") from error
        found = {}
        for line in page.splitlines():
            if line.startswith(names):
                head, _, value = line.rpartition(" ")
                if head.split("{")[0] in names:
                    found[head] = float(value)
        return found

    def runs(self, kind: str) -> float:
        return self.samples("ridgeway_check_runs_total").get(f'ridgeway_check_runs_total{{kind="{kind}"}}', 0.0)

    def failed(self) -> float:
        return sum(self.samples("ridgeway_check_failed_runs_total").values())

    def cpu(self) -> float:
        """CPU seconds of all its threads since it started."""
        assert self.process is not None
        return cpu_of(self.process.pid)

    def resident(self) -> float:
        """Resident memory, MiB."""
        assert self.process is not None
        return psutil.Process(self.process.pid).memory_info().rss / 2**20

    def peak(self) -> float:
        """The most memory that was ever resident, MiB."""
        assert self.process is not None
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def cpu_of(process: int) -> float:
    user, system, *_ = psutil.Process(process).cpu_times()
    return user + system


def children_cpu_of(process: int) -> float:
    """CPU seconds of the process's children that live; an agent has none, a peer may."""
    return sum(cpu_of(child.pid) for child in psutil.Process(process).children(recursive=True))


@contextlib.contextmanager
def agent(
    estate: str, environment: Mapping[str, str] | None = None, profiles: Path | None = None
) -> Iterator[MeasuredAgent]:
    """A running agent with this estate, in a directory of its own that goes with it."""
    home = Path(tempfile.mkdtemp(prefix="ridgeway-benchmark-"))
    one = MeasuredAgent(home, {**ENVIRONMENT, **(environment or {})})
    if profiles is not None:
        one.environment = {**one.environment, "RIDGEWAY_PROFILES": str(profiles)}
    one.write(estate)
    try:
        one.start()
        yield one
    finally:
        one.stop()
        shutil.rmtree(home, ignore_errors=True)


def settle(one: MeasuredAgent, kind: str, runs: int, seconds: float = 180.0) -> None:
    """Wait until the agent has made this many runs, and then until its ledger has written them."""
    end = time.monotonic() + seconds
    while one.runs(kind) < runs:
        if time.monotonic() > end:
            log = one.log.read_text()[-1500:]
            raise Void(f"the agent made {one.runs(kind):.0f} of {runs} runs in {seconds:.0f} s; its log ends: {log}")
        time.sleep(0.5)
    time.sleep(2.0)


def quantile(before: Mapping[str, float], after: Mapping[str, float], name: str, share: float) -> float:
    """The quantile of a histogram over a window, linear within its bucket, as PromQL's `histogram_quantile` does."""
    counts = []
    for head, count in after.items():
        if head.startswith(f'{name}_bucket{{le="'):
            bound = head.split('le="')[1].split('"')[0]
            counts.append((float(bound.replace("+Inf", "inf")), count - before.get(head, 0.0)))
    counts.sort()
    total = counts[-1][1] if counts else 0.0
    lower, below = 0.0, 0.0
    for bound, count in counts:
        if count >= share * total:
            if bound == float("inf") or count == below:
                return lower
            return lower + (bound - lower) * (share * total - below) / (count - below)
        lower, below = bound, count
    return lower
