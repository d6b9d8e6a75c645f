"""What the machine's figures mean. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from checks.contract import Assessment, Family, Finding, Memory, MetricType, Observation, Reading, State, Subject
from checks.host.machine import Disk, HostAnswers
from checks.host.options import HostOptions, Threshold

_VERSION = 1
_IDLE = ("idle", "iowait")
_MIB = 1024 * 1024


def _bytes(name: str, text: str, *labels: str) -> Family:
    return Family(f"ridgeway_host_{name}_bytes", text, unit="bytes", labels=labels)


_BOOT = Family("ridgeway_host_boot_timestamp_seconds", "When the agent's machine was started.", unit="seconds")
_CPU = Family(
    "ridgeway_host_cpu_seconds_total",
    "Seconds the processors of the agent's machine have spent in each mode since boot.",
    MetricType.COUNTER,
    "seconds",
    ("mode",),
)
_LOADS = tuple(
    Family(f"ridgeway_host_load{minutes}", f"Load average of the agent's machine over {minutes} min.")
    for minutes in (1, 5, 15)
)
_PROCESSORS = Family("ridgeway_host_processors", "Logical processors of the agent's machine.")
_MEMORY = _bytes("memory", "Memory of the agent's machine.")
_AVAILABLE = _bytes("memory_available", "Memory that programs can still get without swapping.")
_SWAP = _bytes("swap", "Swap space of the agent's machine.")
_SWAP_USED = _bytes("swap_used", "Swap space in use.")
_DISK = _bytes("filesystem", "Size of a file system of the agent's machine.", "mount")
_DISK_AVAILABLE = _bytes("filesystem_available", "Space that an unprivileged process can still use.", "mount")
_INODES = Family(
    "ridgeway_host_filesystem_inodes", "Inodes of a file system of the agent's machine.", labels=("mount",)
)
_INODES_FREE = Family("ridgeway_host_filesystem_inodes_free", "Inodes that are not in use.", labels=("mount",))
_DESCRIPTORS = Family("ridgeway_host_open_descriptors", "File descriptors the agent has open.")
_DESCRIPTORS_LIMIT = Family("ridgeway_host_open_descriptors_limit", "File descriptors the agent may have open.")
FAMILIES = (
    _BOOT, _CPU, *_LOADS, _PROCESSORS, _MEMORY, _AVAILABLE, _SWAP, _SWAP_USED, _DISK, _DISK_AVAILABLE, _INODES,
    _INODES_FREE, _DESCRIPTORS, _DESCRIPTORS_LIMIT,
)  # fmt: skip
_MAY_GO = frozenset({"host/swap", "host/mounts", "host/disk/*", "host/inodes/*"})
"""Swap may be switched off. Mounts that must stay are listed in `mounts`: those always have a finding."""
_COVERS = _MAY_GO | {"host/memory", "host/load", "host/descriptors"}


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """One finding for each thing; the processors are judged over an interval, so only from the second run on."""
    del now
    answers = observations[0].answers
    options = subject.check.options
    assert isinstance(answers, HostAnswers) and isinstance(options, HostOptions)  # for mypy
    findings = [_memory(answers, options), _load(answers, options), _descriptors(answers, options)]
    covers = _COVERS
    if answers.swap:
        findings.append(_share("host/swap", "swap", answers.swap_used / answers.swap, options.swap))
    busy = _busy(answers, memory)
    if busy is not None:
        findings.append(_share("host/cpu", "processor time since the last run", busy, options.cpu))
        covers |= {"host/cpu"}
    for disk in answers.disks:
        findings += _disk(disk, options)
    if answers.left_out:
        text = f"{answers.left_out} file systems were not looked at: name the ones that matter in `mounts`"
        findings.append(Finding("host/mounts", State.UNKNOWN, text))
    note = Memory(_VERSION, json.dumps({"boot": answers.boot, "cpu": dict(answers.cpu)}))
    return Assessment(tuple(findings), tuple(_readings(answers)), covers, _MAY_GO, note)


def _state(value: float, limits: Threshold) -> State:
    if limits.critical is not None and value >= limits.critical:
        return State.CRITICAL
    return State.WARNING if limits.warning is not None and value >= limits.warning else State.OK


def _share(key: str, what: str, value: float, limits: Threshold) -> Finding:
    return Finding(key, _state(value, limits), f"{value:.0%} of {what} in use")


def _memory(answers: HostAnswers, options: HostOptions) -> Finding:
    used = 1.0 - answers.memory_available / answers.memory
    summary = f"{used:.0%} of memory in use, {answers.memory_available // _MIB} MiB available"
    return Finding("host/memory", _state(used, options.memory), summary)


def _load(answers: HostAnswers, options: HostOptions) -> Finding:
    each = answers.load[1] / answers.processors
    summary = f"five-minute load {answers.load[1]:.2f} on {answers.processors} processors ({each:.2f} each)"
    return Finding("host/load", _state(each, options.load), summary)


def _descriptors(answers: HostAnswers, options: HostOptions) -> Finding:
    share = answers.descriptors / max(1, answers.descriptors_limit)
    summary = f"{answers.descriptors} of {answers.descriptors_limit} file descriptors in use by the agent"
    return Finding("host/descriptors", _state(share, options.descriptors), summary)


def _disk(disk: Disk, options: HostOptions) -> list[Finding]:
    space, inodes = f"host/disk{disk.mount}", f"host/inodes{disk.mount}"
    if disk.missing:
        return [Finding(space, State.CRITICAL, f"{disk.mount} is not mounted")]
    if disk.unread:
        text = f"{disk.mount} could not be read: {disk.unread}"
        return [Finding(space, State.UNKNOWN, text), Finding(inodes, State.UNKNOWN, text)]
    usable = disk.used + disk.available
    if not usable:
        return [Finding(space, State.UNKNOWN, f"{disk.mount} says it has no space at all")]
    share = disk.used / usable
    found = [
        Finding(
            space,
            _state(share, options.disk),
            f"{disk.mount}: {share:.0%} used, {disk.available // _MIB} MiB available",
        )
    ]
    if disk.inodes:
        share = 1.0 - disk.inodes_free / disk.inodes
        found.append(_share(inodes, f"the inodes of {disk.mount}", share, options.inodes))
    return found


def _busy(answers: HostAnswers, memory: Memory | None) -> float | None:
    """Share of the time since the last run that the processors worked; None on the first run and after a reboot."""
    if memory is None or memory.version != _VERSION:
        return None
    before: dict[str, float] = json.loads(memory.text)["cpu"]
    spent = {mode: seconds - before.get(mode, 0.0) for mode, seconds in answers.cpu}
    total = sum(spent.values())
    # iowait may go back by a little (proc(5)); anything else that does is a reboot.
    if total <= 0.0 or any(seconds < -1.0 for mode, seconds in spent.items() if mode != "iowait"):
        return None
    return min(1.0, max(0.0, 1.0 - sum(spent.get(mode, 0.0) for mode in _IDLE) / total))


def _readings(answers: HostAnswers) -> list[Reading]:
    readings = [
        Reading(_BOOT, answers.boot),
        Reading(_PROCESSORS, answers.processors),
        Reading(_MEMORY, answers.memory),
        Reading(_AVAILABLE, answers.memory_available),
        Reading(_SWAP, answers.swap),
        Reading(_SWAP_USED, answers.swap_used),
        Reading(_DESCRIPTORS, answers.descriptors),
        Reading(_DESCRIPTORS_LIMIT, answers.descriptors_limit),
    ]
    readings += [Reading(_CPU, seconds, (mode,)) for mode, seconds in answers.cpu]
    readings += [Reading(family, value) for family, value in zip(_LOADS, answers.load, strict=True)]
    for disk in answers.disks:
        if disk.unread or disk.missing:
            continue
        readings.append(Reading(_DISK, disk.size, (disk.mount,)))
        readings.append(Reading(_DISK_AVAILABLE, disk.available, (disk.mount,)))
        if disk.inodes:
            readings.append(Reading(_INODES, disk.inodes, (disk.mount,)))
            readings.append(Reading(_INODES_FREE, disk.inodes_free, (disk.mount,)))
    return readings
