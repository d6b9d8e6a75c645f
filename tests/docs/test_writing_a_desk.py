"""docs/writing-a-desk.md followed to the letter: its adapter is found and carries a ticket through its life."""

from __future__ import annotations

import re
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from agent.records import WishKind
from checks.catalogue import load_catalogue
from config.estate import DeskSpec
from config.load import load_estate
from exporters.desks.catalogue import GROUP, desk_kinds
from exporters.desks.contract import DeskKind
from exporters.desks.delivery import Delivery
from exporters.desks.options import HttpDeskOptions
from exporters.desks.pace import Pace, system_clock
from exporters.desks.trial import test_desk as try_desk
from testbeds import peers
from testbeds.desk_kit import TIMEOUT, DeskKit
from testbeds.outbox_ledger import OutboxLedger, incident_id, wish

PAGE = (Path(__file__).parents[2] / "docs" / "writing-a-desk.md").read_text(encoding="utf-8")
QUICK = Pace(grace=0.2, retry_first=0.05, retry_longest=0.3, idle=0.2)


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page's package, with the metadata that pip would write from the page's entry point."""
    package = tmp_path / "site" / "paddock"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "desk.py").write_text(block("python"))
    ((group, points),) = tomllib.loads(block("toml"))["project"]["entry-points"].items()
    told = tmp_path / "site" / "paddock-1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: paddock\nVersion: 1\n")
    lines = [f"{name} = {value}\n" for name, value in points.items()]
    (told / "entry_points.txt").write_text(f"[{group}]\n" + "".join(lines))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("DESK_TOKEN", "paddock-token")
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "paddock"]:
        del sys.modules[name]


def paddock() -> DeskKind:
    return desk_kinds(entry_points(group=GROUP))["paddock"]


class Cards:
    """The imaginary Paddock: as much of it as the page's adapter speaks to."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/boards", self.boards),
                Route("/cards", self.listed),
                Route("/cards", self.created, methods=["POST"]),
                Route("/cards/{id:int}", self.shown),
                Route("/cards/{id:int}", self.changed, methods=["PATCH"]),
                Route("/cards/{id:int}/notes", self.notes),
                Route("/cards/{id:int}/notes", self.noted, methods=["POST"]),
            ]
        )

    async def boards(self, _request: Request) -> JSONResponse:
        return JSONResponse({"boards": ["dacorum", "infrastructure"]})

    async def listed(self, request: Request) -> JSONResponse:
        asked = {key: value for key, value in request.query_params.items() if key != "since"}
        found = [row for row in self.rows if all(row[key] == value for key, value in asked.items())]
        return JSONResponse({"cards": found})

    async def created(self, request: Request) -> JSONResponse:
        row = {**await request.json(), "id": len(self.rows) + 1, "done": False, "notes": []}
        self.rows.append(row)
        return JSONResponse(row, 201)

    async def shown(self, request: Request) -> JSONResponse:
        return JSONResponse(self._row(request))

    async def changed(self, request: Request) -> JSONResponse:
        self._row(request).update(await request.json())
        return JSONResponse(self._row(request))

    async def notes(self, request: Request) -> JSONResponse:
        return JSONResponse({"notes": self._row(request)["notes"]})

    async def noted(self, request: Request) -> JSONResponse:
        self._row(request)["notes"].append((await request.json())["text"])
        return JSONResponse({}, 201)

    def _row(self, request: Request) -> dict[str, Any]:
        return self.rows[request.path_params["id"] - 1]


@pytest.fixture
def cards() -> Iterator[tuple[Cards, HttpDeskOptions]]:
    """A small Paddock on a free port, and options that lead to it."""
    there = Cards()
    server = uvicorn.Server(uvicorn.Config(there.app(), port=0, host="127.0.0.1", log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    peers.wait_until(lambda: server.started, "Paddock listens")
    port = server.servers[0].sockets[0].getsockname()[1]
    yield (
        there,
        HttpDeskOptions.model_validate(
            {"url": f"http://127.0.0.1:{port}", "token": "env:DESK_TOKEN", "timeout": 2.0, "max_in_flight": 0.3}
        ),
    )
    server.should_exit = True
    thread.join(10)


class TestAnswers(DeskKit):
    """The kit that the page recommends."""

    def options(self, url: str) -> HttpDeskOptions:
        return HttpDeskOptions.model_validate({"url": url, "token": "env:DESK_TOKEN", "timeout": TIMEOUT})

    @pytest.fixture
    def make(self, monkeypatch: pytest.MonkeyPatch, installed: None) -> Callable[[str], Any]:
        from testbeds.desk_kit import TOKEN

        monkeypatch.setenv("DESK_TOKEN", TOKEN)
        kind = paddock()
        return lambda url: kind.make("ict", self.options(url))


def test_the_estate_of_the_page_names_it(tmp_path: Path) -> None:
    path = tmp_path / "estate.yaml"
    path.write_text(
        "estate: {name: test, vantage: here}\n"
        "councils: {dacorum: {title: Dacorum}}\n"
        "sites: {forum: {council: dacorum}}\n"
        "vantages: {here: {site: forum}}\n"
        "targets: {web: {address: 127.0.0.1, site: forum, checks: [{tcp: {port: 9}}]}}\n" + block("yaml")
    )

    estate = load_estate(path, load_catalogue(), desk_kinds(entry_points(group=GROUP)))

    assert estate.desks["ict"].kind == "paddock"


def test_ridgeway_desk_test_finds_it_fit(cards: tuple[Cards, HttpDeskOptions]) -> None:
    there, options = cards

    lines = try_desk(DeskSpec("ict", "paddock", options), paddock(), ["infrastructure"], send=True)

    assert [line for line in lines if not line.ok] == []
    assert [row["done"] for row in there.rows] == [True]


def test_the_protocol_opens_one_ticket_and_closes_it(cards: tuple[Cards, HttpDeskOptions], tmp_path: Path) -> None:
    there, options = cards
    ledger = OutboxLedger.in_file(tmp_path / "ledger.sqlite")
    kinds: dict[str, DeskKind] = {"paddock": paddock()}
    spec = DeskSpec("ict", "paddock", options, 1000)
    delivery = Delivery(ledger, {"ict": spec}, kinds, {}, system_clock(), ledger.record, QUICK)
    ledger.wish(wish(incident_id(1)))
    ledger.wish(wish(incident_id(1), WishKind.RESOLVE, 1))

    delivery.start()
    try:
        peers.wait_until(lambda: not ledger.waiting(), "every wish is fulfilled", 60)
    finally:
        assert delivery.stop()

    assert [(row["key"], row["done"]) for row in there.rows] == [(incident_id(1), True)]
