"""One entry of `webhooks` and of `heartbeats`: whom the agent tells of its own accord."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from config.schema.vantages import AbsolutePath, is_loopback
from config.schema.words import Duration, Model, read_name, within
from config.secrets import Secret, SecretReference

EventKindWord = Literal[
    "suspected", "opened", "cancelled", "changed", "recovering", "relapsed", "resolved", "reopened", "closed",
    "acknowledged", "acknowledgement-expired", "suppressed", "released", "maintenance", "stale", "fresh", "flapping",
    "settled", "hides", "ticket",
]  # fmt: skip
"""`agent.records.EventKind`; a test compares."""
EVERY_KIND: frozenset[str] = frozenset(get_args(EventKindWord))
NOISE = frozenset({"suspected", "cancelled"})
"""One lost packet makes these two, and nothing else."""

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_][a-z0-9_-]{0,62}(\.[a-z0-9_][a-z0-9_-]{0,62})*\.?")
_LONGEST = 2000
_FORM = "must be a URL that begins with https://, or a secret reference to one (file:/path, env:NAME, credential:NAME)"


def checked_url(text: str) -> str:
    """The URL, if requests may go there. Raises ValueError, which never repeats it: it may be a secret."""
    if not text.startswith(("https://", "http://")):
        raise ValueError("must be a URL that begins with https://")
    if len(text) > _LONGEST or not text.isascii() or any(char <= " " or char == "\x7f" for char in text):
        raise ValueError(f"must be a URL of at most {_LONGEST} plain characters, a space written as %20")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is a URL whose host or port cannot be") from None
    if not _is_host(parts.hostname or "") or port == 0:
        raise ValueError("is a URL whose host or port cannot be")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("must be a URL without user, password and fragment (#…)")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("must begin with https://: everybody on the way could read it; http:// is for loopback only")
    return text


def _is_host(text: str) -> bool:
    try:
        return bool(_HOST.fullmatch(text) or ipaddress.ip_address(text))
    except ValueError:
        return False


def _read_url(value: object) -> Secret | SecretReference:
    if not isinstance(value, str):
        raise ValueError(_FORM)
    if not value.startswith(("https://", "http://")):
        try:
            return SecretReference.parse(value)
        except ValueError:
            raise ValueError(_FORM) from None
    return Secret(checked_url(value))


def _read_councils(value: object) -> tuple[str, ...] | None:
    if value == "all":
        return None
    if not isinstance(value, list) or not 1 <= len(value) <= 1000:
        raise ValueError("must be `all` or a list of councils, as in [dacorum, shared]")
    return tuple(read_name(name) for name in value)


def _is_plain(url: Secret | SecretReference) -> bool:
    return isinstance(url, Secret) and url.reveal().startswith("http:")


Url = Annotated[
    Secret | SecretReference,
    PlainValidator(_read_url),
    WithJsonSchema({"type": "string", "pattern": "^(https?://|file:/|env:|credential:)"}),
]
Councils = Annotated[
    tuple[str, ...] | None,
    PlainValidator(_read_councils),
    WithJsonSchema({"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]


class WebhookModel(Model):
    """Who is told of events by signed requests."""

    url: Url
    secrets: Annotated[list[SecretReference], Field(min_length=1, max_length=3)]
    councils: Councils
    kinds: Annotated[list[EventKindWord], Field(min_length=1, max_length=len(EVERY_KIND))] = Field(
        default_factory=lambda: sorted(EVERY_KIND - NOISE)  # type: ignore[arg-type]  # they are the words
    )
    timeout: Annotated[Duration, within(1, 60)] = 15.0
    ca: AbsolutePath = ""

    @model_validator(mode="after")
    def _belongs_together(self) -> WebhookModel:
        if self.ca and _is_plain(self.url):
            raise ValueError("`ca` is for https://; http:// shows no certificate")
        return self


class HeartbeatModel(Model):
    """What is pinged for as long as the agent works."""

    url: Url
    every: Annotated[Duration, within(10, 86_400)] = 60.0
    timeout: Annotated[Duration, within(1, 60)] = 8.0
    method: Literal["GET", "POST"] = "GET"
    ca: AbsolutePath = ""

    @model_validator(mode="after")
    def _belongs_together(self) -> HeartbeatModel:
        if self.ca and _is_plain(self.url):
            raise ValueError("`ca` is for https://; http:// shows no certificate")
        if self.timeout >= self.every:
            raise ValueError("`timeout` must be shorter than `every`, or pings would run into one another")
        return self
