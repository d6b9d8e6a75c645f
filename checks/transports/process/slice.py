"""The slice of the plug-ins: a cgroup (v2) beside the agent's own, where systemd has delegated one (`Delegate=yes`).

What is read and written here is described in the kernel's admin-guide/cgroup-v2 and in systemd's CGROUP_DELEGATION:
a cgroup that is delegated carries the extended attribute `user.delegate`, and one that hands controllers on to others
must not hold processes itself, so the agent moves into a leaf of its own.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

AGENT, PLUGINS = "agent", "plugins"
_CONTROLLERS = "+memory +pids"


def prepare(proc: Path = Path("/proc/self")) -> Path | None:
    """The cgroup in which every run gets one of its own; None where nothing was delegated to the agent.

    Moves the agent, with all its threads, into the leaf `agent` of what was delegated to it. Without the controllers
    for memory and processes the cgroup still serves to end a run whole.
    """
    root = _delegated(proc)
    if root is None:
        return None
    plugins = root / PLUGINS
    try:
        plugins.mkdir(exist_ok=True)
        (root / AGENT).mkdir(exist_ok=True)
        if _own(proc) == root:
            (root / AGENT / "cgroup.procs").write_text("0")
    except OSError:
        return None  # said to be delegated, and read-only all the same: ProtectControlGroups
    for place in (root, plugins):
        with contextlib.suppress(OSError):
            (place / "cgroup.subtree_control").write_text(_CONTROLLERS)
    for left in plugins.glob("run-*"):
        with contextlib.suppress(OSError):
            (left / "cgroup.kill").write_text("1")
            left.rmdir()
    return plugins


def _delegated(proc: Path) -> Path | None:
    own = _own(proc)
    if own is None:
        return None
    for place in (own, own.parent) if own.name == AGENT else (own,):
        with contextlib.suppress(OSError):
            if os.getxattr(place, "user.delegate") == b"1":
                return place
    return None


def _own(proc: Path) -> Path | None:
    """The agent's own cgroup as a folder."""
    try:
        paths = [line[3:] for line in (proc / "cgroup").read_text().splitlines() if line.startswith("0::/")]
        mounts = [
            (fields[3], fields[4])
            for fields in map(str.split, (proc / "mountinfo").read_text().splitlines())
            if " - cgroup2 " in " ".join(fields)
        ]
    except OSError:
        return None
    for root, point in mounts:
        for path in paths:
            if path == root or path.startswith(root.rstrip("/") + "/"):
                return Path(point, path[len(root.rstrip("/")) :].lstrip("/"))
    return None
