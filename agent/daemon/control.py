"""The daemon's side of the control socket: what the command line asks of a running agent.

A Unix socket of mode 0600 is the access control: who may open it is the agent's own user or root.
"""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from agent.commands import CommandError, Commands
from agent.daemon.pipeline import Pipeline
from agent.daemon.reading import NotFound, answer, feed_page, window_lines
from agent.daemon.reload import Done, Reloader, ReloadError
from agent.incidents import IncidentError
from agent.ledger.errors import LedgerError
from agent.ledger.read import Reader
from agent.planning.text import plan_json
from agent.records import IncidentState
from agent.redaction import plain
from agent.windows import Windows
from checks.transports.lockout import WINDOW, Lockout
from config.estate import Selector
from exporters.feed.hub import Hub
from exporters.web.api import incident_json

LARGEST_QUESTION = 64 * 1024
_Text = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(plain)]
_Name = Annotated[str, Field(max_length=100), AfterValidator(plain)]
_Names = Annotated[tuple[_Name, ...], Field(max_length=200)]
_Moment = Annotated[float, Field(ge=0, lt=32_503_680_000)]
"""Unix seconds before the year 3000: beyond it there are no dates to show."""


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _Listing(_Question):
    state: IncidentState | Literal["live", "all"]
    council: _Name | None = None
    limit: Annotated[int, Field(ge=1, le=1000)]


class _One(_Question):
    id: Annotated[str, Field(max_length=40), AfterValidator(plain)]


class _Page(_Question):
    after: Annotated[str, Field(max_length=80), AfterValidator(plain)] | None = None
    limit: Annotated[int, Field(ge=1, le=1000)]


class _Acknowledge(_One):
    by: _Text
    comment: _Text
    seconds: Annotated[float, Field(gt=0)]


class _Selector(_Question):
    targets: _Names = ()
    sites: _Names = ()
    councils: _Names = ()
    services: _Names = ()
    kinds: _Names = ()


class _Window(_Question):
    selector: _Selector
    start: _Moment
    end: _Moment
    reason: _Text
    by: _Text


class _EndWindow(_One):
    by: _Text


class _Retry(_Question):
    name: _Name
    by: _Text


class _Explain(_Question):
    target: _Text
    check: _Text | None = None


class _Plan(_Question):
    path: Annotated[str, Field(max_length=4096)] | None = None


class _Reload(_Question):
    by: _Name


class _Apply(_Reload):
    expect: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    change: _Text


Verb = tuple[type[BaseModel], Callable[[Any], Awaitable[Any]]]
"""What is asked, and who answers."""
NO_MORE: Mapping[str, Verb] = {}


class Control:
    """The verbs, each a question model and an answer."""

    def __init__(
        self,
        pipeline: Pipeline,
        commands: Commands,
        windows: Windows,
        reader: Reader,
        clock: Callable[[], float],
        lockout: Lockout,
        hub: Hub,
        reloader: Reloader | None = None,
        more: Mapping[str, Verb] = NO_MORE,
        add: Callable[[str], Sequence[str]] = lambda _target: (),
    ) -> None:
        """`more`: verbs of other parts of the agent; `add`: what they have to say of a target that is explained."""
        self._add = add
        self._more = more
        self._reloader = reloader
        self._pipeline = pipeline
        self._commands = commands
        self._windows = windows
        self._reader = reader
        self._clock = clock
        self._lockout = lockout
        self._hub = hub

    def app(self) -> Starlette:
        verbs: Mapping[str, Verb] = {
            "incidents": (_Listing, lambda asked: self._from_ledger("incidents", asked)),
            "incident": (_One, lambda asked: self._from_ledger("incident", asked)),
            "events": (_Page, self._events),
            "acknowledge": (_Acknowledge, self._acknowledge),
            "maintenance-add": (_Window, self._add_window),
            "maintenance-list": (_Question, self._list_windows),
            "maintenance-end": (_EndWindow, self._end_window),
            "credentials": (_Question, self._credentials),
            "credential-retry": (_Retry, self._retry),
            "explain": (_Explain, self._explain),
            "plan": (_Plan, self._plan),
            "reload": (_Reload, self._reload),
            "apply": (_Apply, self._apply),
            **self._more,
        }
        routes = [
            Route(f"/control/{name}", _endpoint(model, act), methods=["POST"]) for name, (model, act) in verbs.items()
        ]
        return Starlette(routes=routes)

    async def _from_ledger(self, verb: str, asked: _Question) -> Any:
        return await asyncio.to_thread(answer, self._reader, verb, asked.model_dump())

    async def _events(self, asked: _Page) -> Any:
        return await asyncio.to_thread(feed_page, self._reader, asked.after, asked.limit, self._hub.estate)

    async def _acknowledge(self, asked: _Acknowledge) -> Any:
        return incident_json(self._commands.acknowledge(asked.id, asked.by, asked.comment, asked.seconds).what, ())

    async def _add_window(self, asked: _Window) -> Any:
        chosen = asked.selector
        selector = Selector(
            councils=chosen.councils,
            sites=chosen.sites,
            targets=chosen.targets,
            services=chosen.services,
            kinds=chosen.kinds,
        )
        window = self._commands.add_window(selector, asked.start, asked.end, asked.reason, asked.by).what
        return {"id": window.id, "start": window.start, "end": window.end, "covers": self._commands.covers(window.id)}

    async def _list_windows(self, _asked: _Question) -> Any:
        lines = window_lines(self._windows, self._clock())
        shown = ("id", "start", "end", "owner", "reason", "covers")
        return {"windows": [{name: getattr(line, name) for name in shown} for line in lines]}

    async def _end_window(self, asked: _EndWindow) -> Any:
        window = self._commands.end_window(asked.id, asked.by).what
        return {"id": window.id, "ended_at": window.ended_at}

    async def _credentials(self, _asked: _Question) -> Any:
        rows = [
            {"credential": name, "target": target, "refused_at": at, "counts_until": at + WINDOW}
            for name, refusals in self._lockout.refused().items()
            for target, at in refusals.items()
        ]
        return {"refusals": sorted(rows, key=lambda row: (row["credential"], row["refused_at"]))}

    async def _retry(self, asked: _Retry) -> Any:
        self._commands.retry_credential(asked.name, asked.by)
        return {"credential": asked.name}

    def _reloads(self) -> Reloader:
        if self._reloader is None:
            raise CommandError("this agent was started without a file of its own to read again")
        return self._reloader

    async def _plan(self, asked: _Plan) -> Any:
        return plan_json(await self._reloads().plan(Path(asked.path) if asked.path is not None else None))

    async def _reload(self, asked: _Reload) -> Any:
        return _done(await self._reloads().reload(asked.by))

    async def _apply(self, asked: _Apply) -> Any:
        return _done(await self._reloads().reload(asked.by, expect=asked.expect, change=asked.change))

    async def _explain(self, asked: _Explain) -> Any:
        found = self._pipeline.judge.explain(asked.target, asked.check, self._clock())
        if found is None:
            what = f"{asked.target}/{asked.check}" if asked.check else asked.target
            raise NotFound(f"The estate has no {what}; the page /targets lists what it has.")
        return {
            "target": found.target,
            "check": found.check,
            "checks": [dataclasses.asdict(check) for check in found.checks],
            "alerts": [
                {**dataclasses.asdict(alert), "cause": str(alert.cause), "level": alert.level.value}
                for alert in found.alerts
            ],
            "lines": [*found.lines, *self._add(asked.target)],
        }


def _endpoint(
    model: type[BaseModel], act: Callable[[Any], Awaitable[Any]]
) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def endpoint(request: Request) -> JSONResponse:
        try:
            return JSONResponse(await act(model.model_validate_json(await _body(request))))
        except ValidationError as error:
            return JSONResponse({"detail": "; ".join(problem["msg"] for problem in error.errors())}, 422)
        except NotFound as error:
            return JSONResponse({"detail": str(error)}, 404)
        except (CommandError, IncidentError) as error:
            return JSONResponse({"detail": str(error)}, 409)
        except ReloadError as error:
            return JSONResponse({"detail": str(error)}, error.status)
        except LedgerError as error:
            return JSONResponse({"detail": str(error)}, 503)

    return endpoint


def _done(done: Done) -> dict[str, Any]:
    return {"revision": done.plan.after, "text": done.text, "defects": list(done.defects)}


async def _body(request: Request) -> bytes:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_QUESTION:
            raise CommandError("the question is longer than 64 KiB")
    return body


def open_socket(path: Path) -> socket.socket:
    """Listen at `path`, for this user only. OSError when another agent or something else is there already."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _make_way(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    finally:
        os.umask(before)
    listening.listen(16)
    listening.setblocking(False)
    return listening


def _make_way(path: Path) -> None:
    """Take away the socket that a killed agent left. An agent with another ledger may still listen at a live one."""
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise FileExistsError(errno.EEXIST, "something that is not a socket is there", str(path))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(1.0)
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
    raise OSError(errno.EADDRINUSE, "another agent listens there", str(path))
