"""What the estate says of a Veeam Backup & Replication server."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

from checks.network.http_options import Authorities, Pins
from checks.transports.http import host_name
from config.schema.words import read_name


class VeeamOptions(BaseModel):
    """Where its REST API is. The account needs the role Veeam Backup Viewer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: Literal["veeam"]
    target: Annotated[str, PlainValidator(read_name)] | None = None
    """The target of the estate; without it the check's own. Its `http` credential is a password."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 9419
    host: Annotated[str, AfterValidator(host_name)] | None = None
    """The name that its certificate has, where that is not the target's address."""
    ca: Authorities | None = None
    pin: Pins = ()
    revision: Annotated[str, Field(pattern=r"^1\.[0-9]-rev[0-9]$")] | None = None
    """The revision of the API that is asked for, where the server is older than the newest one known."""
