"""`/-/reload`, as Prometheus has it: POST or PUT has the changed estate used, and the answer says what came of it.

| status | meaning |
|---|---|
| 200 | the estate on disk is in force; the text says what changed |
| 403 | whoever asks may not act |
| 409 | it is refused, or looks half written; the text is the plan, and how to go on |
| 422 | it is wrong; the text is every problem with file and line |
| 503 | another reload is under way, or it could not be read |

In every case but the first nothing was changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from exporters.web.principal import LOCAL, acting, principal_of

Reload = Callable[[str], Awaitable[tuple[int, str]]]
"""Reloads in somebody's name; gives the status and a text for a person."""


class Lifecycle:
    """The endpoint. `anybody`: also for whoever asks over loopback without a name (`--web.enable-lifecycle`)."""

    def __init__(self, reload: Reload, *, anybody: bool) -> None:
        self._reload = reload
        self._anybody = anybody

    async def reload(self, request: Request) -> Response:
        principal = principal_of(request)
        if principal is not LOCAL or not self._anybody:
            principal = acting(request)
        status, text = await self._reload(principal.name)
        return PlainTextResponse(text, status, {"Cache-Control": "no-store"})
