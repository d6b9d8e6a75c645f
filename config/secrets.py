"""Secrets: references in configuration, resolved late, and a type that never shows itself.

`file:/path`, `env:NAME` and `credential:NAME` (systemd's `$CREDENTIALS_DIRECTORY`) are the three forms.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

_FORMS = {
    "file": re.compile(r"/[^\x00-\x1f\x7f]+"),
    "env": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    "credential": re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*"),
}
_MAX_BYTES = 64 * 1024
MASK = "[secret]"
HOW = "a secret is written as file:/path, env:NAME or credential:NAME, never as the value itself"


class SecretError(Exception):
    """A secret cannot be had. The message names the reference and how to mend it, never the value."""


class Secret:
    """A value that prints as a mask. `reveal()` is the one way to the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself; call it only where it is handed to a protocol."""
        return self._text

    def __repr__(self) -> str:
        return "Secret()"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(("Secret", self._text))

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret lives. Printing it is harmless."""

    scheme: str
    place: str

    @classmethod
    def parse(cls, text: str) -> SecretReference:
        """Read `scheme:place`; ValueError says which forms exist."""
        scheme, _, place = text.partition(":")
        form = _FORMS.get(scheme)
        if form is None or len(place) > 4096 or not form.fullmatch(place):
            raise ValueError(HOW)
        return cls(scheme, place)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Lets any options model say `token: SecretReference`; a refusal never repeats what was written."""
        from pydantic_core import core_schema

        return core_schema.no_info_plain_validator_function(
            cls._validate, serialization=core_schema.to_string_ser_schema(when_used="json")
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        forms = "|".join(f"{scheme}:{form.pattern}" for scheme, form in _FORMS.items())
        return {"type": "string", "pattern": f"^({forms})$", "description": HOW}

    @classmethod
    def _validate(cls, value: object) -> SecretReference:
        if isinstance(value, SecretReference):
            return value
        if not isinstance(value, str):
            raise ValueError(HOW)
        return cls.parse(value)

    def __str__(self) -> str:
        return f"{self.scheme}:{self.place}"

    def resolve(self, environ: Mapping[str, str] | None = None) -> Secret:
        """Fetch the secret now. Raises SecretError."""
        env = os.environ if environ is None else environ
        if self.scheme == "env":
            if self.place not in env:
                raise SecretError(f"{self}: the environment variable {self.place} is not set")
            return _checked(self, env[self.place])
        if self.scheme == "credential":
            directory = env.get("CREDENTIALS_DIRECTORY")
            if not directory:
                raise SecretError(f"{self}: not started by systemd with LoadCredential={self.place}:/path")
            if "/" in self.place or self.place in (".", ".."):
                raise SecretError(f"{self}: a credential is a plain name")
            return _read(self, Path(directory) / self.place, private=False)
        return _read(self, Path(self.place), private=True)


def _read(reference: SecretReference, path: Path, *, private: bool) -> Secret:
    try:
        # Without O_NONBLOCK, opening a FIFO that nobody writes to would wait for ever.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise SecretError(f"{reference}: not a regular file")
            if private and mode & stat.S_IRWXO:
                raise SecretError(f"{reference}: every user of this machine can reach it; run: chmod o-rwx {path}")
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise SecretError(f"{reference}: {error.strerror}") from error
    if len(raw) > _MAX_BYTES:
        raise SecretError(f"{reference}: larger than {_MAX_BYTES} bytes, so hardly a secret")
    try:
        return _checked(reference, raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise SecretError(f"{reference}: not UTF-8 text") from error


def _checked(reference: SecretReference, text: str) -> Secret:
    stripped = text.rstrip("\r\n")
    if not stripped:
        raise SecretError(f"{reference}: empty")
    return Secret(stripped)
