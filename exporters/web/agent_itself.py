"""The agent itself, for machines: `/metrics` for Prometheus, and whether it is healthy and ready."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from exporters.prometheus.exposition import Exposition
from exporters.prometheus.negotiate import accepts_gzip, negotiate
from exporters.prometheus.own import OwnMetrics
from exporters.prometheus.page import gzipped, pages
from exporters.web.api.operation import Operation, routes_of
from exporters.web.principal import principal_of
from exporters.web.view import View


class AgentItself:
    """The endpoints."""

    def __init__(self, view: View, exposition: Exposition, own: OwnMetrics, clock: Callable[[], float]) -> None:
        self._view = view
        self._exposition = exposition
        self._own = own
        self._clock = clock

    def routes(self) -> Sequence[BaseRoute]:
        return routes_of(self, OPERATIONS)

    async def metrics(self, request: Request) -> Response:
        chosen = negotiate(request.headers.get("accept", ""))
        pieces = pages(
            self._exposition,
            self._own,
            openmetrics=chosen.openmetrics,
            now=self._clock(),
            councils=principal_of(request).councils,
        )
        headers = {
            "Content-Type": chosen.content_type,
            "Cache-Control": "no-store",
            "Vary": "Accept, Accept-Encoding, Authorization",
        }
        if accepts_gzip(request.headers.get("accept-encoding", "")):
            return StreamingResponse(gzipped(pieces), headers={**headers, "Content-Encoding": "gzip"})
        return StreamingResponse(pieces, headers=headers)

    async def healthy(self, _request: Request) -> Response:
        health = self._view.health()
        return _plain("Healthy.\n", 200) if health.healthy else _plain(f"Not healthy: {health.reason}\n", 503)

    async def ready(self, _request: Request) -> Response:
        health = self._view.health()
        return _plain("Ready.\n", 200) if health.ready else _plain(f"Not ready: {health.reason}\n", 503)


def _plain(text: str, status: int) -> Response:
    return PlainTextResponse(text, status, {"Cache-Control": "no-store"})


OPERATIONS = (
    Operation(
        "GET", "/metrics", AgentItself.metrics, "Metrics for Prometheus", "text/plain", "agent",
        description="OpenMetrics where that is asked for.",
    ),
    Operation(
        "GET", "/-/healthy", AgentItself.healthy, "Whether the scheduler moves", "text/plain", "agent", open=True,
        refusals={503: "It does not."},
    ),
    Operation(
        "GET", "/-/ready", AgentItself.ready, "Whether estate and ledger are loaded", "text/plain", "agent", open=True,
        refusals={503: "They are not."},
    ),
)  # fmt: skip
