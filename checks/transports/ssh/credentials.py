"""Credentials for SSH: secrets fetched late, kept for a minute, and a key parsed only when somebody logs in with it."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from checks.contract import Reason
from checks.transports.fault import TransportFault
from config.estate import Credential
from config.secrets import SecretError, SecretReference

_SETTINGS = {
    "password": (frozenset({"user", "password"}), frozenset[str]()),
    "ssh-key": (frozenset({"user", "key"}), frozenset({"passphrase", "certificate"})),
}
"""Kind to the settings it must have and those it may have."""
_KEPT_SECONDS = 60.0
_KEPT_MOST = 1000


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """How to log in. Never printed."""

    credential: str
    user: str
    identity: bytes
    """A digest that differs whenever anything of this differs."""
    password: str = ""
    key: str = ""
    passphrase: str = ""
    certificate: str = ""


class AccessCache:
    """Resolved credentials, each kept for a minute, so that no question reads a file. Used in the event loop only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[int, tuple[float, Credential, Access]] = OrderedDict()

    def access(self, credential: Credential) -> Access:
        """The access of a credential. Raises TransportFault, LOCAL, which names the setting and the mending."""
        kept = self._kept.get(id(credential))
        now = self._clock()
        if kept is not None and kept[1] is credential and now < kept[0]:
            return kept[2]
        access = resolve(credential)
        self._kept[id(credential)] = (now + _KEPT_SECONDS, credential, access)
        self._kept.move_to_end(id(credential))
        while len(self._kept) > _KEPT_MOST:
            self._kept.popitem(last=False)
        return access

    def renew(self, credential: Credential) -> None:
        """Read the secrets again at the next use: the device did not take them, perhaps they were mended."""
        self._kept.pop(id(credential), None)

    def forget(self) -> None:
        """Drop everything, secrets included."""
        self._kept.clear()


def resolve(credential: Credential) -> Access:
    """Fetch the secrets now. Raises TransportFault, LOCAL."""
    where = f"credential {credential.name}"
    if credential.kind not in _SETTINGS:
        raise TransportFault(Reason.LOCAL, f"{where}: SSH takes password or ssh-key, not {credential.kind}")
    needed, possible = _SETTINGS[credential.kind]
    for name in sorted(needed):
        if credential.settings.get(name) in (None, ""):
            raise TransportFault(Reason.LOCAL, f"{where}: {name} is missing")
    try:
        texts = {
            name: _text(value)
            for name, value in credential.settings.items()
            if name in needed | possible and value not in (None, "")
        }
    except SecretError as error:
        raise TransportFault(Reason.LOCAL, f"{where}: {error}") from error
    identity = sha256(repr((credential.kind, sorted(texts.items()))).encode()).digest()
    return Access(
        credential.name,
        texts["user"],
        identity,
        texts.get("password", ""),
        texts.get("key", ""),
        texts.get("passphrase", ""),
        texts.get("certificate", ""),
    )


def _text(value: str | int | SecretReference) -> str:
    return value.resolve().reveal() if isinstance(value, SecretReference) else str(value)
