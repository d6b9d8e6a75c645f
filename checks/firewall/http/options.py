"""What the estate may say of how a firewall's API is reached."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from checks.network.http_options import Authorities, Pins
from checks.transports.http import host_name


class HttpsOptions(BaseModel):
    """For profiles that are read over HTTPS."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: int | None = Field(default=None, ge=1, le=65535)
    """Without it the profile's."""
    host: Annotated[str, AfterValidator(host_name)] | None = None
    """The name that its certificate has, where that is not the target's address."""
    ca: Authorities | None = None
    pin: Pins = ()
