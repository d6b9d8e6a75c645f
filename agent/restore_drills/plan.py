"""The file of the drills: which backup of which object is restored where, by which credential, within which bounds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from checks.backup.options import Size, Span
from checks.backup.tools import Plain
from config.data_file import read_data_file
from config.schema.words import Duration, Line, read_name, within
from config.secrets import SecretReference

LARGEST = 1024 * 1024
SCRATCH_VARIABLE = "RUNTIME_DIRECTORY"
_ENVIRONMENT = r"^(AWS|B2|AZURE|GOOGLE|OS|RCLONE|RESTIC_REST|PGBACKREST_REPO[1-9])_[A-Z0-9_]{1,60}$"
"""Variables by which tools take the credentials of remote storage."""
_SQL_NAME = "[A-Za-z_][A-Za-z0-9_$]{0,62}"

Name = Annotated[str, PlainValidator(read_name), WithJsonSchema({"type": "string"})]
Pattern = Annotated[str, Field(min_length=1, max_length=200)]


def _absolute(text: str) -> str:
    if not text.startswith("/") or ".." in Path(text).parts or str(Path(text)) != text:
        raise ValueError("must be an absolute path without .., . and doubled slashes")
    return text


def _of_file(reference: SecretReference) -> SecretReference:
    """A reference that names a file, since that is what tools are given: a secret never stands in a command line."""
    if reference.scheme not in ("file", "credential"):
        raise ValueError("is written as file:/path or credential:NAME, since the tool reads it itself")
    return reference


Stored = Annotated[Plain, AfterValidator(_absolute)]
"""A path as it was backed up."""
SecretFile = Annotated[SecretReference, AfterValidator(_of_file)]
SqlName = Annotated[str, Field(pattern=f"^{_SQL_NAME}$")]
SqlTable = Annotated[str, Field(pattern=f"^({_SQL_NAME}\\.)?{_SQL_NAME}$")]
"""A table, in the case it is written in; of the schema `public` where none is said."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CanaryOptions(_Part):
    """Tier 1: one planted file."""

    path: Stored
    max_age: Span
    """How old the canary may be: when it was backed up, and at the newest point also now."""


class SamplesOptions(_Part):
    """Tier 2: some files, small ones and large ones."""

    under: Stored
    count: Annotated[int, Field(ge=1, le=100)] = 5
    live: bool = False
    """Whether the originals lie at the same paths here and may be read: those unchanged since are compared with."""


class VerifyOptions(_Part):
    """Tier 0: the product reads its own data again, a part at a time."""

    parts: Annotated[int, Field(ge=1, le=1000)] = 30
    max_time: Annotated[Duration, within(5, 86_400)] = 3600.0


class RowCanary(_Part):
    """Tier 1 of a database: one planted row; without a table, the time of the newest change."""

    database: SqlName = "postgres"
    table: SqlTable | None = None
    max_age: Span


class Sentinel(_Part):
    """A table that is never empty."""

    database: SqlName
    table: SqlTable
    rows: Annotated[int, Field(ge=1)] = 1
    """How many rows it has at least."""


class DatabaseOptions(_Part):
    """Tier 2 of a database: tables are counted, and what was restored is looked through."""

    tables: Annotated[list[Sentinel], Field(min_length=1, max_length=100)]
    pages: bool = True
    """Whether the checksums of all pages are checked, where the cluster has them."""
    indexes: bool = False
    """Whether the tables and B-trees of the databases that are named are checked by amcheck."""


class DrillOptions(_Part):
    """What all drills have in common."""

    product: str
    object: Name
    """The estate's name of it."""
    of: Pattern
    """The product's name of it, as in the estate's `by`."""
    repository: Plain
    change: Line | None = None
    """The standing change that covers it."""
    change_required: bool = False
    """Whether a drill without the reference of a change is refused."""
    old_point_every: Annotated[int, Field(ge=2, le=1000)] | None = None
    """Every so many runs an older restore point is taken."""
    max_size: Size = 1024**3
    max_time: Annotated[Duration, within(5, 86_400)] = 1800.0
    environment: dict[Annotated[str, Field(pattern=_ENVIRONMENT)], SecretReference] = Field(default_factory=dict)

    @property
    def sources(self) -> tuple[str, ...]:
        """Paths on this machine that must never be restored over."""
        return (self.repository,) if self.repository.startswith("/") else ()


class FileDrill(DrillOptions):
    """A drill of a product that keeps files."""

    canary: CanaryOptions | None = None
    samples: SamplesOptions | None = None
    verify: VerifyOptions | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.canary is None and self.samples is None and self.verify is None:
            raise ValueError("says what it is to prove: `canary`, `samples` or `verify`")
        return self

    @property
    def hands(self) -> tuple[str, ...]:
        """What is restored, each judged by itself."""
        return (*(("canary",) if self.canary else ()), *(("samples",) if self.samples else ()))

    @property
    def planted(self) -> bool:
        """Whether there is a canary with a digest, which a rehearsal needs."""
        return self.canary is not None

    @property
    def sources(self) -> tuple[str, ...]:
        said = [*((self.canary.path,) if self.canary else ()), *((self.samples.under,) if self.samples else ())]
        return (*super().sources, *said)


class ResticDrill(FileDrill):
    """restic."""

    product: Literal["restic"]
    password_file: SecretFile


class BorgDrill(FileDrill):
    """BorgBackup."""

    product: Literal["borg"]
    passphrase_file: SecretFile | None = None
    key_file: SecretFile | None = None
    """For repositories of the keyfile modes."""


class ClusterDrill(DrillOptions):
    """A drill of a product that keeps PostgreSQL clusters, each of which is restored whole and started."""

    of: Plain
    role: SqlName = "postgres"
    """A superuser of the cluster."""
    programs: Stored | None = None
    """The directory of PostgreSQL's own programs, where it is not that of Debian's or of PGDG's packages."""
    replay: bool = True
    """Whether all of the log is replayed; else only so much of it that the backup is consistent."""
    back: Span | None = None
    """Replay the log to so long ago."""
    canary: RowCanary | None = None
    database: DatabaseOptions | None = None
    verify: VerifyOptions | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.canary is None and self.database is None and self.verify is None:
            raise ValueError("says what it is to prove: `canary`, `database` or `verify`")
        if self.back is not None and not self.replay:
            raise ValueError("`back` is how far the log is replayed: leave `replay: false` out")
        return self

    @property
    def hands(self) -> tuple[str, ...]:
        """What is looked at, each judged by itself."""
        return (*(("canary",) if self.canary else ()), *(("database",) if self.database else ()))

    @property
    def planted(self) -> bool:
        """Whether there is a canary with a digest, which a rehearsal needs."""
        return self.canary is not None and self.canary.table is not None


class PgBackRestDrill(ClusterDrill):
    """pgBackRest; `of` is the stanza."""

    product: Literal["pgbackrest"]
    config: Stored | None = None
    """A file of the drill's own with what else its repository needs: `repo1-type`, `repo1-host`, and so on."""


class BarmanDrill(ClusterDrill):
    """Barman; `repository` is its home, `of` the server."""

    product: Literal["barman"]
    repository: Annotated[Plain, AfterValidator(_absolute)]


AnyDrill = Annotated[ResticDrill | BorgDrill | PgBackRestDrill | BarmanDrill, Field(discriminator="product")]


def _default_scratch() -> str | None:
    given = os.environ.get(SCRATCH_VARIABLE, "").split(":")[0]
    return given or None


class Plan(_Part):
    """The file."""

    proofs: Annotated[str, AfterValidator(_absolute)]
    """The directory in which results are left for the agent."""
    scratch: Annotated[str, AfterValidator(_absolute)] | None = Field(default_factory=_default_scratch)
    """Where things are restored to; the unit's own runtime directory, in memory, unless said."""
    scratch_on_encrypted_disk: bool = False
    """Where it is not in memory: a promise that the disk below it is encrypted."""
    drills: Annotated[dict[Name, AnyDrill], Field(min_length=1, max_length=200)]

    @model_validator(mode="before")
    @classmethod
    def _is_a_map(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError("the file of the drills is a map with `proofs` and `drills`")
        return data

    @model_validator(mode="after")
    def _has_scratch(self) -> Self:
        if self.scratch is None:
            raise ValueError(f"scratch: say where things are restored to (systemd gives it as {SCRATCH_VARIABLE})")
        return self


def read_plan(file: Path) -> Plan:
    """The file of the drills. Raises config.data_file.DataFileError with a line for each mistake."""
    return read_data_file(file, Plan, LARGEST)
