"""A Veeam server on loopback, over real TLS: it answers what its revision's published specification says, and no more.

Rows are our own. It pages as asked and no larger than `largest_page`, filters by time, wants the header of the version
and a token, and counts what it is asked.
"""

from __future__ import annotations

import json
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

USER, PASSWORD = "ridgeway", "pass word+1"
NOBODY = "00000000-0000-0000-0000-000000000000"
LONDON = ZoneInfo("Europe/London")
Row = dict[str, Any]


def uuid(kind: int, number: int) -> str:
    """An identifier that says what it is of."""
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


def stamp(at: float, offset: bool = True) -> str:
    """A time as Veeam writes it: with its offset, or, for task sessions, without."""
    when = datetime.fromtimestamp(at, LONDON)
    return when.isoformat(timespec="microseconds") if offset else when.replace(tzinfo=None).isoformat()


@dataclass(slots=True)
class VeeamApi:
    """One server. `rows` may be changed while it runs."""

    revision: str = "1.3-rev2"
    rows: dict[str, list[Row]] = field(default_factory=dict)
    """By the last part of the path."""
    singles: dict[str, Row] = field(default_factory=dict)
    special: dict[str, Callable[[Asked], Answer | None]] = field(default_factory=dict)
    """By the last part of the path: another answer than the usual one."""
    largest_page: int = 1000
    asked: list[Asked] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    opened: int = 0
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
        if asked.headers.get("x-api-version") != self.revision:
            return _json({"errorCode": "InvalidApiVersion", "message": "x-api-version"}, 400)
        if (asked.method, parts.path) == ("POST", "/api/oauth2/token"):
            return self._token(asked)
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return _json({"errorCode": "AccessDenied"}, 401)
        if (asked.method, parts.path) == ("POST", "/api/oauth2/logout"):
            self.tokens.discard(token)
            return _json({})
        name = parts.path.removeprefix("/api/v1/")
        found = self.special[name](asked) if name in self.special else None
        if found is not None:
            return found
        if asked.method == "GET" and name in self.singles:
            return _json(self.singles[name])
        if asked.method == "GET" and name in self.rows:
            return self._page(name, parse_qs(parts.query))
        self.beyond.append(f"{asked.method} {asked.path}")
        return _json({"errorCode": "NotFound"}, 404)

    def _token(self, asked: Asked) -> Answer:
        said = {name: values[0] for name, values in parse_qs(asked.body).items()}
        if said != {"grant_type": "password", "username": USER, "password": PASSWORD}:
            return _json({"errorCode": "AccessDenied", "message": "invalid user name or password"}, 401)
        self.opened += 1
        token = f"token-{self.opened:08d}"
        self.tokens.add(token)
        return _json({"access_token": token, "token_type": "bearer", "refresh_token": "r", "expires_in": 900})

    def _page(self, name: str, query: dict[str, list[str]]) -> Answer:
        rows = self.rows[name]
        for given, of in (("endedAfterFilter", "endTime"), ("createdAfterFilter", "creationTime")):
            if given in query:
                after = datetime.fromisoformat(query[given][0].replace("Z", "+00:00"))
                rows = [row for row in rows if of in row and _when(row[of]) > after]
        skip, limit = int(query["skip"][0]), min(int(query["limit"][0]), self.largest_page)
        page = rows[skip : skip + limit]
        return _json({"data": page, "pagination": {"total": len(rows), "count": len(page)}})

    @property
    def paths(self) -> list[str]:
        """What was asked, in order, without queries."""
        return [urlsplit(one.path).path.rpartition("/api/")[2] for one in self.asked]


def healthy(now: float, machines: int = 3, nights: int = 30) -> VeeamApi:
    """A server with one nightly job of so many machines, each with a point of every night."""
    api = VeeamApi()
    chain, repository = uuid(2, 1), uuid(3, 1)
    api.singles = {
        "serverInfo": {"name": "vbr.example", "buildVersion": "13.1.0.411"},
        "serverTime": {"serverTime": stamp(now), "timeZone": "GMT", "ianaTimeZoneId": "Europe/London"},
        "configBackup": {"isEnabled": True, "lastSuccessfulBackup": {"lastSuccessfulTime": stamp(now - 7200)}},
    }
    job = {
        "id": uuid(1, 1),
        "name": "Nightly",
        "type": "VSphereBackup",
        "status": "Stopped",
        "lastResult": "Success",
        "lastRun": stamp(now - 36_000),
        "nextRun": stamp(now + 50_400),
        "nextRunPolicy": "later",
        "sessionId": uuid(4, 0),
        "repositoryId": repository,
        "repositoryName": "Hardened",
        "objectsCount": machines,
        "workload": "Vm",
    }
    api.rows = {
        "jobs/states": [job],
        "sessions": [],
        "taskSessions": [],
        "backupObjects": [
            {
                "id": uuid(5, n),
                "name": f"srv{n}",
                "type": "VM",
                "platformName": "VMware",
                "backupId": chain,
                "restorePointsCount": nights,
            }
            for n in range(machines)
        ],
        "restorePoints": [],
        "backups": [{"id": chain, "name": "Nightly", "jobId": uuid(1, 1), "repositoryName": "Hardened"}],
        "backupInfrastructure/repositories": [
            {
                "id": repository,
                "name": "Hardened",
                "type": "LinuxHardened",
                "repository": {"makeRecentBackupsImmutableDays": 14},
            }
        ],
        "backupInfrastructure/repositories/states": [
            {
                "id": repository,
                "name": "Hardened",
                "type": "LinuxHardened",
                "capacityGB": 1000.0,
                "freeGB": 600.0,
                "usedSpaceGB": 400.0,
                "isOnline": True,
                "isOutOfDate": False,
            }
        ],
    }
    for night in range(nights):
        add_night(api, now - 36_000 - night * 86_400, night, machines)
    return api


def add_night(api: VeeamApi, begun: float, number: int, machines: int = 3, **task: Any) -> None:
    """A session of the nightly job that began then; `task` changes what it did for the first machine."""
    api.rows["sessions"].append(
        {
            "id": uuid(4, number),
            "name": "Nightly",
            "jobId": uuid(1, 1),
            "sessionType": "BackupJob",
            "state": "Stopped",
            "creationTime": stamp(begun),
            "endTime": stamp(begun + 1800),
            "usn": number,
            "result": {"result": "Success", "message": "Success", "isCanceled": False},
        }
    )
    for n in range(machines):
        row = {
            "id": uuid(6, number * 1000 + n),
            "type": "Backup",
            "sessionId": uuid(4, number),
            "sessionType": "BackupJob",
            "name": f"srv{n}",
            "state": "Stopped",
            "algorithm": "Increment",
            "repositoryId": uuid(3, 1),
            "creationTime": stamp(begun + 60, offset=False),
            "endTime": stamp(begun + 1200, offset=False),
            "result": {"result": "Success", "message": "Success", "isCanceled": False},
            "progress": {
                "duration": "00:19:00",
                "processingRate": "N/A",
                "processedSize": 10**11,
                "readSize": 10**9,
                "transferredSize": 5 * 10**8,
            },
        }
        changed = row | task if n == 0 else row
        api.rows["taskSessions"].append(changed)
        if changed["result"]["result"] in ("Success", "Warning"):
            api.rows["restorePoints"].append(
                {
                    "id": uuid(7, number * 1000 + n),
                    "name": f"srv{n}",
                    "platformName": "VMware",
                    "type": "Increment",
                    "creationTime": stamp(begun + 120),
                    "backupId": uuid(2, 1),
                    "malwareStatus": "Clean",
                    "allowedOperations": [],
                }
            )


@asynccontextmanager
async def serving(api: VeeamApi) -> AsyncIterator[VeeamApi]:
    """The server, listening."""
    async with https_api(api.answer, api) as (api.port, api.pin):
        yield api


def _when(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=LONDON)


def _json(said: object, status: int = 200) -> Answer:
    return Answer(json.dumps(said).encode(), status)
