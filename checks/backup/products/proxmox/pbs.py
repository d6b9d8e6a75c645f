"""A Proxmox Backup Server's account: its datastores with every namespace of theirs, its tasks, its jobs.

A list of snapshots is long, so it is asked for when a group's count or newest backup has changed, and once an hour for
what verifications found since. What the token may not see is no empty list: its rights are asked for first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from checks.backup.model import Account, Part, Repository, RestorePoint, Run
from checks.backup.products.proxmox import pbs_rows as rows
from checks.backup.products.proxmox.api import Session
from checks.backup.products.proxmox.tasks import Window
from checks.backup.products.rest import Row
from checks.backup.products.rows import one_line

SELDOM = 3600.0
_MOST_NAMESPACES = 500
_HAS = (Part.JOBS, Part.RUNS, Part.OBJECTS, Part.POINTS, Part.REPOSITORIES, Part.VERIFICATIONS)
_JOBS = ("verify", "sync", "prune")


@dataclass(frozen=True, slots=True)
class _Held:
    """The snapshots of a namespace, and the counts of its groups when they were asked for."""

    groups: frozenset[tuple[str, int | None, float | None]]
    at: float
    points: tuple[RestorePoint, ...]


@dataclass(slots=True)
class Known:
    """What is kept between the polls of one server, while the agent runs."""

    window: Window = field(default_factory=Window)
    held: dict[tuple[str, str], _Held] = field(default_factory=dict)
    """By datastore and namespace."""


async def account(session: Session, known: Known, now: float) -> Account:
    """Read the server. Raises TransportFault, Unfit where it cannot be reached or takes no token."""
    version, _ = await session.said("version")
    usage = await session.rows(Part.REPOSITORIES, "status", "datastore-usage")
    stores = rows.repositories(usage or ())
    if not stores:
        session.miss(Part.POINTS, "no datastore is listed: the token may see none")
    for store in stores:
        await _store(session, known, store, now)
    await _unlisted(session, known, {store.name for store in stores})
    points = tuple(point for one in known.held.values() for point in one.points)
    names = tuple(dict.fromkeys(name for one in known.held.values() for name, _, _ in one.groups))
    jobs = [(kind, await session.rows(Part.JOBS, "admin", kind) or []) for kind in _JOBS]
    runs = await _tasks(session, known, points, now)
    return Account(
        product="pbs",
        at=now,
        version=one_line(version.get("version")) if isinstance(version, dict) else "",
        clock=session.clock,
        jobs=tuple(rows.jobs(jobs)),
        runs=(*known.window.read(runs, now, Part.RUNS not in session.unread), *rows.runs_of_jobs(jobs)),
        objects=names,
        points=points,
        repositories=stores,
        verifications=rows.verifications(points),
        unread=session.unread,
        has=_HAS,
    )


async def _unlisted(session: Session, known: Known, listed: set[str]) -> None:
    """Datastores that were there and are not listed: removed, or the token may not see them any more."""
    for name in {key[0] for key in known.held} - listed:
        if listed and await session.allowed(f"/datastore/{name}", "Datastore.Audit"):
            known.held = {key: one for key, one in known.held.items() if key[0] != name}
        else:
            session.miss(Part.POINTS, f"the datastore {name} is not listed any more: see the token's rights")


async def _store(session: Session, known: Known, store: Repository, now: float) -> None:
    """Every namespace of a datastore: snapshots outside the root are told for their own namespace only."""
    name = store.name
    if store.online is False:
        # What was known of it stays: that it is not there is told as the repository's own matter.
        if not any(key[0] == name for key in known.held):
            session.miss(Part.POINTS, f"the datastore {name} is not there")
        return
    if await session.allowed(f"/datastore/{name}", "Datastore.Audit", below=True) is False:
        session.miss(
            Part.POINTS,
            f"the token may not see all of the datastore {name}: give it Datastore.Audit on /datastore/{name}, "
            "with propagation",
        )
    listed = await session.rows(Part.POINTS, "admin", "datastore", name, "namespace")
    if listed is None:
        return
    spaces = rows.namespaces(listed)
    if spaces is None or len(spaces) > _MOST_NAMESPACES:
        session.miss(Part.POINTS, f"the namespaces of the datastore {name} cannot be read, or are too many")
        return
    for gone in [key for key in known.held if key[0] == name and key[1] not in spaces]:
        del known.held[gone]
    for space in spaces:
        await _namespace(session, known, name, space, now)


async def _namespace(session: Session, known: Known, store: str, space: str, now: float) -> None:
    where = {"ns": space} if space else {}
    told = await session.rows(Part.POINTS, "admin", "datastore", store, "groups", **where)
    if told is None:
        return
    groups = rows.groups(told, space)
    before = known.held.get((store, space))
    if before is not None and before.groups == groups and now - before.at < SELDOM:
        return
    found: Sequence[Row] | None = ()
    if groups:
        found = await session.rows(Part.POINTS, "admin", "datastore", store, "snapshots", **where)
    if found is None:
        return
    points, whole = rows.points(found, store, space)
    if not whole or len(groups) < len(told):
        session.miss(Part.POINTS, f"the datastore {store} lists snapshots that cannot be read")
    known.held[store, space] = _Held(groups, now, points)


async def _tasks(session: Session, known: Known, points: Sequence[RestorePoint], now: float) -> tuple[Run, ...]:
    """The tasks that back up. Without Sys.Audit a token is shown its own, which are none."""
    if await session.allowed("/system/tasks", "Sys.Audit") is False:
        session.miss(Part.RUNS, "the token sees its own tasks only: give it Sys.Audit on /system/tasks")
    since = known.window.since(now)
    found = await session.pages(Part.RUNS, "nodes", "localhost", "tasks", since=int(since), typefilter="backup")
    groups: dict[str, list[str]] = {}
    for (store, _), one in known.held.items():
        groups.setdefault(store, []).extend(name for name, _, _ in one.groups)
    return tuple(rows.runs(found, points, groups))
