"""What restic prints, of either version, and how it is run on another machine: one line that reads, and no more."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.demo.server import HostKey, SimulatedServer
from checks.backup.options import BackupOptions
from checks.backup.products.restic import account
from checks.backup.tools import Output
from checks.contract import Reason
from checks.transports import Transports
from checks.transports.fault import TransportFault
from config.estate import Credential
from testbeds.by_backup import BackupWatch

SNAPSHOT = {
    "time": "2026-11-23T05:30:43.84999631Z",
    "paths": ["/srv"],
    "hostname": "srv01",
    "short_id": "92778dc4",
}
SUMMARY = {
    "backup_start": "2026-11-23T05:30:43Z",
    "backup_end": "2026-11-23T05:40:43.5Z",
    "total_bytes_processed": 24_200_028,
    "total_files_processed": 10,
}


def output(said: object, status: int = 0, stderr: str = "") -> Output:
    return Output(said if isinstance(said, str) else json.dumps(said), stderr, status, "restic")


def test_a_snapshot_is_a_point_and_its_run_with_what_the_version_tells() -> None:
    old = account("r", output([SNAPSHOT]), 0.0)
    new = account("r", output([SNAPSHOT | {"summary": SUMMARY, "program_version": "restic 0.18.0"}]), 0.0)

    assert [point.object for point in old.points] == ["srv01:/srv"]
    assert (old.runs[0].bytes, old.runs[0].ended) == (None, None)
    assert (new.runs[0].bytes, new.runs[0].files) == (24_200_028, 10)
    assert new.runs[0].ended is not None and new.runs[0].started is not None
    assert new.runs[0].ended - new.runs[0].started == 600.5


@pytest.mark.parametrize(
    ("status", "stderr", "reason"),
    [
        (12, "Fatal: wrong password or no key found", Reason.AUTHENTICATION),
        (1, "Fatal: wrong password or no key found", Reason.AUTHENTICATION),
        (1, "Fatal: something else", Reason.PROTOCOL),
        (77, "", Reason.PROTOCOL),
        (0, "", Reason.PROTOCOL),
    ],
)
def test_what_is_no_list_is_a_fault_and_never_an_empty_repository(status: int, stderr: str, reason: Reason) -> None:
    with pytest.raises(TransportFault) as fault:
        account("r", output("nothing to read", status, stderr), 0.0)

    assert fault.value.reason is reason


def test_a_snapshot_that_cannot_be_read_spoils_the_list() -> None:
    with pytest.raises(TransportFault):
        account("r", output([SNAPSHOT, {"time": "yesterday"}]), 0.0)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one) | st.dictionaries(
    st.sampled_from(["time", "paths", "hostname", "summary", "short_id"]), one), max_leaves=8))  # fmt: skip
def test_whatever_it_prints_is_read_or_refused(said: object) -> None:
    try:
        assert account("r", output(said), 0.0).product == "restic"
    except TransportFault as fault:
        assert fault.reason is Reason.PROTOCOL


@pytest.mark.parametrize("evil", ["/srv; rm -rf /", "$(id)", "-r", "a b", "`id`", "/srv\nid", ""])
def test_a_parameter_that_means_something_to_a_shell_is_refused(evil: str) -> None:
    said = {"product": "restic", "repository": evil, "password_file": "/etc/restic"}

    with pytest.raises(ValueError, match="is made of letters"):
        BackupOptions.model_validate({"products": {"restic": said}})


async def test_on_another_machine_it_is_one_command_that_reads(transports: Transports) -> None:
    key = HostKey()
    server = SimulatedServer(("127.0.0.1", 0), "ridgeway", "secret", key)
    line = "restic --repo /srv/backup --password-file /etc/restic --no-lock --no-cache --json snapshots"
    server.answers[line] = json.dumps([SNAPSHOT])
    server.start()
    try:
        said = {"product": "restic", "ssh_port": server.address[1], "repository": "/srv/backup",
                "password_file": "/etc/restic"}  # fmt: skip
        by = [{"product": "restic", "object": "srv01:/srv"}]
        watch = BackupWatch(
            transports,
            {"products": {"restic": said}, "objects": {"ben": {"owner": "Revenues", "rpo": "26h", "by": by}}},
            1_795_411_900.0,
            {"ssh": Credential("backup", "password", {"user": "ridgeway", "password": "secret"})},
            host_keys=(key.pin,),
        )

        told = await watch.run()

        assert told.observation.fault is None
        assert told.value("restore_points", "ben", "restic//srv/backup") == 1
    finally:
        server.stop()
