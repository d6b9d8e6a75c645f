"""What a prober shows on its own machine: whether it lives, and a few metrics. It has no pages; the judge has."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporters.prometheus.negotiate import negotiate
from exporters.prometheus.prober import ProberMetrics


def prober_site(metrics: ProberMetrics) -> Starlette:
    """`/metrics`, `/-/healthy` and `/-/ready`: it is ready as soon as it can be asked."""

    async def page(request: Request) -> Response:
        chosen = negotiate(request.headers.get("accept", ""))
        headers = {"Content-Type": chosen.content_type, "Cache-Control": "no-store", "Vary": "Accept"}
        return Response(metrics.page(openmetrics=chosen.openmetrics), headers=headers)

    async def healthy(_request: Request) -> Response:
        return PlainTextResponse("Healthy.\n", headers={"Cache-Control": "no-store"})

    async def ready(_request: Request) -> Response:
        return PlainTextResponse("Ready. This agent is a prober.\n", headers={"Cache-Control": "no-store"})

    return Starlette(
        routes=[Route("/metrics", page), Route("/-/healthy", healthy), Route("/-/ready", ready)],
    )
