"""The routes: pages for people, `/metrics` for Prometheus, `/-/healthy` and `/-/ready`, a small JSON API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from exporters.feed.feed import Feed
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.negotiate import accepts_gzip, negotiate
from exporters.prometheus.own import OwnMetrics
from exporters.prometheus.page import gzipped, pages
from exporters.web.api import incident_json, problem_json
from exporters.web.guard import Guard, Hosts
from exporters.web.lifecycle import Lifecycle
from exporters.web.pages import Pages, children_worst_first, etag, headline, targets_by_council, worst_first
from exporters.web.principal import Access, without_authentication
from exporters.web.runbook_pages import Runbooks
from exporters.web.sd import Discovery
from exporters.web.view import View

MOST_PROBLEMS = 200
MOST_INCIDENTS = 200
Endpoint = Callable[[Request], Awaitable[Response]]


class Site:
    """The endpoints. Holds the parts it was given and no state of its own."""

    def __init__(
        self,
        view: View,
        exposition: Exposition,
        own: OwnMetrics,
        runbooks: Runbooks,
        version: str,
        clock: Callable[[], float],
        discovery: Discovery | None = None,
        feed: Feed | None = None,
        lifecycle: Lifecycle | None = None,
    ) -> None:
        """`discovery` tells Prometheus of the estate's targets; without it there is no `/api/v1/sd`. Nor is there an
        incident feed without `feed`, nor a `/-/reload` without `lifecycle`.
        """
        self._view = view
        self._feed = feed
        self._discovery = discovery
        self._lifecycle = lifecycle
        self._exposition = exposition
        self._own = own
        self._runbooks = runbooks
        self._pages = Pages(version, runbooks)
        self._clock = clock

    def app(self, hosts: Hosts, access: Access = without_authentication) -> ASGIApp:
        """The ASGI application, guarded; `access` decides who is let in."""
        routes = [
            Route("/", self.problems),
            Route("/incidents", self.incidents),
            Route("/incidents/{incident:str}", self.incident),
            Route("/targets", self.targets),
            Route("/targets/{target:str}", self.target),
            Route("/runbooks/", self.runbooks),
            Route("/runbooks/{name:str}", self.runbook),
            Route("/metrics", self.metrics),
            Route("/api/v1/incidents", self.api_incidents),
            Route("/api/v1/incidents/{incident:str}", self.api_incident),
            *([Route("/api/v1/sd", self._discovery.answer)] if self._discovery is not None else []),
            *(self._feed.routes() if self._feed is not None else []),
            Route("/-/healthy", self.healthy),
            Route("/-/ready", self.ready),
            *([Route("/-/reload", self._lifecycle.reload, methods=["POST", "PUT"])] if self._lifecycle else []),
            Route("/static/{name:str}", self.static),
        ]
        site = Starlette(routes=routes, exception_handlers={HTTPException: self.error, 500: self.broken})
        return Guard(access(site), hosts)

    # Pages for people

    async def problems(self, request: Request) -> Response:
        summary = await self._view.summary()
        problems = worst_first(await self._view.problems(MOST_PROBLEMS))
        top = headline(summary, problems, self._view.health())
        return self._page(request, "problems.html", summary=summary, problems=problems, headline=top)

    async def incidents(self, request: Request) -> Response:
        live = await self._view.incidents(live=True, limit=MOST_INCIDENTS)
        ended = await self._view.incidents(live=False, limit=MOST_INCIDENTS)
        return self._page(request, "incidents.html", live=live, ended=ended, most=MOST_INCIDENTS)

    async def incident(self, request: Request) -> Response:
        detail = await self._view.incident(request.path_params["incident"])
        if detail is None:
            raise HTTPException(404, "There is no incident of that number.")
        return self._page(request, "incident.html", detail=detail, children=children_worst_first(detail))

    async def targets(self, request: Request) -> Response:
        councils = targets_by_council(await self._view.targets(), (await self._view.summary()).councils)
        return self._page(request, "targets.html", councils=councils)

    async def target(self, request: Request) -> Response:
        detail = await self._view.target(request.path_params["target"])
        if detail is None:
            raise HTTPException(404, "The estate has no target of that name.")
        return self._page(request, "target.html", detail=detail)

    async def runbooks(self, request: Request) -> Response:
        return self._page(request, "runbooks.html", titles=self._runbooks.titles)

    async def runbook(self, request: Request) -> Response:
        runbook = self._runbooks.page(request.path_params["name"])
        if runbook is None:
            raise HTTPException(404, "There is no runbook of that name.")
        return self._page(request, "runbook.html", runbook=runbook)

    def _page(self, request: Request, template: str, status: int = 200, **values: object) -> Response:
        body = self._pages.render(template, self._clock(), path=request.url.path, **values)
        headers = {"ETag": etag(body), "Cache-Control": "no-cache"}
        if status == 200 and request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return HTMLResponse(body, status, headers)

    async def static(self, request: Request) -> Response:
        file = self._pages.static.get(request.path_params["name"])
        if file is None:
            raise HTTPException(404, "There is no such file.")
        return Response(file.body, media_type=file.content_type, headers={"Cache-Control": "public, max-age=86400"})

    # For machines

    async def metrics(self, request: Request) -> Response:
        chosen = negotiate(request.headers.get("accept", ""))
        pieces = pages(self._exposition, self._own, openmetrics=chosen.openmetrics, now=self._clock())
        headers = {"Content-Type": chosen.content_type, "Cache-Control": "no-store", "Vary": "Accept, Accept-Encoding"}
        if accepts_gzip(request.headers.get("accept-encoding", "")):
            return StreamingResponse(gzipped(pieces), headers={**headers, "Content-Encoding": "gzip"})
        return StreamingResponse(pieces, headers=headers)

    async def healthy(self, _request: Request) -> Response:
        health = self._view.health()
        return _plain("Healthy.\n", 200) if health.healthy else _plain(f"Not healthy: {health.reason}\n", 503)

    async def ready(self, _request: Request) -> Response:
        health = self._view.health()
        return _plain("Ready.\n", 200) if health.ready else _plain(f"Not ready: {health.reason}\n", 503)

    async def api_incidents(self, request: Request) -> Response:
        state = request.query_params.get("state", "live")
        if state not in ("live", "ended"):
            raise HTTPException(400, "state is one of: live, ended")
        found = await self._view.incidents(live=state == "live", limit=MOST_INCIDENTS)
        body = {"incidents": [incident_json(incident, tickets) for incident, tickets in found], "limit": MOST_INCIDENTS}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    async def api_incident(self, request: Request) -> Response:
        detail = await self._view.incident(request.path_params["incident"])
        if detail is None:
            raise HTTPException(404, "There is no incident of that number.")
        return JSONResponse(incident_json(detail.incident, detail.tickets), headers={"Cache-Control": "no-store"})

    async def error(self, request: Request, error: Exception) -> Response:
        """An error in the manner of what was asked: problem details for the API, a page for people."""
        assert isinstance(error, HTTPException)  # registered for this class only
        title = HTTPStatus(error.status_code).phrase
        if request.url.path.startswith("/api/"):
            body = problem_json(error.status_code, title, error.detail)
            return JSONResponse(body, error.status_code, media_type="application/problem+json")
        return self._page(request, "error.html", error.status_code, title=title, detail=error.detail)

    async def broken(self, request: Request, _error: Exception) -> Response:
        """What a person sees of our own mistake; the exception itself goes on to the log."""
        return await self.error(request, HTTPException(500, "This could not be shown. The agent's log says why."))


def _plain(text: str, status: int) -> Response:
    return PlainTextResponse(text, status, {"Cache-Control": "no-store"})
