"""Reads the machine through psutil (proc(5)) and statvfs(3)."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from checks.host.options import HostOptions
from checks.transports.aside import Aside, Crowded, StillHanging

MOST_MOUNTS = 64
_IMAGES = frozenset({"squashfs", "erofs", "iso9660", "udf", "cramfs", "romfs"})
"""Read-only images (snaps, discs) are always full, and mean nothing by it."""
_PROMPT = frozenset({"ext2", "ext3", "ext4", "xfs", "vfat", "tmpfs"})
"""Their statvfs reads counters in memory. All others (NFS, FUSE, …) may wait for somebody, so they are asked aside."""


class Unreadable(Exception):
    """The machine's own figures cannot be read; its set-up has to be mended first."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system. Sizes in bytes; `available` is what an unprivileged process may still use.

    With 0 inodes it has no limit of them.
    """

    mount: str
    size: int = 0
    used: int = 0
    available: int = 0
    inodes: int = 0
    inodes_free: int = 0
    unread: str = ""
    """Why it could not be read; then the figures mean nothing."""
    missing: bool = False
    """It should be mounted and is not."""


@dataclass(frozen=True, slots=True)
class HostAnswers:
    """The machine at one moment. Times in seconds, sizes in bytes."""

    at: float
    boot: float
    processors: int
    cpu: tuple[tuple[str, float], ...]
    """Seconds the processors have spent in each mode since boot."""
    load: tuple[float, float, float]
    memory: int
    memory_available: int
    swap: int
    swap_used: int
    descriptors: int
    descriptors_limit: int
    disks: tuple[Disk, ...]
    left_out: int = 0
    """File systems beyond the first 64 that were found."""


async def read(options: HostOptions, aside: Aside, now: float, deadline: float) -> HostAnswers:
    """Everything, with the file systems that answer until `deadline` (loop time). Raises Unreadable."""
    import psutil  # heavy: only agents that watch their own machine need it

    try:
        cpu = psutil.cpu_times()
        memory = psutil.virtual_memory()
        swap = psutil.swap_memory()
        mounts, left_out = _mounts(options, psutil.disk_partitions(all=True), psutil.disk_partitions(all=False))
        boot, load, processors = psutil.boot_time(), os.getloadavg(), psutil.cpu_count() or 1
        descriptors = psutil.Process().num_fds()
    except (OSError, psutil.Error, RuntimeError, ValueError) as error:
        raise Unreadable(f"the agent cannot read its own machine: {type(error).__name__} {error}"[:300]) from error
    return HostAnswers(
        at=now,
        boot=boot,
        processors=processors,
        cpu=_modes(cpu._asdict()),
        load=load,
        memory=memory.total,
        memory_available=memory.available,
        swap=swap.total,
        swap_used=swap.used,
        descriptors=descriptors,
        descriptors_limit=resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        disks=await _disks(mounts, aside, deadline),
        left_out=left_out,
    )


def _modes(times: dict[str, float]) -> tuple[tuple[str, float], ...]:
    # proc(5): time of guests is in user and nice already, so that adding it would count it twice.
    return tuple((mode, seconds) for mode, seconds in times.items() if not mode.startswith("guest"))


def _mounts(
    options: HostOptions, every: Sequence[object], local: Sequence[object]
) -> tuple[list[tuple[str, str]], int]:
    """Mount points and types to look at (an empty type: not mounted), and how many were too many."""
    types = {str(getattr(part, "mountpoint", "")): str(getattr(part, "fstype", "")) for part in every}
    if options.mounts is not None:
        return [(mount, types.get(mount, "")) for mount in options.mounts], 0
    by_device: dict[str, str] = {}
    for part in local:
        device, mount = str(getattr(part, "device", "")), str(getattr(part, "mountpoint", ""))
        if types.get(mount, "") in _IMAGES:
            continue
        known = by_device.get(device)
        if known is None or len(mount) < len(known):
            by_device[device] = mount  # the same device twice is a bind mount: judged once
    found = sorted({"/", *by_device.values()} - set(options.exclude_mounts))
    return [(mount, types.get(mount, "unknown")) for mount in found[:MOST_MOUNTS]], max(0, len(found) - MOST_MOUNTS)


async def _disks(mounts: Sequence[tuple[str, str]], aside: Aside, deadline: float) -> tuple[Disk, ...]:
    return tuple(await asyncio.gather(*(_disk(mount, kind, aside, deadline) for mount, kind in mounts)))


async def _disk(mount: str, kind: str, aside: Aside, deadline: float) -> Disk:
    if not kind:
        return Disk(mount, missing=True)
    try:
        if kind in _PROMPT:
            return _measured(mount)
        async with asyncio.timeout_at(deadline):
            return await aside.run(f"statvfs of {mount}", partial(_measured, mount))
    except TimeoutError:
        return Disk(mount, unread="it does not answer (a dead file server?)")
    except (StillHanging, Crowded) as error:
        return Disk(mount, unread=str(error))
    except OSError as error:
        return Disk(mount, unread=error.strerror or str(error))


def _measured(mount: str) -> Disk:
    figures = os.statvfs(mount)
    size = figures.f_blocks * figures.f_frsize
    used = size - figures.f_bfree * figures.f_frsize
    return Disk(mount, size, used, figures.f_bavail * figures.f_frsize, figures.f_files, figures.f_ffree)
