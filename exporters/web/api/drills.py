"""Drills and failovers over HTTP: to be read. They are begun and ended at the agent's own socket only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from agent.drills.failover_log import Logged
from agent.drills.records import Drill
from agent.ledger.drills import WantedDrills
from agent.records import Councils
from exporters.web.api import answers
from exporters.web.api.drill_json import drill_json, drill_line_json, failover_json
from exporters.web.api.operation import Operation, answered, routes_of
from exporters.web.api.paging import row_before, token
from exporters.web.api.questions import DrillQuery, FailoverQuery, Nothing, asked
from exporters.web.principal import principal_of

NO_DRILL = "There is no drill of that number."
_NUMBER = re.compile(r"[A-Z0-9-]{1,40}\Z")


class DrillLog(Protocol):
    """What is known of drills and failovers; of these councils only, neither by name nor by number of others."""

    async def listed(self, wanted: WantedDrills, councils: Councils) -> Sequence[Drill]: ...

    async def drill(self, id: str, councils: Councils) -> Drill | None: ...

    async def failovers(self, target: str | None, councils: Councils) -> Sequence[Logged]: ...


class DrillReading:
    """The endpoints."""

    def __init__(self, log: DrillLog) -> None:
        self._log = log

    def routes(self) -> Sequence[BaseRoute]:
        return routes_of(self, OPERATIONS)

    async def drills(self, request: Request) -> Response:
        question = asked(request, DrillQuery)
        wanted = WantedDrills(
            target=question.target,
            before=row_before(question.page, question),
            limit=question.limit + 1,  # one more tells whether another page follows
        )
        found = await self._log.listed(wanted, principal_of(request).councils)
        shown = found[: question.limit]
        following = token(shown[-1].id, question) if len(found) > len(shown) else None
        rows = [drill_line_json(drill) for drill in shown]
        return answered(request, {"drills": [*rows], "limit": question.limit, "next": following})

    async def drill(self, request: Request) -> Response:
        asked(request, Nothing)
        return answered(request, drill_json(await drill_of(self._log, request)))

    async def failovers(self, request: Request) -> Response:
        question = asked(request, FailoverQuery)
        found = await self._log.failovers(question.target, principal_of(request).councils)
        return answered(request, {"failovers": [failover_json(one) for one in found]})


async def drill_of(log: DrillLog, request: Request) -> Drill:
    """The drill that the path names. HTTPException 404 when there is none, or none for this reader."""
    number = request.path_params["drill"]
    found = await log.drill(number, principal_of(request).councils) if _NUMBER.match(number) else None
    if found is None:
        raise HTTPException(404, NO_DRILL)
    return found


OPERATIONS = (
    Operation(
        "GET", "/api/v1/drills", DrillReading.drills, "Drills, the newest first", answers.Drills, "drills",
        query=DrillQuery,
    ),
    Operation(
        "GET", "/api/v1/drills/{drill}", DrillReading.drill, "One drill with its evidence", answers.DrillDetail,
        "drills", parameters={"drill": "The drill's id."},
        refusals={404: "There is no such drill, or none that this reader may see."},
    ),
    Operation(
        "GET", "/api/v1/failovers", DrillReading.failovers, "Failovers that checks of pairs remember, the newest first",
        answers.Failovers, "drills", query=FailoverQuery,
    ),
)  # fmt: skip
