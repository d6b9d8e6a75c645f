"""The site: pages for people, and the parts for machines: the API, `/metrics`, `/-/healthy` and `/-/ready`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from agent.ledger.drills import WantedDrills
from agent.ledger.errors import LedgerError
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics
from exporters.web.agent_itself import AgentItself
from exporters.web.api import problem_json
from exporters.web.api.drills import DrillLog, DrillReading, drill_of
from exporters.web.api.openapi import Description
from exporters.web.api.operation import Part
from exporters.web.api.questions import MOST_DRILLS, MOST_INCIDENTS, MOST_PROBLEMS
from exporters.web.api.reading import NO_TARGET, Reading, incident_of
from exporters.web.guard import Guard, Hosts
from exporters.web.pages import Pages, children_worst_first, etag, headline, targets_by_council, worst_first
from exporters.web.principal import Access, principal_of, without_authentication
from exporters.web.runbook_pages import Runbooks
from exporters.web.view import View


class Site:
    """The endpoints of the pages, and the parts. Holds what it was given and no state of its own."""

    def __init__(
        self,
        view: View,
        drills: DrillLog,
        exposition: Exposition,
        own: OwnMetrics,
        runbooks: Runbooks,
        version: str,
        clock: Callable[[], float],
        parts: Sequence[Part] = (),
    ) -> None:
        """`parts` are added to those that every site has: acts, discovery, the feed."""
        self._view = view
        self._drills = drills
        self._runbooks = runbooks
        self._pages = Pages(version, runbooks)
        self._clock = clock
        itself = AgentItself(view, exposition, own, clock)
        self._parts: tuple[Part, ...] = (Reading(view, version), DrillReading(drills), itself, Description(), *parts)

    def routes(self) -> list[BaseRoute]:
        """Every route of the site."""
        pages = [
            Route("/", self.problems),
            Route("/incidents", self.incidents),
            Route("/incidents/{incident:str}", self.incident),
            Route("/targets", self.targets),
            Route("/targets/{target:str}", self.target),
            Route("/drills", self.drills),
            Route("/drills/{drill:str}", self.drill),
            Route("/runbooks/", self.runbooks),
            Route("/runbooks/{name:str}", self.runbook),
            Route("/static/{name:str}", self.static),
        ]
        return [*pages, *(route for part in self._parts for route in part.routes())]

    def app(self, hosts: Hosts, access: Access = without_authentication) -> ASGIApp:
        """The ASGI application, guarded; `access` decides who is let in."""
        handlers = {HTTPException: self.error, LedgerError: self.unkept, 500: self.broken}
        site = Starlette(routes=self.routes(), exception_handlers=handlers)
        return Guard(access(site), hosts)

    # Pages for people

    async def problems(self, request: Request) -> Response:
        councils = principal_of(request).councils
        summary = await self._view.summary(councils)
        problems = worst_first(await self._view.problems(MOST_PROBLEMS, councils))
        top = headline(summary, problems, self._view.health())
        return self._page(request, "problems.html", summary=summary, problems=problems, headline=top)

    async def incidents(self, request: Request) -> Response:
        councils = principal_of(request).councils
        live = await self._view.incidents(live=True, limit=MOST_INCIDENTS, councils=councils)
        ended = await self._view.incidents(live=False, limit=MOST_INCIDENTS, councils=councils)
        return self._page(request, "incidents.html", live=live, ended=ended, most=MOST_INCIDENTS)

    async def incident(self, request: Request) -> Response:
        detail = await incident_of(self._view, request)
        return self._page(
            request, "incident.html", detail=detail, children=children_worst_first(detail), site=request.base_url
        )

    async def targets(self, request: Request) -> Response:
        councils = principal_of(request).councils
        titles = (await self._view.summary(councils)).councils
        shown = targets_by_council(await self._view.targets(councils), titles)
        return self._page(request, "targets.html", councils=shown)

    async def target(self, request: Request) -> Response:
        detail = await self._view.target(request.path_params["target"], principal_of(request).councils)
        if detail is None:
            raise HTTPException(404, NO_TARGET)
        return self._page(request, "target.html", detail=detail)

    async def drills(self, request: Request) -> Response:
        councils = principal_of(request).councils
        drills = await self._drills.listed(WantedDrills(limit=MOST_DRILLS), councils)
        failovers = await self._drills.failovers(None, councils)
        return self._page(request, "drills.html", drills=drills, failovers=failovers, most=MOST_DRILLS)

    async def drill(self, request: Request) -> Response:
        return self._page(request, "drill.html", drill=await drill_of(self._drills, request))

    async def runbooks(self, request: Request) -> Response:
        return self._page(request, "runbooks.html", titles=self._runbooks.titles)

    async def runbook(self, request: Request) -> Response:
        runbook = self._runbooks.page(request.path_params["name"])
        if runbook is None:
            raise HTTPException(404, "There is no runbook of that name.")
        return self._page(request, "runbook.html", runbook=runbook)

    def _page(self, request: Request, template: str, status: int = 200, **values: object) -> Response:
        body = self._pages.render(template, self._clock(), path=request.url.path, **values)
        headers = {"ETag": etag(body), "Cache-Control": "private, no-cache", "Vary": "Authorization"}
        if status == 200 and request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return HTMLResponse(body, status, headers)

    async def static(self, request: Request) -> Response:
        file = self._pages.static.get(request.path_params["name"])
        if file is None:
            raise HTTPException(404, "There is no such file.")
        return Response(file.body, media_type=file.content_type, headers={"Cache-Control": "public, max-age=86400"})

    async def error(self, request: Request, error: Exception) -> Response:
        """An error in the manner of what was asked: problem details for the API, a page for people."""
        assert isinstance(error, HTTPException)  # registered for this class only
        title = HTTPStatus(error.status_code).phrase
        if request.url.path.startswith("/api/"):
            body = problem_json(error.status_code, title, error.detail)
            return JSONResponse(body, error.status_code, error.headers, media_type="application/problem+json")
        return self._page(request, "error.html", error.status_code, title=title, detail=error.detail)

    async def unkept(self, request: Request, error: Exception) -> Response:
        """The ledger cannot be read, which is no mistake of ours nor of whoever asks."""
        return await self.error(request, HTTPException(503, f"The ledger does not answer: {error}"))

    async def broken(self, request: Request, _error: Exception) -> Response:
        """What a person sees of our own mistake; the exception itself goes on to the log."""
        return await self.error(request, HTTPException(500, "This could not be shown. The agent's log says why."))
