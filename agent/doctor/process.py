"""A running agent as the kernel shows it: what it may open, and whether it may ping."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agent.diagnosis import Line, broken, ok, unknown, warning

_NET_RAW = 1 << 13  # CAP_NET_RAW, linux/capability.h
_RANGE = Path("/proc/sys/net/ipv4/ping_group_range")
_SPARE = 256
"""Descriptors beside those of targets: the ledger, pages and their readers, desks, logs."""
_PING = "install systemd/sysctl-ridgeway-ping.conf, or the drop-in icmp.conf (docs/operating.md, Allow ping)"


@dataclass(frozen=True, slots=True)
class Process:
    """What is known of a process; None where it may not be read."""

    descriptors: int | None = None
    in_use: int | None = None
    groups: frozenset[int] | None = None
    raw: bool | None = None
    """Whether it may open raw sockets."""


def this_process() -> Process:
    """For an agent that would be started here, by this user."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    status = _status(Path("/proc/self/status"))
    return Process(hard, None, status[0], status[1])


def process(pid: int) -> Process:
    """For an agent that runs."""
    place = Path("/proc") / str(pid)
    groups, raw = _status(place / "status")
    try:
        rows = (place / "limits").read_text().splitlines()
        soft = next(row.split()[3] for row in rows if row.startswith("Max open files"))
        limit = int(soft) if soft.isdigit() else None
    except (OSError, StopIteration, IndexError):
        limit = None
    try:
        in_use = len(os.listdir(place / "fd"))  # noqa: PTH208 - only their number
    except OSError:
        in_use = None
    return Process(limit, in_use, groups, raw)


def descriptor_lines(found: Process, targets: int) -> Iterator[Line]:
    """One for each target that is asked by SNMP, some for the rest."""
    needed = _SPARE + 2 * targets
    mend = "raise it: systemctl edit ridgeway, LimitNOFILE=65536"
    if found.descriptors is None:
        yield unknown("descriptors", "the agent's limit cannot be read", "ask as root (sudo)")
        return
    used = "" if found.in_use is None else f", {found.in_use:,} in use"
    text = f"{found.descriptors:,} may be open{used}; {targets:,} targets need up to {needed:,}"
    if found.in_use is not None and found.in_use > 0.9 * found.descriptors:
        yield broken("descriptors", text, mend)
    elif found.descriptors < needed:
        yield warning("descriptors", text, mend)
    else:
        yield ok("descriptors", text)


def ping_lines(found: Process, wanted: bool) -> Iterator[Line]:
    """ping(7) sockets are for the groups of a range, raw ones for CAP_NET_RAW."""
    if not wanted:
        return
    if found.raw:
        yield ok("ping", "allowed by CAP_NET_RAW")
        return
    try:
        low, high = map(int, _RANGE.read_text().split())
    except (OSError, ValueError) as error:
        yield unknown("ping", f"{_RANGE} cannot be read: {error}")
        return
    if found.groups is None or found.raw is None:
        yield unknown("ping", "the agent's groups cannot be read", "ask as root (sudo)")
    elif any(low <= group <= high for group in found.groups):
        yield ok("ping", f"allowed to the groups {low} to {high}")
    else:
        yield broken("ping", f"not allowed to the agent (groups {low} to {high} may)", _PING)


def _status(path: Path) -> tuple[frozenset[int] | None, bool | None]:
    try:
        rows = dict(row.split(":", 1) for row in path.read_text().splitlines() if ":" in row)
        groups = frozenset(map(int, (rows["Gid"] + " " + rows.get("Groups", "")).split()))
        return groups, bool(int(rows["CapEff"], 16) & _NET_RAW)
    except (OSError, KeyError, ValueError):
        return None, None
