"""Where the agent is asked: its pages and interface over HTTP, and the control socket."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

from agent.approvals import ApprovalCommands
from agent.commands import Commands
from agent.daemon.about import About
from agent.daemon.config_verbs import ConfigVerbs
from agent.daemon.control import Control, open_socket
from agent.daemon.drilling import Drilling
from agent.daemon.inforce import Using
from agent.daemon.life import StartError
from agent.daemon.outbound import Outbound
from agent.daemon.path_verbs import path_verbs
from agent.daemon.pipeline import Pipeline
from agent.daemon.reload import Reloader, ReloadError
from agent.daemon.settings import Settings
from agent.daemon.view import AgentView
from agent.ledger.errors import LedgerError
from agent.ledger.ledger import Ledger
from agent.windows import Windows
from checks.transports.lockout import Lockout
from config.estate import Estate
from exporters.feed.feed import Feed
from exporters.feed.hub import MOST_SEATS, Hub
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics
from exporters.web.access import AccessControl, AccessError
from exporters.web.api.acting import Acting
from exporters.web.api.operation import Part
from exporters.web.app import Site
from exporters.web.guard import Hosts, is_host_name
from exporters.web.lifecycle import Lifecycle
from exporters.web.runbook_pages import Runbooks, shipped
from exporters.web.sd import Discovery
from exporters.web.server import ListenError, WebServer, listen


@dataclass(slots=True)
class Serving:
    """The parts that answer, and those that they answer from. `start` it once."""

    estate: Estate
    settings: Settings
    view: AgentView
    exposition: Exposition
    own: OwnMetrics
    pipeline: Pipeline
    windows: Windows
    ledger: Ledger
    lockout: Lockout
    hub: Hub
    outbound: Outbound
    drilling: Drilling
    approvals: ApprovalCommands
    reloader: Reloader | None
    clock: Callable[[], float]
    using: list[Using] = field(default_factory=list)
    """Once started: what is to be told of another estate."""
    addresses: list[tuple[str, int]] = field(default_factory=list)
    """Once started: where the pages are."""
    site: Site = field(init=False)
    _access: AccessControl = field(init=False)

    def objection(self, estate: Estate) -> str:
        """Why nobody could be let in by this estate as the agent listens; empty where they could."""
        return self._access.objection(estate)

    def use(self, estate: Estate) -> None:
        """Another estate is in force."""
        self.estate = estate

    async def start(self, parts: contextlib.AsyncExitStack) -> None:
        """Answer from now on. What has to be let go of is pushed on `parts`. Raises StartError."""
        try:
            sockets = listen([str(address) for address in self.settings.listen])
        except ListenError as error:
            raise StartError(str(error)) from error
        commands = Commands(
            self.estate, self.pipeline.incidents, self.windows, self.pipeline.keep, self.clock, self.lockout
        )
        answering = self._answering(commands)
        self.site = Site(
            self.view,
            self.drilling,
            self.exposition,
            self.own,
            Runbooks(shipped()),
            version("ridgeway"),
            self.clock,
            answering,
        )
        access = self._access = await self._let_in(parts)
        app = self.site.app(Hosts.of((*self.settings.hosts, *_own_names())), access.before)
        web = WebServer(app, sockets, tls=access.tls, meet=access.meet, streams=MOST_SEATS)
        try:
            await self.hub.start()
        except LedgerError as error:
            raise StartError(str(error)) from error
        await web.start()
        parts.push_async_callback(web.stop)
        parts.push_async_callback(self.hub.stop)
        self.addresses = web.addresses
        self.using += [self, commands, access, self.outbound, self.drilling, self.approvals]
        access.turned.append(self.hub.end_all)
        await self._control(commands, parts)

    def _answering(self, commands: Commands) -> list[Part]:
        discovery, feed = Discovery(self.estate), Feed(self.ledger.reader, self.hub, self.clock)
        self.using += [discovery, feed]
        found: list[Part] = [Acting(commands, self.view), discovery, feed]
        if self.reloader is not None:
            found.append(Lifecycle(self._reload, anybody=self.settings.lifecycle))
        return found

    async def _let_in(self, parts: contextlib.AsyncExitStack) -> AccessControl:
        settings = self.settings
        access = AccessControl(
            self.estate.access, settings.web_config, self.own.access, self.clock, exposed=settings.exposed
        )
        parts.push_async_callback(access.stop)
        try:
            await access.start()
        except AccessError as error:
            raise StartError(str(error)) from error
        return access

    async def _control(self, commands: Commands, parts: contextlib.AsyncExitStack) -> None:
        about = About(self.settings, self.ledger, lambda: self.estate, self.view.health)
        control = Control(
            self.pipeline,
            commands,
            self.windows,
            self.ledger.reader,
            self.clock,
            self.lockout,
            self.hub,
            self.reloader,
            {
                **self.outbound.verbs(),
                **about.verbs(),
                **path_verbs(self.view),
                **self.drilling.verbs(),
                **ConfigVerbs(self.approvals, self.clock).verbs(),
            },
            self.drilling.said_of,
        )
        path = self.settings.control_socket
        try:
            listening = open_socket(path)
        except OSError as error:
            raise StartError(
                f"--control.socket {path}: {error.strerror}; name a path that this user may write, "
                "shorter than 108 characters"
            ) from error
        parts.callback(path.unlink, missing_ok=True)
        server = WebServer(control.app(), [listening])
        await server.start()
        parts.push_async_callback(server.stop)

    async def _reload(self, by: str) -> tuple[int, str]:
        """`/-/reload`: the status and the text of the answer."""
        assert self.reloader is not None  # else there is no such route
        try:
            return 200, (await self.reloader.reload(by)).text
        except ReloadError as error:
            return error.status, str(error)


def _own_names() -> list[str]:
    """What this machine calls itself, as far as it can stand in a Host header."""
    name = socket.gethostname()  # not getfqdn: that asks DNS, which may hang when the agent starts after a power cut
    return [name] if is_host_name(name) else []
