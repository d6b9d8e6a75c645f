"""Credentials: what is refused and how it is said, late and bounded resolution, and no secret in any text."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.transports.snmp import problems
from checks.transports.snmp.credentials import AccessCache, resolve
from checks.transports.snmp.errors import OutOfResources
from checks.transports.snmp.v3 import privacy_key
from config.estate import Credential
from config.secrets import SecretReference

FULL = {
    "user": "ridgeway", "auth_protocol": "sha256", "auth_password": "authpass123",
    "privacy_protocol": "aes256", "privacy_password": "privpass123",
}  # fmt: skip


def v3(**changes: str | None) -> Credential:
    settings = {name: value for name, value in (FULL | changes).items() if value is not None}
    return Credential("core", "snmp-v3", settings)


@pytest.mark.parametrize(
    ("kind", "settings", "says"),
    [
        ("snmp-v4", {}, "kind 'snmp-v4' is not one of snmp-v1, snmp-v2c, snmp-v3"),
        ("snmp-v2c", {}, "community is missing"),
        ("snmp-v2c", {"community": "x", "user": "y"}, "user is not a setting of snmp-v2c"),
        ("snmp-v3", {}, "user is missing"),
        (
            "snmp-v3",
            FULL | {"auth_protocol": "MD5"},
            "auth_protocol 'MD5' is not possible (too weak to be offered); "
            "use one of sha1, sha224, sha256, sha384, sha512",
        ),
        (
            "snmp-v3",
            FULL | {"privacy_protocol": "DES"},
            "privacy_protocol 'DES' is not possible (too weak to be offered); "
            "use one of aes128, aes192, aes256, aes192c, aes256c",
        ),
        ("snmp-v3", {"user": "u", "auth_protocol": "sha1"}, "auth_protocol and auth_password belong together"),
        (
            "snmp-v3",
            {"user": "u", "privacy_protocol": "aes128", "privacy_password": "p"},
            "privacy without authentication is not possible in SNMPv3",
        ),
        (
            "snmp-v3",
            FULL | {"context": "vrf-a"},
            "context is not supported: the SNMP engine cannot name a context; ask without one",
        ),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(kind: str, settings: dict[str, object], says: str) -> None:
    assert problems(kind, settings) == [says]


def test_every_spelling_of_a_protocol_is_the_same_protocol() -> None:
    spellings = [("SHA-256", "AES-256"), ("sha256", "aes256"), ("SHA_256", "AES_256")]

    users = [resolve(v3(auth_protocol=auth, privacy_protocol=privacy)).user for auth, privacy in spellings]

    assert len({(user.auth_algorithm, user.privacy_algorithm) for user in users if user}) == 1


def test_a_short_password_is_refused_without_being_repeated() -> None:
    with pytest.raises(OutOfResources) as raised:
        resolve(v3(auth_password="hush"))

    assert "auth_password is shorter than 8" in str(raised.value)
    assert "hush" not in str(raised.value)


def test_neither_access_nor_user_shows_a_secret() -> None:
    access = resolve(v3())

    assert "authpass123" not in repr(access) + repr(access.user)
    assert access.user is not None and access.user.auth_key.hex() not in repr(access.user)


def test_a_secret_is_read_again_after_a_minute_and_not_before(tmp_path: Path) -> None:
    file = tmp_path / "community"
    file.write_text("first")
    file.chmod(0o600)
    credential = Credential("edge", "snmp-v2c", {"community": SecretReference("file", str(file))})
    now = 1000.0
    cache = AccessCache(lambda: now)

    first = cache.access(credential).community
    file.write_text("second")
    soon = cache.access(credential).community
    now += 61
    later = cache.access(credential).community

    assert (first, soon, later) == ("first", "first", "second")


def test_keys_are_derived_once_while_nothing_changes() -> None:
    now = 0.0
    cache = AccessCache(lambda: now)
    credential = v3()

    first = cache.access(credential)
    now = 3600.0

    assert cache.access(credential) is first


def test_a_changed_credential_of_the_same_name_has_another_identity() -> None:
    assert resolve(v3()).identity != resolve(v3(privacy_password="privpass124")).identity


@pytest.mark.parametrize(
    ("auth", "privacy", "octets"),
    [("sha1", "aes128", 16), ("sha1", "aes192", 24), ("sha1", "aes256c", 32), ("sha224", "aes256", 32)],
)
def test_a_privacy_key_is_as_long_as_its_cipher_wants(auth: str, privacy: str, octets: int) -> None:
    user = resolve(v3(auth_protocol=auth, privacy_protocol=privacy)).user
    assert user is not None

    assert len(privacy_key(user, bytes.fromhex("80001f8880e9630000d61ff449"))) == octets
