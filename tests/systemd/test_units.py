"""The unit and its drop-ins, as systemd reads them without running."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from testbeds.peers import find, need

SHIPPED = Path(__file__).parents[2] / "systemd"
UNIT = SHIPPED / "ridgeway.service"
THRESHOLD = 15
"""Tenths of exposure that are allowed."""

pytestmark = pytest.mark.acceptance


def installed(directory: Path, *drop_ins: str) -> Path:
    """A copy of the unit with these drop-ins, whose program exists."""
    program = shutil.which("true") or "/bin/true"
    unit = directory / "ridgeway.service"
    unit.write_text(_with(program, UNIT))
    for name in drop_ins:
        target = directory / "ridgeway.service.d" / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(_with(program, SHIPPED / "ridgeway.service.d" / name))
    return unit


def _with(program: str, shipped: Path) -> str:
    return shipped.read_text().replace("/opt/ridgeway/bin/ridgeway", program)


@pytest.mark.parametrize(
    "drop_ins",
    [
        (),
        ("icmp.conf",),
        ("addresses.conf",),
        ("traps.conf",),
        ("plugins.conf",),
        ("prober.conf",),
        ("web.conf",),
        ("drop.conf",),
        ("icmp.conf", "addresses.conf", "traps.conf", "plugins.conf"),
    ],
)
def test_the_exposure_stays_below_the_gate(tmp_path: Path, drop_ins: tuple[str, ...]) -> None:
    unit = installed(tmp_path, *drop_ins)

    done = subprocess.run(
        [need("systemd-analyze"), "security", "--offline=true", f"--threshold={THRESHOLD}", unit],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr


@pytest.mark.parametrize("name", ["ridgeway-backup.service", "ridgeway-drill@.service", "ridgeway-rehearsal@.service"])
def test_the_exposure_of_the_backup_and_of_drills_stays_below_the_gate(tmp_path: Path, name: str) -> None:
    unit = tmp_path / name
    unit.write_text(_with(shutil.which("true") or "/bin/true", SHIPPED / unit.name))

    done = subprocess.run(
        [need("systemd-analyze"), "security", "--offline=true", f"--threshold={THRESHOLD}", unit],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr


@pytest.mark.parametrize("name", ["ridgeway-backup", "ridgeway-drill@", "ridgeway-rehearsal@"])
def test_systemd_finds_no_mistake_in_the_backup_and_drills_and_their_timers(tmp_path: Path, name: str) -> None:
    units = [tmp_path / f"{name}.{kind}" for kind in ("service", "timer")]
    for unit in units:
        unit.write_text(_with(shutil.which("true") or "/bin/true", SHIPPED / unit.name))

    done = subprocess.run(
        [need("systemd-analyze"), "verify", "--man=no", *units], capture_output=True, text=True, timeout=60
    )

    assert [line for line in (done.stdout + done.stderr).splitlines() if "ridgeway" in line] == []


def test_the_backup_runs_as_the_agent_does_and_no_less_confined() -> None:
    kinds = ("Protect", "Private", "Restrict", "NoNew", "Capability", "Ambient", "SystemCall", "Lock", "Memory", "User")
    of_agent = {line for line in UNIT.read_text().splitlines() if line.startswith((*kinds, "DynamicUser"))}

    of_backup = set((SHIPPED / "ridgeway-backup.service").read_text().splitlines())

    assert of_agent - of_backup == set()


def test_a_drill_runs_as_a_user_of_its_own_in_memory_that_is_never_swapped_and_is_off_by_itself() -> None:
    of_drill = (SHIPPED / "ridgeway-drill@.service").read_text().splitlines()

    assert {"User=ridgeway-drill", "RuntimeDirectory=ridgeway-drill/%i", "MemorySwapMax=0"} <= set(of_drill)
    assert "[Install]" not in of_drill
    assert not [line for line in of_drill if line.startswith(("StateDirectory=ridgeway ", "LoadCredential="))]


def test_a_rehearsal_differs_from_a_drill_in_what_it_runs_alone() -> None:
    drill, rehearsal = (
        (SHIPPED / f"ridgeway-{name}@.service").read_text().partition("[Service]")[2].splitlines()
        for name in ("drill", "rehearsal")
    )

    assert [line for line in drill if line not in rehearsal] == [
        "ExecStart=/opt/ridgeway/bin/ridgeway restore-drill run %i --config.file=/etc/ridgeway/drills.yaml",
        "RuntimeDirectory=ridgeway-drill/%i",
    ]
    assert [line for line in rehearsal if line not in drill] == [
        "ExecStart=/opt/ridgeway/bin/ridgeway restore-drill run %i --rehearse --config.file=/etc/ridgeway/drills.yaml",
        "RuntimeDirectory=ridgeway-drill/rehearsal-%i",
    ]


def test_the_gate_would_catch_a_unit_without_its_hardening(tmp_path: Path) -> None:
    unit = installed(tmp_path)
    unit.write_text(re.sub(r"^(Protect|Restrict|System|Private).*$", "", unit.read_text(), flags=re.MULTILINE))

    done = subprocess.run(
        [need("systemd-analyze"), "security", "--offline=true", f"--threshold={THRESHOLD}", unit],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 1


@pytest.mark.parametrize(
    "drop_ins",
    [
        (),
        ("icmp.conf", "addresses.conf"),
        ("traps.conf",),
        ("plugins.conf",),
        ("prober.conf",),
        ("web.conf",),
        ("drop.conf",),
    ],
)
def test_systemd_finds_no_mistake_in_the_unit(tmp_path: Path, drop_ins: tuple[str, ...]) -> None:
    unit = installed(tmp_path, *drop_ins)

    done = subprocess.run(
        [need("systemd-analyze"), "verify", "--man=no", unit], capture_output=True, text=True, timeout=60
    )

    # It also reads units that other packages installed, and speaks of those.
    assert [line for line in (done.stdout + done.stderr).splitlines() if "ridgeway" in line] == []


def test_systemd_would_find_a_misspelt_directive(tmp_path: Path) -> None:
    unit = installed(tmp_path)
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHouse="))

    done = subprocess.run(
        [need("systemd-analyze"), "verify", "--man=no", unit], capture_output=True, text=True, timeout=60
    )

    assert "ProtectHouse" in done.stdout + done.stderr


def test_the_host_check_and_the_process_metrics_can_read_proc() -> None:
    assert not re.search(r"^ProcSubset=", UNIT.read_text(), re.MULTILINE)


def test_sysusers_makes_the_user_and_tmpfiles_the_directories_of_the_unit(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    sysusers, tmpfiles = find("systemd-sysusers"), find("systemd-tmpfiles")
    assert sysusers and tmpfiles, "both come with systemd-analyze, in the package systemd"

    # Both want to give files to root, whom an ordinary user is only in a namespace of its own.
    as_root = [] if os.geteuid() == 0 else [need("unshare"), "--user", "--map-root-user"]
    for program in ([sysusers], [tmpfiles, "--create"]):
        shipped = SHIPPED / f"{program[0].name.removeprefix('systemd-')}-ridgeway.conf"
        subprocess.run([*as_root, *program, f"--root={tmp_path}", shipped], check=True, timeout=60)

    users = re.findall(r"^(ridgeway[^:]*):", (tmp_path / "etc/passwd").read_text(), re.MULTILINE)
    assert users == ["ridgeway", "ridgeway-drill"]
    assert (tmp_path / "var/lib/ridgeway-proofs").stat().st_mode & 0o7777 == 0o2750
    assert (tmp_path / "etc/ridgeway").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "etc/ridgeway/credentials").stat().st_mode & 0o777 == 0o700
