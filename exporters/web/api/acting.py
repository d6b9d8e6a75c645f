"""What can be done over HTTP: acknowledge an incident, announce planned work and end it.

Everything goes through `agent.commands`, in the name of whoever was let in, and is on disk when the answer says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from agent.commands import CommandError, Commands, NotYours, UnknownWindow
from agent.incidents import IncidentError, UnknownIncident
from agent.ledger.errors import LedgerError
from config.estate import Selector
from exporters.web.api import answers, questions
from exporters.web.api.operation import Operation, answered, routes_of
from exporters.web.api.questions import Nothing, asked, told
from exporters.web.api.reading import incident_of
from exporters.web.api.render import incident_json, window_json
from exporters.web.principal import Principal, actor
from exporters.web.text import iso
from exporters.web.view import View, WindowLine

ON_DISK_WITHIN = 5.0
"""Seconds in which an act must be on disk; more is an answer without that promise."""
NO_WINDOW = "There is no maintenance window of that id."


class Acting:
    """The endpoints."""

    def __init__(self, commands: Commands, view: View, patience: float = ON_DISK_WITHIN) -> None:
        self._commands = commands
        self._view = view
        self._patience = patience

    def routes(self) -> Sequence[BaseRoute]:
        return routes_of(self, OPERATIONS)

    async def acknowledge(self, request: Request) -> Response:
        who = self._actor(request)
        body = await told(request, questions.Acknowledge)
        number = request.path_params["incident"]
        try:
            done = self._commands.acknowledge(number, who.name, body.comment, body.seconds, who.councils)
        except UnknownIncident:
            await incident_of(self._view, request)  # 404, unless it is one that was over long ago
            raise HTTPException(409, "That incident is over; only one that is live can be acknowledged.") from None
        except (IncidentError, CommandError) as error:
            raise HTTPException(409, str(error)) from error
        await self._on_disk(done.kept)
        detail = await incident_of(self._view, request)
        return answered(request, incident_json(detail.incident, detail.tickets, detail.behind))

    async def announce(self, request: Request) -> Response:
        who = self._actor(request)
        body = await told(request, questions.Announce)
        selector = Selector(**body.selector.model_dump())
        start, end = body.start.timestamp(), body.end.timestamp()
        try:
            done = self._commands.add_window(selector, start, end, body.reason, who.name, who.councils)
        except NotYours as error:
            raise HTTPException(403, str(error)) from error
        except CommandError as error:
            raise HTTPException(422, str(error)) from error
        covers = self._commands.covers(done.what.id, who.councils)
        await self._on_disk(done.kept)
        line = WindowLine(done.what.id, start, end, who.name, body.reason, covers, added=True)
        return answered(request, window_json(line), 201)

    async def end(self, request: Request) -> Response:
        who = self._actor(request)
        await told(request, questions.Now)
        try:
            done = self._commands.end_window(request.path_params["window"], who.name, who.councils)
        except UnknownWindow as error:
            raise HTTPException(404, NO_WINDOW) from error
        except NotYours as error:
            raise HTTPException(403, str(error)) from error
        except CommandError as error:
            raise HTTPException(409, str(error)) from error
        await self._on_disk(done.kept)
        ended = done.what
        assert ended.ended_at is not None  # `end_window` has just set it; for mypy
        return answered(request, {"id": ended.id, "ended_at": iso(ended.ended_at)})

    def _actor(self, request: Request) -> Principal:
        """Who acts, once it is known that what they do can be kept."""
        who = actor(request)
        asked(request, Nothing)
        trouble = self._view.ledger_trouble()
        if trouble:
            raise HTTPException(503, f"Nothing was done, for it could not be kept. {trouble}")
        return who

    async def _on_disk(self, kept: Future[object] | None) -> None:
        """Wait until an act is kept. HTTPException 503 when that takes too long, or cannot be."""
        if kept is None:
            return
        written = asyncio.wrap_future(kept)
        written.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may be waiting any more
        try:
            await asyncio.wait_for(asyncio.shield(written), self._patience)
        except TimeoutError:
            raise HTTPException(
                503, "It is in force, but not on disk yet: the ledger is slow or away. It is kept once that is mended."
            ) from None
        except LedgerError as error:
            raise HTTPException(503, f"It is in force, but will not outlive a restart: {error}") from error


OPERATIONS = (
    Operation(
        "POST", "/api/v1/incidents/{incident}/acknowledge", Acting.acknowledge, "Say that somebody has an incident",
        answers.Incident, "incidents", body=questions.Acknowledge, acts=True,
        parameters={"incident": "The incident's id."},
        refusals={
            404: "There is no such incident, or none that this reader may see.",
            409: "It is over, or was.",
        },
    ),
    Operation(
        "POST", "/api/v1/maintenance", Acting.announce, "Announce planned work", answers.Window, "maintenance",
        status=201, body=questions.Announce, acts=True,
        refusals={422: "It would cover nothing, no time to come, or too long a time."},
        description="Who acts for some councils only names them in `councils`, or single `targets` of theirs.",
    ),
    Operation(
        "POST", "/api/v1/maintenance/{window}/end", Acting.end, "End planned work before its time",
        answers.EndedWindow, "maintenance", body=questions.Now, acts=True,
        parameters={"window": "The window's id."},
        refusals={404: "There is no such window.", 409: "It stands in the estate file and is changed there."},
    ),
)  # fmt: skip
