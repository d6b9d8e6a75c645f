"""A Proxmox VE cluster, read over its API: what vzdump's own logs say of each guest, whatever the task's end says."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from checks.backup.model import Outcome
from checks.backup.products.proxmox.pve import MOST_LOGS
from checks.contract import Reason, State
from checks.transports import Transports
from config.estate import Credential
from testbeds.by_backup import BackupWatch
from testbeds.https_api import HANGS_UP, Answer
from testbeds.planted import Planter, faults_of_lists
from testbeds.pve_api import LONDON, TOKEN, PveApi, guest, healthy, serving

NOW = 1_790_000_000.0
DAY = 86_400.0
PROTECTION = "backup/protection/ben"
PRODUCT = "backup/product/pve"


@dataclass
class Watch:
    """A check of this cluster; `ben` is its machine 100, `files` its container 101."""

    api: PveApi
    transports: Transports
    token: str = TOKEN
    more: dict[str, Any] = field(default_factory=dict)

    def made(self) -> BackupWatch:
        names = {"ben": "vm/100", "files": "ct/101"}
        by = {
            name: {"owner": "Revenues", "rpo": "26h", "by": [{"product": "pve", "object": said}]}
            for name, said in names.items()
        }
        said = {"product": "pve", "port": self.api.port, "pin": self.api.pin}
        made = BackupWatch(
            self.transports,
            {"products": {"pve": said}, "objects": by, **self.more},
            NOW,
            {"http": Credential("pve", "token", {"token": self.token})},
        )
        self.api.clock = lambda: made.now
        return made


async def test_a_healthy_cluster_is_read_whole_and_only_read(transports: Transports, planted: Planter) -> None:
    async with serving(healthy(NOW)) as api:
        result = await Watch(api, transports).made().run()

        assert result.bad == {}
        assert not api.beyond
        assert {one.method for one in api.asked} == {"GET"}
        assert api.most_at_once == 1
        assert result.value("last_restorable_timestamp_seconds", "ben") == NOW - 36_000 + 5
        assert result.value("last_restorable_timestamp_seconds", "files") == NOW - 36_000 + 605
        assert result.value("repository_free_bytes", "pve/nfs") == 6 * 10**11
        assert "secret" not in repr(result.observation) + repr([one.path for one in api.asked])
    planted("none", "PVE").seen(result)


async def test_each_log_is_read_once_and_nothing_flaps_at_the_next_poll(transports: Transports) -> None:
    async with serving(healthy(NOW)) as api:
        watch = Watch(api, transports).made()
        await watch.run()
        api.asked.clear()

        watch.now += 300
        result = await watch.run()

        assert result.bad == {}
        assert not [one.path for one in api.asked if one.path.endswith("/log") or "/log?" in one.path]
        assert len(api.asked) <= 7


async def test_a_job_that_ends_well_with_all_data_left_out_protected_nothing(
    transports: Transports, planted: Planter
) -> None:
    api = healthy(NOW)
    lines = guest(100, NOW - 3600, "INFO: exclude disk 'scsi0' 'nfs:vm-disk-0' (backup=no)")
    api.add(NOW - 3605, [line for line in lines if "include" not in line])
    async with serving(api):
        watch = Watch(api, transports).made()
        first = await watch.run()
        watch.now += 3600
        later = await watch.run()

        assert first.bad == later.bad == {PROTECTION: State.CRITICAL}
        assert "protected nothing" in later.words(PROTECTION)
        assert "scsi0 (backup=no)" in later.words(PROTECTION)
        assert later.value("last_restorable_timestamp_seconds", "ben") == NOW - 36_000 + 5
    planted("a run that protected nothing", "PVE").seen(later)


async def test_an_archive_of_a_few_bytes_holds_no_machine(transports: Transports) -> None:
    api = healthy(NOW)
    api.add(NOW - 3605, guest(100, NOW - 3600, size="2KB"))
    async with serving(api):
        assert (await Watch(api, transports).made().run()).bad == {PROTECTION: State.CRITICAL}


@pytest.mark.parametrize(
    "line",
    [
        "INFO: exclude disk 'scsi1' 'nfs:vm-disk-1' (backup=no)",
        "INFO: excluding volume mount point mp0 ('/srv') from backup (disabled)",
        "WARN: guest agent is not running",
    ],
)
async def test_a_guest_that_is_not_taken_whole_is_partial(line: str, transports: Transports, planted: Planter) -> None:
    api = healthy(NOW)
    api.add(NOW - 3605, guest(100, NOW - 3600, line))
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {PROTECTION: State.WARNING}
        assert "incomplete" in result.words(PROTECTION)
    planted("an incomplete run", "PVE").seen(result)


ACCEPTED = {"left_out": "scsi1", "reason": "scratch space", "owner": "Head of Revenues", "review": "2026-12-31"}


@pytest.mark.parametrize(
    ("disk", "day", "state"),
    [("scsi1", 0, None), ("scsi2", 0, State.WARNING), ("scsi1", 120, State.WARNING)],
    ids=["accepted", "another disk", "to be reviewed"],
)
async def test_a_disk_that_is_left_out_on_purpose_is_well_only_where_somebody_answers_for_it(
    disk: str, day: int, state: State | None, transports: Transports
) -> None:
    now = NOW + day * DAY
    api = healthy(now)
    api.add(now - 3605, guest(100, now - 3600, f"INFO: exclude disk '{disk}' 'nfs:vm-disk-1' (backup=no)"))
    async with serving(api):
        watch = Watch(api, transports).made()
        watch.now = now
        watch.options["objects"]["ben"]["accept"] = [ACCEPTED]
        result = await watch.run()

        assert result.bad == ({} if state is None else {PROTECTION: state})
        accepted = "without scsi1, accepted by Head of Revenues until 2026-12-31: scratch space"
        assert (accepted in result.words(PROTECTION)) == (state is None)
        assert result.value("last_restorable_timestamp_seconds", "ben") == now - 3600


async def test_a_warning_beside_a_disk_that_is_accepted_is_a_warning_still(transports: Transports) -> None:
    api = healthy(NOW)
    more = ("INFO: exclude disk 'scsi1' 'nfs:vm-disk-1' (backup=no)", "WARN: guest agent is not running")
    api.add(NOW - 3605, guest(100, NOW - 3600, *more))
    async with serving(api):
        watch = Watch(api, transports).made()
        watch.options["objects"]["ben"]["accept"] = [ACCEPTED]

        assert (await watch.run()).bad == {PROTECTION: State.WARNING}


async def test_all_data_left_out_is_nothing_whatever_is_accepted(transports: Transports) -> None:
    api = healthy(NOW)
    lines = guest(100, NOW - 3600, "INFO: exclude disk 'scsi1' 'nfs:vm-disk-0' (backup=no)")
    api.add(NOW - 3605, [line for line in lines if "include" not in line])
    async with serving(api):
        watch = Watch(api, transports).made()
        watch.options["objects"]["ben"]["accept"] = [ACCEPTED]

        assert (await watch.run()).bad == {PROTECTION: State.CRITICAL}


async def test_a_guest_in_no_job_that_nobody_declared_is_told_and_a_template_is_none(transports: Transports) -> None:
    api = healthy(NOW)
    api.jobs[0] |= {"all": 0, "vmid": "100,101"}
    api.resources += [
        {"type": "qemu", "node": "pve1", "vmid": 102, "name": "forgotten"},
        {"type": "qemu", "node": "pve1", "vmid": 900, "name": "debian", "template": 1},
    ]
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {"backup/unprotected/pve": State.WARNING}
        assert "1 in no job, and not declared: vm/102" in result.words("backup/unprotected/pve")


async def test_a_guest_that_failed_is_told_alone_and_in_its_own_words(transports: Transports, planted: Planter) -> None:
    api = healthy(NOW)
    end = "ERROR: Backup of VM 100 failed - VM is locked (snapshot)"
    api.add(NOW - 3605, guest(100, NOW - 3600, end=end), guest(101, NOW - 3000, kind="lxc"), status="job errors")
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {PROTECTION: State.WARNING}
        assert "VM is locked (snapshot)" in result.words(PROTECTION)
    planted("a failed run", "PVE").seen(result)


@pytest.mark.parametrize(
    ("status", "state"), [("interrupted by signal", State.WARNING), ("OK", State.UNKNOWN)], ids=["killed", "cut short"]
)
async def test_a_guest_whose_part_has_no_end_is_never_ok(status: str, state: State, transports: Transports) -> None:
    api = healthy(NOW)
    upid = api.add(NOW - 3605, guest(100, NOW - 3600, end="INFO: 40% (25 GiB of 64 GiB)"), status=status)
    if status == "OK":
        api.logs[upid] = api.logs[upid][:-2]
    async with serving(api):
        assert (await Watch(api, transports).made().run()).bad == {PROTECTION: state}


async def test_a_log_that_is_gone_makes_its_guests_unknown_and_nothing_else(transports: Transports) -> None:
    api = healthy(NOW)
    del api.logs[api.add(NOW - 3605, guest(100, NOW - 3600))]
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == dict.fromkeys((PROTECTION, "backup/protection/files"), State.UNKNOWN)
        assert "its log cannot be read" in result.words(PROTECTION)


async def test_a_task_that_came_to_no_guest_failed_for_all_of_its_job(transports: Transports) -> None:
    api = healthy(NOW)
    api.add(NOW - 3605, status="could not activate storage 'nfs': storage is not online")
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == dict.fromkeys((PROTECTION, "backup/protection/files"), State.WARNING)
        assert "storage is not online" in result.words(PROTECTION)


async def test_a_guest_that_the_job_leaves_out_protects_nothing(transports: Transports) -> None:
    api = healthy(NOW)
    api.jobs[0]["exclude"] = "100"
    api.add(NOW - 3605, guest(101, NOW - 3600, kind="lxc"), command="vzdump --all 1 --exclude 100 --storage nfs")
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {PROTECTION: State.CRITICAL}
        assert "leaves it out" in result.words(PROTECTION)


async def test_a_guest_that_one_job_leaves_out_and_another_takes_is_well(transports: Transports) -> None:
    api = healthy(NOW)
    api.jobs[0]["exclude"] = "100"
    api.jobs.append({"id": "backup-2", "enabled": 1, "vmid": "100", "schedule": "23:00", "storage": "nfs"})
    api.add(NOW - 3605, guest(101, NOW - 3600, kind="lxc"), command="vzdump --all 1 --exclude 100 --storage nfs")
    async with serving(api):
        assert (await Watch(api, transports).made().run()).bad == {}


async def test_a_job_that_is_switched_off_is_told_at_every_poll(transports: Transports, planted: Planter) -> None:
    api = healthy(NOW)
    api.jobs[0]["enabled"] = 0
    async with serving(api):
        watch = Watch(api, transports).made()
        first = await watch.run()
        watch.now += 3600
        later = await watch.run()

        job = f"backup/job/pve/{api.jobs[0]['id']}"
        assert first.bad == later.bad == {job: State.WARNING}
        assert "2 objects: ben, files" in first.words(job)
        assert job in later.words(PROTECTION)
    planted("a job that is switched off", "PVE").seen(first)


async def test_a_run_under_way_takes_nothing_back_and_its_end_is_seen(transports: Transports, planted: Planter) -> None:
    api = healthy(NOW)
    api.add(NOW - 1205, guest(100, NOW - 1200, end="INFO: 40% (25 GiB of 64 GiB)"), status=None)
    async with serving(api):
        watch = Watch(api, transports).made()
        running = await watch.run()
        api.tasks["pve1"].pop(0)
        api.logs.popitem()
        api.add(NOW - 1205, guest(100, NOW - 1200))

        watch.now += 1800
        ended = await watch.run()

        assert running.bad == ended.bad == {}
        assert running.value("last_restorable_timestamp_seconds", "ben") == NOW - 36_000 + 5
        assert ended.value("last_restorable_timestamp_seconds", "ben") == NOW - 1200
    planted("a run under way", "PVE").seen(running)


async def test_a_node_that_is_not_online_is_unknown(transports: Transports) -> None:
    api = healthy(NOW)
    api.resources.append({"type": "node", "node": "pve2", "status": "offline"})
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {PRODUCT: State.UNKNOWN}
        assert "the node pve2 is not online" in result.words(PRODUCT)


@pytest.mark.parametrize("path", ["/vms", "/nodes/pve1"])
async def test_a_token_that_may_see_a_part_only_is_unknown(path: str, transports: Transports, planted: Planter) -> None:
    api = healthy(NOW)
    api.rights[path] = {}
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {PRODUCT: State.UNKNOWN}
        assert "give it" in result.words(PRODUCT)
    planted("the account may see a part only", "PVE").seen(result)


@pytest.mark.parametrize("path", ["cluster/resources", "cluster/backup", "nodes/pve1/tasks"])
@pytest.mark.parametrize(
    "answer",
    [
        Answer(b"", 403),
        Answer(b"", 429),
        Answer(b'{"data":[{"id":'),
        Answer(b'{"data":{}}'),
        Answer(b"", HANGS_UP),
    ],
    ids=["forbidden", "too often", "cut JSON", "no list", "hangs up"],
)
async def test_a_list_that_did_not_come_whole_is_unknown_and_closes_nothing(
    path: str, answer: Answer, transports: Transports, planted: Planter, request: pytest.FixtureRequest
) -> None:
    api = healthy(NOW, nights=2)
    async with serving(api):
        watch = Watch(api, transports).made()
        await watch.run()
        api.special[path] = lambda _: answer

        watch.now += 300
        result = await watch.run()

        assert result.bad == {PRODUCT: State.UNKNOWN}
        assert "backup/*" not in result.assessment.covers
    for fault in faults_of_lists(request):
        planted(fault, "PVE").seen(result)


async def test_a_wrong_token_is_tried_once(transports: Transports, planted: Planter) -> None:
    async with serving(healthy(NOW, nights=1)) as api:
        watch = Watch(api, transports, token="PVEAPIToken=another").made()
        polls = [await watch.run() for _ in range(2)]
        faults = [one.observation.fault for one in polls]

        assert [fault.reason for fault in faults if fault] == [Reason.AUTHENTICATION, Reason.WITHHELD]
        assert "another" not in repr(faults)
    planted("a wrong password", "PVE").seen(polls[0])


async def test_a_first_contact_reads_so_many_logs_and_the_others_later(transports: Transports) -> None:
    api = healthy(NOW, nights=40)
    for night in range(40):
        at = NOW - 20_000 - night * DAY
        api.tasks["pve1"].append(api.tasks["pve1"][0] | {"upid": api.add(at, guest(100, at)), "starttime": int(at)})
    api.tasks["pve1"] = sorted(
        {row["upid"]: row for row in api.tasks["pve1"]}.values(), key=lambda row: -row["starttime"]
    )
    async with serving(api):
        watch = Watch(api, transports).made()
        await watch.run()
        first = len([one for one in api.asked if "/log" in one.path])
        watch.now += 300
        result = await watch.run()

        assert first == MOST_LOGS
        assert len([one for one in api.asked if "/log" in one.path]) == 80
        assert result.bad == {}


async def test_a_log_is_read_page_after_page(transports: Transports) -> None:
    api = healthy(NOW, nights=1)
    upid = api.add(NOW - 3605, guest(100, NOW - 3600))
    api.logs[upid][3:3] = [f"INFO: {n % 100}% (1 GiB of 64 GiB)" for n in range(3500)]
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {}
        assert result.value("last_restorable_timestamp_seconds", "ben") == NOW - 3600


async def test_a_log_s_local_time_in_the_hour_that_exists_twice_is_the_one_within_its_task(
    transports: Transports,
) -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=LONDON, fold=1).timestamp()
    api = healthy(second, nights=1)
    api.add(second - 5, guest(100, second))
    async with serving(api):
        watch = Watch(api, transports).made()
        watch.now = second + 7200
        result = await watch.run()

        assert result.value("last_restorable_timestamp_seconds", "ben") == second


async def test_a_storage_in_a_word_that_nobody_knows_is_unknown(transports: Transports) -> None:
    api = healthy(NOW)
    api.resources[-1]["status"] = "unknown"
    async with serving(api):
        result = await Watch(api, transports).made().run()

        assert result.bad == {"backup/repository/pve/nfs": State.UNKNOWN}


async def test_the_sizes_of_an_archive_and_of_what_was_read_are_told(transports: Transports) -> None:
    async with serving(healthy(NOW, nights=1)) as api:
        account = (await Watch(api, transports).made().run()).part("pve").account

        assert account is not None
        run = next(run for run in account.runs if run.object == "vm/100")
        assert (run.job, run.outcome, run.bytes, run.written) == (
            "backup-1",
            Outcome.SUCCESS,
            64 * 1024**3,
            round(12.5 * 1024**3),
        )
