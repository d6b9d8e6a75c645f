"""What the options of desks that are reached by HTTP have in common."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from config.secrets import SecretReference


def read_reference(value: object) -> SecretReference:
    """`file:/path`, `env:NAME` or `credential:NAME`; the value is never repeated, for it may be the secret itself."""
    if isinstance(value, SecretReference):
        return value
    return SecretReference.parse(value if isinstance(value, str) else "")


def read_base(value: str) -> str:
    """An http or https address without credentials, query or fragment; http only to this machine."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an address such as https://rt.example.gov.uk")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be without a name, a password, a query or a fragment; the token has a key of its own")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("must begin with https://: plain http would show the token to everybody on the way")
    return value.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


Reference = Annotated[
    SecretReference,
    BeforeValidator(read_reference),
    WithJsonSchema({"type": "string", "pattern": "^(file|env|credential):.+$"}),
]
Base = Annotated[str, AfterValidator(read_base)]
Seconds = Annotated[float, Field(gt=0, le=600)]


class HttpDeskOptions(BaseModel):
    """Address, credentials and time limits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Base = Field(description="Address of the desk, without the path of its interface")
    token: Reference = Field(description="Where the account's token is kept")
    ca_file: str | None = Field(None, description="PEM file of the authority that signed the desk's certificate")
    timeout: Seconds = Field(10.0, description="Longest time one call may take, seconds")
    max_in_flight: Seconds = Field(30.0, description="Longest time the desk may act on a request given up, seconds")
