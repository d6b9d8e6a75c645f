"""`manifest.json`, the first member of every archive: what else is in it, and of what moment."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from agent.keeping.errors import ArchiveError

FORMAT = 1
NAME = "manifest.json"
LEDGER = "ledger.sqlite3"
ESTATE = "estate"
FOLDERS = (ESTATE, "profiles", "commands")
LARGEST = 1024 * 1024
"""Bytes of a manifest."""
LARGEST_FILE = 16 * 1024 * 1024
"""Bytes of a file of the estate, as many as the agent reads of one."""
LARGEST_LEDGER = 256 * 1024**3
MOST_MEMBERS = 3_000
LONGEST_NAME = 100
"""Octets; longer names would need extensions of the tar format."""


def member_name(name: str) -> str:
    """The name if a member may be called so: below one of our folders, and never out of it. Raises ValueError."""
    parts = PurePosixPath(name).parts
    plain = name.isprintable() and "\\" not in name and len(name.encode()) <= LONGEST_NAME
    inside = name == LEDGER or (len(parts) > 1 and parts[0] in FOLDERS)
    if not plain or not inside or "/".join(parts) != name or any(part.startswith(".") for part in parts):
        raise ValueError(f"{name!r} may not be in an archive")
    return name


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Member(_Note):
    name: Annotated[str, AfterValidator(member_name)]
    size: Annotated[int, Field(ge=0, le=LARGEST_LEDGER)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class EstateNote(_Note):
    name: Annotated[str, Field(max_length=200)]
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    directory: bool
    """Whether it is a directory of files, or one file."""


class LedgerNote(_Note):
    database: Literal["sqlite", "postgresql"]
    """Where the ledger was kept; the copy in the archive is SQLite in any case."""
    revision: Annotated[str, Field(max_length=32)]
    """Its schema."""
    epoch: Annotated[str, Field(max_length=40)]
    sequence: Annotated[int, Field(ge=0)]


class Manifest(_Note):
    format: Literal[1]
    ridgeway: Annotated[str, Field(max_length=60)]
    created: Annotated[float, Field(ge=0, lt=32_503_680_000)]
    """Unix time."""
    estate: EstateNote | None
    """None: there was none that could be read, so none was packed."""
    ledger: LedgerNote
    secrets: Annotated[tuple[Annotated[str, Field(max_length=4_200)], ...], Field(max_length=50_000)]
    """References that the estate needs where it is restored; their values are not in the archive."""
    members: Annotated[tuple[Member, ...], Field(max_length=MOST_MEMBERS)]

    def as_json(self) -> bytes:
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False).encode()


def read_manifest(raw: bytes) -> Manifest:
    """Raises ArchiveError."""
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or NAME
        raise ArchiveError(
            f"{NAME} is not one that this Ridgeway knows ({where}: {first['msg']}); was it made by a newer one?"
        ) from error
    names = [member.name for member in manifest.members]
    if len(set(names)) != len(names) or LEDGER not in names:
        raise ArchiveError(f"{NAME} names a member twice, or no ledger")
    estate = sum(name.startswith(f"{ESTATE}/") for name in names)
    nested = any(name.count("/") > 1 for name in names if name.startswith(f"{ESTATE}/"))
    note = manifest.estate
    if nested or bool(estate) is not (note is not None) or (note is not None and not note.directory and estate != 1):
        raise ArchiveError(f"{NAME} does not fit the files of the estate that it names")
    large = [one.name for one in manifest.members if one.name != LEDGER and one.size > LARGEST_FILE]
    if large:
        raise ArchiveError(f"{large[0]} is larger than {LARGEST_FILE:,} bytes")
    return manifest
