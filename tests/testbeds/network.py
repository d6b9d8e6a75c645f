"""Code run in a network of its own, made of nothing but the kernel: dead addresses, lost routes, other sysctls."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Sequence

import pytest

from testbeds.peers import need

_CABLE = (
    "ip link add near type veth peer name far",
    "ip link set near up",
    "ip link set far up",
)
SILENT = (
    *_CABLE,
    "ip addr add 10.11.0.1/24 dev near",
    "ip neigh add 10.11.0.2 lladdr 02:00:00:00:00:02 dev near nud permanent",
    "ip neigh add 10.11.0.3 lladdr 02:00:00:00:00:03 dev near nud permanent",
)
"""10.11.0.2 and 10.11.0.3 swallow every packet."""
ABSENT = (
    *_CABLE,
    "ip addr add 10.12.0.1/24 dev near",
    "echo 1 > /proc/sys/net/ipv4/neigh/near/mcast_solicit",
    "echo 100 > /proc/sys/net/ipv4/neigh/near/retrans_time_ms",
)
"""Nobody at 10.12.0.2 answers ARP, so that a tenth of a second later the kernel says host unreachable."""
PINGABLE = ("echo '0 0' > /proc/sys/net/ipv4/ping_group_range",)
_GROUPS = "/proc/sys/net/ipv4/ping_group_range"
UNPINGABLE = (f"echo '1 0' > {_GROUPS} || grep -q '^65534' {_GROUPS}",)
"""In a user namespace "no group" cannot be written; there it is so from the start, and reads as 65534."""
NO_RAW = "setpriv --bounding-set=-net_raw --inh-caps=-net_raw"


def run_python(code: str, setup: Sequence[str] = (), prefix: str = "", seconds: float = 60.0) -> str:
    """What `code` prints, run in a new network namespace after the commands of `setup`; a failure fails the test."""
    ip, unshare = need("ip"), need("unshare")
    lines = ["set -eu", f"PATH=$PATH:{ip.parent}", "ip link set lo up", *setup]
    lines.append(f"exec {prefix} {shlex.quote(sys.executable)} -c {shlex.quote(textwrap.dedent(code))}")
    alone = [str(unshare), "--net"] if os.geteuid() == 0 else [str(unshare), "--user", "--map-root-user", "--net"]
    allowed(alone)
    done = subprocess.run(
        [*alone, "sh", "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def allowed(alone: Sequence[str]) -> None:
    """Containers and some kernels allow no network namespaces: that skips on a laptop, and fails in CI."""
    tried = subprocess.run([*alone, "true"], capture_output=True, text=True, timeout=30, check=False)
    if tried.returncode == 0:
        return
    message = f"this user may not make network namespaces here: {tried.stderr.strip()}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
