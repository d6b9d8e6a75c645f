"""A Proxmox Backup Server on loopback, over real TLS: it answers as the product's own source declares, and no more.

It wants a token, filters by what the token may see, pages tasks with a `total` that is a hint, filters them by a part
of their type and by their begin, and tells snapshots of the namespace that is asked for only.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

from testbeds.https_api import Answer, Asked, https_api

TOKEN = "PBSAPIToken=ridgeway@pbs!watch:b8d5a0f2-secret"
Row = dict[str, Any]


def upid(kind: str, at: float, number: int = 1) -> str:
    """A task's identifier."""
    return f"UPID:pbs:{number:08X}:{number:08X}:{number:08X}:{int(at):08X}:{kind}:x:root@pam:"


@dataclass(slots=True)
class PbsApi:
    """One server. What it has may be changed while it runs."""

    rights: dict[str, dict[str, bool]] = field(
        default_factory=lambda: {"/system/tasks": {"Sys.Audit": True}, "/datastore": {"Datastore.Audit": True}}
    )
    """By path; those of /datastore hold for all that is below and has none of its own."""
    usage: list[Row] = field(default_factory=list)
    snapshots: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    """By datastore and namespace."""
    tasks: list[Row] = field(default_factory=list)
    """The newest first."""
    jobs: dict[str, list[Row]] = field(default_factory=lambda: {"verify": [], "sync": [], "prune": []})
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
            return Answer(b"authentication failed - invalid credentials", 401, "text/plain")
        found = self.special[path](asked) if path in self.special else None
        if found is not None:
            return found
        if asked.method != "GET":
            return self._unknown(asked)
        if path == "version":
            return told({"version": "3.2", "release": "7", "repoid": "0"})
        if path == "access/permissions":
            return told(self._rights(query["path"][0]))
        if path == "status/datastore-usage":
            return told(self.usage)
        if path == "nodes/localhost/tasks":
            return self._tasks(query)
        if path.startswith("admin/datastore/"):
            return self._datastore(asked, path.split("/")[2:], query.get("ns", [""])[0])
        if path.removeprefix("admin/") in self.jobs:
            return told(self.jobs[path.removeprefix("admin/")])
        return self._unknown(asked)

    def _rights(self, path: str) -> Row:
        known = self.rights.get(path)
        if known is None and path.startswith("/datastore/"):
            known = self.rights.get("/datastore")
        return {path: known} if known else {}

    def _datastore(self, asked: Asked, parts: list[str], space: str) -> Answer:
        store, what = parts
        if what == "namespace":
            spaces = sorted({"", *(ns for of, ns in self.snapshots if of == store)})
            return told([{"ns": one} for one in spaces])
        rows = self.snapshots.get((store, space), [])
        if what == "snapshots":
            return told(rows)
        if what == "groups":
            return told(_groups(rows))
        return self._unknown(asked)

    def _tasks(self, query: dict[str, list[str]]) -> Answer:
        start, limit = int(query.get("start", ["0"])[0]), int(query.get("limit", ["50"])[0])
        rows = [row for row in self.tasks if query.get("typefilter", [""])[0] in row["worker_type"]]
        rows = [row for row in rows if row["starttime"] >= int(query.get("since", ["0"])[0])]
        if "Sys.Audit" not in self.rights.get("/system/tasks", {}):
            rows = [row for row in rows if row["user"] == "ridgeway@pbs!watch"]
        page = rows[start : start + limit]
        return told(page, total=start + len(page) + (1 if page and len(page) >= limit else 0))

    def _unknown(self, asked: Asked) -> Answer:
        self.beyond.append(f"{asked.method} {asked.path}")
        return Answer(b"no such path", 404, "text/plain")


def told(data: object, **more: object) -> Answer:
    """An answer as the product wraps it."""
    return Answer(json.dumps({"data": data, **more}).encode())


def snapshot(name: str, at: float, **more: Any) -> Row:
    """One that is whole; `more` adds to it, and None takes away."""
    kind, _, one = name.partition("/")
    row = {
        "backup-type": kind,
        "backup-id": one,
        "backup-time": int(at),
        "size": 10**10,
        "protected": False,
        "owner": "root@pam",
        "files": ["drive-scsi0.img.fidx", "index.json.blob"],
    }
    return {key: value for key, value in (row | more).items() if value is not None}


def task(name: str, at: float, status: str | None = "OK", seconds: float | None = 600.0, store: str = "main") -> Row:
    """A task that backs a group up; without seconds it still runs."""
    row = {
        "upid": upid("backup", at),
        "worker_type": "backup",
        "worker_id": f"{store}:{name}",
        "starttime": int(at),
        "user": "root@pam!pve",
    }
    if seconds is not None:
        row["endtime"] = int(at + seconds)
    return row | ({"status": status} if status is not None else {})


def healthy(now: float, nights: int = 30) -> PbsApi:
    """Two machines in the root and one in a namespace, with a snapshot of every night; the newest was verified."""
    api = PbsApi()
    api.usage = [{"store": "main", "total": 10**12, "used": 4 * 10**11, "avail": 6 * 10**11}]
    where = {"vm/100": "", "ct/101": "", "vm/200": "prod"}
    for night in range(nights):
        begun = now - 36_000 - night * 86_400
        checked = {"upid": upid("verificationjob", begun + 7200), "state": "ok"}
        for name, space in where.items():
            api.snapshots.setdefault(("main", space), []).append(snapshot(name, begun, verification=checked))
            api.tasks.append(task(name, begun + 2) | {"upid": upid("backup", begun + 2, len(api.tasks))})
    api.jobs["verify"] = [
        {
            "id": "v-1",
            "store": "main",
            "schedule": "daily",
            "last-run-upid": upid("verificationjob", now - 28_800),
            "last-run-state": "OK",
            "last-run-endtime": int(now - 28_000),
            "next-run": int(now + 50_000),
        }
    ]
    return api


@asynccontextmanager
async def serving(api: PbsApi) -> AsyncIterator[PbsApi]:
    """The server, listening."""
    async with https_api(api.answer, api) as (api.port, api.pin):
        yield api


def _groups(rows: list[Row]) -> list[Row]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["backup-type"], row["backup-id"]), []).append(row)
    return [
        {
            "backup-type": kind,
            "backup-id": one,
            "backup-count": len(listed),
            "last-backup": max(row["backup-time"] for row in listed),
        }
        for (kind, one), listed in found.items()
    ]
