"""The smallest words of the profile language: object identifiers, names, and what every part of a profile is."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

_OID = re.compile(r"[012](\.(0|[1-9][0-9]{0,9})){1,127}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_LARGEST_PART = 2**32 - 1


def _oid(text: str) -> str:
    if not _OID.fullmatch(text) or any(int(part) > _LARGEST_PART for part in text.split(".")):
        raise ValueError(f"{text!r} is not a numeric OID such as 1.3.6.1.2.1.1.3.0")
    return text


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not a name: small letters, digits and underscores, beginning with a letter")
    return text


Oid = Annotated[str, AfterValidator(_oid)]
Name = Annotated[str, AfterValidator(_name)]


class ProfilePart(BaseModel):
    """A part of a profile: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
