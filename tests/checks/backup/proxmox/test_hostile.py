"""Whatever an API of Proxmox answers, and whatever a log says, is read or left out: never a crash, never a success."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backup.model import Outcome
from checks.backup.products.proxmox import pbs_rows, pve_rows, vzdump
from checks.backup.products.proxmox.words import began, ended_as, outcome, sound, time_of

_WORDS = ["OK", "WARNINGS: 1", "unknown", "vm", "ct", "host", "qemu", "lxc", "node", "storage", "backup", "main:vm/1",
          "backup,iso", "ok", "failed", "available", "100,101", "", "UPID:a:1:1:1:66000000:x:y:z:"]  # fmt: skip
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(_WORDS) | st.text(max_size=20),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(st.sampled_from(["state", "upid"]), one, max_size=2),
    max_leaves=4,
)
_KEYS = ["store", "total", "avail", "error", "ns", "backup-type", "backup-id", "backup-time", "backup-count", "size",
         "last-backup", "verification", "worker_type", "worker_id", "starttime", "endtime", "status", "upid", "id",
         "disable", "schedule", "next-run", "last-run-state", "last-run-upid", "last-run-endtime", "type", "node",
         "vmid", "pool", "all", "exclude", "enabled", "storage", "content", "disk", "maxdisk"]  # fmt: skip
_ROWS = st.lists(st.dictionaries(st.sampled_from(_KEYS), _VALUE, max_size=10), max_size=5)


@given(_ROWS)
def test_rows_of_the_backup_server_are_read_or_left_out(found: list[dict[str, Any]]) -> None:
    points, _ = pbs_rows.points(found, "main", "")
    names = {"main": [name for name, _, _ in pbs_rows.groups(found, "")]}

    runs = [*pbs_rows.runs(found, points, names), *pbs_rows.runs_of_jobs([("verify", found)])]

    assert all(point.bytes is not None for point in points)
    assert all(one.sound is not None for one in pbs_rows.verifications(points))
    assert len({job.name for job in pbs_rows.jobs([("sync", found)])}) <= len(found)
    assert all(one.name for one in pbs_rows.repositories(found))
    assert pbs_rows.namespaces(found) is None or "" in (pbs_rows.namespaces(found) or ())
    said = {str(row.get("status")) for row in found} | {str(row.get("last-run-state")) for row in found}
    assert not any(run.outcome is Outcome.SUCCESS for run in runs) or "OK" in said


@given(_ROWS, _ROWS, st.lists(st.text(max_size=40), max_size=5))
def test_rows_of_the_cluster_are_read_or_left_out(
    resources: list[dict[str, Any]], jobs: list[dict[str, Any]], lines: list[str]
) -> None:
    estate, log = pve_rows.Estate.of(resources, jobs), vzdump.read(lines)

    runs = [run for row in jobs for run in pve_rows.runs(pve_rows.Task(row, "pve1", None), log, estate)]

    assert not any(run.outcome is Outcome.SUCCESS for run in runs)
    assert len(pve_rows.repositories(resources)) <= len(resources)
    assert all(name.startswith(("vm/", "ct/")) for name in estate.protected)
    assert len(list(pve_rows.jobs(jobs))) <= len(jobs)


_LINES = ["INFO: Starting Backup of VM 1 (qemu)", "INFO: Starting Backup of VM 2 (lxc)", "TASK OK", "TASK ERROR: x",
          "INFO: Backup started at 2026-02-30 25:00:00", "INFO: exclude disk 'scsi0' (backup=no)",
          "INFO: include disk 'scsi0' 'x' 1G", "INFO: archive file size: 9..9GB", "INFO: archive file size: 999999PB",
          "INFO: Finished Backup of VM 1 (00:00:01)", "ERROR: Backup of VM 2 failed - ", "WARN: x"]  # fmt: skip


@given(st.lists(st.sampled_from(_LINES) | st.text(max_size=80), max_size=20))
def test_only_a_guest_whose_own_end_is_in_the_log_is_well(lines: list[str]) -> None:
    log = vzdump.read(lines)

    well = {guest.vmid for guest in log.guests if log.outcome(guest, over=True) is Outcome.SUCCESS}

    assert well <= ({1} if "INFO: Finished Backup of VM 1 (00:00:01)" in lines else set())


@given(_VALUE)
def test_only_the_word_ok_is_a_success(said: object) -> None:
    assert (ended_as(said) is Outcome.SUCCESS) == (said == "OK")
    assert outcome({"status": said, "endtime": 1}) is not Outcome.RUNNING
    assert sound(said) in (None, True, False)
    assert began(said) is None or isinstance(said, str)


@pytest.mark.parametrize("said", [None, True, "1790000000", -1, 0, 1e300, float("nan"), float("inf"), 10**400, [], {}])
def test_what_is_no_time_in_unix_seconds_is_none(said: object) -> None:
    assert time_of(said) is None


def test_a_line_of_the_greatest_length_is_read_at_once() -> None:
    lines = ["INFO: Starting Backup of VM 1 (qemu)", "INFO: exclude disk 'a' " + "(" * 4000, "INFO: (" * 500]

    assert vzdump.read(lines * 50).guests
