"""The account of a Proxmox VE cluster: its backup jobs, and what vzdump's own logs say of each guest.

That a task ends `OK` says that it ran. What it took stands in its log, so each log is read once, when its task is over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from checks.backup.model import Account, Part, Run
from checks.backup.products.proxmox import pve_rows as rows
from checks.backup.products.proxmox import vzdump
from checks.backup.products.proxmox.api import Session
from checks.backup.products.proxmox.tasks import Window
from checks.backup.products.proxmox.words import outcome
from checks.backup.products.rest import Row, Unfit
from checks.backup.products.rows import one_line
from checks.contract import Reason
from checks.transports.fault import TransportFault

MOST_LOGS = 60
"""Logs that are read in one round, the newest first; the others wait for the next."""
MOST_LINES = 50_000
_MOST_DONE = 20_000
_HAS = (Part.JOBS, Part.RUNS, Part.OBJECTS, Part.REPOSITORIES)


@dataclass(slots=True)
class Known:
    """What is kept between the polls of one cluster, while the agent runs."""

    window: Window = field(default_factory=Window)
    done: dict[str, None] = field(default_factory=dict)
    """Tasks that are over and whose logs were read."""
    zones: dict[str, ZoneInfo | None] = field(default_factory=dict)
    """By node: logs are in its local time."""


async def account(session: Session, known: Known, now: float) -> Account:
    """Read the cluster. Raises TransportFault, Unfit where it cannot be reached or takes no token."""
    version, _ = await session.said("version")
    if await session.allowed("/vms", "VM.Audit", below=True) is False:
        session.miss(Part.OBJECTS, "the token may not see all guests: give it PVEAuditor on /, with propagation")
    resources = await session.rows(Part.OBJECTS, "cluster", "resources") or []
    configured = await session.rows(Part.JOBS, "cluster", "backup") or []
    estate = rows.Estate.of(resources, configured)
    if not estate.nodes:
        session.miss(Part.RUNS, "no node is listed: the token may see none")
    runs: list[Run] = []
    left = 0
    for node, online in estate.nodes.items():
        if not online:
            session.miss(Part.RUNS, f"the node {node} is not online: its tasks cannot be read")
            continue
        found, waiting = await _node(session, known, estate, node, now, MOST_LOGS - left)
        runs += found
        left += waiting
    whole = Part.RUNS not in session.unread and left < MOST_LOGS
    told = known.window.read(runs, now, whole)
    return Account(
        product="pve",
        at=now,
        version=one_line(version.get("version")) if isinstance(version, dict) else "",
        clock=session.clock,
        jobs=tuple(rows.jobs(configured)),
        runs=told,
        objects=tuple(
            dict.fromkeys((*estate.protected, *(run.object for run in told if run.object and not run.nothing)))
        ),
        repositories=rows.repositories(resources),
        unprotected=estate.unprotected,
        unread=session.unread,
        has=_HAS,
    )


async def _node(
    session: Session, known: Known, estate: rows.Estate, node: str, now: float, most: int
) -> tuple[list[Run], int]:
    """The runs of a node's tasks, and how many logs were read for them, `most` at the most."""
    if await session.allowed(f"/nodes/{node}", "Sys.Audit") is False:
        session.miss(Part.RUNS, f"the token sees its own tasks only: give it Sys.Audit on /nodes/{node}")
    since = int(known.window.since(now))
    found = await session.pages(Part.RUNS, "nodes", node, "tasks", since=since, typefilter="vzdump", source="all")
    tasks = [row for row in found if row.get("type") == "vzdump" and one_line(row.get("upid")) not in known.done]
    runs: list[Run] = []
    for row in tasks[: max(most, 0)]:
        log = await _log(session, node, one_line(row.get("upid")))
        if log is None:
            continue
        if node not in known.zones:
            known.zones[node] = await _zone(session, node)
        task = rows.Task(row, node, known.zones[node])
        runs += rows.runs(task, log, estate)
        if outcome(row).over:
            known.done[task.upid] = None
    known.done = dict(list(known.done.items())[-_MOST_DONE:])
    return runs, len(tasks)


async def _log(session: Session, node: str, upid: str) -> vzdump.Log | None:
    """A task's log. One that is gone, or longer than anyone reads, is one without an end; None: try again later."""
    try:
        lines: Sequence[Row] = await session.paged(MOST_LINES, "nodes", node, "tasks", upid, "log")
    except Unfit:
        return vzdump.Log()
    except TransportFault as fault:
        if fault.reason is Reason.PROTOCOL:
            return vzdump.Log()
        session.miss(Part.RUNS, fault.message)
        return None
    return vzdump.read(text for row in lines if isinstance(text := row.get("t"), str) and len(text) <= 4096)


async def _zone(session: Session, node: str) -> ZoneInfo | None:
    said = await session.one(Part.RUNS, "nodes", node, "time")
    name = said.get("timezone")
    try:
        return ZoneInfo(name) if isinstance(name, str) and 0 < len(name) < 64 and name[:1].isalpha() else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
