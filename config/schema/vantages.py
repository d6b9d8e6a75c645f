"""One entry of `vantages`, and the words that stand only there."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import PlainValidator, WithJsonSchema, model_validator

from config.pins import PIN
from config.schema.words import Model, Name, read_line
from config.secrets import SecretReference

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")


def _read_prober_url(value: object) -> str:
    """Scheme, host and port, nothing behind them. What is asked there carries a token, so it goes by TLS."""
    if not isinstance(value, str) or not value.startswith(("https://", "http://")) or len(value) > 300:
        raise ValueError('must begin with "https://"; "http://" is for an agent on this machine only')
    scheme, _, rest = value.partition("://")
    host, port = _host_and_port(rest.removesuffix("/"))
    if not _HOST.fullmatch(host) or port is None:
        raise ValueError("must be a host and a port and nothing else, as in https://agent.example:10191")
    if scheme == "http" and not is_loopback(host):
        raise ValueError("must begin with https://: a token goes over this line; http:// is for loopback addresses")
    return f"{scheme}://{rest.removesuffix('/')}"


def _host_and_port(text: str) -> tuple[str, int | None]:
    try:
        port = urlsplit(f"//{text}").port
    except ValueError:
        return "", None
    host, _, digits = text.rpartition(":")
    return (host, port) if port is not None and digits.isascii() and digits.isdigit() else ("", None)


def is_loopback(host: str) -> bool:
    """Whether what is sent to this host, as a URL has it, stays on this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _read_listen(value: object) -> str:
    host, port = _host_and_port(value) if isinstance(value, str) else ("", None)
    try:
        ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        port = None
    if port is None:
        raise ValueError('must be an address of that machine and a port, in quotes, as in "192.0.2.9:10191"')
    return str(value)


def _read_path(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("/") or len(value) > 4096:
        raise ValueError("must be the absolute path of a file")
    return read_line(value)


def _read_pin(value: object) -> str:
    if not isinstance(value, str) or not PIN.fullmatch(value):
        raise ValueError('must be the SHA-256 of a public key in base64, as in "sha256/…=" with 44 characters behind /')
    return value


ProberUrl = Annotated[
    str, PlainValidator(_read_prober_url), WithJsonSchema({"type": "string", "pattern": "^https?://[^/]+:[0-9]+/?$"})
]
ListenAddress = Annotated[
    str, PlainValidator(_read_listen), WithJsonSchema({"type": "string", "pattern": "^[^ ]+:[0-9]+$"})
]
AbsolutePath = Annotated[str, PlainValidator(_read_path), WithJsonSchema({"type": "string", "pattern": "^/"})]
KeyPin = Annotated[str, PlainValidator(_read_pin), WithJsonSchema({"type": "string", "pattern": f"^{PIN.pattern}$"})]


class VantageModel(Model):
    """A place from which probes are sent. From `url` on: of a place where another agent stands, a prober."""

    site: Name
    gateway: Name = ""
    url: ProberUrl = ""
    token: SecretReference | None = None
    ca: AbsolutePath = ""
    pin: KeyPin = ""
    listen: ListenAddress = ""
    certificate: AbsolutePath = ""
    key: SecretReference | None = None

    @model_validator(mode="after")
    def _belongs_together(self) -> VantageModel:
        if bool(self.certificate) != (self.key is not None):
            raise ValueError("`certificate` and `key` belong together: the one is nothing without the other")
        if (self.ca or self.pin) and self.url.startswith("http:"):
            raise ValueError("`ca` and `pin` are for https://; http:// shows no certificate")
        return self
