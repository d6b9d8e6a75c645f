"""`ridgeway check` in a process of its own reads a firewall over HTTPS, and leaves no session behind."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from testbeds.agent import RIDGEWAY
from testbeds.firewall_api import PASSWORD, USER, FirewallApi, firewall_api

pytestmark = pytest.mark.acceptance

ESTATE = """
estate: {{name: test, vantage: here}}
councils: {{dacorum: {{title: Dacorum}}}}
sites: {{forum: {{council: dacorum}}}}
vantages: {{here: {{site: forum}}}}
credentials:
  api: {{kind: password, user: {user}, password: "env:API_PASSWORD"}}
targets:
  firewall:
    address: 127.0.0.1
    site: forum
    credentials: {{http: api}}
    checks:
      - firewall: {{profile: {profile}, https: {{port: {port}, pin: "{pin}"}}}}
"""


async def checked(api: FirewallApi, home: Path, password: str = PASSWORD) -> tuple[int, dict[str, str]]:
    """The exit status, and the states of the findings by key."""
    estate = home / "estate.yaml"
    estate.write_text(ESTATE.format(user=USER, profile=api.profile, port=api.port, pin=api.pin))
    run = await asyncio.create_subprocess_exec(
        RIDGEWAY, "check", "firewall", "--config.file", str(estate), "--json",
        env={**os.environ, "API_PASSWORD": password, "XDG_STATE_HOME": str(home)}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, _ = await run.communicate()
    (check,) = json.loads(out)["checks"]
    return run.returncode or 0, {finding["key"]: finding["state"] for finding in check["findings"]}


async def test_a_firewall_is_read_and_its_session_closed(tmp_path: Path) -> None:
    async with firewall_api("firewall/stormshield-http") as api:
        status, findings = await checked(api, tmp_path)

        assert status == 0 and findings["firewall/ha"] == "ok"
        assert (api.opened, api.closed, api.open_connections) == (1, 1, 0)
        assert not api.beyond


async def test_a_wrong_password_is_unknown_and_tried_once(tmp_path: Path) -> None:
    async with firewall_api("firewall/gaia-http") as api:
        status, findings = await checked(api, tmp_path, "not it")

        assert (status, findings) == (3, {"credential/api": "unknown"})
        assert (len(api.asked), api.opened) == (1, 0)
