"""A simulated Veeam Backup & Replication server: it answers what its API's specification says, and no more.

It wants the header of the version and a token, filters by time, and pages as it is asked. Its rows are our own.
Source: Veeam Backup & Replication REST API Reference, revisions 1.2-rev1 to 1.3-rev2.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from agent.demo.https import Answer, Asked

LONDON = ZoneInfo("Europe/London")
SUCCESS = {"result": "Success", "message": "Success", "isCanceled": False}
Row = dict[str, Any]


def uuid(kind: int, number: int) -> str:
    """An identifier that says what it is of."""
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


def stamp(at: float, offset: bool = True) -> str:
    """A time as Veeam writes it: with its offset, or, for task sessions, without."""
    when = datetime.fromtimestamp(at, LONDON)
    return when.isoformat(timespec="microseconds") if offset else when.replace(tzinfo=None).isoformat()


@dataclass(slots=True)
class SimulatedVeeam:
    """One server. `rows` may be changed while it runs."""

    user: str
    password: str
    revision: str = "1.3-rev2"
    rows: dict[str, list[Row]] = field(default_factory=dict)
    """By the last part of the path."""
    singles: dict[str, Row] = field(default_factory=dict)
    largest_page: int = 1000
    tokens: set[str] = field(default_factory=set)
    clock: Callable[[], float] = time.time

    def answer(self, asked: Asked) -> Answer:
        """What a request is answered."""
        found = self.answered(asked)
        return replace(found, headers=(*found.headers, ("Date", formatdate(self.clock(), usegmt=True))))

    def answered(self, asked: Asked) -> Answer:
        """The same without the server's time."""
        path = urlsplit(asked.path).path
        if asked.headers.get("x-api-version") != self.revision:
            return said({"errorCode": "InvalidApiVersion", "message": "x-api-version"}, 400)
        if (asked.method, path) == ("POST", "/api/oauth2/token"):
            return self._token(asked)
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            return said({"errorCode": "AccessDenied"}, 401)
        if (asked.method, path) == ("POST", "/api/oauth2/logout"):
            self.tokens.discard(token)
            return said({})
        return self.listed(asked, path.removeprefix("/api/v1/"))

    def listed(self, asked: Asked, name: str) -> Answer:
        """What a path below /api/v1/ is answered, to who is logged in."""
        if asked.method == "GET" and name in self.singles:
            return said(self.singles[name])
        if asked.method == "GET" and name in self.rows:
            return self._page(name, parse_qs(urlsplit(asked.path).query))
        return said({"errorCode": "NotFound"}, 404)

    def _token(self, asked: Asked) -> Answer:
        given = {name: values[0] for name, values in parse_qs(asked.body).items()}
        right = given.get("grant_type") == "password" and hmac.compare_digest(
            f"{given.get('username')}\0{given.get('password')}".encode(), f"{self.user}\0{self.password}".encode()
        )
        if not right:
            return said({"errorCode": "AccessDenied", "message": "invalid user name or password"}, 401)
        token = secrets.token_urlsafe(24)
        self.tokens.add(token)
        return said({"access_token": token, "token_type": "bearer", "refresh_token": "r", "expires_in": 900})

    def _page(self, name: str, query: dict[str, list[str]]) -> Answer:
        rows = self.rows[name]
        for given, of in (("endedAfterFilter", "endTime"), ("createdAfterFilter", "creationTime")):
            if given in query:
                after = datetime.fromisoformat(query[given][0].replace("Z", "+00:00"))
                rows = [row for row in rows if of in row and _when(row[of]) > after]
        skip, limit = int(query["skip"][0]), min(int(query["limit"][0]), self.largest_page)
        page = rows[skip : skip + limit]
        return said({"data": page, "pagination": {"total": len(rows), "count": len(page)}})


def fill(api: SimulatedVeeam, now: float, machines: Sequence[str], nights: int) -> None:
    """Give a server one nightly job of these machines, each with a point of every night."""
    chain, repository = uuid(2, 1), uuid(3, 1)
    api.singles = {
        "serverInfo": {"name": "vbr.example", "buildVersion": "13.1.0.411"},
        "serverTime": {"serverTime": stamp(now), "timeZone": "GMT", "ianaTimeZoneId": "Europe/London"},
        "configBackup": {"isEnabled": True, "lastSuccessfulBackup": {"lastSuccessfulTime": stamp(now - 7200)}},
    }
    hardened = {"id": repository, "name": "Hardened", "type": "LinuxHardened"}
    api.rows = {
        "jobs/states": [_job(now, repository, len(machines))],
        "sessions": [],
        "taskSessions": [],
        "backupObjects": [
            {"id": uuid(5, n), "name": name, "type": "VM", "platformName": "VMware", "backupId": chain,
             "restorePointsCount": nights}
            for n, name in enumerate(machines)
        ],
        "restorePoints": [],
        "backups": [{"id": chain, "name": "Nightly", "jobId": uuid(1, 1), "repositoryName": "Hardened"}],
        "backupInfrastructure/repositories": [hardened | {"repository": {"makeRecentBackupsImmutableDays": 14}}],
        "backupInfrastructure/repositories/states": [
            hardened | {"capacityGB": 1000.0, "freeGB": 600.0, "usedSpaceGB": 400.0, "isOnline": True,
                        "isOutOfDate": False}
        ],
    }  # fmt: skip
    for night in range(nights):
        add_night(api, now - 36_000 - night * 86_400, night, machines)


def _job(now: float, repository: str, machines: int) -> Row:
    return {
        "id": uuid(1, 1), "name": "Nightly", "type": "VSphereBackup", "status": "Stopped", "lastResult": "Success",
        "lastRun": stamp(now - 36_000), "nextRun": stamp(now + 50_400), "nextRunPolicy": "later",
        "sessionId": uuid(4, 0), "repositoryId": repository, "repositoryName": "Hardened", "objectsCount": machines,
        "workload": "Vm",
    }  # fmt: skip


def add_night(api: SimulatedVeeam, begun: float, number: int, machines: Sequence[str], **task: Any) -> None:
    """A session of the nightly job that began then; `task` changes what it did for the first machine."""
    api.rows["sessions"].append({
        "id": uuid(4, number), "name": "Nightly", "jobId": uuid(1, 1), "sessionType": "BackupJob", "state": "Stopped",
        "creationTime": stamp(begun), "endTime": stamp(begun + 1800), "usn": number, "result": SUCCESS,
    })  # fmt: skip
    for n, name in enumerate(machines):
        row: Row = {
            "id": uuid(6, number * 1000 + n), "type": "Backup", "sessionId": uuid(4, number),
            "sessionType": "BackupJob", "name": name, "state": "Stopped", "algorithm": "Increment",
            "repositoryId": uuid(3, 1), "creationTime": stamp(begun + 60, offset=False),
            "endTime": stamp(begun + 1200, offset=False), "result": SUCCESS,
            "progress": {"duration": "00:19:00", "processingRate": "N/A", "processedSize": 10**11,
                         "readSize": 10**9, "transferredSize": 5 * 10**8},
        }  # fmt: skip
        changed = row | task if n == 0 else row
        api.rows["taskSessions"].append(changed)
        if changed["result"]["result"] in ("Success", "Warning"):
            api.rows["restorePoints"].append({
                "id": uuid(7, number * 1000 + n), "name": name, "platformName": "VMware", "type": "Increment",
                "creationTime": stamp(begun + 120), "backupId": uuid(2, 1), "malwareStatus": "Clean",
                "allowedOperations": [],
            })  # fmt: skip


def add_surebackup(api: SimulatedVeeam, machine: str, number: int, begun: float, ended: float, result: str) -> None:
    """A task session of SureBackup, which started a machine from its backup."""
    api.rows["taskSessions"].append({
        "id": uuid(8, number), "type": "Restore", "sessionId": uuid(4, 900 + number), "sessionType": "SureBackup",
        "name": machine, "state": "Stopped", "creationTime": stamp(begun, False), "endTime": stamp(ended, False),
        "result": {"result": result, "message": result, "isCanceled": False},
    })  # fmt: skip


def said(what: object, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(json.dumps(what).encode(), status)


def _when(text: str) -> datetime:
    when = datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=LONDON)
