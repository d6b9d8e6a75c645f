"""The shipped units, run by a real systemd: the agent, its backup, and a restore drill, each behind its sandbox."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbeds.backup_damage import octet
from testbeds.database_drills import DatabaseLab
from testbeds.peers import wait_until
from testbeds.restore_drills import Lab, memory
from testbeds.systemd_machine import SystemdMachine

pytestmark = pytest.mark.acceptance

TIMERS = ("ridgeway-backup.timer", "ridgeway-drill@ben.timer", "ridgeway-rehearsal@ben.timer")
ESTATE = """
estate: {name: test, vantage: here}
councils:
  dacorum: {title: Dacorum Borough Council}
sites:
  forum: {council: dacorum, title: "The Forum, Hemel Hempstead"}
vantages:
  here: {site: forum}
targets:
  agent:
    address: 127.0.0.1
    site: forum
    title: The machine this agent runs on
    checks: [{host: {every: 6s}}]
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdMachine]:
    home = tmp_path_factory.mktemp("machine")
    for path in (home, *home.parents):
        if path.stat().st_mode & 0o005 != 0o005 and path != Path("/"):
            path.chmod(0o755)  # services look in as users of their own
    with SystemdMachine(home) as made:
        made.write("/etc/ridgeway/estate.yaml", ESTATE)
        yield made


@pytest.fixture(scope="module")
def agent(machine: SystemdMachine) -> SystemdMachine:
    """The machine with the agent running: `start` returns when it has told systemd that it is ready."""
    machine.run("systemctl", "start", "ridgeway.service")
    return machine


def test_the_agent_says_that_it_is_ready_and_probes(agent: SystemdMachine) -> None:
    shown = agent.shows("ridgeway.service", "ActiveState", "Type", "WatchdogUSec", "NRestarts")

    assert shown == {"ActiveState": "active", "Type": "notify", "WatchdogUSec": "1min", "NRestarts": "0"}
    wait_until(lambda: "ridgeway_check_state{" in _get(agent, "/metrics"), "the check of its own machine is judged", 30)


def test_a_changed_estate_is_put_in_force_by_reload(agent: SystemdMachine) -> None:
    agent.write("/etc/ridgeway/estate.yaml", ESTATE.replace("  agent:\n", "  renamed:\n"))
    agent.run("systemctl", "reload", "ridgeway.service")

    wait_until(lambda: 'target="renamed"' in _get(agent, "/metrics"), "the new name is in force", 30)
    assert agent.shows("ridgeway.service", "NRestarts") == {"NRestarts": "0"}


def test_the_backup_is_made_beside_the_running_agent(agent: SystemdMachine) -> None:
    agent.run("systemctl", "start", "ridgeway-backup.service")

    archives = agent.run("sh", "-c", "ls /var/lib/ridgeway-backups/").stdout.split()
    assert len(archives) == 1
    assert agent.shows("ridgeway-backup.service", "Result") == {"Result": "success"}


def test_the_timers_say_when_they_come(machine: SystemdMachine) -> None:
    machine.run("systemctl", "start", *TIMERS)

    for timer in TIMERS:
        assert machine.shows(timer, "ActiveState")["ActiveState"] == "active"
        assert machine.shows(timer, "NextElapseUSecRealtime")["NextElapseUSecRealtime"]


def test_the_agent_stops_of_itself(machine: SystemdMachine) -> None:
    machine.run("systemctl", "start", "ridgeway.service")
    machine.run("systemctl", "stop", "ridgeway.service")

    shown = machine.shows("ridgeway.service", "ActiveState", "Result", "ExecMainStatus")
    assert shown == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}


def test_a_drill_restores_behind_its_sandbox_and_leaves_its_result(machine: SystemdMachine) -> None:
    with memory() as scratch:
        lab = Lab("restic", machine.home / "lab", scratch).made()
        lab.backup()
    said = lab.said() | {"repository": "/opt/home/lab/repository", "password_file": "file:/opt/home/lab/password"}
    said["samples"] = said["samples"] | {"live": False}
    plan = {"proofs": "/var/lib/ridgeway-proofs", "drills": {"ben": said}}
    machine.write("/etc/ridgeway/drills.yaml", json.dumps(plan))
    # Not a credential: systemd needs ACLs on its memory for those, which not every container has.
    machine.run("chown", "-R", "ridgeway-drill:", "/opt/home/lab/repository", "/opt/home/lab/password")

    machine.run("systemctl", "start", "ridgeway-drill@ben.service")
    sound = _records(machine)
    machine.run("systemctl", "start", "ridgeway-rehearsal@ben.service")
    rehearsed = _records(machine)
    with contextlib.ExitStack() as damage:
        for pack in (path for path in (lab.repository / "data").rglob("*") if path.is_file()):
            damage.enter_context(octet(pack))
        machine.run("systemctl", "start", "ridgeway-drill@ben.service", status=None)
    damaged = _records(machine)

    assert {(one["by"], one["outcome"], one["cleaned"]) for one in sound} == {
        ("canary ben", "passed", True), ("samples ben", "passed", True)
    }  # fmt: skip
    assert ("canary ben", "failed") in {(one["by"], one["outcome"]) for one in rehearsed if one["rehearsal"]}
    assert "failed" in {one["outcome"] for one in damaged}
    owner = machine.run("stat", "-c", "%U:%G %a", "/var/lib/ridgeway-proofs/ben.json").stdout.strip()
    assert owner == "ridgeway-drill:ridgeway 640"
    assert machine.run("find", "/run/ridgeway-drill", "-mindepth", "1").stdout == ""


def test_a_drill_starts_a_database_behind_its_sandbox_and_leaves_nothing_of_it(machine: SystemdMachine) -> None:
    with contextlib.closing(DatabaseLab()) as lab:
        said = lab.said("pgbackrest", object="town", repository="/opt/home/pgbackrest")
        shutil.copytree(lab.repository("pgbackrest"), machine.home / "pgbackrest")
    plan = {"proofs": "/var/lib/ridgeway-proofs", "drills": {"town": said}}
    machine.write("/etc/ridgeway/drills.yaml", json.dumps(plan))
    machine.run("chown", "-R", "ridgeway-drill:", "/opt/home/pgbackrest")

    machine.run("systemctl", "start", "ridgeway-drill@town.service")

    assert {(one["by"], one["outcome"], one["cleaned"]) for one in _records(machine, "town")} == {
        ("canary town", "passed", True), ("database town", "passed", True)
    }  # fmt: skip
    assert machine.run("find", "/run/ridgeway-drill", "-mindepth", "1").stdout == ""
    assert len(machine.read("/proc/sysvipc/shm").splitlines()) == 1  # the head


def _records(machine: SystemdMachine, object: str = "ben") -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(machine.read(f"/var/lib/ridgeway-proofs/{object}.json"))["restores"]
    return found


def _get(machine: SystemdMachine, path: str) -> str:
    script = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
    url = f"http://127.0.0.1:10190{path}"
    return machine.run("/opt/ridgeway/bin/python", "-c", script, url, status=None).stdout
