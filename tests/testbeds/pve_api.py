"""A Proxmox VE cluster on loopback, over real TLS: it answers as pve-manager declares, and no more.

It wants a token, tells rights by path, pages task lists and logs, and lists tasks under way with `source=all` only.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from testbeds.https_api import Answer, Asked, https_api
from testbeds.pbs_api import told

TOKEN = "PVEAPIToken=ridgeway@pve!watch=0a1b2c3d-secret"
LONDON = ZoneInfo("Europe/London")
COMMAND = "vzdump --all 1 --storage nfs --mode snapshot --quiet 1"
Row = dict[str, Any]


@dataclass(slots=True)
class PveApi:
    """One cluster, asked at one of its nodes. What it has may be changed while it runs."""

    rights: dict[str, dict[str, int]] = field(
        default_factory=lambda: {"/vms": {"VM.Audit": 1}, "/nodes/pve1": {"Sys.Audit": 1}}
    )
    resources: list[Row] = field(default_factory=list)
    jobs: list[Row] = field(default_factory=list)
    tasks: dict[str, list[Row]] = field(default_factory=dict)
    """By node, the newest first."""
    logs: dict[str, list[str]] = field(default_factory=dict)
    """By task."""
    special: dict[str, Callable[[Asked], Answer | None]] = field(default_factory=dict)
    """By path: another answer than the usual one."""
    asked: list[Asked] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    most_at_once: int = 0
    port: int = 0
    pin: str = ""
    clock: Callable[[], float] = time.time

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        found = self._answer(asked)
        return replace(found, headers=(*found.headers, ("Date", formatdate(self.clock(), usegmt=True))))

    def _answer(self, asked: Asked) -> Answer:
        parts = urlsplit(asked.path)
        path, query = parts.path.removeprefix("/api2/json/"), parse_qs(parts.query)
        if asked.headers.get("authorization") != TOKEN:
            return Answer(b"", 401)
        found = self.special[path](asked) if path in self.special else None
        if found is not None:
            return found
        if path == "version":
            return told({"version": "8.2.4", "release": "8.2"})
        if path == "access/permissions":
            known = self.rights.get(query["path"][0])
            return told({query["path"][0]: known} if known else {})
        if path == "cluster/resources":
            return told(self.resources)
        if path == "cluster/backup":
            return told(self.jobs)
        match path.split("/"):
            case ["nodes", _, "time"]:
                return told({"timezone": "Europe/London", "time": int(self.clock())})
            case ["nodes", node, "tasks"] if node in self.tasks:
                return self._tasks(self.tasks[node], query)
            case ["nodes", _, "tasks", upid, "log"] if upid in self.logs:
                lines = [{"n": n + 1, "t": text} for n, text in enumerate(self.logs[upid])]
                return _page(lines, query)
        self.beyond.append(f"{asked.method} {asked.path}")
        return Answer(b'{"data":null}', 400)

    def _tasks(self, rows: list[Row], query: dict[str, list[str]]) -> Answer:
        rows = [row for row in rows if query.get("typefilter", [""])[0] in row["type"]]
        rows = [row for row in rows if row["starttime"] >= int(query.get("since", ["0"])[0])]
        if query.get("source") != ["all"]:
            rows = [row for row in rows if "endtime" in row]
        return _page(rows, query)

    def add(
        self, at: float, *guests: list[str], status: str | None = "OK", command: str = COMMAND, node: str = "pve1"
    ) -> str:
        """A task of vzdump that began then, with the lines of each guest in its log; gives its identifier."""
        upid = f"UPID:{node}:{len(self.logs):08X}:00000001:{int(at):08X}:vzdump::root@pam:"
        row = {"upid": upid, "node": node, "type": "vzdump", "id": "", "user": "root@pam", "starttime": int(at)}
        row |= {"endtime": int(at + 1800), "status": status} if status is not None else {"status": "RUNNING"}
        self.tasks.setdefault(node, []).insert(0, row)
        lines = [f"INFO: starting new backup job: {command}", *(line for guest in guests for line in guest)]
        if status is not None:
            well = status == "OK"
            lines.append(f"INFO: Backup job finished {'successfully' if well else 'with errors'}")
            lines.append(f"TASK {status}" if well or status.startswith("WARNINGS") else f"TASK ERROR: {status}")
        self.logs[upid] = lines
        return upid


def guest(number: int, at: float, *more: str, size: str = "12.50GB", kind: str = "qemu", end: str = "") -> list[str]:
    """The lines of one guest; `end` stands for the line that says that it is finished."""
    local = datetime.fromtimestamp(at, LONDON).strftime("%Y-%m-%d %H:%M:%S")
    return [
        f"INFO: Starting Backup of VM {number} ({kind})",
        f"INFO: Backup started at {local}",
        *more,
        "INFO: include disk 'scsi0' 'nfs:vm-disk-0' 64G",
        "INFO: transferred 64.00 GiB in 600 seconds",
        f"INFO: archive file size: {size}",
        end or f"INFO: Finished Backup of VM {number} (00:10:00)",
    ]


def healthy(now: float, nights: int = 20) -> PveApi:
    """A node with two machines, all backed up every night by one job to a storage."""
    api = PveApi()
    api.resources = [
        {"type": "node", "node": "pve1", "status": "online"},
        {"type": "qemu", "node": "pve1", "vmid": 100, "name": "ben"},
        {"type": "lxc", "node": "pve1", "vmid": 101, "name": "files"},
        {
            "type": "storage",
            "node": "pve1",
            "storage": "nfs",
            "status": "available",
            "content": "backup,iso",
            "disk": 4 * 10**11,
            "maxdisk": 10**12,
        },
    ]
    api.jobs = [{"id": "backup-1", "enabled": 1, "all": 1, "schedule": "22:00", "storage": "nfs",
                 "next-run": int(now + 50_000)}]  # fmt: skip
    for night in reversed(range(nights)):
        at = now - 36_000 - night * 86_400
        api.add(at, guest(100, at + 5), guest(101, at + 605, kind="lxc"))
    return api


@asynccontextmanager
async def serving(api: PveApi) -> AsyncIterator[PveApi]:
    """The cluster, listening."""
    async with https_api(api.answer, api) as (api.port, api.pin):
        yield api


def _page(rows: list[Row], query: dict[str, list[str]]) -> Answer:
    start, limit = int(query.get("start", ["0"])[0]), int(query.get("limit", ["50"])[0])
    return told(rows[start : start + limit], total=len(rows))
