"""The demo's service desk: a page of tickets for people, and a small JSON interface for the adapter.

| request | answer |
|---|---|
| `GET /` | the page |
| `POST /api/tickets` | 201 `{"number": 1}`; 422 with a reason; 409 for a second key, where the book is `unique` |
| `GET /api/tickets?key=…`, `?digest=…`, `?since=…` | 200 `{"tickets": […]}` |
| `GET /api/tickets/1` | 200, 404 |
| `PATCH /api/tickets/1` `{"status", "priority", "text"}` | 200, 404, 422 |
| `GET`, `POST /api/tickets/1/notes` | 200, 201, 404 |
| `POST /api/tickets/1/merge` `{"into": 2}` | 200, 404 |
| `GET /api/queues` | 200 `{"queues": [{"name", "open", "pending"}]}` |

All of `/api` wants `Authorization: Bearer <token>`. Unlike many desks it refuses what it does not understand.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from agent.demo.tickets import BadTicket, DeskTicket, TicketBook, Twice

_LONGEST_BODY = 64 * 1024
_NEW = frozenset({"key", "digest", "queue", "title", "text", "priority"})
_LONDON = ZoneInfo("Europe/London")

Answer = Callable[[Request, TicketBook], Awaitable[Response]]


def demo_desk(book: TicketBook, token: str) -> Starlette:
    """The desk as an ASGI application; `token` is what its one account must bring."""
    templates = Environment(loader=PackageLoader("agent.demo", ""), autoescape=True)
    templates.filters["london"] = lambda at: datetime.fromtimestamp(at, UTC).astimezone(_LONDON).strftime("%H:%M:%S")

    async def page(_request: Request) -> Response:
        tickets = [ticket for ticket in book.all() if not ticket.deleted and ticket.merged_into is None]
        return HTMLResponse(templates.get_template("desk.html").render(tickets=tickets))

    def guarded(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            brought = request.headers.get("authorization", "")
            if not hmac.compare_digest(brought.encode(), f"Bearer {token}".encode()):
                return _no(401, "a valid token is needed")
            try:
                return await answer(request, book)
            except BadTicket as error:
                return _no(422, str(error))
            except Twice as error:
                return _no(409, str(error))

        return endpoint

    return Starlette(
        routes=[
            Route("/", page),
            Route("/api/tickets", guarded(_create), methods=["POST"]),
            Route("/api/tickets", guarded(_search), methods=["GET"]),
            Route("/api/tickets/{number:int}", guarded(_read), methods=["GET"]),
            Route("/api/tickets/{number:int}", guarded(_change), methods=["PATCH"]),
            Route("/api/tickets/{number:int}/notes", guarded(_notes), methods=["GET"]),
            Route("/api/tickets/{number:int}/notes", guarded(_note), methods=["POST"]),
            Route("/api/tickets/{number:int}/merge", guarded(_merge), methods=["POST"]),
            Route("/api/queues", guarded(_queues), methods=["GET"]),
        ]
    )


def _no(status: int, why: str) -> Response:
    return JSONResponse({"error": why}, status_code=status)


async def _body(request: Request, allowed: frozenset[str]) -> Mapping[str, Any]:
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > _LONGEST_BODY:
            raise BadTicket(f"the request is longer than {_LONGEST_BODY} bytes")
    try:
        body = json.loads(raw)
    except ValueError:
        raise BadTicket("the request is not JSON") from None
    if not isinstance(body, dict) or not set(body) <= allowed:
        raise BadTicket(f"the request may hold {', '.join(sorted(allowed))}, nothing else")
    return body


def _shown(ticket: DeskTicket) -> dict[str, Any]:
    return {name: value for name, value in asdict(ticket).items() if name != "notes"}


async def _create(request: Request, book: TicketBook) -> Response:
    body = await _body(request, _NEW)
    if set(body) != _NEW or not all(isinstance(value, str) for value in body.values()):
        raise BadTicket(f"a ticket needs {', '.join(sorted(_NEW))}, each a text")
    return JSONResponse({"number": book.create(body).number}, status_code=201)


async def _search(request: Request, book: TicketBook) -> Response:
    asked = request.query_params
    if len(asked) != 1 or not set(asked) <= {"key", "digest", "since"}:
        raise BadTicket("search by one of key, digest, since")
    try:
        since = float(asked["since"]) if "since" in asked else None
    except ValueError:
        raise BadTicket("since is a number of Unix seconds") from None
    found = book.search(key=asked.get("key"), digest=asked.get("digest"), since=since)
    return JSONResponse({"tickets": [_shown(ticket) for ticket in found]})


async def _read(request: Request, book: TicketBook) -> Response:
    ticket = book.get(request.path_params["number"])
    return _no(404, "no such ticket") if ticket is None else JSONResponse(_shown(ticket))


async def _change(request: Request, book: TicketBook) -> Response:
    body = await _body(request, frozenset({"status", "priority", "text"}))
    return _found(book.change(request.path_params["number"], **body))


async def _notes(request: Request, book: TicketBook) -> Response:
    ticket = book.get(request.path_params["number"])
    return _no(404, "no such ticket") if ticket is None else JSONResponse({"notes": ticket.notes})


async def _note(request: Request, book: TicketBook) -> Response:
    body = await _body(request, frozenset({"marker", "text"}))
    found = book.note(request.path_params["number"], str(body.get("marker", "")), str(body.get("text", "")))
    return _found(found, 201)


async def _merge(request: Request, book: TicketBook) -> Response:
    body = await _body(request, frozenset({"into"}))
    if not isinstance(body.get("into"), int):
        raise BadTicket("into is the number of a ticket")
    return _found(book.merge(request.path_params["number"], body["into"]))


async def _queues(_request: Request, book: TicketBook) -> Response:
    tickets = [ticket for ticket in book.all() if not ticket.deleted and ticket.merged_into is None]
    rows = []
    for queue in book.queues:
        statuses = [ticket.status for ticket in tickets if ticket.queue == queue and ticket.status != "resolved"]
        rows.append({"name": queue, "open": len(statuses), "pending": statuses.count("pending")})
    return JSONResponse({"queues": rows})


def _found(found: bool, status: int = 200) -> Response:
    return JSONResponse({"done": True}, status_code=status) if found else _no(404, "no such ticket")
