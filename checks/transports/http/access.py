"""How a request logs in: the headers or the client certificate that a credential stands for, fetched late."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.contract import Reason
from checks.transports.fault import TransportFault
from checks.transports.http.trust import ClientChain
from config.secrets import Secret, SecretError, SecretReference

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.transports.http.question import Post
    from config.estate import Credential

KINDS = ("password", "token", "header", "client-certificate")


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """What is sent along. `identity` tells these secrets from others. Never printed."""

    headers: tuple[tuple[str, str], ...] = ()
    client: ClientChain | None = None
    post: Post | None = None
    identity: tuple[Secret, ...] = ()


def access(
    credential: Credential | None,
    key_header: str | None = None,
    log_in: Callable[[str, str], Post] | None = None,
) -> Access:
    """The access of a credential in the role `http`. Raises TransportFault with LOCAL, which never holds a secret."""
    if credential is None:
        return Access()
    found = _Settings(credential)
    if log_in is not None:
        if credential.kind != "password":
            raise found.fault(f"is of kind {credential.kind}; this log-in takes a password")
        user, password = found.text("user"), found.secret("password")
        return Access(post=log_in(user, password.reveal()), identity=(Secret(user), password))
    if key_header is not None:
        if credential.kind != "token":
            raise found.fault(f"is of kind {credential.kind}; {key_header} takes a token")
        token = found.secret("token")
        return Access(((key_header, found.value(token)),), identity=(token,))
    if credential.kind == "password":  # RFC 7617
        user, password = found.text("user"), found.secret("password")
        if ":" in user:
            raise found.fault("a user of HTTP cannot have a colon in it (RFC 7617)")
        told = base64.b64encode(f"{user}:{password.reveal()}".encode()).decode("ascii")
        return Access((("Authorization", f"Basic {told}"),), identity=(Secret(user), password))
    if credential.kind == "token":  # RFC 6750
        token = found.secret("token")
        return Access((("Authorization", f"Bearer {found.value(token)}"),), identity=(token,))
    if credential.kind == "header":
        value = found.secret("value")
        return Access(((found.text("header"), found.value(value)),), identity=(value,))
    if credential.kind == "client-certificate":
        certificate, key, passphrase = found.secret("certificate"), found.secret("key"), found.optional("passphrase")
        chain = ClientChain(certificate.reveal(), key.reveal(), passphrase.reveal() if passphrase else None)
        return Access(client=chain, identity=(certificate, key, *((passphrase,) if passphrase else ())))
    raise found.fault(f"is of kind {credential.kind}; HTTP takes {', '.join(KINDS)}")


class _Settings:
    """The settings of a credential, and what is said when one does not fit."""

    def __init__(self, credential: Credential) -> None:
        self._name = credential.name
        self._settings = credential.settings

    def fault(self, why: str) -> TransportFault:
        return TransportFault(Reason.LOCAL, f"the credential {self._name}: {why}")

    def text(self, name: str) -> str:
        return str(self._settings.get(name, ""))

    def optional(self, name: str) -> Secret | None:
        return self.secret(name) if name in self._settings else None

    def secret(self, name: str) -> Secret:
        value = self._settings.get(name)
        if isinstance(value, SecretReference):
            try:
                return value.resolve()
            except SecretError as error:
                raise self.fault(str(error)) from error
        if value is None:
            raise self.fault(f"has no {name}")
        return Secret(str(value))

    def value(self, secret: Secret) -> str:
        """A secret as the value of a header: anything but printable ASCII could end the header."""
        text = secret.reveal()
        if not (text.isascii() and text.isprintable()) or text != text.strip():
            raise self.fault("its secret holds characters that no HTTP header can carry, as a line's end")
        return text
