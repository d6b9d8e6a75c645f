"""The password of a product's login."""

from __future__ import annotations

from checks.contract import Reason
from checks.transports.fault import TransportFault
from config.estate import Credential
from config.secrets import Secret, SecretError, SecretReference


def password_of(credential: Credential) -> Secret:
    """Raises TransportFault (local) where it has none, or none can be had."""
    value = credential.settings.get("password")
    if not isinstance(value, SecretReference):
        raise TransportFault(Reason.LOCAL, f"the credential {credential.name}: has no password")
    try:
        return value.resolve()
    except SecretError as error:
        raise TransportFault(Reason.LOCAL, f"the credential {credential.name}: {error}") from error
