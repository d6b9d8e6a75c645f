"""Where the real peers of the tests are found, and free ports for them.

On a laptop a missing peer skips its test; in CI (environment variable CI) it fails: nothing is proved by absence.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_DEBIAN_PACKAGES = {
    "snmpd": "snmpd",
    "snmpget": "snmp",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "prometheus-snmp-exporter": "prometheus-snmp-exporter",
    "prometheus-blackbox-exporter": "prometheus-blackbox-exporter",
    "initdb": "postgresql",
    "rt-setup-database-5": "request-tracker5 rt5-standalone rt5-db-sqlite dbconfig-no-thanks msmtp-mta",
    "chromium": "chromium",
    "systemd-analyze": "systemd",
    "/lib/systemd/systemd": "systemd",
    "msmtp": "msmtp-mta",
    "ip": "iproute2",
    "keepalived": "keepalived",
    "nft": "nftables",
    "unshare": "util-linux",
    "ping": "iputils-ping",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "nginx": "nginx-light",
    "openssl": "openssl",
    "dnsmasq": "dnsmasq-base",
    "chronyd": "chrony",
    "check_dummy": "monitoring-plugins-basic",
    "snmptrap": "snmp",
    "snmptrapd": "snmptrapd",
    "kamailio": "kamailio",
    "baresip": "baresip-core",
    "sipp": "sip-tester",
    "sipsak": "sipsak",
    "restic": "restic",
    "borg": "borgbackup",
    "pgbackrest": "pgbackrest",
    "barman": "barman",
    **dict.fromkeys(("bacula-dir", "bacula-sd", "bacula-fd", "bconsole"), "(make peers unpacks Bacula's packages)"),
}
UNPACKED = Path(__file__).parents[2] / "var/peers"
"""Where tests/setup/peers.sh unpacks what cannot be installed."""
_EXTRA_PATH = (
    "/usr/sbin", "/sbin", "/usr/lib/postgresql/15/bin", "/usr/lib/postgresql/17/bin", "/usr/lib/nagios/plugins",
    str(UNPACKED / "bacula/usr/sbin"),
)  # fmt: skip


def find(program: str) -> Path | None:
    """The program's path, looked for where Debian puts daemons too."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *_EXTRA_PATH))
    found = shutil.which(program, path=path)
    return Path(found) if found else None


def need(program: str) -> Path:
    """The program's path; without it the test is skipped on a laptop and fails in CI."""
    found = find(program)
    if found is not None:
        return found
    message = f"{program} is missing; on Debian: apt-get install {_DEBIAN_PACKAGES.get(program, program)}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """A port that was free a moment ago, and that no outgoing connection and no other process of tests will take."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in _PORTS:
        with socket.socket(family, kind) as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port
    raise AssertionError("the ports go round for ever")


def _own_ports() -> Iterator[int]:
    """Ports below those that Linux gives to connections (32768 on), in a part for each process of `make test`."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _PARTS
    begin = _FIRST_PORT + process * _PART
    # From anywhere in the part, since somebody else may run the tests on this machine.
    return itertools.chain.from_iterable(
        [*range(begin + start, begin + _PART), *range(begin, begin + start)]
        for start in itertools.repeat(random.randrange(_PART))
    )


_FIRST_PORT, _PART, _PARTS = 12_000, 5_000, 4
_PORTS = _own_ports()


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30.0, *, pause: float = 0.02) -> None:
    """Return as soon as `condition()` holds, asked again after each pause; fail naming `what` if not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(pause)
    pytest.fail(f"waited {seconds:.0f} s in vain: {what}")
