"""Credentials in the form the engine wants. Secrets are fetched late and kept for a bounded time only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from gufo.snmp._fast import get_localized_key, get_master_key

from checks.transports.snmp.errors import OutOfResources
from config.estate import Credential
from config.secrets import SecretError, SecretReference

KINDS = ("snmp-v1", "snmp-v2c", "snmp-v3")
_SETTINGS = {
    "snmp-v1": {"community"},
    "snmp-v2c": {"community"},
    "snmp-v3": {"user", "auth_protocol", "auth_password", "privacy_protocol", "privacy_password", "context"},
}
_SHORTEST_PASSWORD = 8
"""RFC 3414, section 11.2; Net-SNMP and most devices refuse shorter ones."""
_KEPT_SECONDS = 60.0
_KEPT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class AuthProtocol:
    """One way of signing: gufo-snmp's numbers for it, its hash, the length of key and of signature in octets."""

    name: str
    number: int
    digest: str
    key_length: int
    signature_length: int


@dataclass(frozen=True, slots=True)
class PrivacyProtocol:
    name: str
    number: int
    key_length: int
    cisco: bool = False
    """Stretch short keys as Cisco does (draft-reeder), not as Blumenthal's draft does."""


_AUTH = {
    "sha1": AuthProtocol("SHA-1", 4, "sha1", 20, 12),
    "sha224": AuthProtocol("SHA-224", 7, "sha224", 28, 16),
    "sha256": AuthProtocol("SHA-256", 10, "sha256", 32, 24),
    "sha384": AuthProtocol("SHA-384", 11, "sha384", 48, 32),
    "sha512": AuthProtocol("SHA-512", 12, "sha512", 64, 48),
}
_PRIVACY = {
    "aes128": PrivacyProtocol("AES-128", 2, 16),
    "aes192": PrivacyProtocol("AES-192", 3, 24),
    "aes256": PrivacyProtocol("AES-256", 4, 32),
    "aes192c": PrivacyProtocol("AES-192 as Cisco stretches it", 3, 24, cisco=True),
    "aes256c": PrivacyProtocol("AES-256 as Cisco stretches it", 4, 32, cisco=True),
}
_SHORT = {"sha": "sha1", "aes": "aes128"}
_MASTER_KEY = 1 << 6
"""gufo-snmp's mark for "this is a master key", which saves hashing a megabyte for each session."""


@dataclass(frozen=True, slots=True, repr=False)
class User:
    """An SNMPv3 user with master keys (RFC 3414, appendix A.2): the dear part of the key derivation, done once."""

    name: str
    auth: AuthProtocol | None = None
    auth_key: bytes = b""
    privacy: PrivacyProtocol | None = None
    privacy_key: bytes = b""

    @property
    def auth_algorithm(self) -> int:
        """gufo-snmp's number for the signature, the stretching of keys and the form of `auth_key`."""
        if self.auth is None:
            return 0
        number = self.auth.number
        if self.privacy is not None and self.privacy.key_length > self.auth.key_length:
            number += 2 if self.privacy.cisco else 1
        return number | _MASTER_KEY

    @property
    def privacy_algorithm(self) -> int:
        return 0 if self.privacy is None else self.privacy.number | _MASTER_KEY

    def signing_key(self, engine_id: bytes) -> bytes:
        """The auth key localised to an engine, with which its replies are checked."""
        if self.auth is None:
            return b""
        return bytes(get_localized_key(self.auth.number, self.auth_key, engine_id))


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """How to be let in: version "1" or "2c" with a community, or "3" with a user. Never printed."""

    version: str
    identity: bytes
    """A digest that differs whenever anything of this differs: what a pooled session is filed under."""
    community: str = ""
    user: User | None = None


WELL_KNOWN = frozenset({"public", "private"})
"""The communities that devices are sold with, and that every scanner tries."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a device is asked, as far as others may know it: no secret, and nothing from which one follows."""

    version: str
    """"1", "2c" or "3"."""
    well_known: bool = False
    """Whether the community is one that every scanner tries."""
    signed: bool = False
    """Whether questions and answers are signed (SNMPv3 with authentication)."""


def manner_of(access: Access) -> Manner:
    """What may be told of an access."""
    signed = access.user is not None and access.user.auth is not None
    return Manner(access.version, access.community.lower() in WELL_KNOWN, signed)


class AccessCache:
    """Resolved credentials, each kept for a minute, so that no poll reads a file; the clock is passed in."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: OrderedDict[int, tuple[float, Credential, Access]] = OrderedDict()

    def access(self, credential: Credential) -> Access:
        """The access of a credential. Raises OutOfResources, whose message names the setting and the mending."""
        kept = self._kept.get(id(credential))
        now = self._clock()
        if kept is not None and kept[1] is credential and now < kept[0]:
            return kept[2]
        earlier = kept[2] if kept is not None and kept[1] is credential else None
        access = resolve(credential, earlier)
        self._kept[id(credential)] = (now + _KEPT_SECONDS, credential, access)
        self._kept.move_to_end(id(credential))
        while len(self._kept) > _KEPT_MOST:
            self._kept.popitem(last=False)
        return access

    def manner(self, credential: Credential) -> Manner | None:
        """How a credential lets in; None where it cannot be told, for example because its secret cannot be read."""
        try:
            return manner_of(self.access(credential))
        except OutOfResources:
            return None

    def forget(self) -> None:
        """Drop everything, secrets included."""
        self._kept.clear()


def problems(kind: str, settings: Mapping[str, object]) -> list[str]:
    """What is wrong with a credential's settings, without touching a secret; the loader shows these."""
    if kind not in KINDS:
        return [f"kind {kind!r} is not one of {', '.join(KINDS)}"]
    found = [f"{name} is not a setting of {kind}" for name in settings if name not in _SETTINGS[kind]]
    if kind != "snmp-v3":
        return found if "community" in settings else [*found, "community is missing"]
    if not settings.get("user"):
        found.append("user is missing")
    if settings.get("context"):
        found.append("context is not supported: the SNMP engine cannot name a context; ask without one")
    for what, table, known in (("auth", _AUTH, _auth), ("privacy", _PRIVACY, _privacy)):
        protocol, password = settings.get(f"{what}_protocol"), settings.get(f"{what}_password")
        if protocol is not None and known(protocol) is None:
            found.append(_refusal(what, str(protocol), table))
        if (protocol is None) != (password is None):
            found.append(f"{what}_protocol and {what}_password belong together")
    if settings.get("privacy_protocol") is not None and settings.get("auth_protocol") is None:
        found.append("privacy without authentication is not possible in SNMPv3")
    return found


def _refusal(what: str, name: str, table: Mapping[str, object]) -> str:
    weak = " (too weak to be offered)" if _spelt(name) in ("md5", "des", "3des") else ""
    return f"{what}_protocol {name!r} is not possible{weak}; use one of {', '.join(table)}"


def _spelt(name: object) -> str:
    plain = str(name).lower().replace("-", "").replace("_", "")
    return _SHORT.get(plain, plain)


def _auth(name: object) -> AuthProtocol | None:
    return _AUTH.get(_spelt(name))


def _privacy(name: object) -> PrivacyProtocol | None:
    return _PRIVACY.get(_spelt(name))


def resolve(credential: Credential, earlier: Access | None = None) -> Access:
    """Fetch the secrets and derive the keys; `earlier` is given back when nothing has changed, which saves deriving.

    Raises OutOfResources.
    """
    wrong = problems(credential.kind, credential.settings)
    if wrong:
        raise OutOfResources(f"credential {credential.name}: {'; '.join(wrong)}")
    try:
        texts = {name: _text(value) for name, value in credential.settings.items() if value not in (None, "")}
    except SecretError as error:
        raise OutOfResources(f"credential {credential.name}: {error}") from error
    identity = sha256(repr((credential.kind, sorted(texts.items()))).encode()).digest()
    if earlier is not None and earlier.identity == identity:
        return earlier
    if credential.kind != "snmp-v3":
        return Access(credential.kind.removeprefix("snmp-v"), identity, community=texts["community"])
    return Access("3", identity, user=_user(credential.name, texts))


def _text(value: str | int | SecretReference) -> str:
    return value.resolve().reveal() if isinstance(value, SecretReference) else str(value)


def _user(credential: str, texts: Mapping[str, str]) -> User:
    for what in ("auth_password", "privacy_password"):
        if what in texts and len(texts[what].encode()) < _SHORTEST_PASSWORD:
            raise OutOfResources(
                f"credential {credential}: {what} is shorter than {_SHORTEST_PASSWORD} octets (RFC 3414)"
            )
    auth = _auth(texts["auth_protocol"]) if "auth_protocol" in texts else None
    if auth is None:
        return User(texts["user"])
    auth_key = bytes(get_master_key(auth.number, texts["auth_password"].encode()))
    privacy = _privacy(texts["privacy_protocol"]) if "privacy_protocol" in texts else None
    if privacy is None:
        return User(texts["user"], auth, auth_key)
    # The privacy password is turned into a key with the hash of the authentication protocol (RFC 3826, section 1.2).
    privacy_key = bytes(get_master_key(auth.number, texts["privacy_password"].encode()))
    return User(texts["user"], auth, auth_key, privacy, privacy_key)
