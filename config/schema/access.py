"""The section `access`: who may ask the agent, for which councils, and who may act."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from config.schema.words import Model, Name, read_name
from config.secrets import SecretReference

ALL = "all"
LONGEST_PERSON = 200
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
_NOT_FOR_NAMES = frozenset(
    {"authorization", "connection", "content-length", "content-type", "cookie", "forwarded", "host", "origin",
     "proxy-authorization", "referer", "te", "transfer-encoding", "upgrade", "user-agent", "x-forwarded-for",
     "x-forwarded-host", "x-forwarded-proto", "x-real-ip"}
)  # fmt: skip


def read_person(value: object) -> str:
    """A person as whoever vouches for them writes the name: a user, `ann@COUNCIL.EXAMPLE`, a name of a certificate."""
    if not isinstance(value, str) or not value:
        raise ValueError("must be the name of a person; put it in quotes")
    if not value.isprintable() or value.strip() != value or len(value) > LONGEST_PERSON or value.startswith("token:"):
        raise ValueError(
            f"must be the name of a person: printable, at most {LONGEST_PERSON} characters, without space at the ends, "
            'and not with "token:" at its beginning'
        )
    return value


def _read_councils(value: object) -> frozenset[str] | None:
    if value == ALL:
        return None
    if not isinstance(value, list) or not value or len(value) > 1000:
        raise ValueError("must be `all`, or a list of councils, as in [dacorum, shared]")
    if ALL in value:
        raise ValueError("`all` stands alone, without a list")
    return frozenset(read_name(name) for name in value)


def _read_network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        network = ipaddress.ip_network(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ValueError('must be an address or a network, in quotes, as in "192.0.2.7" or "2001:db8::/64"') from error
    if network.prefixlen == 0:
        raise ValueError("would believe everybody; name the addresses of the proxy")
    return network


def _read_header(value: object) -> str:
    if not isinstance(value, str) or not _HEADER.fullmatch(value):
        raise ValueError("must be the name of a header, as in X-Forwarded-User")
    if value.lower() in _NOT_FOR_NAMES:
        raise ValueError("has a meaning of its own; have the proxy use a header as X-Forwarded-User")
    return value


_COUNCILS_SCHEMA = {
    "description": "`all`, or the councils whose things are shown; `shared` only where it is named",
    "anyOf": [{"const": ALL}, {"type": "array", "minItems": 1, "items": {"type": "string"}}],
}
Councils = Annotated[frozenset[str] | None, PlainValidator(_read_councils), WithJsonSchema(_COUNCILS_SCHEMA)]
Person = Annotated[
    str, PlainValidator(read_person), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_PERSON})
]
Network = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network,
    PlainValidator(_read_network),
    WithJsonSchema({"type": "string", "pattern": "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$"}),
]
Header = Annotated[
    str, PlainValidator(_read_header), WithJsonSchema({"type": "string", "pattern": f"^{_HEADER.pattern}$"})
]
May = Literal["read", "act"]


class PersonModel(Model):
    """What somebody may see and do."""

    councils: Councils
    may: May = "read"


class TokenModel(PersonModel):
    """The same for whoever shows a bearer token."""

    token: SecretReference


class ProxyModel(Model):
    """A reverse proxy that has asked people who they are, and says so in a header."""

    from_: Annotated[list[Network], Field(alias="from", min_length=1, max_length=100)]
    header: Header = "X-Forwarded-User"


class AccessModel(Model):
    """Tokens and people by name; `others` is everybody who has logged in and is not listed."""

    tokens: Annotated[dict[Name, TokenModel], Field(max_length=1000)] = Field(default_factory=dict)
    people: Annotated[dict[Person, PersonModel], Field(max_length=10_000)] = Field(default_factory=dict)
    others: PersonModel | None = None
    proxy: ProxyModel | None = None
