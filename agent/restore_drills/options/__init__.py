"""What the file of the drills says of a drill, whatever its product."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from checks.backup.options import Size, Span
from checks.backup.tools import Plain
from config.schema.words import Duration, Line, read_name, within
from config.secrets import SecretReference

_ENVIRONMENT = r"^(BACKUP|AWS|B2|AZURE|GOOGLE|OS|RCLONE|RESTIC_REST|PGBACKREST_REPO[1-9])_[A-Z0-9_]{1,60}$"
"""Variables by which tools take the credentials of remote storage; BACKUP_… is for commands of one's own."""

Name = Annotated[str, PlainValidator(read_name), WithJsonSchema({"type": "string"})]
Pattern = Annotated[str, Field(min_length=1, max_length=200)]


def absolute(text: str) -> str:
    if not text.startswith("/") or ".." in Path(text).parts or str(Path(text)) != text:
        raise ValueError("must be an absolute path without .., . and doubled slashes")
    return text


def _of_file(reference: SecretReference) -> SecretReference:
    """A reference that names a file, since that is what tools are given: a secret never stands in a command line."""
    if reference.scheme not in ("file", "credential"):
        raise ValueError("is written as file:/path or credential:NAME, since the tool reads it itself")
    return reference


Stored = Annotated[Plain, AfterValidator(absolute)]
"""A path as it was backed up."""
SecretFile = Annotated[SecretReference, AfterValidator(_of_file)]


class StrictPart(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CanaryOptions(StrictPart):
    """Tier 1: one planted file."""

    path: Stored
    max_age: Span
    """How old the canary may be: when it was backed up, and at the newest point also now."""


class SamplesOptions(StrictPart):
    """Tier 2: some files, small ones and large ones."""

    under: Stored
    count: Annotated[int, Field(ge=1, le=100)] = 5
    live: bool = False
    """Whether the originals lie at the same paths here and may be read: those unchanged since are compared with."""


class VerifyOptions(StrictPart):
    """Tier 0: the product reads its own data again, a part at a time."""

    parts: Annotated[int, Field(ge=1, le=1000)] = 30
    max_time: Annotated[Duration, within(5, 86_400)] = 3600.0


class DrillOptions(StrictPart):
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
