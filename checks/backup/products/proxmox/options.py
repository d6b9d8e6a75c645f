"""What the estate says of a Proxmox Backup Server, or of a Proxmox VE cluster that runs vzdump."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator

from checks.network.http_options import Authorities, Pins
from checks.transports.http import host_name
from config.schema.words import read_name


class _ProxmoxOptions(BaseModel):
    """Where its API is. The credential of the target is a token that may audit, and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Annotated[str, PlainValidator(read_name)] | None = None
    """The target of the estate; without it the check's own. Its `http` credential is a token."""
    host: Annotated[str, AfterValidator(host_name)] | None = None
    """The name that its certificate has, where that is not the target's address."""
    ca: Authorities | None = None
    pin: Pins = ()


class PbsOptions(_ProxmoxOptions):
    """A Proxmox Backup Server."""

    product: Literal["pbs"]
    port: Annotated[int, Field(ge=1, le=65_535)] = 8007


class PveOptions(_ProxmoxOptions):
    """A Proxmox VE cluster, by any of its nodes."""

    product: Literal["pve"]
    port: Annotated[int, Field(ge=1, le=65_535)] = 8006
