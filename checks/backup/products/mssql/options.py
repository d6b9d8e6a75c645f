"""What the estate says of SQL Server: which instances are asked, and what each is asked for."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)

from checks.network.http_options import Authorities, Pins
from checks.transports.http import host_name
from config.cron import LONDON, read_zone
from config.schema.words import read_name

_Name = Annotated[str, PlainValidator(read_name), WithJsonSchema({"type": "string"})]
_Port = Annotated[int, Field(ge=1, le=65_535)]
_Host = Annotated[str, AfterValidator(host_name)]


class Further(BaseModel):
    """A further instance, at a target of the estate with a password of its own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: _Name
    port: _Port = 1433
    host: _Host | None = None
    """The name that its certificate has, where that is not the target's address."""


class MssqlOptions(BaseModel):
    """Where the instances are. Each target has a password in the role `catalogue`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: Literal["mssql"]
    target: _Name | None = None
    """The target with the instance; without it the check's own."""
    port: _Port = 1433
    """A named instance listens at a port of its own; SQL Server Browser is not asked."""
    host: _Host | None = None
    replicas: Annotated[tuple[Further, ...], Field(max_length=16)] = ()
    """The other instances of its availability groups: any of them may have taken the newest backup."""
    restored_on: Annotated[tuple[Further, ...], Field(max_length=16)] = ()
    """Test servers, whose restores count as drills and whose own backups do not."""
    ca: Authorities | None = None
    pin: Pins = ()
    zone: Annotated[str, PlainValidator(read_zone), WithJsonSchema({"type": "string"})] = LONDON
    """The time zone of the servers, in which msdb writes its times."""
    images: bool = False
    """Whether an image that another product takes of the machine (`is_snapshot`) is a restore point here."""

    @property
    def others(self) -> tuple[str, ...]:
        """The targets that are asked beside its own."""
        return tuple(one.target for one in (*self.replicas, *self.restored_on))

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        named = [*self.others, *([self.target] if self.target is not None else [])]
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} is named twice among `target`, `replicas` and `restored_on`")
        return self
