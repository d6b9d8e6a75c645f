"""One thing that can be asked over HTTP: its route and its description in one place.

Each part of the site is an object with endpoints and, beside it, the tuple of its operations. `routes_of` makes the
routes; `exporters.web.api.openapi` describes the same tuples, and a test compares both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from exporters.web.api.render import Json

P = TypeVar("P", contravariant=True)


@dataclass(frozen=True, slots=True)
class Operation(Generic[P]):
    method: Literal["GET", "POST", "PUT"]
    path: str
    endpoint: Callable[[P, Request], Awaitable[Response]]
    summary: str
    answer: type[BaseModel] | str
    """The model of the answer's JSON, or the media type of an answer that is none."""
    tag: str
    status: int = 200
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What the parts of the path mean."""
    refusals: Mapping[int, str] = field(default_factory=dict)
    """Statuses beside those that every operation has, and when."""
    description: str = ""
    acts: bool = False
    """Only for who may act."""
    forms: tuple[str, ...] = ()
    """Further media types of the same answer."""
    conditional: bool = True
    """Whether JSON comes with an ETag."""
    open: bool = False
    """Answered without authentication too."""

    @property
    def name(self) -> str:
        """Unique among all; the `operationId`."""
        return self.endpoint.__name__ + ("_by_put" if self.method == "PUT" else "")


class Part(Protocol):
    """A part of the site, made elsewhere and given to it whole."""

    def routes(self) -> Sequence[BaseRoute]: ...


def routes_of(part: P, operations: Sequence[Operation[P]]) -> list[BaseRoute]:
    """The routes to a part's endpoints."""
    return [Route(one.path, partial(one.endpoint, part), methods=[one.method], name=one.name) for one in operations]


def answered(request: Request, body: Json, status: int = 200) -> Response:
    """JSON for one reader, with an ETag; 304 when the reader has it already."""
    response = JSONResponse(body, status)
    tag = f'"{sha256(response.body).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if status == 200 and request.method in ("GET", "HEAD") and _has(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response


def _has(header: str, tag: str) -> bool:
    """RFC 9110, section 13.1.2: weak comparison."""
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in header.split(","))
