"""Drills of products that keep PostgreSQL clusters."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from agent.restore_drills.options import DrillOptions, Stored, StrictPart, VerifyOptions, absolute
from checks.backup.options import Span
from checks.backup.tools import Plain

_SQL_NAME = "[A-Za-z_][A-Za-z0-9_$]{0,62}"


SqlName = Annotated[str, Field(pattern=f"^{_SQL_NAME}$")]
SqlTable = Annotated[str, Field(pattern=f"^({_SQL_NAME}\\.)?{_SQL_NAME}$")]
"""A table, in the case it is written in; of the schema `public` where none is said."""


class RowCanary(StrictPart):
    """Tier 1 of a database: one planted row; without a table, the time of the newest change."""

    database: SqlName = "postgres"
    table: SqlTable | None = None
    max_age: Span


class Sentinel(StrictPart):
    """A table that is never empty."""

    database: SqlName
    table: SqlTable
    rows: Annotated[int, Field(ge=1)] = 1
    """How many rows it has at least."""


class DatabaseOptions(StrictPart):
    """Tier 2 of a database: tables are counted, and what was restored is looked through."""

    tables: Annotated[list[Sentinel], Field(min_length=1, max_length=100)]
    pages: bool = True
    """Whether the checksums of all pages are checked, where the cluster has them."""
    indexes: bool = False
    """Whether the tables and B-trees of the databases that are named are checked by amcheck."""


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
    repository: Annotated[Plain, AfterValidator(absolute)]
