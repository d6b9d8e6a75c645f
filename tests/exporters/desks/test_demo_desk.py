"""The demo's desk behind its adapter: the kit's answers, and the protocol with lagging searches and lost replies."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import uvicorn

from agent.demo.desk import demo_desk
from agent.demo.tickets import TicketBook
from agent.records import Priority, WishKind
from config.estate import DeskSpec
from exporters.desks.contract import QueueCount, Refused, Uncertain
from exporters.desks.delivery import Delivery
from exporters.desks.demo import DESK, DemoDeskOptions
from exporters.desks.demo.adapter import DemoDesk
from exporters.desks.pace import Pace, system_clock
from exporters.desks.trial import test_desk as try_desk
from testbeds import peers
from testbeds.desk_kit import NEW, TIMEOUT, DeskKit
from testbeds.outbox_ledger import OutboxLedger, incident_id, wish
from testbeds.relay import Fault, relay

QUICK = Pace(grace=0.2, retry_first=0.05, retry_longest=0.3, idle=0.2)


class TestAnswers(DeskKit):
    kind = DESK

    def options(self, url: str) -> DemoDeskOptions:
        return DemoDeskOptions(url=url, token="env:DESK_TOKEN", timeout=TIMEOUT)


@contextmanager
def serving(book: TicketBook) -> Iterator[int]:
    """The desk on a free port; yields the port."""
    config = uvicorn.Config(demo_desk(book, "demo-token"), port=0, host="127.0.0.1", log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    peers.wait_until(lambda: server.started, "the demo desk listens")
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_TOKEN", "demo-token")


def options(port: int, **changes: float) -> DemoDeskOptions:
    return DemoDeskOptions.model_validate(
        {"url": f"http://127.0.0.1:{port}", "token": "env:DESK_TOKEN", "timeout": 2.0, "max_in_flight": 0.3} | changes
    )


def test_a_ticket_lives_as_the_contract_says(token: None) -> None:
    with serving(TicketBook(("dacorum",), time.time)) as port:
        desk = DemoDesk("ict", options(port))
        number = desk.create(NEW, lambda: True)
        assert [found.number for found in desk.look_up(NEW.key)] == [number]
        assert [found.number for found in desk.find_digest(NEW.digest)] == [number]

        desk.note(number, "[rwy note x 1]", "a note")
        desk.set_priority(number, Priority.P1)
        desk.resolve(number, "over")

        after = desk.read(number)
        assert (after.priority, after.open, desk.has_note(number, "[rwy note x 1]")) == (Priority.P1, False, True)
        desk.reopen(number, "again")
        assert desk.counts(["dacorum"]) == [QueueCount("dacorum", 1, 0)]


def test_a_desk_that_enforces_the_key_makes_a_second_create_uncertain(token: None) -> None:
    with serving(TicketBook(("dacorum",), time.time, unique=True)) as port:
        desk = DemoDesk("ict", options(port))
        desk.create(NEW, lambda: True)

        with pytest.raises(Uncertain, match="409"):
            desk.create(NEW, lambda: True)


def test_what_the_desk_does_not_understand_it_refuses(token: None) -> None:
    with serving(TicketBook(("shared",), time.time)) as port, pytest.raises(Refused, match="there is no queue"):
        DemoDesk("ict", options(port)).create(NEW, lambda: True)


def test_the_trial_proves_the_demo_desk(token: None) -> None:
    book = TicketBook(("dacorum",), time.time)
    with serving(book) as port:
        lines = try_desk(DeskSpec("ict", "demo", options(port)), DESK, ["dacorum"], send=True)

    assert [line for line in lines if not line.ok] == []
    assert [ticket.status for ticket in book.all()] == ["resolved"]


def test_the_page_shows_tickets_and_escapes_what_they_say(token: None) -> None:
    book = TicketBook(("dacorum",), time.time)
    book.create(
        {"key": "K", "digest": "D", "queue": "dacorum", "title": "<script>x</script>", "text": "t", "priority": "P1"}
    )
    with serving(book) as port:
        page = requests.get(f"http://127.0.0.1:{port}/", timeout=5).text

    assert "&lt;script&gt;x&lt;/script&gt;" in page
    assert "<script>" not in page


def test_the_book_is_kept_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / "tickets.json"
    first = TicketBook(("dacorum",), time.time, path=path)
    first.create({"key": "K", "digest": "D", "queue": "dacorum", "title": "T", "text": "t", "priority": "P1"})

    again = TicketBook(("dacorum",), time.time, path=path)

    assert again.all() == first.all()


def deliver_through(ledger: OutboxLedger, port: int, lag: float, timeout: float = 2.0) -> None:
    spec = DeskSpec("ict", "demo", options(port, lookup_lag=lag, timeout=timeout), 1000)
    delivery = Delivery(ledger, {"ict": spec}, {"demo": DESK}, {}, system_clock(), ledger.record, QUICK)
    delivery.start()
    try:
        peers.wait_until(lambda: not ledger.waiting(), "every wish is fulfilled", 60)
    finally:
        assert delivery.stop()


def test_lost_replies_and_a_lagging_search_make_no_second_ticket(token: None, tmp_path: Path) -> None:
    ledger = OutboxLedger.in_file(tmp_path / "ledger.sqlite")
    book = TicketBook(("dacorum",), time.time, lookup_lag=1.0)
    incidents = [incident_id(number) for number in range(12)]
    faults = [Fault.LOSE_REPLY, Fault.BAD_GATEWAY]
    with serving(book) as port, relay(port, faults, path="/api/tickets") as between:
        ledger.wish(*(wish(incident) for incident in incidents))
        ledger.wish(*(wish(incident, WishKind.RESOLVE, 1) for incident in incidents))

        deliver_through(ledger, between.port, lag=1.0)

    assert sum(between.struck.values()) >= 3
    assert sorted((ticket.key, ticket.status) for ticket in book.all()) == [(key, "resolved") for key in incidents]


def test_a_search_that_lags_longer_than_declared_is_what_makes_second_tickets(token: None, tmp_path: Path) -> None:
    ledger = OutboxLedger.in_file(tmp_path / "ledger.sqlite")
    book = TicketBook(("dacorum",), time.time, lookup_lag=30.0)
    with serving(book) as port, relay(port, [Fault.LOSE_REPLY], path="/api/tickets", share=0.6) as between:
        ledger.wish(*(wish(incident_id(number)) for number in range(6)))

        deliver_through(ledger, between.port, lag=0.0, timeout=0.5)

    assert len(book.all()) > 6
