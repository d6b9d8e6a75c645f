"""The access control: stands before an application, and follows its files and the estate while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config.estate import Access, Estate
from exporters.web.access.certificate import Shown, shown_by
from exporters.web.access.file import WebConfigError, WebFile
from exporters.web.access.passwords import Busy, Passwords, Work
from exporters.web.access.policy import Policy, lacking
from exporters.web.access.proxy import without
from exporters.web.access.refusals import Reason, Refused, Told, answer
from exporters.web.access.source import TokenSource, Web, WebSource
from exporters.web.access.tls import TurningContext
from exporters.web.access.tokens import Tokens
from exporters.web.principal import LOCAL, let_in

LOOK_EVERY = 1.0
"""Seconds between two looks at the files."""
OPEN = frozenset({"/-/healthy", "/-/ready"})
"""What a watchdog or a load balancer asks without saying who it is: one word, and why not."""
_SHOWN = "ridgeway.certificate"


class AccessError(Exception):
    """The access control cannot be put up; the message says why and how to mend it."""


class Counting(Protocol):
    """What `/metrics` is told."""

    def refused(self, reason: str) -> None:
        """A request was not let in."""

    def accepted(self, at: float, not_after: float | None) -> None:
        """What the files say is in force since `at`; the certificate that is shown, if any, ends at `not_after`."""

    def not_accepted(self) -> None:
        """What the files say now is refused, and what they said before stays in force."""

    def tokens_unreadable(self, count: int) -> None:
        """So many tokens let nobody in."""


class AccessControl:
    """`start` it, put it `before` the application, give `tls` and `meet` to the server, and `stop` it after that."""

    def __init__(
        self,
        access: Access,
        path: Path | None,
        count: Counting,
        clock: Callable[[], float],
        *,
        exposed: bool = False,
        shows: bool = True,
    ) -> None:
        """`access` of the estate; `path` of the web configuration file; `exposed` and `shows` as `lacking` has them."""
        self._looking = asyncio.Lock()
        self._wanted = access
        self._web = WebSource(path) if path is not None else None
        self._tokens = TokenSource()
        self._exposed = exposed
        self._shows = shows
        self._count = count
        self._clock = clock
        self._told = Told(clock)
        self._log = structlog.get_logger("exporters.web")
        self._work = Work()
        self._policy = Policy(None, access, Tokens(), None)
        self._soon = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._refused = ""
        self.turned: list[Callable[[], None]] = []
        """Told, in the loop, when other rules hold than before: whoever was let in by the old ones must ask again."""
        self.tls: TurningContext | None = None
        """What the server shows, once started; None where it speaks plain HTTP."""

    async def start(self) -> None:
        """Read everything and follow it from now on. Raises AccessError."""
        try:
            web = await asyncio.to_thread(self._web.changed) if self._web is not None else None
        except WebConfigError as error:
            raise AccessError(f"--web.config.file: {error}") from error
        missing = self._lacking(web.file if web is not None else None, self._wanted)
        if missing:
            raise AccessError(missing)
        tokens = await asyncio.to_thread(self._tokens.changed, self._wanted.tokens)
        self._turn(web, self._wanted, tokens or Tokens())
        self._accepted()
        if web is not None and web.tls is not None:
            self.tls = TurningContext(web.tls.context)
        self._following = asyncio.create_task(self._follow(), name="access")

    async def stop(self) -> None:
        """Follow nothing any more, and reckon no further password."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)
            self._following = None
        self._work.close()

    def objection(self, estate: Estate) -> str:
        """Why this estate's `access` could not come into force, as a sentence; empty where it could."""
        return self._lacking(self._file, estate.access)

    def use(self, estate: Estate) -> None:
        """Follow another estate, as soon as its tokens have been read; one that `objection` speaks against is not."""
        objection = self.objection(estate)
        if objection:
            self._log.error("access of the estate refused", reason=objection)
            return
        self._wanted = estate.access
        self._soon.set()

    def before(self, app: ASGIApp) -> ASGIApp:
        """The application with this control before it."""

        async def controlled(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return
            policy = self._policy
            send = _with_headers(send, policy.headers())
            if scope["path"] in OPEN:
                await app(scope, receive, send)
                return
            try:
                await self._let_in(policy, scope)
            except (Refused, Busy) as refused:
                reason = refused.reason if isinstance(refused, Refused) else Reason.BUSY
                self._count.refused(reason.value)
                self._told.refused(reason, _address(scope))
                await answer(reason, scope["path"], policy.schemes)(scope, receive, send)
                return
            await app(scope, receive, send)

        return controlled

    def meet(self, transport: asyncio.BaseTransport) -> Mapping[str, object] | None:
        """What to remember of a new connection, before any request of it is read; None: hang up."""
        line = transport.get_extra_info("ssl_object")
        shown = shown_by(line.getpeercert()) if isinstance(line, ssl.SSLObject | ssl.SSLSocket) else None
        if self._policy.admits(shown, self._clock()):
            return {_SHOWN: shown}
        self._count.refused(Reason.CERTIFICATE.value)
        self._told.refused(Reason.CERTIFICATE, str((transport.get_extra_info("peername") or ("",))[0]))
        return None

    async def _let_in(self, policy: Policy, scope: Scope) -> None:
        """Write down for whom the request is answered. Raises Refused, and Busy."""
        if not policy.asks_who:
            let_in(scope, LOCAL)
            return
        shown = scope.get("state", {}).get(_SHOWN)
        shown = shown if isinstance(shown, Shown) else None
        if not policy.admits(shown, self._clock()):
            raise Refused(Reason.CERTIFICATE)
        principal = await policy.who(scope["headers"], _address(scope), shown)
        if policy.access.proxy is not None:
            scope["headers"] = without(policy.access.proxy, scope["headers"])
        let_in(scope, principal)

    # Following the files and the estate

    async def _follow(self) -> None:
        while True:
            files = self._web is not None or self._policy.access.tokens
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY if files else None):
                    await self._soon.wait()
            self._soon.clear()
            await self.look()

    async def look(self) -> None:
        """Look at the files now, and put into force what has changed and is good; one look after another."""
        async with self._looking:
            await self._look()

    async def _look(self) -> None:
        access = self._wanted
        web = await self._changed_web(access)
        in_force = web or self._policy.web
        objection = self._lacking(in_force.file if in_force is not None else None, access)
        if objection:  # the file has changed since `use` asked
            self._log.error("access of the estate refused", reason=objection)
            self._wanted = self._policy.access if self._wanted is access else self._wanted
            return
        tokens = await asyncio.to_thread(self._tokens.changed, access.tokens)
        if web is not None or tokens is not None or access is not self._policy.access:
            self._turn(in_force, access, tokens if tokens is not None else self._policy.tokens)
            for told in self.turned:
                told()
        if web is not None:
            self._accepted()
            self._log.info("web configuration read", file=str(web.file.path))

    async def _changed_web(self, access: Access) -> Web | None:
        """The file's new content, if it may come into force; else it is tried again at the next look."""
        if self._web is None:
            return None
        try:
            web = await asyncio.to_thread(self._web.changed)
        except WebConfigError as error:
            self._web.forget()
            self._not_accepted(str(error))
            return None
        if web is None:
            return None
        reason = self._lacking(web.file, access)
        if (web.tls is None) != (self.tls is None):
            reason = "whether TLS is spoken is decided at the start; restart the agent to change it"
        if reason:
            self._web.forget()
            self._not_accepted(f"{web.file.path}: {reason}")
            return None
        return web

    def _turn(self, web: Web | None, access: Access, tokens: Tokens) -> None:
        """All of it comes into force between two requests."""
        users = web.file.content.basic_auth_users if web is not None else {}
        passwords = self._policy.passwords
        if not users:
            passwords = None
        elif passwords is None or passwords.users != users:
            passwords = Passwords(users, self._work)
        if tokens is not self._policy.tokens:
            for name, trouble in tokens.troubles.items():
                self._log.error("token lets nobody in", token=name, reason=trouble)
            self._count.tokens_unreadable(len(tokens.troubles))
        self._policy = Policy(web, access, tokens, passwords)
        if self.tls is not None and web is not None and web.tls is not None:
            self.tls.current = web.tls.context

    def _accepted(self) -> None:
        self._refused = ""
        web = self._policy.web
        self._count.accepted(self._clock(), web.tls.not_after if web is not None and web.tls is not None else None)

    def _not_accepted(self, reason: str) -> None:
        if reason == self._refused:
            return
        self._refused = reason
        self._count.not_accepted()
        self._log.error("web configuration refused, the one before stays in force", reason=reason)

    def _lacking(self, file: WebFile | None, access: Access) -> str:
        return lacking(file, access, exposed=self._exposed, shows=self._shows)

    @property
    def _file(self) -> WebFile | None:
        return self._policy.web.file if self._policy.web is not None else None


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _with_headers(send: Send, headers: Mapping[str, str]) -> Send:
    """Sends these headers with the answer."""
    if not headers:
        return send
    more = [(name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers.items()]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *more]
        await send(message)

    return sending
