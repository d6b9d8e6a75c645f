"""The test extension of a target: its credential of the role `sip`, as registrations and calls show it."""

from __future__ import annotations

import urllib.parse

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.sip import Account
from config.estate import Credential
from config.secrets import SecretError, SecretReference

ROLE = "sip"
_IN_A_URI = "-_.!~*'()&=+$,;?/"
"""What may stand unescaped in the user part (RFC 3261, section 25.1), beside letters and digits."""


def extension(credential: Credential) -> str:
    """The extension, as it stands in a URI."""
    return urllib.parse.quote(_user(credential), safe=_IN_A_URI)


def account(credential: Credential, auth_user: str | None) -> Account:
    """Who logs in; `auth_user` where the digest names another user than the extension.

    Raises TransportFault with LOCAL, which never holds a secret.
    """
    value = credential.settings.get("password")
    if not isinstance(value, SecretReference):
        raise TransportFault(Reason.LOCAL, f"the credential {credential.name}: has no password")
    try:
        return Account(auth_user or _user(credential), value.resolve())
    except SecretError as error:
        raise TransportFault(Reason.LOCAL, f"the credential {credential.name}: {error}") from error


def _user(credential: Credential) -> str:
    return str(credential.settings.get("user", ""))
