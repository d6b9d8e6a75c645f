"""Service discovery: what Prometheus is told of the estate, and that it takes it."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen

import pytest
from starlette.applications import Starlette

from checks.catalogue import load_catalogue
from config.load import load_estate
from exporters.web.principal import without_authentication
from exporters.web.sd import Discovery
from exporters.web.server import WebServer, listen
from testbeds.peers import free_port, need, wait_until

ESTATE = """
estate: {name: two, vantage: here}
councils: {dacorum: {title: Dacorum}, aylesbury-vale: {title: Aylesbury Vale}}
sites: {forum: {council: dacorum}, gateway: {council: aylesbury-vale}}
vantages: {here: {site: forum}}
services: {telephony: {council: shared, impact: high}}
targets:
  web: {address: 192.0.2.1, site: forum, title: "The web server", services: [telephony],
    checks: [icmp, {tcp: {port: 443}}]}
  mail: {address: "2001:db8::25", site: gateway, impact: low, checks: [icmp]}
"""
PROMETHEUS = """
scrape_configs:
  - job_name: found
    http_sd_configs: [{{url: "{url}", refresh_interval: 1s}}]
    relabel_configs: [{{source_labels: [__address__], target_label: __address__, replacement: "127.0.0.1:{own}"}}]
"""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Where the discovery is served, by a loop of its own."""
    (tmp_path / "estate.yaml").write_text(ESTATE)
    discovery = Discovery(load_estate(tmp_path / "estate.yaml", load_catalogue(), {}))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = WebServer(without_authentication(Starlette(routes=discovery.routes())), listen(["127.0.0.1:0"]))
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(20)
    yield f"http://127.0.0.1:{server.addresses[0][1]}/api/v1/sd"
    asyncio.run_coroutine_threadsafe(server.stop(), loop).result(20)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(20)
    loop.close()


def found(url: str) -> list[dict[str, object]]:
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert answer.headers["content-type"] == "application/json"
        rows: list[dict[str, object]] = json.load(answer)
        return rows


def test_every_target_is_told_with_what_relabelling_needs(url: str) -> None:
    web, mail = found(url)

    assert web == {
        "targets": ["192.0.2.1"],
        "labels": {
            "__meta_ridgeway_name": "web",
            "__meta_ridgeway_title": "The web server",
            "__meta_ridgeway_council": "dacorum",
            "__meta_ridgeway_site": "forum",
            "__meta_ridgeway_impact": "high",
            "__meta_ridgeway_kinds": ",icmp,tcp,",
            "__meta_ridgeway_services": ",telephony,",
        },
    }
    assert mail["targets"] == ["[2001:db8::25]"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?kind=tcp", ["web"]),
        ("?kind=tcp&kind=icmp", ["web", "mail"]),
        ("?council=aylesbury-vale", ["mail"]),
        ("?council=aylesbury-vale&kind=tcp", []),
        ("?site=forum", ["web"]),
    ],
)
def test_they_are_chosen_by_kind_council_and_site(url: str, query: str, names: list[str]) -> None:
    assert [row["labels"]["__meta_ridgeway_name"] for row in found(url + query)] == names  # type: ignore[index]


def test_a_misspelt_filter_is_refused_and_does_not_choose_everything(url: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400"):
        found(url + "?councils=dacorum")


@pytest.mark.acceptance
def test_a_real_prometheus_takes_the_targets(url: str, tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "prometheus.yml"
    config.write_text(PROMETHEUS.format(url=f"{url}?kind=tcp", own=port))
    command = [
        need("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip

    with (tmp_path / "log").open("w") as log, Popen(command, stdout=log, stderr=log) as process:
        try:
            wait_until(lambda: _discovered(port) == ["web"], "Prometheus has found the one target", 30)
        finally:
            process.terminate()
            process.wait(30)


def _discovered(port: int) -> list[str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/targets", timeout=10) as answer:
            active = json.load(answer)["data"]["activeTargets"]
    except OSError:
        time.sleep(0.1)
        return []
    return [target["discoveredLabels"]["__meta_ridgeway_name"] for target in active]
