"""What can be read of incidents, problems, targets and the agent, as JSON: the twins of the pages."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from agent.ledger.read import Wanted
from agent.records import ENDED, LIVE, IncidentState
from exporters.web.api import answers
from exporters.web.api.operation import Operation, answered, routes_of
from exporters.web.api.paging import row_before, token
from exporters.web.api.questions import IncidentQuery, Nothing, ProblemQuery, asked
from exporters.web.api.render import (
    detail_json,
    incident_json,
    need_json,
    path_json,
    status_json,
    target_detail_json,
    target_json,
    window_json,
)
from exporters.web.pages import worst_first
from exporters.web.principal import principal_of
from exporters.web.view import IncidentDetail, View

NO_INCIDENT = "There is no incident of that number."
NO_TARGET = "The estate has no target of that name."
_NUMBER = re.compile(r"[A-Za-z0-9-]{1,40}\Z")
_STATES = {"live": LIVE, "ended": ENDED, "all": None}


class Reading:
    """The endpoints."""

    def __init__(self, view: View, version: str) -> None:
        self._view = view
        self._version = version

    def routes(self) -> Sequence[BaseRoute]:
        return routes_of(self, OPERATIONS)

    async def incidents(self, request: Request) -> Response:
        question = asked(request, IncidentQuery)
        wanted = Wanted(
            states=_STATES[question.state] if question.state in _STATES else frozenset({IncidentState(question.state)}),
            council=question.council,
            site=question.site,
            subject=question.subject,
            since=question.since.timestamp() if question.since is not None else None,
            before=row_before(question.page, question),
            limit=question.limit + 1,  # one more tells whether another page follows
        )
        found = await self._view.incident_page(wanted, principal_of(request).councils)
        shown = found[: question.limit]
        following = token(shown[-1].incident.id, question) if len(found) > len(shown) else None
        rows = [incident_json(line.incident, line.tickets, line.behind) for line in shown]
        return answered(request, {"incidents": [*rows], "limit": question.limit, "next": following})

    async def incident(self, request: Request) -> Response:
        asked(request, Nothing)
        return answered(request, detail_json(await incident_of(self._view, request)))

    async def problems(self, request: Request) -> Response:
        question = asked(request, ProblemQuery)
        found = await self._view.problems(question.limit, principal_of(request).councils)
        return answered(
            request, {"problems": [need_json(problem) for problem in worst_first(found)], "limit": question.limit}
        )

    async def targets(self, request: Request) -> Response:
        asked(request, Nothing)
        found = await self._view.targets(principal_of(request).councils)
        return answered(request, {"targets": [target_json(line) for line in found]})

    async def target(self, request: Request) -> Response:
        asked(request, Nothing)
        detail = await self._view.target(request.path_params["target"], principal_of(request).councils)
        if detail is None:
            raise HTTPException(404, NO_TARGET)
        return answered(request, target_detail_json(detail))

    async def windows(self, request: Request) -> Response:
        asked(request, Nothing)
        found = self._view.windows(principal_of(request).councils)
        return answered(request, {"windows": [window_json(window) for window in found]})

    async def paths(self, request: Request) -> Response:
        asked(request, Nothing)
        found = self._view.paths(principal_of(request).councils)
        return answered(request, {"paths": [path_json(line) for line in found]})

    async def status(self, request: Request) -> Response:
        asked(request, Nothing)
        summary = await self._view.summary(principal_of(request).councils)
        return answered(request, status_json(self._version, self._view.standing(), self._view.health(), summary))


async def incident_of(view: View, request: Request) -> IncidentDetail:
    """The incident that the path names. HTTPException 404 when there is none, or none for this reader."""
    number = request.path_params["incident"]
    councils = principal_of(request).councils
    detail = await view.incident(number, councils) if _NUMBER.match(number) else None
    if detail is None:
        raise HTTPException(404, NO_INCIDENT)
    return detail


_AN_INCIDENT = {"incident": "The incident's id."}
OPERATIONS = (
    Operation(
        "GET", "/api/v1/incidents", Reading.incidents, "Incidents, the newest first", answers.Incidents, "incidents",
        query=IncidentQuery,
        description="Without parameters the live ones. A reader who turns the pages by `next` sees every incident that "
        "was there at the beginning exactly once, whatever changes meanwhile, as long as it fits the filters.",
    ),
    Operation(
        "GET", "/api/v1/incidents/{incident}", Reading.incident, "One incident with its timeline",
        answers.IncidentDetail, "incidents", parameters=_AN_INCIDENT,
        refusals={404: "There is no such incident, or none that this reader may see."},
    ),
    Operation(
        "GET", "/api/v1/problems", Reading.problems, "What needs a person now, worst first", answers.Problems,
        "incidents", query=ProblemQuery,
    ),
    Operation("GET", "/api/v1/targets", Reading.targets, "Every target and its state", answers.Targets, "targets"),
    Operation(
        "GET", "/api/v1/targets/{target}", Reading.target, "One target with its checks", answers.TargetDetail,
        "targets", parameters={"target": "The target's name."},
        refusals={404: "There is no such target, or none that this reader may see."},
    ),
    Operation(
        "GET", "/api/v1/maintenance", Reading.windows, "Planned work, now and to come", answers.Windows, "maintenance"
    ),
    Operation(
        "GET", "/api/v1/paths", Reading.paths, "Flows that must pass and flows that must be blocked", answers.Paths,
        "paths",
    ),
    Operation("GET", "/api/v1/status", Reading.status, "The agent at a glance", answers.Status, "agent"),
)  # fmt: skip
