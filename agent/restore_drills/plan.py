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
_ENVIRONMENT = r"^(BACKUP|AWS|B2|AZURE|GOOGLE|OS|RCLONE|RESTIC_REST)_[A-Z0-9_]{1,60}$"
"""Variables by which tools take the credentials of remote storage; BACKUP_… is for commands of one's own."""

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
    def tool(self) -> str:
        """What the product is called in results."""
        return self.product

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


BaculaName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,126}$")]
"""Of a resource in Bacula's configuration; without spaces, since it stands in a line of the console."""


class BaculaVerifyOptions(VerifyOptions):
    """Tier 0 of Bacula: a job for each backup that the newest point is made of, always everything."""

    job: BaculaName
    """Of the type Verify, level VolumeToCatalog or Data."""
    console: SecretFile
    """The configuration of bconsole, with a Console that may run that job alone."""


class BaculaDrill(FileDrill):
    """Bacula. `repository` is the pool in which the backups lie."""

    product: Literal["bacula"]
    repository: BaculaName
    console: SecretFile
    """The configuration of bconsole, with a Console of the drill's own that may restore to its scratch place alone."""
    director: BaculaName
    client: BaculaName
    """The drill's own: the drill starts its file daemon, for as long as it restores."""
    file_daemon: SecretFile
    """A resource Director as that file daemon must have it: the director's name and password."""
    listen: Annotated[str, Field(pattern=r"^[0-9A-Fa-f.:]{2,45}:[1-9][0-9]{0,4}$")]
    """The address and the port at which the director finds it."""
    restore_job: BaculaName
    """A job of the type Restore that is the drill's own: one that still runs was left by a drill, and is ended."""
    verify: BaculaVerifyOptions | None = None


def _of_program(line: tuple[str, ...]) -> tuple[str, ...]:
    _absolute(line[0])
    return line


Argument = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
CommandLine = Annotated[tuple[Argument, ...], Field(min_length=1, max_length=50), AfterValidator(_of_program)]
"""A program by its absolute path, and its arguments; no shell reads them."""


class Commands(_Part):
    """What is run, and when. What each must do is in docs/restore-drills.md."""

    points: CommandLine
    restore: CommandLine
    files: CommandLine | None = None
    verify: CommandLine | None = None


class CommandDrill(FileDrill):
    """Any other product, by commands of one's own."""

    product: Literal["command"]
    called: Name
    """The product's name in results; where the check reads that product too, its name there."""
    commands: Commands

    @model_validator(mode="after")
    def _has_its_commands(self) -> Self:
        for part, command in (("samples", "files"), ("verify", "verify")):
            if getattr(self, part) is not None and getattr(self.commands, command) is None:
                raise ValueError(f"`{part}` needs the command `{command}`")
        return self

    @property
    def tool(self) -> str:
        return self.called


AnyDrill = Annotated[ResticDrill | BorgDrill | BaculaDrill | CommandDrill, Field(discriminator="product")]


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
