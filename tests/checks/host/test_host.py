"""The host check: the machine the tests run on, and machines made up for the judgement."""

import asyncio
import os
import threading
from dataclasses import replace

import psutil
import pytest
from pydantic import ValidationError

from checks.contract import Memory, Observation, Reason, State, covered
from checks.host import CHECK, machine
from checks.host.machine import Disk, HostAnswers
from checks.host.options import HostOptions
from checks.transports.aside import Aside
from testbeds.single import asked, check, states, subject

GIB = 1024**3
CALM = HostAnswers(
    at=1000.0,
    boot=0.0,
    processors=4,
    cpu=(("user", 100.0), ("system", 50.0), ("idle", 800.0), ("iowait", 50.0)),
    load=(0.1, 0.2, 0.3),
    memory=8 * GIB,
    memory_available=6 * GIB,
    swap=GIB,
    swap_used=0,
    descriptors=50,
    descriptors_limit=1024,
    disks=(Disk("/", 100 * GIB, 40 * GIB, 60 * GIB, 1000, 900),),
)


def _judged(answers: HostAnswers, options: HostOptions | None = None, memory: Memory | None = None):
    observation = Observation("agent", "here", 0.0, 0.0, answers)
    return CHECK.assess(subject(check("host", options or HostOptions())), (observation,), memory, 0.0)


async def test_this_machine_is_read_as_psutil_and_df_read_it():
    observation = await asked(CHECK, HostOptions(mounts=("/",)), "ignored", timeout=20)

    answers = observation.answers
    usage = psutil.disk_usage("/")
    assert observation.fault is None
    assert answers.memory == psutil.virtual_memory().total
    assert answers.processors == psutil.cpu_count()
    assert abs(answers.boot - psutil.boot_time()) < 5
    assert 0 < answers.descriptors <= answers.descriptors_limit
    ((root,),) = [answers.disks]
    assert root.size == os.statvfs("/").f_blocks * os.statvfs("/").f_frsize
    assert root.used / (root.used + root.available) == pytest.approx(usage.percent / 100, abs=0.02)


async def test_every_reading_of_this_machine_belongs_to_a_declared_family_with_its_labels():
    observation = await asked(CHECK, HostOptions(), "ignored", timeout=20)

    readings = _judged(observation.answers).readings

    assert {reading.family for reading in readings} <= set(CHECK.families())
    assert all(len(reading.labels) == len(reading.family.labels) for reading in readings)
    assert len({(reading.family.name, reading.labels) for reading in readings}) == len(readings)


async def test_a_mount_that_must_be_there_and_is_not_is_critical():
    observation = await asked(CHECK, HostOptions(mounts=("/no/such/mount",)), "ignored", timeout=20)

    assert states(_judged(observation.answers).findings)["host/disk/no/such/mount"] == "critical"


async def test_a_file_system_that_hangs_is_unknown_now_and_while_it_hangs_and_holds_up_nothing(monkeypatch):
    release = threading.Event()
    aside = Aside()
    monkeypatch.setattr(machine, "_measured", lambda mount: release.wait(30) and Disk(mount))
    loop = asyncio.get_running_loop()

    first = await machine._disk("/mnt/dead", "nfs4", aside, loop.time() + 0.1)
    second = await machine._disk("/mnt/dead", "nfs4", aside, loop.time() + 0.1)
    release.set()

    assert first.unread == "it does not answer (a dead file server?)"
    assert "still hanging" in second.unread
    judged = _judged(replace(CALM, disks=(first,)))
    assert states(judged.findings)["host/disk/mnt/dead"] == "unknown"
    assert states(judged.findings)["host/inodes/mnt/dead"] == "unknown"
    assert not [reading for reading in judged.readings if reading.labels == ("/mnt/dead",)]


async def test_a_machine_that_cannot_be_read_is_our_own_fault(monkeypatch):
    def hidden(*_, **__):
        raise FileNotFoundError(2, "No such file or directory", "/proc/stat")

    monkeypatch.setattr(psutil, "cpu_times", hidden)

    observation = await asked(CHECK, HostOptions(), "ignored", timeout=20)

    assert (observation.fault.reason, observation.fault.condition) == (Reason.LOCAL, "host/local")
    assert "/proc/stat" in observation.fault.message


class _Part:
    def __init__(self, device, mountpoint, fstype):
        self.device, self.mountpoint, self.fstype = device, mountpoint, fstype


def test_images_bind_mounts_and_excluded_mounts_are_left_out_and_the_root_never():
    local = [
        _Part("/dev/sda2", "/srv", "ext4"),
        _Part("/dev/sda2", "/srv/www", "ext4"),
        _Part("/dev/loop1", "/snap/core", "squashfs"),
        _Part("/dev/sr0", "/media", "iso9660"),
        _Part("/dev/sdb1", "/scratch", "xfs"),
    ]
    every = [_Part("overlay", "/", "overlay"), _Part("proc", "/proc", "proc"), *local]

    found = machine._mounts(HostOptions(exclude_mounts=("/scratch",)), every, local)

    assert found == ([("/", "overlay"), ("/srv", "ext4")], 0)


def test_more_file_systems_than_are_looked_at_are_said_to_be_left_out():
    local = [_Part(f"/dev/sd{number}", f"/data/{number}", "ext4") for number in range(70)]

    found, left_out = machine._mounts(HostOptions(), local, local)
    judged = _judged(replace(CALM, left_out=left_out))

    assert (len(found), left_out) == (64, 7)
    assert states(judged.findings)["host/mounts"] == "unknown"


def test_a_calm_machine_is_ok_everywhere():
    assert states(_judged(CALM).findings) == {
        "host/memory": "ok",
        "host/load": "ok",
        "host/descriptors": "ok",
        "host/swap": "ok",
        "host/disk/": "ok",
        "host/inodes/": "ok",
    }


@pytest.mark.parametrize(
    ("change", "key", "state"),
    [
        ({"memory_available": int(0.09 * 8 * GIB)}, "host/memory", "warning"),
        ({"memory_available": int(0.02 * 8 * GIB)}, "host/memory", "critical"),
        ({"swap_used": int(0.81 * GIB)}, "host/swap", "warning"),
        ({"swap_used": GIB}, "host/swap", "critical"),
        ({"load": (0.0, 16.0, 0.0)}, "host/load", "warning"),
        ({"load": (99.0, 32.0, 0.0)}, "host/load", "critical"),
        ({"descriptors": 1000}, "host/descriptors", "critical"),
        ({"disks": (Disk("/", 100, 85, 15),)}, "host/disk/", "warning"),
        # five per cent kept for root: df says 100 % although blocks are free
        ({"disks": (Disk("/", 100, 95, 0),)}, "host/disk/", "critical"),
        ({"disks": (Disk("/var", 100, 1, 99, 100, 3),)}, "host/inodes/var", "critical"),
        ({"disks": (Disk("/odd", 0, 0, 0),)}, "host/disk/odd", "unknown"),
    ],
    ids=str,
)
def test_each_limit_is_kept(change, key, state):
    assert states(_judged(replace(CALM, **change)).findings)[key] == state


@pytest.mark.parametrize(("busy", "state"), [(94, "ok"), (96, "warning")])
def test_processors_are_judged_over_the_time_since_the_last_run(busy, state):
    memory = _judged(CALM).memory
    later = replace(CALM, cpu=(("user", 100.0 + busy), ("system", 50.0), ("idle", 900.0 - busy), ("iowait", 50.0)))

    assessment = _judged(later, memory=memory)

    assert states(assessment.findings)["host/cpu"] == state
    assert covered(assessment.covers, "host/cpu")


@pytest.mark.parametrize("memory", [None, Memory(99, "{}")], ids=["first run", "another version's note"])
def test_without_an_earlier_run_nothing_is_said_of_the_processors(memory):
    assessment = _judged(CALM, memory=memory)

    assert "host/cpu" not in states(assessment.findings)
    assert not covered(assessment.covers, "host/cpu")


def test_a_reboot_since_the_last_run_gives_no_judgement_of_the_processors():
    memory = _judged(CALM).memory
    fresh = replace(CALM, cpu=(("user", 2.0), ("system", 1.0), ("idle", 900.0), ("iowait", 0.0)))

    assert not covered(_judged(fresh, memory=memory).covers, "host/cpu")


def test_a_limit_can_be_switched_off():
    options = HostOptions(memory={"warning": None, "critical": None})

    judged = _judged(replace(CALM, memory_available=0), options)

    assert next(finding for finding in judged.findings if finding.key == "host/memory").state is State.OK


@pytest.mark.parametrize(
    "options",
    [{"memory": {"warning": 0.9, "critical": 0.8}}, {"mounts": ["srv"]}, {"mounts": ["/srv/"]}, {"memroy": {}}],
    ids=str,
)
def test_options_that_cannot_be_meant_are_refused(options):
    with pytest.raises(ValidationError):
        HostOptions(**options)
