"""What a `tls` check may be told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from checks.network.reference_name import reference
from checks.transports.starttls import StartTls
from config.pins import PIN


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _as_text(value: object) -> object:
    """`min_version: 1.2` is a number in YAML."""
    return str(value) if isinstance(value, float) else value


class TlsOptions(BaseModel):
    """What a `tls` check may be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: int = Field(443, ge=1, le=65535, description="The port to connect to.")
    starttls: StartTls | None = Field(None, description="Ask for TLS in this protocol first.")
    server_name: str | None = Field(None, description="The name to ask for (SNI) and to find in the certificate.")
    ca: str | None = Field(
        None, min_length=1, description="A PEM file of what to trust in place of the system's authorities."
    )
    pin: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(
        (), max_length=8, description="The key must be one of these: `sha256/BASE64` of the SubjectPublicKeyInfo."
    )
    warning_days: float = Field(21, gt=0, le=3650, description="So few days left are a warning.")
    critical_days: float = Field(7, ge=0, le=3650, description="So few days left are critical.")
    min_version: Annotated[Literal["1.0", "1.1", "1.2", "1.3"], BeforeValidator(_as_text)] = Field(
        "1.2", description="The least version of TLS that the server should choose."
    )
    expect_issuer: str | None = Field(
        None, min_length=1, max_length=200, description="Text that must stand in the issuer's distinguished name."
    )
    verify_chain: bool | None = Field(
        None, description="Whether the chain must be trusted; unless said, it must where no pin is given."
    )
    verify_name: bool | None = Field(
        None, description="Whether the name must be in the certificate; unless said, it must where no pin is given."
    )
    ip_version: Literal[4, 6] | None = Field(None, description="Connect over this version of IP only.")

    @property
    def chain_counts(self) -> bool:
        return not self.pin if self.verify_chain is None else self.verify_chain

    @property
    def name_counts(self) -> bool:
        return not self.pin if self.verify_name is None else self.verify_name

    @field_validator("server_name")
    @classmethod
    def _canonical(cls, name: str | None) -> str | None:
        return None if name is None else reference(name)

    @model_validator(mode="after")
    def _fitting(self) -> TlsOptions:
        if self.critical_days > self.warning_days:
            raise ValueError("critical_days must not be above warning_days")
        if any(not PIN.fullmatch(pin) for pin in self.pin):
            raise ValueError("a pin is written `sha256/` and 44 characters of base64 that end in =")
        if self.ca is not None and not self.chain_counts:
            raise ValueError("ca only makes sense where the chain counts: add verify_chain: true, or leave ca out")
        return self
