"""A prober's own page is kept as an agent's pages are; the listener that the judge asks keeps its own token."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import requests

from agent.daemon.life import StartError
from agent.daemon.prober import Prober
from agent.daemon.settings import Address, Settings, SettingsError
from checks.catalogue import load_catalogue
from checks.transports.lockout import Lockout
from config.load import load_estate
from testbeds.front import users
from testbeds.peers import free_port

KINDS = load_catalogue()
ESTATE = """
estate: {{name: two, vantage: here}}
councils: {{dacorum: {{}}}}
sites: {{forum: {{council: dacorum}}}}
vantages:
  here: {{site: forum}}
  there: {{site: forum, url: "http://127.0.0.1:{probe}", listen: "127.0.0.1:{probe}", token: env:PROBE_TOKEN}}
targets: {{switch: {{address: 192.0.2.1, site: forum, vantages: [there], checks: [icmp]}}}}
"""


async def test_the_page_of_a_prober_wants_to_know_who_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_TOKEN", "the-token-of-the-prober")
    (tmp_path / "estate.yaml").write_text(ESTATE.format(probe=free_port()))
    (tmp_path / "web.yml").write_text(users(prometheus="right"))
    port = free_port()
    settings = Settings("", tmp_path / "c", (Address("127.0.0.1", port),), "there", web_config=tmp_path / "web.yml")
    prober = Prober(load_estate(tmp_path / "estate.yaml", KINDS, {}), settings, KINDS, Lockout())

    async def ask(path: str, **options: object) -> requests.Response:
        return await asyncio.to_thread(requests.get, f"http://127.0.0.1:{port}{path}", timeout=20, **options)

    try:
        await prober.start()
        healthy, bare = await ask("/-/healthy"), await ask("/metrics")
        metrics = await ask("/metrics", auth=("prometheus", "right"))
    finally:
        await prober.stop()

    assert (healthy.status_code, bare.status_code, metrics.status_code) == (200, 401, 200)
    assert 'ridgeway_web_requests_refused_total{reason="no_credentials"} 1.0' in metrics.text


async def test_a_prober_need_not_ask_the_people_of_its_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_TOKEN", "the-token-of-the-prober")
    people = "access: {people: {ann: {councils: all}}}\n"
    (tmp_path / "estate.yaml").write_text(ESTATE.format(probe=free_port()) + people)
    estate = load_estate(tmp_path / "estate.yaml", KINDS, {})
    port = free_port()
    given = {"ledger_url": "", "control_socket": tmp_path / "c", "listen": [f"127.0.0.1:{port}"]}
    with pytest.raises(SettingsError, match="nothing asks who they are"):
        Settings.make(estate, **given)
    prober = Prober(estate, Settings.make(estate, **given, vantage="there"), KINDS, Lockout())

    try:
        await prober.start()
        metrics = await asyncio.to_thread(requests.get, f"http://127.0.0.1:{port}/metrics", timeout=20)
    finally:
        await prober.stop()

    assert metrics.status_code == 200


async def test_a_prober_with_a_wrong_file_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_TOKEN", "the-token-of-the-prober")
    (tmp_path / "estate.yaml").write_text(ESTATE.format(probe=free_port()))
    (tmp_path / "web.yml").write_text("basic_auth_users: {ann: right}")
    address = Address("127.0.0.1", free_port())
    settings = Settings("", tmp_path / "c", (address,), "there", web_config=tmp_path / "web.yml")
    prober = Prober(load_estate(tmp_path / "estate.yaml", KINDS, {}), settings, KINDS, Lockout())

    try:
        with pytest.raises(StartError, match="must be a bcrypt hash"):
            await prober.start()
    finally:
        await prober.stop()
