"""A Veeam server, read over its REST API: what is asked, how often, what it means, and every trap of the revisions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from checks.backup import CHECK
from checks.backup.model import Level, Part
from checks.backup.note import unpacked
from checks.contract import Reason, State
from checks.transports import Transports
from checks.wire import observation_json, observation_of
from config.estate import Credential
from testbeds.by_backup import BackupWatch
from testbeds.https_api import HANGS_UP, Answer
from testbeds.planted import Planter, faults_of_lists
from testbeds.veeam_api import PASSWORD, USER, VeeamApi, add_night, healthy, serving, stamp, uuid

NOW = 1_790_000_000.0
DAY = 86_400.0
PROTECTION = "backup/protection/ben"


@dataclass
class Watch:
    """A check of this server; `ben` is its machine srv0."""

    api: VeeamApi
    transports: Transports
    secret: str = PASSWORD
    more: dict[str, Any] = field(default_factory=dict)

    def made(self) -> BackupWatch:
        by = {
            n: {"owner": "Revenues", "rpo": "26h", "by": [{"product": "veeam", "object": f"srv{k}"}]}
            for k, n in enumerate(("ben", "planning", "files"))
        }
        said = {"product": "veeam", "port": self.api.port, "pin": self.api.pin, "revision": self.api.revision}
        options = {"products": {"veeam": said}, "objects": by, **self.more}
        access = {"http": Credential("veeam", "password", {"user": USER, "password": self.secret})}
        made = BackupWatch(self.transports, options, NOW, access)
        self.api.clock = lambda: made.now
        return made


async def test_a_healthy_server_is_read_whole_and_only_read(transports: Transports, planted: Planter) -> None:
    async with serving(healthy(NOW)) as api:
        told = await Watch(api, transports).made().run()

        assert told.bad == {}
        assert not api.beyond
        assert {one.method for one in api.asked if "oauth2" not in one.path} == {"GET"}
        assert not api.tokens
        account = told.part("veeam").account
        assert account is not None
        assert account.version == "13.1.0.411"
        assert told.value("last_restorable_timestamp_seconds", "ben") == NOW - 36_000 + 120
        assert told.value("restore_points", "ben", "veeam/Hardened") == 30
        assert told.value("repository_locked_seconds", "veeam/Hardened") == 14 * DAY
    planted("none", "Veeam").seen(told)


async def test_a_poll_again_asks_at_most_ten_questions_and_only_for_what_is_new(transports: Transports) -> None:
    async with serving(healthy(NOW)) as api:
        watch = Watch(api, transports).made()
        await watch.run()
        api.asked.clear()

        watch.now += 300
        told = await watch.run()

        assert told.bad == {}
        assert len(api.asked) <= 10
        filters = [one.path for one in api.asked if "AfterFilter" in one.path]
        assert len(filters) == 3
        since = stamp(NOW - 900)[:10]
        assert all(f"={since}" in path for path in filters)


async def test_an_object_whose_newest_point_has_left_the_window_keeps_it(transports: Transports) -> None:
    async with serving(healthy(NOW)) as api:
        watch = Watch(api, transports).made()
        await watch.run()

        watch.now += 7 * 3600
        told = await watch.run()

        assert told.bad == {}
        assert told.value("last_restorable_timestamp_seconds", "ben") == NOW - 36_000 + 120


async def test_a_machine_that_failed_is_told_in_its_own_words_while_the_job_is_a_warning(
    transports: Transports, planted: Planter
) -> None:
    api = healthy(NOW, nights=0)
    add_night(api, NOW - 34 * 3600, 1)
    failed = {"result": "Failed", "message": "Cannot connect to host esx1", "isCanceled": False}
    add_night(api, NOW - 10 * 3600, 2, result=failed)
    for row in api.rows["backupObjects"]:
        row["restorePointsCount"] = 2
    async with serving(api):
        told = await Watch(api, transports).made().run()

        assert told.bad == {PROTECTION: State.CRITICAL}
        assert "Cannot connect to host esx1" in told.words(PROTECTION)
        assert "RPO 1d2h" in told.words(PROTECTION)
    planted("a failed run, beyond the RPO", "Veeam").seen(told)


async def test_a_configuration_backup_that_may_not_be_read_is_nobodys_fault(
    transports: Transports, planted: Planter
) -> None:
    api = healthy(NOW)
    api.special["configBackup"] = lambda _: Answer(b'{"errorCode":"AccessDenied"}', 403)
    async with serving(api):
        told = await Watch(api, transports).made().run()

        assert told.bad == {"backup/server/veeam": State.UNSUPPORTED}
        assert "needs the role Veeam Backup Administrator" in told.words("backup/server/veeam")
        account = told.part("veeam").account
        assert account is not None and Part.SERVER not in account.has
    planted("the server's own backup may not be read", "Veeam").seen(told)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("restorePoints", Answer(b'{"errorCode":"AccessDenied"}', 403)),
        ("taskSessions", Answer(b"{}", 429, headers=(("Retry-After", "60"),))),
        ("jobs/states", Answer(b'{"data":[],"pagination":{"total":7,"count":0}}')),
        ("backupObjects", Answer(b'{"data":[{"id":')),
        ("restorePoints", Answer(b"<html>log in</html>", kind="text/html")),
        ("jobs/states", Answer(b"", HANGS_UP)),
        ("jobs/states", Answer(b'{"data":null,"pagination":null}')),
        ("sessions", Answer(b'{"data":[],"pagination":{"total":99999999,"count":0}}')),
    ],
    ids=["forbidden", "too often", "cut page", "cut JSON", "log-in page", "hangs up", "nulls", "without end"],
)
async def test_a_list_that_did_not_come_whole_is_unknown_and_closes_nothing(
    path: str, answer: Answer, transports: Transports, planted: Planter, request: pytest.FixtureRequest
) -> None:
    api = healthy(NOW)
    async with serving(api):
        watch = Watch(api, transports).made()
        await watch.run()
        api.special[path] = lambda _: answer

        watch.now += 300
        told = await watch.run()

        assert told.bad == {"backup/product/veeam": State.UNKNOWN}
        assert PROTECTION not in told.assessment.covers
        assert not api.tokens
    for fault in faults_of_lists(request):
        planted(fault, "Veeam").seen(told)


async def test_an_account_that_sees_nothing_is_unknown(transports: Transports, planted: Planter) -> None:
    api = healthy(NOW)
    api.rows = {name: [] for name in api.rows}
    async with serving(api):
        told = await Watch(api, transports).made().run()

        assert told.bad["backup/product/veeam"] is State.UNKNOWN
        assert "may see nothing" in told.words("backup/product/veeam")
    planted("the list is empty", "Veeam").seen(told)


async def test_a_wrong_password_is_tried_once_and_is_the_products_fault(
    transports: Transports, planted: Planter
) -> None:
    async with serving(healthy(NOW)) as api:
        watch = Watch(api, transports, secret="another").made()
        polls = [await watch.run() for _ in range(3)]
        faults = [one.observation.fault for one in polls]

        assert [fault.reason for fault in faults if fault] == [Reason.AUTHENTICATION, Reason.WITHHELD, Reason.WITHHELD]
        assert len(api.asked) == 1
        assert all("another" not in repr(fault) for fault in faults)
    planted("a wrong password", "Veeam").seen(polls[0])


async def test_pages_are_read_to_their_end_whatever_their_size(transports: Transports) -> None:
    api = healthy(NOW)
    api.largest_page = 7
    async with serving(api):
        told = await Watch(api, transports).made().run()

        account = told.part("veeam").account
        assert told.bad == {}
        assert account is not None
        assert len(account.points) == 90


@pytest.mark.parametrize("spelling", ["lower", "Pascal"])
@pytest.mark.parametrize("status", ["disabled"])
async def test_words_of_any_revision_are_understood_in_any_case(
    spelling: str, status: str, transports: Transports, planted: Planter
) -> None:
    api = healthy(NOW)
    api.rows["jobs/states"][0]["status"] = status if spelling == "lower" else status.capitalize()
    async with serving(api):
        told = await Watch(api, transports).made().run()

        assert set(told.bad.values()) == {State.WARNING}
        assert "switched off" in told.words(next(iter(told.bad)))
    planted("a job that is switched off", "Veeam").seen(told)


async def test_a_word_that_no_revision_has_is_unknown_and_never_ok(transports: Transports, planted: Planter) -> None:
    api = healthy(NOW)
    add_night(api, NOW - 7200, 99, result={"result": "Marvellous"})
    async with serving(api):
        told = await Watch(api, transports).made().run()

        assert told.bad == {PROTECTION: State.UNKNOWN}
    planted("an outcome in a word that nobody knows", "Veeam").seen(told)


async def test_a_job_that_never_ran_or_has_no_next_run_is_read(transports: Transports) -> None:
    api = healthy(NOW)
    for name in ("lastRun", "nextRun", "nextRunPolicy", "sessionId"):
        del api.rows["jobs/states"][0][name]
    async with serving(api):
        told = await Watch(api, transports).made().run()

        assert told.bad == {}


async def test_a_chained_job_has_the_job_before_it(transports: Transports) -> None:
    api = healthy(NOW)
    chained = dict(api.rows["jobs/states"][0], name="Copy", id=uuid(1, 2), nextRunPolicy="After [Nightly]")
    del chained["nextRun"]
    api.rows["jobs/states"].append(chained)
    async with serving(api):
        account = (await Watch(api, transports).made().run()).part("veeam").account

        assert account is not None
        assert [(job.name, job.after, job.manual) for job in account.jobs] == [
            ("Nightly", "", False),
            ("Copy", "Nightly", False),
        ]


async def test_older_revisions_spell_sizes_otherwise_and_tell_no_chain(transports: Transports) -> None:
    api = healthy(NOW)
    api.revision = "1.2-rev1"
    del api.singles["serverTime"]["ianaTimeZoneId"]
    for row in api.rows["backupObjects"]:
        del row["backupId"]
    for row in api.rows["taskSessions"]:
        row["progress"]["transferedSize"] = row["progress"].pop("transferredSize")
    async with serving(api):
        told = await Watch(api, transports).made().run()

        account = told.part("veeam").account
        assert told.bad == {}
        assert account is not None
        assert {run.written for run in account.runs if run.object} == {5 * 10**8}


async def test_infected_points_are_none_and_suspicious_ones_are_told(transports: Transports, planted: Planter) -> None:
    api = healthy(NOW)
    newest = max(range(len(api.rows["restorePoints"])), key=lambda n: api.rows["restorePoints"][n]["creationTime"])
    row = next(one for one in api.rows["restorePoints"][: newest + 3] if one["name"] == "srv0")
    row["malwareStatus"] = "Suspicious"
    async with serving(api):
        suspicious = await Watch(api, transports).made().run()
        row["malwareStatus"] = "Infected"
        infected = await Watch(api, transports).made().run()

        assert suspicious.bad == {"backup/verified/ben": State.WARNING}
        assert infected.bad == {"backup/verified/ben": State.CRITICAL, PROTECTION: State.CRITICAL}
    planted("malware in the newest point", "Veeam").seen(infected)


@pytest.mark.parametrize(
    ("word", "told"),
    [("Clean", ""), ("Informative", ""), ("NotScanned", ""), ("Zombie", "zombie"), ("sUSPICIOUS", "suspicious")],
)
async def test_only_words_that_are_known_to_suspect_nothing_do_not(
    word: str, told: str, transports: Transports
) -> None:
    api = healthy(NOW)
    for row in api.rows["restorePoints"]:
        row["malwareStatus"] = word
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert ("backup/verified/ben" in result.bad) == bool(told)
        assert not told or f"a scan calls its newest point in veeam/Hardened {told}" in result.words(
            "backup/verified/ben"
        )


async def test_all_points_are_listed_once_a_day_and_one_that_was_deleted_is_noticed(transports: Transports) -> None:
    api = healthy(NOW)
    for row in api.rows["backupObjects"]:
        del row["backupId"]  # an older revision, which counts nothing
    async with serving(api):
        watch = Watch(api, transports).made()
        first = await watch.run()
        api.rows["restorePoints"] = api.rows["restorePoints"][:1]
        api.asked.clear()
        watch.now += 3600
        await watch.run()
        hourly = [one.path for one in api.asked if "restorePoints" in one.path]
        watch.now += DAY
        daily = await watch.run()

        assert first.value("restore_points", "ben", "veeam/Hardened") == 30
        assert [("AfterFilter" in path) for path in hourly] == [True]
        assert daily.value("restore_points", "ben", "veeam/Hardened") == 1
        assert daily.value("restore_points", "planning", "veeam/Hardened") == 0
        assert daily.bad["backup/protection/planning"] is State.CRITICAL


async def test_a_list_of_all_points_that_does_not_come_is_not_known_and_nothing_else(transports: Transports) -> None:
    api = healthy(NOW)
    busy = Answer(b"busy", 503)
    api.special["restorePoints"] = lambda asked: None if "AfterFilter" in asked.path else busy
    async with serving(api):
        told = await Watch(api, transports).made().run()

        account = told.part("veeam").account
        assert told.bad == {}
        assert account is not None and not account.all_points and not account.unread


async def test_a_configuration_backup_without_encryption_is_told(transports: Transports) -> None:
    api = healthy(NOW)
    api.singles["configBackup"]["encryption"] = {"isEnabled": False, "passwordId": uuid(9, 9)}
    async with serving(api):
        told = await Watch(api, transports).made().run()

        assert told.bad == {"backup/server/veeam": State.WARNING}
        assert "is not encrypted" in told.words("backup/server/veeam")


async def test_of_an_increment_what_had_changed_counts_and_of_a_full_the_whole(transports: Transports) -> None:
    async with serving(healthy(NOW)) as api:
        account = (await Watch(api, transports).made().run()).part("veeam").account

        assert account is not None
        sizes = {(run.level, run.bytes) for run in account.runs if run.object}
        assert sizes <= {(Level.FULL, 10**11), (Level.INCREMENTAL, 10**9)}
        assert (Level.INCREMENTAL, 10**9) in sizes


async def test_a_repository_that_is_gone_is_one_incident(transports: Transports, planted: Planter) -> None:
    api = healthy(NOW)
    api.rows["backupInfrastructure/repositories/states"][0]["isOnline"] = False
    for n in range(3):
        add_night(api, NOW - 3600, 100 + n, result={"result": "Failed", "message": "repository unavailable"})
    async with serving(api):
        told = await Watch(api, transports).made().run()

        assert told.bad == {"backup/repository/veeam/Hardened": State.CRITICAL}
        assert "says why" in told.words(PROTECTION)
    planted("a repository is gone", "Veeam").seen(told)


async def test_a_lock_that_is_shortened_is_a_matter_of_security(transports: Transports, planted: Planter) -> None:
    async with serving(healthy(NOW)) as api:
        watch = Watch(api, transports).made()
        await watch.run()
        api.rows["backupInfrastructure/repositories"][0]["repository"]["makeRecentBackupsImmutableDays"] = 1

        watch.now += 4000
        told = await watch.run()

        assert told.bad == {"backup/lock/veeam/Hardened": State.CRITICAL}
        assert "security" in told.words("backup/lock/veeam/Hardened")
    planted("new points are locked for less time", "Veeam").seen(told)


async def test_surebackup_counts_as_a_restore_and_a_health_check_as_a_verification(transports: Transports) -> None:
    api = healthy(NOW)
    api.rows["taskSessions"].append(
        {
            "id": uuid(8, 1),
            "type": "Restore",
            "sessionId": uuid(4, 900),
            "sessionType": "SureBackup",
            "name": "srv0",
            "state": "Stopped",
            "creationTime": stamp(NOW - 9000, False),
            "endTime": stamp(NOW - 8000, False),
            "result": {"result": "Success"},
        }
    )
    api.rows["sessions"].append(
        {
            "id": uuid(4, 901),
            "name": "srv0",
            "jobId": uuid(1, 1),
            "sessionType": "FileBackupHealthCheck",
            "state": "Stopped",
            "creationTime": stamp(NOW - 7000),
            "endTime": stamp(NOW - 6000),
            "result": {"result": "Success"},
        }
    )
    async with serving(api):
        told = await Watch(api, transports).made().run()

        assert told.bad == {}
        assert told.value("last_drill_timestamp_seconds", "ben") == NOW - 8000
        assert told.value("last_verified_timestamp_seconds", "ben") == NOW - 6000


async def test_damage_that_a_health_check_finds_is_critical(transports: Transports, planted: Planter) -> None:
    api = healthy(NOW)
    api.rows["sessions"].append(
        {
            "id": uuid(4, 901),
            "name": "Nightly",
            "jobId": uuid(1, 1),
            "sessionType": "FileBackupHealthCheck",
            "state": "Stopped",
            "creationTime": stamp(NOW - 7000),
            "endTime": stamp(NOW - 6000),
            "result": {"result": "Failed", "message": "corrupted blocks"},
        }
    )
    async with serving(api):
        told = await Watch(api, transports).made().run()

        assert told.bad == {f"backup/verified/{name}": State.CRITICAL for name in ("ben", "planning", "files")}
    planted("a verification that found damage", "Veeam").seen(told)


async def test_a_clock_that_differs_is_told(transports: Transports, planted: Planter) -> None:
    async with serving(healthy(NOW)) as api:
        watch = Watch(api, transports).made()
        api.clock = lambda: NOW - 600
        told = await watch.run()

        assert told.bad == {"backup/product/veeam": State.WARNING}
        assert "its clock differs from the agent's by 10 min" in told.words("backup/product/veeam")
    planted("the server's clock is wrong", "Veeam").seen(told)


async def test_a_question_is_never_put_twice_at_once(transports: Transports) -> None:
    async with serving(healthy(NOW)) as api:
        await Watch(api, transports).made().run()

        assert api.most_at_once == 1
        assert api.open_connections == 0


async def test_answers_travel_as_json_to_another_vantage_and_back(transports: Transports) -> None:
    async with serving(healthy(NOW)) as api:
        observation = (await Watch(api, transports).made().run()).observation

    there = json.dumps(observation_json(observation, CHECK))

    assert observation_of(json.loads(there), {"backup": CHECK}) == observation


async def test_a_machine_that_nobody_declared_is_told(transports: Transports, planted: Planter) -> None:
    async with serving(healthy(NOW, machines=4)) as api:
        told = await Watch(api, transports).made().run()

    assert told.bad == {"backup/undeclared/veeam": State.WARNING}
    assert "srv3" in told.words("backup/undeclared/veeam")
    planted("backed up, and nobody declared it", "Veeam").seen(told)


async def test_an_object_that_is_declared_later_has_the_history_that_the_others_have(transports: Transports) -> None:
    async with serving(healthy(NOW)) as api:
        watch = Watch(api, transports).made()
        late = watch.options["objects"].pop("ben")
        await watch.run()
        watch.options = {**watch.options, "objects": {**watch.options["objects"], "ben": late}}
        watch.now += 300

        told = await watch.run()

        assert told.bad == {}
        assert told.value("last_restorable_timestamp_seconds", "ben") == NOW - 36_000 + 120
        assert len(unpacked(watch.memory).objects["ben"].runs) > 20


async def test_what_was_told_and_never_judged_is_asked_for_again(transports: Transports) -> None:
    async with serving(healthy(NOW)) as api:
        watch = Watch(api, transports).made()
        await watch.run()
        watch.memory = None  # the estate changed while that was under way
        assert watch.context is not None
        watch.context.unjudged = True
        watch.now += 300

        assert (await watch.run()).bad == {}
