"""A process in a network of its own, so that fixed addresses collide with nobody's and a cable can be pulled out."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence

from testbeds.peers import need

CABLE = (
    "ip link add near type veth peer name far",
    "ip link set near up",
    "ip link set far up",
    "ip addr add 10.13.0.1/24 dev near",
    "ip neigh add 10.13.0.2 lladdr 02:00:00:00:00:02 dev near nud permanent",
)
"""10.13.0.2 lies at the other end of a cable, and swallows every packet."""


def apart(command: Sequence[str], setup: Sequence[str] = ()) -> list[str]:
    """`command` in a new network namespace with its loopback up, after the commands of `setup`."""
    ip, unshare = need("ip"), need("unshare")
    lines = ["set -eu", f"PATH=$PATH:{ip.parent}", "ip link set lo up", *setup, f"exec {shlex.join(command)}"]
    alone = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return [str(unshare), *alone, "--net", "sh", "-c", "\n".join(lines)]


def inside(pid: int, command: Sequence[str]) -> str:
    """What `command` prints in the network of that process."""
    own_user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
    done = subprocess.run(
        [need("nsenter"), "--target", str(pid), *own_user, "--net", *command],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PATH": f"{os.environ['PATH']}:{need('ip').parent}"},
    )  # fmt: skip
    return done.stdout


def page(pid: int, url: str) -> str:
    """A page as seen from that process's network; empty while nobody serves it."""
    code = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())"
    return inside(pid, [sys.executable, "-c", code, url])
