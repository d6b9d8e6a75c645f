"""A Proxmox Backup Server, read over its API: what is asked, what it means, and every trap of other tools."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from checks.backup.model import Outcome, Part
from checks.contract import Reason, State
from checks.transports import Transports
from config.estate import Credential
from testbeds.by_backup import BackupWatch
from testbeds.https_api import HANGS_UP, Answer
from testbeds.pbs_api import TOKEN, PbsApi, healthy, serving, snapshot, task, told, upid
from testbeds.planted import Planter, faults_of_lists

NOW = 1_790_000_000.0
DAY = 86_400.0
PROTECTION = "backup/protection/ben"
PRODUCT = "backup/product/pbs"


@dataclass
class Watch:
    """A check of this server; `ben` is vm/100 in the root, `planning` vm/200 in the namespace prod."""

    api: PbsApi
    transports: Transports
    token: str = TOKEN
    more: dict[str, Any] = field(default_factory=dict)

    def made(self) -> BackupWatch:
        names = {"ben": "vm/100", "files": "ct/101", "planning": "prod:vm/200"}
        by = {
            name: {"owner": "Revenues", "rpo": "26h", "by": [{"product": "pbs", "object": said}]}
            for name, said in names.items()
        }
        said = {"product": "pbs", "port": self.api.port, "pin": self.api.pin}
        made = BackupWatch(
            self.transports,
            {"products": {"pbs": said}, "objects": by, **self.more},
            NOW,
            {"http": Credential("pbs", "token", {"token": self.token})},
        )
        self.api.clock = lambda: made.now
        return made


async def test_a_healthy_server_is_read_whole_and_only_read(transports: Transports, planted: Planter) -> None:
    async with serving(healthy(NOW)) as api:
        result = await Watch(api, transports).made().run()

        assert result.bad == {}
        assert not api.beyond
        assert {one.method for one in api.asked} == {"GET"}
        assert api.most_at_once == 1
        account = result.part("pbs").account
        assert account is not None
        assert account.version == "3.2"
        assert result.value("last_restorable_timestamp_seconds", "ben") == NOW - 36_000
        assert result.value("restore_points", "ben", "pbs/main") == 30
        assert result.value("last_verified_timestamp_seconds", "ben") == NOW - 36_000 + 7200
        assert result.value("repository_free_bytes", "pbs/main") == 6 * 10**11
    planted("none", "PBS").seen(result)


async def test_the_secret_is_in_no_address_and_no_message(transports: Transports) -> None:
    api = healthy(NOW)
    api.special["admin/verify"] = lambda _: Answer(b"", 500)
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert all("secret" not in one.path for one in api.asked)
        assert "secret" not in repr(result.observation)


async def test_snapshots_outside_the_root_namespace_are_seen(transports: Transports) -> None:
    async with serving(healthy(NOW)) as api:
        result = await Watch(api, transports).made().run()

        assert result.value("last_restorable_timestamp_seconds", "planning") == NOW - 36_000


async def test_a_namespace_below_a_namespace_is_seen(transports: Transports) -> None:
    api = healthy(NOW)
    api.snapshots["main", "prod/deep"] = [snapshot("vm/300", NOW - 3600)]
    async with serving(api):
        account = (await Watch(api, transports).made().run()).part("pbs").account

        assert account is not None
        assert "prod/deep:vm/300" in account.objects


async def test_a_token_that_sees_its_own_tasks_only_is_unknown_and_told_what_it_needs(
    transports: Transports, planted: Planter
) -> None:
    api = healthy(NOW)
    api.rights["/system/tasks"] = {}
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {PRODUCT: State.UNKNOWN}
        assert "give it Sys.Audit on /system/tasks" in result.words(PRODUCT)
        assert PROTECTION not in result.assessment.covers
    planted("the account may see a part only", "PBS").seen(result)


@pytest.mark.parametrize("rights", [{"Datastore.Backup": True}, {"Datastore.Audit": False}])
async def test_a_token_that_may_see_a_part_of_a_datastore_is_unknown(
    rights: dict[str, bool], transports: Transports
) -> None:
    api = healthy(NOW)
    api.rights["/datastore/main"] = rights
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {PRODUCT: State.UNKNOWN}
        assert "give it Datastore.Audit on /datastore/main" in result.words(PRODUCT)


async def test_a_token_that_sees_no_datastore_is_unknown(transports: Transports, planted: Planter) -> None:
    api = healthy(NOW)
    api.usage, api.jobs = [], {"verify": [], "sync": [], "prune": []}
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad[PRODUCT] is State.UNKNOWN
        assert "the token may see none" in result.words(PRODUCT)
    planted("the list is empty", "PBS").seen(result)


@pytest.mark.parametrize(
    "path",
    [
        "status/datastore-usage",
        "nodes/localhost/tasks",
        "admin/datastore/main/namespace",
        "admin/datastore/main/groups",
        "admin/verify",
    ],
)
@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"permission check failed", 403, "text/plain"),
        Answer(b"", 429, headers=(("Retry-After", "60"),)),
        Answer(b'{"data":[{"backup-id":'),
        Answer(b"<html>log in</html>", kind="text/html"),
        Answer(b'{"data":null}'),
        Answer(b'{"data":[7]}'),
        Answer(b"", HANGS_UP),
    ],
    ids=["forbidden", "too often", "cut JSON", "log-in page", "nulls", "numbers", "hangs up"],
)
async def test_a_list_that_did_not_come_whole_is_unknown_and_closes_nothing(
    path: str, answer: Answer, transports: Transports, planted: Planter, request: pytest.FixtureRequest
) -> None:
    api = healthy(NOW, nights=3)
    async with serving(api):
        watch = Watch(api, transports).made()
        await watch.run()
        api.special[path] = lambda _: answer

        watch.now += 300
        result = await watch.run()

        assert result.bad == {PRODUCT: State.UNKNOWN}
        assert "backup/*" not in result.assessment.covers
    for fault in faults_of_lists(request):
        planted(fault, "PBS").seen(result)


async def test_a_wrong_token_is_tried_once_and_never_repeated_aloud(transports: Transports, planted: Planter) -> None:
    async with serving(healthy(NOW)) as api:
        watch = Watch(api, transports, token="PBSAPIToken=ridgeway@pbs!watch:another").made()
        polls = [await watch.run() for _ in range(3)]
        faults = [one.observation.fault for one in polls]

        assert [fault.reason for fault in faults if fault] == [Reason.AUTHENTICATION, Reason.WITHHELD, Reason.WITHHELD]
        assert len(api.asked) == 1
        assert "another" not in repr(faults)
    planted("a wrong password", "PBS").seen(polls[0])


async def test_tasks_are_read_until_a_short_page(transports: Transports) -> None:
    api = healthy(NOW, nights=2)
    api.tasks += [task("host/many", NOW - DAY - n) | {"upid": upid("backup", 0, 10_000 + n)} for n in range(2500)]
    async with serving(api):
        account = (await Watch(api, transports).made().run()).part("pbs").account

        assert account is not None
        assert account.unread == {}
        assert len([run for run in account.runs if run.object == "host/many"]) == 2500


async def test_a_total_that_promises_more_than_comes_is_a_list_cut_short(
    transports: Transports, planted: Planter
) -> None:
    api = healthy(NOW)
    rows = api.tasks
    api.special["nodes/localhost/tasks"] = lambda asked: told(rows[:3] if "start=0" in asked.path else [], total=50)
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {PRODUCT: State.UNKNOWN}
        assert "cut short: 3 of 50" in result.words(PRODUCT)
    planted("a page is cut short", "PBS").seen(result)


async def test_a_poll_again_lists_no_snapshots_while_counts_are_the_same(transports: Transports) -> None:
    async with serving(healthy(NOW)) as api:
        watch = Watch(api, transports).made()
        await watch.run()
        api.asked.clear()

        watch.now += 300
        result = await watch.run()

        assert result.bad == {}
        assert not [one.path for one in api.asked if "/snapshots" in one.path]
        assert [one.path for one in api.asked if f"since={int(NOW - 900)}" in one.path]


async def test_a_snapshot_that_is_new_is_seen_at_once(transports: Transports) -> None:
    async with serving(healthy(NOW)) as api:
        watch = Watch(api, transports).made()
        await watch.run()
        api.snapshots["main", ""].append(snapshot("vm/100", NOW + 100))

        watch.now += 300
        result = await watch.run()

        assert result.value("last_restorable_timestamp_seconds", "ben") == NOW + 100


async def test_a_task_that_began_before_the_last_poll_is_told_when_it_ends(
    transports: Transports, planted: Planter
) -> None:
    api = healthy(NOW)
    api.tasks.insert(0, task("vm/100", NOW - 1500, None, None))
    async with serving(api):
        watch = Watch(api, transports).made()
        running = await watch.run()
        api.tasks[0] = task("vm/100", NOW - 1500, "connection error: timed out", 1600)

        watch.now += 1800
        ended = await watch.run()

        assert running.bad == {}
        assert ended.bad == {PROTECTION: State.WARNING}
        assert "connection error: timed out" in ended.words(PROTECTION)
    planted("a failed run", "PBS").seen(ended)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("OK", Outcome.SUCCESS),
        ("WARNINGS: 2", Outcome.PARTIAL),
        ("unknown", Outcome.UNKNOWN),
        ("", Outcome.UNKNOWN),
        (None, Outcome.UNKNOWN),
        ("WARNINGS: many", Outcome.FAILED),
        ("ok", Outcome.FAILED),
        ("backup ended but finish flag is not set", Outcome.FAILED),
    ],
)
async def test_the_words_of_a_task_that_is_over(status: str | None, outcome: Outcome, transports: Transports) -> None:
    api = healthy(NOW)
    api.tasks.insert(0, task("vm/100", NOW - 1000, status))
    async with serving(api):
        account = (await Watch(api, transports).made().run()).part("pbs").account

        assert account is not None
        assert [run.outcome for run in account.runs if run.started == NOW - 1000] == [outcome]


async def test_the_words_of_a_failure_stay_while_it_is_the_last_run(transports: Transports) -> None:
    api = healthy(NOW)
    api.tasks.insert(0, task("vm/100", NOW - 1000, "no space left on device"))
    async with serving(api):
        watch = Watch(api, transports).made()
        await watch.run()

        watch.now += 7200
        result = await watch.run()

        assert "no space left on device" in result.words(PROTECTION)


async def test_a_tape_s_task_has_backup_in_its_name_and_is_none(transports: Transports) -> None:
    api = healthy(NOW)
    tape = task("vm/100", NOW - 100, "tape is full") | {"worker_type": "tape-backup-job"}
    api.tasks.insert(0, tape)
    async with serving(api):
        assert (await Watch(api, transports).made().run()).bad == {}


async def test_a_task_names_no_namespace_and_its_snapshot_tells_which(transports: Transports) -> None:
    api = healthy(NOW, nights=3)
    api.snapshots["main", "prod"].append(snapshot("vm/100", NOW - 500))
    api.tasks.insert(0, task("vm/100", NOW - 498))
    async with serving(api):
        account = (await Watch(api, transports).made().run()).part("pbs").account

        assert account is not None
        assert [run.object for run in account.runs if run.started == NOW - 498] == ["prod:vm/100"]


async def test_a_snapshot_that_is_being_written_is_no_restore_point(transports: Transports) -> None:
    api = healthy(NOW)
    api.snapshots["main", ""].append(snapshot("vm/100", NOW - 60, size=None))
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.value("last_restorable_timestamp_seconds", "ben") == NOW - 36_000


async def test_a_snapshot_that_cannot_be_read_spoils_the_list(transports: Transports) -> None:
    api = healthy(NOW)
    api.special["admin/datastore/main/snapshots"] = lambda _: told([snapshot("vm/100", NOW) | {"backup-time": "now"}])
    async with serving(api):
        assert (await Watch(api, transports).made().run()).bad == {PRODUCT: State.UNKNOWN}


async def test_damage_is_critical_as_long_as_its_snapshot_is_there(transports: Transports, planted: Planter) -> None:
    api = healthy(NOW)
    rows = api.snapshots["main", ""]
    old = next(row for row in rows if row["backup-id"] == "100" and row["backup-time"] == NOW - 36_000 - 5 * DAY)
    old["verification"] = {"upid": upid("verificationjob", NOW - 30 * DAY), "state": "failed"}
    async with serving(api):
        watch = Watch(api, transports).made()
        damaged = await watch.run()
        rows.remove(old)

        watch.now += 300
        mended = await watch.run()

        assert damaged.bad == {"backup/verified/ben": State.CRITICAL}
        assert mended.bad == {}
    planted("a verification that found damage", "PBS").seen(damaged)


async def test_damage_that_the_same_verification_finds_later_is_seen(transports: Transports) -> None:
    api = healthy(NOW)
    async with serving(api):
        watch = Watch(api, transports).made()
        await watch.run()
        newest = api.snapshots["main", ""][0]
        newest["verification"] = newest["verification"] | {"state": "failed"}

        watch.now += 3700
        result = await watch.run()

        assert result.bad["backup/verified/ben"] is State.CRITICAL


@pytest.mark.parametrize("checked", [None, {"upid": upid("verify", NOW), "state": "marvellous"}])
async def test_what_was_never_verified_or_in_words_that_nobody_knows_is_unproven(
    checked: object, transports: Transports
) -> None:
    api = healthy(NOW)
    for row in api.snapshots["main", ""]:
        row["verification"] = checked
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {}
        assert result.value("last_verified_timestamp_seconds", "ben") is None


async def test_that_a_snapshot_is_protected_is_no_lock(transports: Transports) -> None:
    api = healthy(NOW)
    for row in api.snapshots["main", ""]:
        row["protected"] = True
    wish = {"repositories": [{"repository": "main", "place": "forum", "immutable_days": 14}]}
    async with serving(api):
        result = await Watch(api, transports, more=wish).made().run()

        assert result.bad == {"backup/lock/pbs/main": State.UNKNOWN}
        account = result.part("pbs").account
        assert account is not None
        assert {point.locked_until for point in account.points} == {None}


async def test_a_datastore_that_is_gone_is_one_incident_and_its_snapshots_are_not_deleted(
    transports: Transports, planted: Planter
) -> None:
    api = healthy(NOW)
    api.usage.append({"store": "second", "total": 10**12, "used": 0, "avail": 10**12})
    api.snapshots["second", ""] = [snapshot("vm/100", NOW - 36_000)]
    async with serving(api):
        watch = Watch(api, transports).made()
        await watch.run()
        api.usage[0] = {"store": "main", "error": "datastore 'main' is in offline maintenance mode"}

        watch.now += 300
        result = await watch.run()

        assert result.bad == {"backup/repository/pbs/main": State.CRITICAL}
        assert "offline maintenance mode" in result.words("backup/repository/pbs/main")
        assert result.value("restore_points", "ben", "pbs/main") == 30
    planted("a repository is gone", "PBS").seen(result)


@pytest.mark.parametrize("removed", [True, False], ids=["removed", "not to be seen"])
async def test_a_datastore_that_is_not_listed_any_more_is_removed_only_where_the_token_could_see_it(
    removed: bool, transports: Transports
) -> None:
    api = healthy(NOW)
    api.usage.append({"store": "second", "total": 10**12, "used": 0, "avail": 10**12})
    api.snapshots["second", ""] = [snapshot("vm/100", NOW - 36_000)]
    async with serving(api):
        watch = Watch(api, transports).made()
        await watch.run()
        api.usage.pop(0)
        api.rights["/datastore/main"] = {"Datastore.Audit": True} if removed else {}

        watch.now += 300
        result = await watch.run()

        assert result.bad.get(PRODUCT) == (None if removed else State.UNKNOWN)
        assert result.value("restore_points", "ben", "pbs/main") == (0 if removed else 30)


async def test_a_datastore_that_was_gone_from_the_start_is_unknown(transports: Transports) -> None:
    api = healthy(NOW)
    api.usage.append({"store": "second", "error": "no such file or directory"})
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {"backup/repository/pbs/second": State.CRITICAL, PRODUCT: State.UNKNOWN}


async def test_jobs_tell_their_last_run_and_a_prune_that_is_off(transports: Transports) -> None:
    api = healthy(NOW)
    api.jobs["sync"] = [{"id": "s-1", "store": "main", "remote": "gateway", "schedule": "hourly"}]
    api.jobs["prune"] = [{"id": "p-1", "store": "main", "schedule": "daily", "disable": True}]
    api.jobs["verify"][0]["last-run-state"] = "verification failed - please check the log for details"
    async with serving(api):
        account = (await Watch(api, transports).made().run()).part("pbs").account

        assert account is not None
        assert [(job.name, job.enabled) for job in account.jobs] == [
            ("verify v-1", True),
            ("sync s-1", True),
            ("prune p-1", False),
        ]
        assert [(run.job, run.outcome) for run in account.runs if run.job] == [("verify v-1", Outcome.FAILED)]


async def test_a_copy_job_of_an_object_that_fails_is_told_with_it(transports: Transports) -> None:
    api = healthy(NOW)
    api.jobs["sync"] = [
        {
            "id": "s-1",
            "store": "main",
            "schedule": "hourly",
            "last-run-upid": upid("syncjob", NOW - 600),
            "last-run-state": "remote is not reachable",
            "last-run-endtime": int(NOW - 590),
        }
    ]
    by = [{"product": "pbs", "object": "vm/100"}, {"product": "pbs", "job": "sync s-1"}]
    objects = {"ben": {"owner": "Revenues", "rpo": "26h", "by": by}}
    async with serving(api):
        result = await Watch(api, transports, more={"objects": objects, "undeclared": False}).made().run()

        assert result.bad == {PROTECTION: State.WARNING}
        assert "remote is not reachable" in result.words(PROTECTION)


async def test_what_nobody_declared_is_found_in_every_namespace(transports: Transports, planted: Planter) -> None:
    api = healthy(NOW)
    api.snapshots["main", "lab"] = [snapshot("host/printer", NOW - 3600)]
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {"backup/undeclared/pbs": State.WARNING}
        assert "lab:host/printer" in result.words("backup/undeclared/pbs")
    planted("backed up, and nobody declared it", "PBS").seen(result)


async def test_a_token_kind_of_credential_is_needed(transports: Transports) -> None:
    async with serving(healthy(NOW)) as api:
        watch = Watch(api, transports).made()
        watch.credentials = {"http": Credential("pbs", "password", {"user": "root", "password": "x"})}
        fault = (await watch.run()).observation.fault

        assert fault is not None
        assert fault.reason is Reason.LOCAL
        assert not api.asked


async def test_parts_that_the_product_cannot_tell_are_not_missed(transports: Transports) -> None:
    async with serving(healthy(NOW)) as api:
        account = (await Watch(api, transports).made().run()).part("pbs").account

        assert account is not None
        assert not {Part.SERVER, Part.DRILLS} & set(account.has)
