"""What a log of vzdump says of each guest: what it took, what it left out, and how it ended. Pure.

A job that ends `TASK OK` may have taken no data at all: disks are left out by `backup=no`, and it says so here only.
Source: a log of Proxmox VE of 2023, and pve-manager's VZDump.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from checks.backup.model import Outcome
from checks.backup.products.rows import one_line

LEAST = 1024**2
"""Octets of an archive below which there is no guest in it."""
_KINDS = {"qemu": "vm", "lxc": "ct", "openvz": "ct"}
_JOB = re.compile(r"INFO: starting new backup job: vzdump ?(.{0,2000})")
_START = re.compile(r"INFO: Starting Backup of VM (\d{1,9}) \((qemu|lxc|openvz)\)")
_BEGUN = re.compile(r"INFO: Backup started at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
_INCLUDE = re.compile(r"INFO: (?:include disk '([^']{1,40})'|including mount point (\S{1,40}) )")
_EXCLUDE = re.compile(
    r"INFO: (?:exclude disk '([^']{1,40})' .*?|excluding (?:\w+ )?mount point (\S{1,40}) .*?)(?:\(([^()']{1,60})\))?"
)
_SIZE = re.compile(r"INFO: archive file size: ([\d.]{1,12}) ?([KMGTP]?)i?B")
_READ = re.compile(r"INFO: transferred ([\d.]{1,12}) ?([KMGTP]?)i?B in .*")
_TOTAL = re.compile(r"INFO: Total bytes written: (\d{1,18})\b.*")
_PRUNED = re.compile(r"INFO: pruned (\d{1,6}) backup\(s\).*")
_DONE = re.compile(r"INFO: Finished Backup of VM (\d{1,9}) \((\d{1,5}):(\d\d):(\d\d)\)")
_FAILED = re.compile(r"ERROR: Backup of VM (\d{1,9}) failed - (.*)")
_LAST = re.compile(r"TASK (OK|ERROR: .*|WARNINGS: \d+)")
_NO_DATA = ("efidisk", "tpmstate")
_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


@dataclass(slots=True)
class Guest:
    """One guest's part of a log."""

    vmid: int
    kind: str
    """`vm` or `ct`."""
    begun: str = ""
    """The node's local time, without an offset."""
    seconds: int | None = None
    taken: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    """Disks that were left out, each with the reason that the log gives."""
    written: int | None = None
    read: int | None = None
    pruned: int = 0
    warning: str = ""
    failed: str = ""
    done: bool = False

    @property
    def name(self) -> str:
        """As the Backup Server calls it."""
        return f"{self.kind}/{self.vmid}"

    @property
    def nothing(self) -> bool:
        """Whether no data of it is in the archive, whatever the end says."""
        data = [one for one in self.taken if not one.startswith(_NO_DATA)]
        return (bool(self.left) and not data) or (self.written is not None and self.written < LEAST)

    @property
    def words(self) -> str:
        """What there is to say of it, on one line."""
        said = [self.failed or self.warning]
        out = [f"{disk} ({why})" if why else disk for disk, why in list(self.left.items())[:5]]
        said += [f"left out: {', '.join(out)}"] if out else []
        said += [f"its archive has {self.written} bytes"] if self.written is not None and self.written < LEAST else []
        said += [f"pruned {self.pruned} older"] if self.pruned else []
        return one_line("; ".join(one for one in said if one))


@dataclass(slots=True)
class Log:
    """A log of one task."""

    command: str = ""
    """The options of vzdump that it began with."""
    guests: list[Guest] = field(default_factory=list)
    last: str = ""
    """What its last line says of the task: OK, WARNINGS: n, or ERROR: why. Empty: the log has no end."""

    def outcome(self, guest: Guest, over: bool) -> Outcome:
        """How a guest's part ended; it must say so itself. What was left out on purpose is told beside it."""
        if guest.failed:
            return Outcome.FAILED
        if guest.done:
            return Outcome.PARTIAL if guest.warning else Outcome.SUCCESS
        if not over:
            return Outcome.RUNNING
        return Outcome.FAILED if self.last.startswith("ERROR") else Outcome.UNKNOWN


def read(lines: Iterable[str]) -> Log:
    """Read a log, line by line; what is not known is passed over."""
    log, guest = Log(), None
    for line in lines:
        if job := _JOB.match(line):
            log.command = job[1]
        elif last := _LAST.fullmatch(line):
            log.last = one_line(last[1])
        elif start := _START.match(line):
            guest = Guest(int(start[1]), _KINDS[start[2]])
            log.guests.append(guest)
        elif guest is not None:
            _line(guest, line)
    return log


def _line(guest: Guest, line: str) -> None:
    if done := _DONE.match(line):
        if int(done[1]) == guest.vmid:
            guest.done, guest.seconds = True, int(done[2]) * 3600 + int(done[3]) * 60 + int(done[4])
    elif failed := _FAILED.match(line):
        if int(failed[1]) == guest.vmid:
            guest.failed = one_line(failed[2]) or "failed"
    elif begun := _BEGUN.match(line):
        guest.begun = begun[1]
    elif taken := _INCLUDE.match(line):
        guest.taken.append(taken[1] or taken[2])
    elif left := _EXCLUDE.fullmatch(line):
        guest.left[left[1] or left[2]] = left[3] or ""
    elif size := _SIZE.match(line):
        guest.written = _octets(size[1], size[2])
    elif (moved := _READ.match(line)) is not None:
        guest.read = _octets(moved[1], moved[2])
    elif total := _TOTAL.match(line):
        guest.read = int(total[1])
    elif pruned := _PRUNED.match(line):
        guest.pruned = int(pruned[1])
    elif line.startswith(("WARN:", "WARNING:")) and not guest.done:
        guest.warning = guest.warning or one_line(line.partition(":")[2])


def _octets(number: str, unit: str) -> int | None:
    try:
        return round(float(number) * 1024.0 ** _UNITS[unit])
    except (ValueError, OverflowError):
        return None
