"""What the estate may say of a pair of firewalls: what of one member (`firewall`), and what is of the pair."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from checks.firewall.options import FirewallOptions

KIND = "firewall_pair"
_Name = Annotated[str, Field(min_length=1, max_length=100)]


class Mode(StrEnum):
    """How many members are to be active at the same time."""

    AUTO = "auto"
    """As the product says; one where it says nothing."""
    ACTIVE_PASSIVE = "active_passive"
    ACTIVE_ACTIVE = "active_active"


class PairOptions(FirewallOptions):
    """What a check of this kind may say. What is said of one member holds for each."""

    members: tuple[_Name, ...] = Field(min_length=2, max_length=4)
    """Names of the targets that are the members."""
    mode: Mode = Mode.AUTO
    addresses: tuple[str, ...] = ()
    """Shared addresses beside the target's own, of which each must stand on one member only."""
    ssh_port: int = Field(default=22, ge=1, le=65535)
    """Where members that have a credential `ssh` are asked for their addresses, if their product needs it."""
    sync_grace_seconds: float = Field(default=600, ge=0, le=86_400)
    """How long configuration and firmware may differ after a change, or after a member came back."""
    role_grace_seconds: float = Field(default=180, ge=0, le=3_600)
    """How long a member may be on its way from one role to another."""
    sessions_synchronised: bool = False
    """Whether the standby is to know the sessions, so that a take-over breaks none."""

    @field_validator("addresses")
    @classmethod
    def _numeric(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for address in addresses:
            try:
                ip_address(address)
            except ValueError:
                raise ValueError(f"{address[:60]!r} is no IP address such as 192.0.2.1") from None
        return addresses

    @model_validator(mode="after")
    def _different(self) -> Self:
        if len(set(self.members)) < len(self.members):
            raise ValueError("members: each target once; a pair has two different members")
        return self
