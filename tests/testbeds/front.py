"""An access control before an application that says whom it was told of, on a real socket, in the test's own loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import bcrypt
import requests
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from config.estate import Access
from exporters.web.access import AccessControl
from exporters.web.guard import Guard, Hosts
from exporters.web.principal import acting, principal_of
from exporters.web.server import WebServer, listen
from testbeds.certificates import Authority, Issued


def hashed(password: str, cost: int = 4) -> str:
    """As `htpasswd -nB` makes it, with the least work that bcrypt knows."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def users(**passwords: str) -> str:
    """The section `basic_auth_users`."""
    return "basic_auth_users:\n" + "".join(f"  {user}: {hashed(word)}\n" for user, word in passwords.items())


class Counts:
    """Keeps what the metrics would be told."""

    def __init__(self) -> None:
        self.refusals: Counter[str] = Counter()
        self.reloads: list[bool] = []
        self.not_after: float | None = None
        self.unreadable = 0

    def refused(self, reason: str) -> None:
        self.refusals[reason] += 1

    def accepted(self, at: float, not_after: float | None) -> None:
        self.reloads.append(True)
        self.not_after = not_after

    def not_accepted(self) -> None:
        self.reloads.append(False)

    def tokens_unreadable(self, count: int) -> None:
        self.unreadable = count


class Front:
    """Ask it; `control` and `counts` are behind it, its files in `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.authority = Authority()
        self.counts = Counts()
        self.control: AccessControl
        self.port = 0
        self.secure = False
        self.later = 0.0
        """Seconds by which the agent's clock is ahead."""

    @property
    def file(self) -> Path:
        return self.home / "web-config.yml"

    def write(self, content: str, name: str = "web-config.yml", mode: int = 0o600) -> Path:
        """A file of this front, put in its place at once."""
        fresh = self.home / f"{name}.fresh"
        fresh.write_text(content, encoding="utf-8")
        fresh.chmod(mode)
        os.replace(fresh, self.home / name)
        return self.home / name

    def issue(self, name: str = "server", **more: Any) -> Issued:
        """A certificate of its authority, written as NAME.pem and NAME.key."""
        issued = self.authority.issue(**more)
        self.write(issued.chain_pem, f"{name}.pem")
        self.write(issued.key_pem, f"{name}.key")
        self.write(self.authority.pem, "authority.pem")
        return issued

    async def ask(self, path: str = "/who", method: str = "GET", **options: Any) -> requests.Response:
        """One request on a connection of its own; `cert` is the name under which a client certificate was issued."""
        if "cert" in options:
            options["cert"] = (str(self.home / f"{options['cert']}.pem"), str(self.home / f"{options['cert']}.key"))
        scheme = "https" if self.secure else "http"
        options.setdefault("verify", str(self.home / "authority.pem") if self.secure else True)
        url = f"{scheme}://127.0.0.1:{self.port}{path}"
        return await asyncio.to_thread(requests.request, method, url, timeout=20, **options)

    async def status(self, **options: Any) -> int:
        """The status of one request."""
        return (await self.ask(**options)).status_code


@contextlib.asynccontextmanager
async def front(home: Path, content: str | None = None, access: Access | None = None) -> AsyncIterator[Front]:
    """A front with this web configuration file, if any; certificate and key lie beside it."""
    made = Front(home)
    made.issue()
    async with opened(made, content, access):
        yield made


@contextlib.asynccontextmanager
async def opened(made: Front, content: str | None, access: Access | None = None) -> AsyncIterator[None]:
    """The same with a front whose files are there."""
    if content is not None:
        made.write(content)
    path = made.file if content is not None else None
    control = AccessControl(access or Access(), path, made.counts, lambda: time.time() + made.later)
    await control.start()
    made.control = control
    made.secure = control.tls is not None
    app = Guard(control.before(_application()), Hosts.of([]))
    server = WebServer(app, listen(["127.0.0.1:0"]), tls=control.tls, meet=control.meet)
    await server.start()
    made.port = server.addresses[0][1]
    try:
        yield
    finally:
        await server.stop()
        await control.stop()


def _application() -> Starlette:
    async def who(request: Request) -> Response:
        principal = principal_of(request)
        councils = sorted(principal.councils) if principal.councils is not None else None
        told = {"name": principal.name, "councils": councils, "may_act": principal.may_act}
        return JSONResponse({**told, "headers": dict(request.headers)})

    async def healthy(_request: Request) -> Response:
        return JSONResponse("Healthy.")

    async def act(request: Request) -> Response:
        return JSONResponse({"by": acting(request).name})

    async def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return JSONResponse(error.detail, error.status_code)

    routes = [
        Route("/who", who),
        Route("/-/healthy", healthy),
        Route("/api/v1/act", act, methods=["POST"]),
        Route("/api/v1/who", who),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: refused})
