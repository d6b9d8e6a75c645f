"""A real Prometheus scrapes a real server of ours, and finds what the checks found: no more, no less."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

import pytest

from checks.contract import Reading, State
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics
from exporters.web.app import Site
from exporters.web.guard import Hosts
from exporters.web.runbook_pages import Runbooks, shipped
from exporters.web.server import WebServer, listen
from testbeds.pages import FAMILIES, PACKETS, SESSIONS, TEMPERATURE, MemoryDrills, MemoryView, result, subject
from testbeds.peers import free_port, need, wait_until

pytestmark = pytest.mark.acceptance

CONFIG = """\
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: ridgeway
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Agent:
    """Our server in a loop of its own, as in the daemon; what is called here runs in that loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.exposition = Exposition(FAMILIES)
        self._own = OwnMetrics("0.1.0", "abcdef", self.exposition.counts, self.exposition.checks_stale)
        site = Site(MemoryView(), MemoryDrills(), self.exposition, self._own, Runbooks(shipped()), "0.1.0", time.time)
        self._server = WebServer(site.app(Hosts.of([])), listen(["127.0.0.1:0"]))
        self.port = self._server.addresses[0][1]
        asyncio.run_coroutine_threadsafe(self._server.start(), self._loop).result(20)

    def update(self, check: str, readings: list[Reading], state: State = State.OK, **more: float) -> None:
        run = result(subject(check=check), readings, at=time.time(), **more)  # type: ignore[arg-type]
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (self.exposition.update(run, state), done.set()))
        assert done.wait(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()


@dataclass
class Prometheus:
    url: str

    def ask(self, query: str) -> dict[tuple[tuple[str, str], ...], float]:
        address = f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                found = json.load(answer)["data"]["result"]
        except OSError:
            return {}
        return {tuple(sorted(one["metric"].items())): float(one["value"][1]) for one in found}

    def value(self, query: str) -> float | None:
        values = list(self.ask(query).values())
        assert len(values) < 2, f"{query} gives {len(values)} series"
        return values[0] if values else None


@pytest.fixture
def agent() -> Iterator[Agent]:
    started = Agent()
    yield started
    started.stop()


@pytest.fixture
def prometheus(agent: Agent, tmp_path: Path) -> Iterator[Prometheus]:
    config = tmp_path / "prometheus.yml"
    config.write_text(CONFIG.format(port=agent.port))
    port = free_port()
    command = [
        need("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with (tmp_path / "log").open("w") as log, Popen(command, stdout=log, stderr=log) as process:
        yield Prometheus(f"http://127.0.0.1:{port}")
        process.terminate()
        process.wait(30)


def test_prometheus_finds_readings_states_and_the_agent_itself(agent: Agent, prometheus: Prometheus) -> None:
    label = 'in"let \\ n°1\n'
    agent.update("snmp", [Reading(SESSIONS, 812.0), Reading(TEMPERATURE, -3.25, (label,)), Reading(PACKETS, 1e15)])

    wait_until(lambda: prometheus.value("ridgeway_test_sessions") == 812, "the first scrape")

    (series,) = prometheus.ask("ridgeway_test_temperature_celsius")
    assert dict(series)["sensor"] == label
    assert prometheus.value("ridgeway_test_temperature_celsius") == -3.25
    assert prometheus.value("ridgeway_test_packets_total") == 1e15
    assert prometheus.value('up{job="ridgeway"}') == 1
    assert prometheus.value("ridgeway_build_info") == 1
    assert prometheus.value("process_resident_memory_bytes") is not None
    code = "sum by (target, check) (ridgeway_check_state * on (job, instance, state) group_left () ridgeway_state_code)"
    assert prometheus.value(code) == 0


def test_a_state_that_changes_changes_its_number_over_time(agent: Agent, prometheus: Prometheus) -> None:
    code = "sum by (target, check) (ridgeway_check_state * on (job, instance, state) group_left () ridgeway_state_code)"
    agent.update("snmp", [])
    wait_until(lambda: prometheus.value(code) == 0, "ok")

    agent.update("snmp", [], State.CRITICAL)

    wait_until(lambda: prometheus.value(code) == 2, "critical")


def test_a_value_that_grows_old_leaves_queries_at_the_next_scrape(agent: Agent, prometheus: Prometheus) -> None:
    def seen() -> bool:
        agent.update("snmp", [Reading(SESSIONS, 5.0)], valid_for=4.0)
        return prometheus.value("ridgeway_test_sessions") == 5

    wait_until(seen, "the value, which is kept fresh until then")

    wait_until(lambda: prometheus.ask("ridgeway_test_sessions") == {}, "the value to go")

    wait_until(lambda: prometheus.value("ridgeway_check_stale") == 1, "stale")
    assert prometheus.value('ridgeway_check_state{state="unknown"}') == 1
    assert prometheus.value("ridgeway_target_up") == 0
    assert prometheus.value("ridgeway_check_last_run_timestamp_seconds") is not None


def test_two_checks_with_the_same_series_do_not_spoil_the_scrape(agent: Agent, prometheus: Prometheus) -> None:
    agent.update("one", [Reading(SESSIONS, 1.0)])
    agent.update("two", [Reading(SESSIONS, 2.0)])

    wait_until(lambda: prometheus.value("ridgeway_test_sessions") == 1, "the first of the two")

    refused = 'ridgeway_exposition_refused_series{reason="duplicate"}'
    wait_until(lambda: prometheus.value(refused) == 1, "the second of the two, which may be a scrape later")
    duplicates = "prometheus_target_scrapes_sample_duplicate_timestamp_total"
    assert prometheus.value(f'{duplicates}{{job="prometheus"}}') in (None, 0)
    assert prometheus.value('up{job="ridgeway"}') == 1
