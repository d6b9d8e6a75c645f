"""From starting the process to the first probe on the wire, with 5,000 targets: a new ledger, then the one it left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from testbeds.peers import find, free_port
from tests.benchmarks import estates, world
from tests.benchmarks.desk import TOKEN
from tests.benchmarks.figures import Figure, Void, at_most
from tests.benchmarks.meter import MeasuredAgent, settle

TARGETS = 5_000
MOST_SECONDS = 4.0


def measure(quick: bool) -> Iterable[Figure]:
    targets, rounds = (200, 1) if quick else (TARGETS, 3)
    with _network() as echoes, tempfile.TemporaryDirectory() as scratch:
        estate = _estate(targets, 2.0 if quick else 30.0)
        fresh, again = [], []
        for number in range(rounds):
            home = Path(scratch) / str(number)
            home.mkdir()
            one = MeasuredAgent(home, {**estates.ENVIRONMENT, "RIDGEWAY_BENCHMARK_TOKEN": TOKEN})
            one.write(estate)
            fresh.append(_first_probe(one, echoes))
            if number == 0:
                settle(one, "icmp", targets)
            one.stop()
            if number:
                shutil.copy(Path(scratch) / "0" / "ledger.sqlite3", home / "ledger.sqlite3")
            again.append(_first_probe(one, echoes))
            one.stop()
        peer = None if quick else _prometheus(targets, Path(scratch))
    ours, after = statistics.median(fresh), statistics.median(again)
    beside = {
        "peer": "prometheus" if peer else "", "peer_value": peer, "note": f"median of {rounds}",
    }  # fmt: skip
    name = f"start with {targets:,} targets to first probe"
    yield at_most(name, ours, "s", MOST_SECONDS, ratio=peer and ours / peer, **beside)
    yield at_most(f"{name}, after a stop", after, "s", MOST_SECONDS, ratio=peer and after / peer, **beside)


def _estate(targets: int, every: float) -> str:
    if world.own_network():
        return estates.beyond_a_line(targets, every, "http://127.0.0.1:9")
    return estates.icmp(targets, every)


@contextlib.contextmanager
def _network() -> Iterator[Callable[[], int]]:
    """A count of the echo requests that have arrived anywhere."""
    if not world.own_network():
        yield world.echoes
        return
    with world.other_side() as other:
        yield lambda: world.echoes() + world.echoes(other.process)


def _first_probe(one: MeasuredAgent, echoes: Callable[[], int]) -> float:
    """Start the agent; seconds until the first echo request arrives."""
    before = echoes()
    begun = time.monotonic()
    one.start(ready=False)
    while echoes() == before:
        assert one.process is not None
        if one.process.poll() is not None or time.monotonic() - begun > 60:
            raise Void(f"no probe within 60 s; the agent's log ends with {one.log.read_text()[-1500:]}")
        time.sleep(0.001)
    return time.monotonic() - begun


def _prometheus(targets: int, scratch: Path) -> float | None:
    """Seconds from starting Prometheus with as many targets behind an exporter to its first question."""
    program = find("prometheus")
    if program is None:
        return None
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as exporter:
        where = f"127.0.0.1:{exporter.getsockname()[1]}"
        hosts = "\n".join(f"      - {world.address(number)}" for number in range(targets))
        (scratch / "prometheus.yml").write_text(
            "scrape_configs:\n- job_name: bench\n  metrics_path: /probe\n  scrape_interval: 60s\n  relabel_configs:\n"
            "  - {source_labels: [__address__], target_label: __param_target}\n"
            f"  - {{target_label: __address__, replacement: '{where}'}}\n"
            f"  static_configs:\n  - targets:\n{hosts}\n"
        )
        begun = time.monotonic()
        process = subprocess.Popen(
            [program, f"--config.file={scratch}/prometheus.yml", f"--storage.tsdb.path={scratch}/data",
             f"--web.listen-address=127.0.0.1:{free_port()}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            exporter.settimeout(60)
            exporter.accept()[0].close()
            return time.monotonic() - begun
        except TimeoutError:
            return None
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
