"""Credentials by kind. Every secret in them is a reference; a value in its place is refused without repeating it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator

from config.schema.words import Line, Model
from config.secrets import SecretReference


class SnmpCommunity(Model):
    """SNMP v1 (RFC 1157) and v2c (RFC 1901)."""

    community: SecretReference


class Authentication(Model):
    """RFC 3414 (SHA-1) and RFC 7860 (SHA-2)."""

    protocol: Literal["sha1", "sha224", "sha256", "sha384", "sha512"]
    password: SecretReference


class Privacy(Model):
    """RFC 3826 (AES-128); AES-192 and AES-256 as Cisco and net-snmp do them (draft-blumenthal-aes-usm)."""

    protocol: Literal["aes128", "aes192", "aes256"]
    password: SecretReference


class SnmpUser(Model):
    """SNMP v3 with the user-based security model (RFC 3414)."""

    user: Line
    auth: Authentication | None = None
    privacy: Privacy | None = None

    @field_validator("privacy")
    @classmethod
    def _only_with_authentication(cls, value: Privacy | None, info: object) -> Privacy | None:
        data = getattr(info, "data", {})
        # "auth" is absent from data when it was refused itself: one sentence for one mistake.
        if value is not None and "auth" in data and data["auth"] is None:
            raise ValueError("needs `auth` beside it: SNMPv3 has no privacy without authentication (RFC 3414)")
        return value


class Password(Model):
    user: Line
    password: SecretReference


class Token(Model):
    token: SecretReference


class SshKey(Model):
    """A private key for SSH (RFC 4252), in the form of OpenSSH or PEM; with a certificate where a CA signs keys."""

    user: Line
    key: SecretReference
    passphrase: SecretReference | None = None
    certificate: SecretReference | None = None


class Header(Model):
    """A key that an HTTP API wants in a header of its own, as in `X-Api-Key`."""

    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    value: SecretReference


class ClientCertificate(Model):
    """A certificate chain and its private key in PEM, shown to a server that asks for one (RFC 8446)."""

    certificate: SecretReference
    key: SecretReference
    passphrase: SecretReference | None = None


CREDENTIAL_KINDS: dict[str, type[BaseModel]] = {
    "snmp-v1": SnmpCommunity,
    "snmp-v2c": SnmpCommunity,
    "snmp-v3": SnmpUser,
    "password": Password,
    "token": Token,
    "ssh-key": SshKey,
    "header": Header,
    "client-certificate": ClientCertificate,
}
ROLE_KINDS: dict[str, tuple[str, ...]] = {
    "snmp": ("snmp-v1", "snmp-v2c", "snmp-v3"),
    "snmp-trap": ("snmp-v1", "snmp-v2c", "snmp-v3"),
    "ssh": ("password", "ssh-key"),
    "http": ("password", "token", "header", "client-certificate"),
    "sip": ("password",),
    "catalogue": ("password",),
}
"""What can be used in a role. A role that is not listed is a plug-in's own, and takes any kind."""


def settings_of(model: BaseModel, prefix: str = "") -> dict[str, str | int | SecretReference]:
    """The model's values by name; those of a part inside it as `part_name`. What was not said is absent.

    >>> settings_of(Token(token=SecretReference("env", "DESK_TOKEN")))
    {'token': SecretReference(scheme='env', place='DESK_TOKEN')}
    """
    found: dict[str, str | int | SecretReference] = {}
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            found |= settings_of(value, f"{prefix}{name}_")
        elif isinstance(value, (str, int, SecretReference)) and value != "":
            found[prefix + name] = value
    return found
