"""What the estate says of a Veeam Backup & Replication server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator

from config.schema.words import read_name


class VeeamOptions(BaseModel):
    """Where its REST API is. The account needs the role Veeam Backup Viewer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: Literal["veeam"]
    target: Annotated[str, PlainValidator(read_name)]
    """The target of the estate; its `http` credential is a password."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 9419
    ca: str | None = None
    """File of the authority that signed its certificate, in place of the machine's own."""
    revision: Annotated[str, Field(pattern=r"^1\.[0-9]-rev[0-9]$")] | None = None
    """The revision of the API that is asked for; without it the newest that both know."""
