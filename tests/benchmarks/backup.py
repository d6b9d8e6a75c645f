"""What backups cost: judging a large estate again, and reading a large Veeam server again. Nothing is its peer."""

from __future__ import annotations

import asyncio
import random
import resource
import time
from collections.abc import Iterable

from checks.backup.model import Account
from checks.contract import Assessment
from checks.transports import Transports
from config.estate import Credential
from testbeds.backup_accounts import DAY, HOUR, NOW, account, assessed, options, run
from testbeds.by_backup import BackupWatch
from testbeds.veeam_api import PASSWORD, USER, VeeamApi, add_night, healthy, serving, stamp, uuid
from tests.benchmarks.figures import Figure, Void, at_most

_WISHES = {
    "schedule": {"cron": "0 22 * * *"}, "retention": {"points": 7}, "copies": {}, "verified_within": "35d",
    "drilled_within": "30d",
}  # fmt: skip


def measure(quick: bool) -> Iterable[Figure]:
    objects, nights, jobs, sessions = (50, 30, 20, 400) if quick else (1000, 50, 500, 20_000)
    yield from _judging(objects, nights)
    yield from asyncio.run(_polling(jobs, sessions))


def _judging(objects: int, nights: int) -> Iterable[Figure]:
    names = [f"srv-{number:04}" for number in range(objects)]
    said = options(dict.fromkeys(names, _WISHES))
    before = _megabytes()
    first = assessed(said, _history(names, nights))
    told = account([run(NOW - 5 * HOUR, object=name) for name in names], since=NOW - DAY, objects=tuple(names))
    costs: list[float] = []
    found: Assessment | None = None
    for _ in range(3):
        begun = time.process_time()
        found = assessed(said, told, NOW + 300, first.memory)
        costs.append(time.process_time() - begun)
    if found is None or len(found.findings) < objects:
        raise Void("not every object was judged")
    note = f"{objects} objects, {objects * nights} runs remembered"
    yield at_most("backups judged again", sorted(costs)[1], "s", 1.0, note=note)
    yield at_most("memory for that", _megabytes() - before, "MiB", 100.0, note=note)


def _history(names: list[str], nights: int) -> Account:
    chance = random.Random(1)
    return account(
        [
            run(NOW - 10 * HOUR - night * DAY, object=name, bytes=int(1e11 * chance.lognormvariate(0, 0.15)))
            for name in names
            for night in range(nights)
        ]
    )


async def _polling(jobs: int, sessions: int) -> list[Figure]:
    api = _large(jobs, sessions)
    transports = Transports.open()
    async with serving(api):
        said = {"product": "veeam", "port": api.port, "pin": api.pin, "revision": api.revision}
        access = {"http": Credential("veeam", "password", {"user": USER, "password": PASSWORD})}
        watch = BackupWatch(transports, {"products": {"veeam": said}, "undeclared": False}, NOW, access)
        api.clock = lambda: watch.now
        first = await watch.run(300.0)
        if first.bad:
            raise Void(f"the server is not healthy: {first.bad}")
        api.asked.clear()
        watch.now += 300
        begun = time.process_time()
        told = await watch.run(60.0)
        spent = time.process_time() - begun
        requests = len(api.asked)
    await transports.close()
    part = told.part("veeam")
    if part.account is None or part.account.unread:
        raise Void("the server was not read whole")
    note = f"{jobs} jobs, {sessions} sessions; the server, in the same process, is counted too"
    return [
        at_most("Veeam polled again, requests", float(requests), "requests", 10.0, note=note),
        at_most("Veeam polled again, CPU", spent, "s", 2.0, note=note),
    ]


def _large(jobs: int, sessions: int) -> VeeamApi:
    api = healthy(NOW, machines=1, nights=0)
    state = api.rows["jobs/states"][0]
    api.rows["jobs/states"] = [
        state | {"id": uuid(1, n), "name": f"Job {n}", "sessionId": uuid(4, n)} for n in range(jobs)
    ]
    for number in range(sessions):
        add_night(api, NOW - 2 * HOUR - number * 180, number, machines=1)
    api.rows["backupObjects"] = [
        {"id": uuid(5, n), "name": f"srv{n}", "type": "VM", "platformName": "VMware", "backupId": uuid(2, 1),
         "restorePointsCount": 30} for n in range(jobs)
    ]  # fmt: skip
    api.singles["configBackup"]["lastSuccessfulBackup"]["lastSuccessfulTime"] = stamp(NOW - 7200)
    return api


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
