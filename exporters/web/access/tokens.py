"""Bearer tokens: read from where they live, kept as hashes, compared with all of them in the same time."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.estate import Token
from config.secrets import SecretError, SecretReference

SHORTEST = 16
"""Characters: whoever guesses a million times a second is at it for longer than anybody lives."""


class TokenError(Exception):
    """Why a token lets nobody in, and how to mend it; never the token."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """As they were when they were read."""

    digests: tuple[tuple[bytes, Token], ...] = ()
    troubles: Mapping[str, str] = field(default_factory=dict)
    """Why a token lets nobody in, by its name."""

    def shown(self, brought: bytes) -> Token | None:
        """Whose token this is. Every one is compared, so that the time tells nothing."""
        digest = _digest(brought)
        found = None
        for known, token in self.digests:
            if hmac.compare_digest(digest, known):
                found = token
        return found


def read_tokens(tokens: Iterable[Token]) -> Tokens:
    """Fetch them now: blocks. A token that cannot be had, or is no secret, lets nobody in."""
    digests: list[tuple[bytes, Token]] = []
    troubles: dict[str, str] = {}
    for token in tokens:
        try:
            digests.append((_digest(fetch(token).encode()), token))
        except TokenError as error:
            troubles[token.name] = str(error)
    times = Counter(digest for digest, _ in digests)
    for digest, token in digests:
        if times[digest] > 1:
            troubles[token.name] = "another token has the same value, so that nobody could tell who asks; change one"
    return Tokens(tuple((digest, token) for digest, token in digests if times[digest] == 1), troubles)


def fetch(token: Token) -> str:
    """The value. Raises TokenError."""
    try:
        value = token.token.resolve().reveal()
    except SecretError as error:
        raise TokenError(str(error)) from error
    if len(value) < SHORTEST or not value.isascii() or not value.isprintable() or " " in value:
        raise TokenError(
            f"{token.token}: must be at least {SHORTEST} printable ASCII characters without spaces, as from: "
            "openssl rand -hex 32"
        )
    return value


def place_of(reference: SecretReference) -> Path | None:
    """The file whose change may change the secret."""
    if reference.scheme == "file":
        return Path(reference.place)
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(directory, reference.place) if reference.scheme == "credential" and directory else None


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
