"""An agent that takes pings of backup jobs, as a process of its own, and the jobs that tell it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import yaml

from testbeds.agent import RIDGEWAY, Agent
from testbeds.peers import free_port

KEY = "0123456789abcdefPUSH"
OTHER_KEY = "fedcba9876543210PUSH"
ESTATE = """
estate: {name: test, vantage: here}
councils: {dacorum: {title: Dacorum}}
sites: {forum: {council: dacorum}}
vantages: {here: {site: forum}}
"""


def estate(
    jobs: Mapping[str, Mapping[str, Any]], objects: Mapping[str, Mapping[str, Any]] | None = None, every: str = "1s"
) -> str:
    """One council whose jobs ping; an object for each job unless objects are said."""
    said = {name: {} for name in jobs} if objects is None else objects
    check = {
        "every": every,
        "timeout": "900ms",
        "products": {"push": {"product": "push", "jobs": {name: dict(job) for name, job in jobs.items()}}},
        "objects": {
            name: {"owner": "Revenues", "rpo": "26h", "by": [{"product": "push", "job": name}], **one}
            for name, one in said.items()
        },
    }
    targets = {"backups": {"address": "127.0.0.1", "site": "forum", "checks": [{"backup": check}]}}
    return ESTATE + yaml.safe_dump({"targets": targets})


@dataclass
class PushAgent:
    """An agent with a listener for pings; `ben` and `planning` are its jobs."""

    agent: Agent
    jobs: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: {"ben": {"key": "env:KEY_BEN"}, "planning": {"key": "env:KEY_PLANNING"}}
    )
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.agent.environment = {**self.agent.environment, "KEY_BEN": KEY, "KEY_PLANNING": OTHER_KEY}
        self.agent.options = (*self.agent.options, "--push.listen-address", f"127.0.0.1:{self.port}")
        self.agent.write(estate(self.jobs))
        (self.agent.home / "key").write_text(f"{KEY}\n", encoding="utf-8")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ping(self, said: str = "", key: str = KEY, method: str = "GET", **more: Any) -> requests.Response:
        return requests.request(method, f"{self.url}/ping/{key}{said}", timeout=10, **more)

    def wrapped(self, *command: str, options: tuple[str, ...] = (), **more: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(self.wrapping(*command, options=options), capture_output=True, timeout=60, **more)

    def wrapping(self, *command: str, options: tuple[str, ...] = ()) -> list[str]:
        """The command line of `ridgeway backup run`."""
        home = self.agent.home
        told = ["--url", self.url, "--key-file", str(home / "key"), "--spool", str(self.spool)]
        return [RIDGEWAY, "backup", "run", *told, *options, "--", *command]

    @property
    def spool(self) -> Path:
        return self.agent.home / "spool"

    def waiting(self) -> list[str]:
        """Names of the notes that are not told yet, the oldest first."""
        return sorted(path.name for path in self.spool.glob("*/*.note"))

    def kept(self, job: str = "backups/ben") -> list[tuple[str, int | None, str]]:
        """What stands in the ledger of a job, oldest first: sign, exit status, run id."""
        return self._rows("SELECT sign, code, rid FROM pings WHERE job = ? ORDER BY id", job)

    def lateness(self, job: str = "backups/ben") -> list[float]:
        """Seconds by which each came later than it was sent."""
        return [late for (late,) in self._rows("SELECT received - at FROM pings WHERE job = ? ORDER BY id", job)]

    def fault(self) -> str:
        """Why the check could not be made; empty where it could."""
        (check,) = json.loads(self.agent.page("/api/v1/targets/backups"))["checks"]
        return str(check["fault"] or "")

    def _rows(self, query: str, job: str) -> list[Any]:
        path = self.agent.ledger or str(self.agent.home / "ledger.sqlite3")
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as ledger:
            found = ledger.execute(query, (job,)).fetchall()
        ledger.close()
        return found

    def said(self, key: str = "backup/protection/ben") -> tuple[str, str]:
        """State and words of a finding as the agent's interface tells it; empty while there is none."""
        told = json.loads(self.agent.page("/api/v1/targets/backups"))
        for check in told["checks"]:
            for one in check["findings"]:
                if one["key"] == key:
                    return one["state"], one["summary"]
        return "", ""
