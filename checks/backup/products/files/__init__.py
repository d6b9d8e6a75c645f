"""Files that some backup leaves in a directory, listed over SFTP: each that is finished is a restorable point.

For dumps and for products that are not known. Nothing is said of what is inside; a drill or a manifest does that.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from checks.backup.model import Account, Level, Outcome, Part, Repository, RestorePoint, Run
from checks.contract import Context, Reason, Target
from checks.network.limits import give_up_at
from checks.network.sftp_file import remote_path
from checks.network.ssh_login import device_of
from checks.transports.fault import TransportFault
from checks.transports.ssh import NoSuchPath, RemoteFile
from config.schema.words import Duration, read_name

_HAS = (Part.RUNS, Part.OBJECTS, Part.POINTS, Part.REPOSITORIES)
_MOST = 20_000
_LARGEST_MANIFEST = 4 * 1024 * 1024
_LISTED = re.compile(r"(?m)^\\?[0-9a-fA-F]{64} [ *](.{1,255})$|^SHA256 \((.{1,255})\) = [0-9a-fA-F]{64}$")
_Glob = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^/\x00-\x1f]+$")]


class FileSet(BaseModel):
    """The files of one object."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    object: Annotated[str, PlainValidator(read_name), WithJsonSchema({"type": "string"})]
    pattern: _Glob


class FilesOptions(BaseModel):
    """Where the files are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: Literal["files"]
    target: Annotated[str, PlainValidator(read_name), WithJsonSchema({"type": "string"})] | None = None
    """The target that has them, with its `ssh` credential; without it the check's own."""
    ssh_port: Annotated[int, Field(ge=1, le=65_535)] = 22
    directory: Annotated[str, AfterValidator(remote_path)]
    sets: Annotated[tuple[FileSet, ...], Field(min_length=1, max_length=200)]
    settled: Duration = 60.0
    """A file that was changed within this time is still being written, and no point yet."""
    manifest: _Glob | None = None
    """A file of SHA-256 sums in the same directory; a file that it does not list is no point."""


async def read(target: Target, options: FilesOptions, ctx: Context, kept: object) -> tuple[Account, object]:
    """The directory's account. Raises TransportFault."""
    if "ssh" not in target.credentials:
        raise TransportFault(Reason.LOCAL, f"files on {target.name}: the target needs a credential in the role ssh")
    device = device_of(target, options.ssh_port)
    deadline = give_up_at(ctx.deadline, asyncio.get_running_loop().time())
    place = Repository(options.directory, online=True)
    try:
        listing = await ctx.transports.ssh.files(device, options.directory, deadline=deadline, most=_MOST)
    except NoSuchPath:
        gone = Repository(options.directory, online=False, why="there is no such directory")
        nothing = dict.fromkeys((Part.RUNS, Part.OBJECTS, Part.POINTS), "its directory is not there")
        return Account("files", ctx.now(), repositories=(gone,), unread=nothing, has=_HAS), kept
    listed: frozenset[str] | None = None
    unread: dict[Part, str] = {}
    if options.manifest is not None:
        path = f"{options.directory.rstrip('/')}/{options.manifest}"
        try:
            octets = await ctx.transports.ssh.read(device, path, deadline=deadline, limit=_LARGEST_MANIFEST)
            listed = in_manifest(octets.decode("utf-8", "replace"))
        except (NoSuchPath, TransportFault) as error:
            unread = {Part.POINTS: f"the manifest {options.manifest} cannot be read: {error}"[:200]}
    if not listing.complete:
        unread = {Part.POINTS: f"there are more than {_MOST} files"}
    return account(options, listing.entries, listed, place, unread, ctx.now()), kept


def in_manifest(text: str) -> frozenset[str]:
    """The names that a file of sums lists, as sha256sum(1) writes it."""
    return frozenset((match[1] or match[2]).removeprefix("./") for match in _LISTED.finditer(text))


def account(
    options: FilesOptions,
    entries: Sequence[RemoteFile],
    listed: frozenset[str] | None,
    place: Repository,
    unread: dict[Part, str],
    now: float,
) -> Account:
    """What a listing says. A file without a time or a size is left out, and said to be."""
    runs: list[Run] = []
    points: list[RestorePoint] = []
    for entry in entries:
        owner = next((one.object for one in options.sets if fnmatchcase(entry.name, one.pattern)), None)
        if owner is None or not entry.is_file or entry.name == options.manifest:
            continue
        if entry.mtime is None or entry.size is None:
            unread.setdefault(Part.POINTS, f"{entry.name[:80]} has no time or no size")
            continue
        settled = now - entry.mtime >= options.settled
        complete = settled and (listed is None or entry.name in listed)
        outcome = Outcome.SUCCESS if complete else Outcome.RUNNING if not settled else Outcome.PARTIAL
        message = "" if listed is None or entry.name in listed else "its manifest does not list it"
        at = float(entry.mtime)
        ended = at if settled else None
        runs.append(
            Run(
                entry.name,
                "",
                outcome,
                owner,
                at,
                ended,
                Level.FULL,
                entry.size,
                nothing=entry.size == 0,
                message=message,
            )
        )
        if complete:
            points.append(RestorePoint(owner, at, place.name, Level.FULL, entry.size, entry.name))
    names = tuple(one.object for one in options.sets)
    return Account(
        "files", now, runs=tuple(runs), objects=names, points=tuple(points), repositories=(place,), unread=unread,
        has=_HAS,
    )  # fmt: skip
