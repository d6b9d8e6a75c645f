"""A real agent in this process over two councils and what both share, with faults across them, asked by anybody.

Every word of a council's own holds its mark: `ashridge`, `bierton`, or `commons` for what is shared. The line to
Bierton is cut: its pump lies behind it, and so does Ashridge's office. Ashridge's core is silent: its depot lies behind
it, and so does Bierton's museum. The shared exchange is silent too, and a firewall of each council is nearly full.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from agent.daemon.core import Daemon, running
from agent.daemon.settings import Settings
from agent.drills.records import Drill
from agent.ledger.batch import Batch
from agent.ledger.ledger import Ledger
from checks.catalogue import load_catalogue
from checks.contract import Assessment, Memory, State
from checks.firewall.failovers import KEY, Failover, as_json
from config.load import load_estate
from exporters.desks.catalogue import desk_kinds
from exporters.web.guard import Hosts
from exporters.web.principal import Access, Principal, let_in
from exporters.web.server import WebServer, listen
from testbeds import kept
from testbeds.simulation import FULL, MEMORY, Simulation

ASHRIDGE, BIERTON, COMMONS = "ashridge", "bierton", "commons"
MARKS = (ASHRIDGE, BIERTON, COMMONS)
SILENT = ("bierton-line", "bierton-pump", "ashridge-office", "ashridge-core", "ashridge-depot", "bierton-museum",
          "commons-exchange")  # fmt: skip
FULL_ONES = ("ashridge-firewall", "bierton-firewall")
EVERYBODY = Principal("operator", None, may_act=True)
OF_ASHRIDGE = Principal("ashridge-person", frozenset({"ashridge-dc"}), may_act=True)
OF_BIERTON = Principal("bierton-person", frozenset({"bierton-vale"}), may_act=True)
READER = Principal("ashridge-reader", frozenset({"ashridge-dc"}))

_HEAD = """
estate: {name: two, vantage: here}
councils:
  ashridge-dc: {title: Ashridge District Council}
  bierton-vale: {title: Bierton Vale District Council}
sites:
  ashridge-hall: {council: ashridge-dc, title: Ashridge Hall}
  bierton-house: {council: bierton-vale, title: Bierton House}
  commons-room: {council: shared, title: The Commons}
vantages: {here: {site: commons-room}}
services:
  ashridge-planning: {council: ashridge-dc, impact: high, title: Ashridge planning}
  bierton-waste: {council: bierton-vale, impact: high, title: Bierton waste}
  commons-telephony: {council: shared, impact: high, title: Commons telephony}
credentials:
  ashridge-key: {kind: snmp-v2c, community: env:COMMUNITY}
  bierton-key: {kind: snmp-v2c, community: env:COMMUNITY}
  commons-key: {kind: snmp-v2c, community: env:COMMUNITY}
desks:
  ashridge-desk: {kind: demo, url: "%(desk)s", token: "env:DESK_TOKEN", max_in_flight: 0.5}
  bierton-desk: {kind: demo, url: "%(desk)s", token: "env:DESK_TOKEN", max_in_flight: 0.5}
  commons-desk: {kind: demo, url: "%(desk)s", token: "env:DESK_TOKEN", max_in_flight: 0.5}
routes:
  - {name: ashridge-route, match: {councils: [ashridge-dc]}, desks: [ashridge-desk], queue: ashridge-queue}
  - {name: bierton-route, match: {councils: [bierton-vale]}, desks: [bierton-desk], queue: bierton-queue}
  - {name: commons-route, desks: [commons-desk], queue: commons-queue}
maintenance:
  ashridge-works: {match: {targets: [ashridge-quiet]}, reason: Ashridge rewires, owner: Ashridge builders,
    start: "2026-01-01 00:00", end: "2036-01-01 00:00"}
  bierton-works: {match: {targets: [bierton-quiet]}, reason: Bierton rewires, owner: Bierton builders,
    start: "2026-01-01 00:00", end: "2036-01-01 00:00"}
  commons-works: {match: {targets: [commons-quiet]}, reason: The commons are painted, owner: Commons painters,
    start: "2026-01-01 00:00", end: "2036-01-01 00:00"}
defaults: {every: 2s, timeout: 1900ms, open_after: 1 of 1, clear_after: 1 of 1, hold_down: 1m}
targets:
"""
_SITES = {ASHRIDGE: "ashridge-hall", BIERTON: "bierton-house", COMMONS: "commons-room"}
_SERVICES = {ASHRIDGE: "ashridge-planning", BIERTON: "bierton-waste", COMMONS: "commons-telephony"}
_COUNCILS = {ASHRIDGE: "ashridge-dc", BIERTON: "bierton-vale", COMMONS: "shared"}
_SILENT_ONES = {ASHRIDGE: "ashridge-core", BIERTON: "bierton-line", COMMONS: "commons-exchange"}
_NEEDS = {
    "bierton-pump": "bierton-line",
    "ashridge-office": "{any: [bierton-line, bierton-pump]}",
    "ashridge-depot": "ashridge-core",
    "bierton-museum": "ashridge-core",
}
NAMES = (*SILENT, *FULL_ONES, "ashridge-quiet", "bierton-quiet", "commons-quiet")


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.body)
        return found


@dataclass
class Asked:
    """The agent's site, for one principal."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, body: object = None, method: str = "", **headers: str) -> Answer:
        """Over a real socket; blocks, so from a coroutine through `asyncio.to_thread`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            sent = None if body is None else json.dumps(body)
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            if body is not None:
                given.setdefault("Content-Type", "application/json")
            connection.request(method or ("GET" if body is None else "POST"), path, sent, given)
            reply = connection.getresponse()
            return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
        finally:
            connection.close()

    def begun(self, path: str, quiet: float = 2.0) -> bytes:
        """The beginning of an answer without end: all that comes until nothing has come for so many seconds."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            reply = connection.getresponse()
            assert reply.status == 200, reply.read()
            assert connection.sock is not None
            connection.sock.settimeout(quiet)
            found = b""
            with contextlib.suppress(TimeoutError):
                while piece := reply.read1(65_536):
                    found += piece
            return found
        finally:
            connection.close()


@dataclass
class TwoCouncils:
    daemon: Daemon
    simulation: Simulation
    ledger: Path
    _servers: list[WebServer] = field(default_factory=list)

    async def asked_by(self, principal: Principal) -> Asked:
        """A server of the agent's own site at which everybody is this principal."""
        return await self.asked_through(always(principal))

    async def asked_through(self, access: Access) -> Asked:
        """The same behind another access control."""
        app = self.daemon.site.app(Hosts.of([]), access)
        server = WebServer(app, listen(["127.0.0.1:0"]))
        await server.start()
        self._servers.append(server)
        return Asked(server.addresses[0][1])

    async def close(self) -> None:
        for server in self._servers:
            await server.stop()


async def until(condition: Callable[[], Any], what: str, within: float = 60.0) -> Any:
    """Ask again and again, in a thread, until it is so."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        found = await asyncio.to_thread(condition)
        if found:
            return found
        await asyncio.sleep(0.2)
    pytest.fail(f"not within {within:.0f} s: {what}")


def always(principal: Principal) -> Access:
    """An access control that lets everybody in as this one."""

    def access(app: ASGIApp) -> ASGIApp:
        async def let(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                let_in(scope, principal)
            await app(scope, receive, send)

        return let

    return access


@contextlib.asynccontextmanager
async def standing() -> AsyncIterator[TwoCouncils]:
    """The agent, from its start to its end; faults have to be waited for."""
    simulation = Simulation()
    simulation.add(*NAMES)
    simulation.start()
    desk = simulation.desk(queues=tuple(f"{mark}-queue" for mark in MARKS))
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.dict(os.environ, {"COMMUNITY": "public", "DESK_TOKEN": "token-of-the-simulated-desk"}),
    ):
        simulation.silence(*SILENT)
        for name in FULL_ONES:
            simulation[name].set(MEMORY, FULL)
        home = Path(folder)
        (home / "estate.yaml").write_text(_estate(simulation, desk.url))
        kinds, desks = load_catalogue(), desk_kinds()
        estate = load_estate(home / "estate.yaml", kinds, desks)
        settings = Settings.make(
            estate,
            ledger_url=str(home / "ledger.sqlite3"),
            control_socket=home / "control.socket",
            listen=["127.0.0.1:0"],
        )
        _keep_history(home / "ledger.sqlite3")
        try:
            async with running(estate, settings, kinds, desks) as daemon:
                councils = TwoCouncils(daemon, simulation, home / "ledger.sqlite3")
                try:
                    yield councils
                finally:
                    await councils.close()
        finally:
            simulation.close()


def drill_of(mark: str) -> str:
    """The id of the drill that this council had."""
    return f"DRL-01M8MDH6W3GGEMJSVZBP8BF2{MARKS.index(mark)}V"


def _of_a_shared_pair(now: float) -> Drill:
    """A drill of what is shared, with a member that is one council's: for those only who may see both."""
    return kept.drill(
        "DRL-01M8MDH6W3GGEMJSVZBP8BF23V", council="shared", target="commons-quiet", proven_at=now - 7200,
        covers=("commons-quiet", "bierton-quiet"), author="commons-engineer", reason="commons and bierton pull a plug",
    )  # fmt: skip


def _keep_history(path: Path) -> None:
    """A drill of each, and a failover in the note of a check that reads nothing any more, so that the note stays."""
    now = time.time()
    batch = Batch(
        drills=(
            *(
                kept.drill(
                    drill_of(mark), council=_COUNCILS[mark], target=f"{mark}-quiet", covers=(f"{mark}-quiet",),
                    author=f"{mark}-engineer", reason=f"{mark} pulls a plug", proven_at=now - 3600,
                )
                for mark in MARKS
            ),
            _of_a_shared_pair(now),
        ),
        checks=tuple(
            kept.check_record(
                f"{name}/{mark}-check", vantage="here", state=State.UNKNOWN, started=now - 3600, reached=None,
                last_success=None, assessment=Assessment(()),
                memory=Memory(9, json.dumps({KEY: as_json([Failover(now, now, f"{name}-a", f"{name}-b")])})),
            )
            for mark, name in _SILENT_ONES.items()
        ),
    )  # fmt: skip
    with contextlib.closing(Ledger.open(path, clock=time.time, vantage="here")) as ledger:
        ledger.writer.submit(batch).result(30)


def _estate(simulation: Simulation, desk: str) -> str:
    rows = []
    port = desk.rpartition(":")[2].partition("/")[0]
    for name in NAMES:
        mark = name.partition("-")[0]
        flow = f"{mark}-flow: {{from: here, port: {port}, must: pass, owner: {mark} people, reason: {mark} calls}}"
        path = f", {{path: {{every: 1h, timeout: 8s, flows: {{{flow}}}}}}}" if name.endswith("-quiet") else ""
        needs = f"depends_on: {_NEEDS[name]}, " if name in _NEEDS else ""
        rows.append(
            f"  {name}: {{address: 127.0.0.1, site: {_SITES[mark]}, title: The {name} itself, {needs}"
            f"services: [{_SERVICES[mark]}], credentials: {{snmp: {mark}-key}}, checks: [{{snmp: "
            f"{{name: {mark}-check, profile: firewall/fortigate, port: {simulation[name].port}, retries: 0}}}}{path}]}}"
        )
    return _HEAD % {"desk": desk} + "\n".join(rows) + "\n"
