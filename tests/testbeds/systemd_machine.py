"""A machine that a real systemd runs, in namespaces of its own, with Ridgeway in /opt/ridgeway as the README says.

Only where systemd does not run this machine itself (a container, as CI is): it would share control groups with it.
Whatever is written to /etc, /var and /opt is gone with the machine.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from testbeds.peers import need, wait_until

SOURCE = Path(__file__).parents[2]
SHIPPED = SOURCE / "systemd"
UNITS = "/opt/units"
_CONTROL = Path("/sys/fs/cgroup")
_BOOT = f"""
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
for place in etc var; do
    mkdir -p /mnt/$place/upper /mnt/$place/work
    mount -t overlay overlay -o lowerdir=/$place,upperdir=/mnt/$place/upper,workdir=/mnt/$place/work /$place
done
mkdir -p /mnt/home && mount --bind "$HOME_OF_TEST" /mnt/home
mkdir -p /mnt/base && mount --bind "$BASE" /mnt/base
mkdir -p /mnt/source && mount --bind "$SOURCE" /mnt/source
mkdir -p /mnt/packages && mount --bind "$PACKAGES" /mnt/packages
mount -t tmpfs -o mode=755 tmpfs /opt
mkdir {UNITS} /opt/log
for place in home base source packages; do mkdir /opt/$place && mount --move /mnt/$place /opt/$place; done
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs tmpfs /dev/shm
ip link set lo up
/opt/base/bin/$PYTHON -m venv --without-pip /opt/ridgeway
printf '/opt/source\\n/opt/packages\\n' > /opt/ridgeway/lib/$PYTHON/site-packages/ridgeway.pth
cd /opt/ridgeway/bin
printf '#!/opt/ridgeway/bin/python\\nimport sys\\nfrom agent.cli import main\\nsys.exit(main())\\n' > ridgeway
chmod 755 ridgeway
cp -r /opt/source/systemd/*.service /opt/source/systemd/*.timer {UNITS}/
for target in sysinit basic shutdown timers network-online time-sync umount machine; do
    printf '[Unit]\\nDefaultDependencies=no\\nAllowIsolate=yes\\n' > {UNITS}/$target.target
done
mkdir {UNITS}/service.d
# A Python whose library lies below a home directory finds it no longer behind ProtectHome.
printf '[Service]\\nStandardOutput=append:/opt/log/%%n\\nStandardError=inherit\\n' > {UNITS}/service.d/log.conf
printf '[Service]\\nEnvironment=LD_LIBRARY_PATH=/opt/base/lib\\n' > {UNITS}/service.d/python.conf
mkdir -p /etc/sysusers.d /etc/tmpfiles.d
cp /opt/source/systemd/sysusers-ridgeway.conf /etc/sysusers.d/ridgeway.conf
cp /opt/source/systemd/tmpfiles-ridgeway.conf /etc/tmpfiles.d/ridgeway.conf
systemd-sysusers ridgeway.conf
systemd-tmpfiles --create ridgeway.conf
export container=docker SYSTEMD_UNIT_PATH={UNITS}
exec "$SYSTEMD" --unit=machine.target --log-target=console --show-status=false
"""
"""In the new namespaces, before systemd is its first process."""


def _cannot() -> str:
    """Why no systemd can be started here, or nothing."""
    if os.geteuid() != 0:
        return "only root may make a machine of its own"
    if Path("/proc/1/comm").read_text().strip() == "systemd":
        return "systemd runs this machine; another one would share its control groups"
    if not any(os.access(place, os.W_OK) for place in (_CONTROL / "systemd", _CONTROL)):
        return "control groups cannot be written here"
    return ""


@dataclass
class SystemdMachine:
    """Started on entry; its processes and control groups are gone on exit."""

    home: Path
    """Seen inside as /opt/home."""
    _outer: subprocess.Popen[bytes] | None = None
    _first: int = 0
    _groups: set[Path] = field(default_factory=set)

    def __enter__(self) -> Self:
        systemd = need("/lib/systemd/systemd")
        why = _cannot()
        if why:
            pytest.skip(why)
        self._groups = _groups()
        packages = next(path for path in map(Path, sys.path) if path.name == "site-packages")
        environment = os.environ | {
            "SYSTEMD": str(systemd), "HOME_OF_TEST": str(self.home), "BASE": sys.base_prefix, "SOURCE": str(SOURCE),
            "PACKAGES": str(packages), "PYTHON": f"python{sys.version_info.major}.{sys.version_info.minor}",
        }  # fmt: skip
        line = "unshare --pid --mount --cgroup --uts --ipc --net --fork --mount-proc --kill-child sh -c"
        with (self.home / "boot.log").open("wb") as log:
            self._outer = subprocess.Popen(
                [*shlex.split(line), _BOOT], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            wait_until(self._is_up, "systemd is up, or says why not", 40)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _is_up(self) -> bool:
        assert self._outer is not None
        if self._outer.poll() is not None:
            why = (self.home / "boot.log").read_text()[-2000:]
            if "not permitted" in why or "denied" in why:
                pytest.skip(f"this machine lets nobody make another one in it: {why}")
            pytest.fail(f"no systemd could be started: {why}")
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
        if not children:
            return False
        self._first = int(children[0])
        return self.run("systemctl", "is-active", "machine.target", status=None).stdout.strip() == "active"

    def _end(self) -> None:
        if self._outer is not None:
            self._outer.kill()  # and with it, by --kill-child, the first process and all others
            self._outer.wait(10)
        wait_until(lambda: not any(map(_left, _groups() - self._groups)), "its control groups are gone", 10)

    def run(self, *command: str, status: int | None = 0, seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a command inside as root. Fails where it ends with another status, unless that is None."""
        inside = ["nsenter", "-t", str(self._first), "-m", "-p", "-u", "-i", "-n", "--", *command]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            inside, env=environment, capture_output=True, text=True, timeout=seconds, check=False, cwd="/"
        )
        if status is not None and done.returncode != status:
            pytest.fail(f"{shlex.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}{self.said()}"[-4000:])
        return done

    def write(self, path: str, text: str, mode: str = "644") -> None:
        """A file inside, its directories too."""
        script = f'mkdir -p "$(dirname "$1")" && printf %s "$2" > "$1" && chmod {mode} "$1"'
        self.run("sh", "-c", script, "sh", path, text)

    def read(self, path: str) -> str:
        return self.run("cat", path).stdout

    def shows(self, unit: str, *properties: str) -> dict[str, str]:
        """What systemd knows of a unit."""
        done = self.run("systemctl", "show", unit, *(f"--property={name}" for name in properties))
        return dict(line.split("=", 1) for line in done.stdout.splitlines())

    def said(self) -> str:
        """What all services have printed."""
        return self.run("sh", "-c", "tail -n +1 /opt/log/* 2>&1", status=None).stdout


def _groups() -> set[Path]:
    """The control groups that a systemd makes for itself and for services, one of each hierarchy."""
    return {path for name in ("init.scope", "system.slice") for path in _CONTROL.glob(f"*/{name}")}


def _left(group: Path) -> bool:
    """Remove a group and those in it; whether it is still there, since what was killed in it is not gone yet."""
    for path in sorted((group, *(path for path in group.rglob("*") if path.is_dir())), reverse=True):
        with contextlib.suppress(OSError):
            path.rmdir()
    return group.exists()
