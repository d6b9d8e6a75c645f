"""What an `http` check may be told, and what follows from it: the URL, and what its page is called."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from checks.contract import Reason
from checks.network import json_pointer
from checks.transports.http import Url, host_name
from config.patterns import PatternText
from config.pins import PIN
from config.profiles import Limit

_RANGE = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_NOT_IN_LABEL = re.compile(r"[^A-Za-z0-9._~/-]")
_LABEL_MOST = 80
_NO_HOST = "target"
"""Stands for the target's address until a target is known."""


def _many(value: object) -> object:
    return value if isinstance(value, (list, tuple)) or value is None else (value,)


def _status(value: object) -> tuple[int, int]:
    found = _RANGE.fullmatch(str(value)) if isinstance(value, (int, str)) and not isinstance(value, bool) else None
    if found is None:
        raise ValueError("a status is a number as 200, or a range as 200-299")
    first = int(found[1])
    last = int(found[2] or found[1])
    if last < first:
        raise ValueError(f"{first}-{last} goes backwards")
    return first, last


def _pin(value: str) -> str:
    if not PIN.fullmatch(value):
        raise ValueError("a pin is sha256/ and the 44 characters of a digest in base64; `ridgeway check` shows them")
    return value


def _pointer(value: str) -> str:
    if not json_pointer.valid(value):
        raise ValueError("must be a JSON Pointer (RFC 6901), as /queue/depth; ~ is written ~0, and / in a name ~1")
    return value


def _header(value: str) -> str:
    if not _HEADER.fullmatch(value):
        raise ValueError("is not the name of a header")
    return value


Text = Annotated[str, Field(min_length=1, max_length=200)]
Authorities = Annotated[str, Field(pattern=r"^/[^\x00-\x1f]+$")]
"""File or folder of the authorities to trust, in place of the system's."""
Pins = Annotated[tuple[Annotated[str, AfterValidator(_pin)], ...], BeforeValidator(_many), Field(max_length=8)]
"""Keys of the server to trust, in place of any authority."""


class JsonValue(BaseModel):
    """What a value of a JSON page must be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = Field(
        None, description="What findings and metrics call it; else its pointer is."
    )
    equals: str | int | float | bool | None = Field(None, description="The value that it must have, else critical.")
    warning: Limit | None = Field(None, description="`above` or `below`: beyond it is a warning.")
    critical: Limit | None = Field(None, description="`above` or `below`: beyond it is critical.")


class HttpOptions(BaseModel):
    """What an `http` check may be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, Field(min_length=1, max_length=2000)] = Field(
        description="A path, asked by https on port 443, or a URL; one without a host is `https://:8443/status`."
    )
    host: Annotated[str, AfterValidator(host_name)] | None = Field(
        None, description="The name that the server knows itself by, where it is not the target's address."
    )
    method: Literal["GET", "HEAD"] = Field("GET", description="HEAD asks for the headers only.")
    label: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~/-]{1,80}$")] | None = Field(
        None, description="What findings and metrics call the page; else it follows from the URL."
    )
    expect_status: Annotated[
        tuple[Annotated[tuple[int, int], BeforeValidator(_status)], ...],
        BeforeValidator(_many), Field(min_length=1, max_length=20),
    ] = Field(((200, 299),), description="Statuses that are right, as 200 or 200-299.")  # fmt: skip
    expect_text: Text | None = Field(None, description="Text that the page must hold.")
    not_expect_text: Text | None = Field(None, description="Text that the page must not hold.")
    expect_pattern: PatternText | None = Field(None, description="Pattern that some line of the page must hold.")
    not_expect_pattern: PatternText | None = Field(None, description="Pattern that no line of the page may hold.")
    expect_header: dict[Annotated[str, AfterValidator(_header)], Annotated[str, Field(max_length=200)]] = Field(
        default_factory=dict, max_length=20, description="Headers that must come, and the text that they must hold."
    )
    json_values: dict[Annotated[str, AfterValidator(_pointer), Field(max_length=200)], JsonValue] = Field(
        default_factory=dict, max_length=50, description="Values of a JSON page by JSON Pointer."
    )
    warning_seconds: float | None = Field(None, gt=0, description="A page that takes this long is a warning.")
    critical_seconds: float | None = Field(None, gt=0, description="A page that takes this long is critical.")
    follow: bool = Field(False, description="Follow redirects on the same host, at most five.")
    ip_version: Literal[4, 6] | None = Field(None, description="Connect over this version of IP only.")
    ca: Authorities | None = Field(
        None, description="File or folder of the authorities to trust, in place of the system's."
    )
    pin: Pins = Field((), description="Keys of the server to trust, in place of any authority.")
    certificate_warning_days: float = Field(21, ge=0, description="A certificate that ends in fewer days is a warning.")
    certificate_critical_days: float = Field(7, ge=0, description="A certificate that ends in fewer days is critical.")
    anonymous: bool = Field(False, description="Ask without the target's credential, although it has one.")
    max_bytes: int = Field(
        1_048_576, ge=1, le=16_777_216, description="Octets of the page that are read; a longer page is cut."
    )

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        url = Url.read(self.url, _NO_HOST)
        if self.host is not None and url.host != _NO_HOST:
            raise ValueError("the URL names a host already; leave `host` out, or write the URL without (https:///path)")
        if self.method == "HEAD" and self.reads_the_page:
            raise ValueError("HEAD brings no page: nothing can be expected of its text, its lines or its values")
        if url.scheme == "http" and not self.follow and (self.ca or self.pin):
            raise ValueError("ca and pin belong to https, and the URL begins with http://")
        if self.pin and self.ca:
            raise ValueError("a pin replaces the authorities: give pin or ca, not both")
        if self.warning_seconds and self.critical_seconds and self.critical_seconds < self.warning_seconds:
            raise ValueError("critical_seconds must not be below warning_seconds")
        if self.certificate_critical_days > self.certificate_warning_days:
            raise ValueError("certificate_critical_days must not be above certificate_warning_days")
        names = [self.name_of(pointer) for pointer in self.json_values]
        if len(set(names)) != len(names):
            raise ValueError("two values of json_values have the same name")
        return self

    @property
    def reads_the_page(self) -> bool:
        """Whether anything is expected of the body."""
        texts = (self.expect_text, self.not_expect_text, self.expect_pattern, self.not_expect_pattern)
        return bool(self.json_values) or any(text is not None for text in texts)

    def url_at(self, address: str) -> Url:
        """The URL on a target with this address."""
        return Url.read(self.url, self.host or address)

    def name_of(self, pointer: str) -> str:
        return self.json_values[pointer].name or pointer.strip("/") or "document"

    @cached_property
    def page(self) -> str:
        """What the page is called: its label, or host (if one is said), port (but 443) and path."""
        if self.label is not None:
            return self.label
        url = self._bare
        parts = [self._named_host, "" if url.port == 443 else str(url.port), url.path.partition("?")[0].strip("/")]
        name = _NOT_IN_LABEL.sub("_", "/".join(part for part in parts if part))[:_LABEL_MOST] or "page"
        return f"page/{name}" if name in _FAULTS or name.split("/")[0] == "certificate" else name

    def certificate_at(self, port: int) -> str:
        """What the certificate on this port is called: the port, after the host where one is said."""
        return f"{self._named_host}:{port}" if self._named_host else str(port)

    @cached_property
    def _bare(self) -> Url:
        return Url.read(self.url, _NO_HOST)

    @property
    def _named_host(self) -> str:
        return self.host or ("" if self._bare.host == _NO_HOST else self._bare.host)


_FAULTS = frozenset(reason.value for reason in Reason)
