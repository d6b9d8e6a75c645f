"""The worker of a desk: pauses, faults of an adapter's own code, and ending in time. The desk here is one in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel

from agent.records import Priority, WishKind
from config.estate import DeskSpec, Route, Selector
from exporters.desks.contract import (
    DeskAdapter,
    DeskCapabilities,
    DeskKind,
    NewTicket,
    NotDone,
    QueueCount,
    Refused,
    SelfCheck,
    Ticket,
)
from exporters.desks.delivery import Delivery, queues_by_desk
from exporters.desks.demo import DESK as DEMO
from exporters.desks.demo import DemoDeskOptions
from exporters.desks.pace import Pace, system_clock
from testbeds import peers
from testbeds.canned import canned
from testbeds.outbox_ledger import OutboxLedger, incident_id, wish

QUICK = Pace(grace=0.2, retry_first=0.05, retry_longest=0.2, idle=0.1)


class NoOptions(BaseModel):
    pass


class MemoryDesk:
    """A desk that does as it is told. `trouble(method, subject)` may raise instead; `calls` lists what was asked."""

    capabilities = DeskCapabilities(timeout=1.0, max_in_flight=0.1)

    def __init__(self, trouble: Callable[[str, str], None] = lambda method, subject: None) -> None:
        self.tickets: dict[str, Ticket] = {}
        self.notes: set[tuple[str, str]] = set()
        self.calls: list[tuple[str, str]] = []
        self._trouble = trouble

    def _called(self, method: str, subject: str) -> None:
        self.calls.append((method, subject))
        self._trouble(method, subject)

    def look_up(self, key: str) -> Sequence[Ticket]:
        self._called("look_up", key)
        return [ticket for ticket in self.tickets.values() if ticket.key == key]

    def find_digest(self, digest: str) -> Sequence[Ticket]:
        return [ticket for ticket in self.tickets.values() if ticket.digest == digest and ticket.open]

    def create(self, ticket: NewTicket, may_send: Callable[[], bool]) -> str:
        self._called("create", ticket.key)
        number = str(len(self.tickets) + 1)
        self.tickets[number] = Ticket(
            number, ticket.key, ticket.queue, "new", True, ticket.priority, digest=ticket.digest
        )
        return number

    def read(self, number: str) -> Ticket:
        return self.tickets[number]

    def has_note(self, number: str, marker: str) -> bool:
        return (number, marker) in self.notes

    def note(self, number: str, marker: str, text: str) -> None:
        self._called("note", number)
        self.notes.add((number, marker))

    def set_priority(self, number: str, priority: Priority) -> None:
        self._called("set_priority", number)
        self.tickets[number] = replace(self.tickets[number], priority=priority)

    def resolve(self, number: str, text: str) -> None:
        self._called("resolve", number)
        self.tickets[number] = replace(self.tickets[number], status="resolved", open=False)

    def reopen(self, number: str, text: str) -> None:
        self.tickets[number] = replace(self.tickets[number], status="open", open=True)

    def merge(self, number: str, into: str) -> None:
        self.tickets[number] = replace(self.tickets[number], open=False)

    def changed_since(self, moment: float) -> Sequence[Ticket]:
        return list(self.tickets.values())

    def counts(self, queues: Sequence[str]) -> Sequence[QueueCount]:
        return [QueueCount(queue, len(self.tickets), 0) for queue in queues]

    def self_check(self, queues: Sequence[str]) -> Sequence[SelfCheck]:
        self._called("self_check", ",".join(queues))
        return []

    def close(self) -> None:
        self.calls.append(("close", ""))


@pytest.fixture
def ledger(tmp_path: Path) -> OutboxLedger:
    return OutboxLedger.in_file(tmp_path / "ledger.sqlite")


@contextmanager
def delivering(ledger: OutboxLedger, *desks: DeskAdapter, pace: Pace = QUICK) -> Iterator[Delivery]:
    made = {f"desk-{number}" if number else "ict": desk for number, desk in enumerate(desks)}
    kind = DeskKind("memory", "in memory", NoOptions, lambda name, options: made[name])
    specs = {name: DeskSpec(name, "memory", NoOptions()) for name in made}
    delivery = Delivery(ledger, specs, {"memory": kind}, {"ict": ("dacorum",)}, system_clock(), ledger.record, pace)
    delivery.start()
    try:
        yield delivery
    finally:
        assert delivery.stop()


def test_a_desk_that_is_down_costs_one_try_per_pause_and_delays_no_other(ledger: OutboxLedger) -> None:
    def away(method: str, subject: str) -> None:
        raise NotDone("ict: connection refused", retry_after=3600)

    down, well = MemoryDesk(away), MemoryDesk()
    ledger.wish(*(wish(incident_id(number)) for number in range(30)))
    ledger.wish(*(wish(incident_id(number), desk="desk-1") for number in range(30)))
    with delivering(ledger, down, well) as delivery:
        peers.wait_until(lambda: delivery.status()["desk-1"].opened == 30, "the other desk has all its tickets")
        peers.wait_until(lambda: delivery.status()["ict"].failures == 1, "the first desk was tried")

    assert len([call for call in down.calls if call[0] == "look_up"]) == 1
    status = delivery.status()["ict"]
    assert (status.backlog.waiting, status.last_error) == (30, "ict: connection refused")


def test_an_incident_the_desk_cannot_serve_does_not_hold_up_the_rest(ledger: OutboxLedger) -> None:
    def poisoned(method: str, subject: str) -> None:
        if subject == incident_id(1):
            raise NotDone("ict: 500 for this one")

    desk = MemoryDesk(poisoned)
    ledger.wish(wish(incident_id(1), priority=Priority.P1), wish(incident_id(2)), wish(incident_id(3)))
    with delivering(ledger, desk):
        peers.wait_until(lambda: len(desk.tickets) == 2, "the others have their tickets")

    assert ledger.phases(incident_id(1)) == [("ensure-ticket", "waiting")]


def test_a_fault_in_an_adapters_code_puts_one_incident_aside(ledger: OutboxLedger) -> None:
    def buggy(method: str, subject: str) -> None:
        if subject == incident_id(1):
            raise ZeroDivisionError

    desk = MemoryDesk(buggy)
    ledger.wish(wish(incident_id(1), priority=Priority.P1), wish(incident_id(2)))
    with delivering(ledger, desk) as delivery:
        peers.wait_until(lambda: len(desk.tickets) == 1, "the other has its ticket")
        peers.wait_until(lambda: ledger.link(incident_id(1)).failures >= 1, "the failure is on record")

    assert "unexpected ZeroDivisionError" in ledger.link(incident_id(1)).last_error
    assert delivery.status()["ict"].opened == 1


def test_a_refused_ticket_is_told_once_and_a_mended_desk_gets_it_at_the_next_start(ledger: OutboxLedger) -> None:
    def refuse(method: str, subject: str) -> None:
        if method == "create":
            raise Refused("ict: 422 the queue is closed")

    ledger.wish(wish(incident_id(1)), wish(incident_id(1), WishKind.RESOLVE, 1))
    with delivering(ledger, MemoryDesk(refuse)) as delivery:
        peers.wait_until(lambda: delivery.status()["ict"].backlog.blocked == 1, "the refusal is shown")
    assert [(event.data["what"], event.text) for event in ledger.events] == [
        ("blocked", "ensure-ticket: ict: 422 the queue is closed")
    ]

    mended = MemoryDesk()
    with delivering(ledger, mended):
        peers.wait_until(lambda: not ledger.waiting() and bool(mended.tickets), "the ticket is made after all")

    assert [ticket.status for ticket in mended.tickets.values()] == ["resolved"]


def test_a_refusal_of_everything_blocks_nothing(ledger: OutboxLedger) -> None:
    def refuse(method: str, subject: str) -> None:
        raise Refused("ict: 401", everything=True)

    ledger.wish(wish(incident_id(1)))
    with delivering(ledger, MemoryDesk(refuse)) as delivery:
        peers.wait_until(lambda: delivery.status()["ict"].failures >= 2, "it was tried again")

    assert ledger.phases(incident_id(1)) == [("ensure-ticket", "waiting")]
    assert ledger.events == []


def test_a_priority_is_only_ever_raised(ledger: OutboxLedger) -> None:
    desk = MemoryDesk()
    incident = incident_id(1)
    ledger.wish(wish(incident, priority=Priority.P3))
    with delivering(ledger, desk) as delivery:
        peers.wait_until(lambda: not ledger.waiting(), "the ticket is open")
        ledger.wish(
            wish(incident, WishKind.PRIORITY, 1, priority=Priority.P1),
            wish(incident, WishKind.PRIORITY, 2, priority=Priority.P4),
        )
        delivery.wake(["ict"])
        peers.wait_until(lambda: not ledger.waiting(), "both wishes are over")

    assert desk.tickets["1"].priority is Priority.P1
    assert [call for call in desk.calls if call[0] == "set_priority"] == [("set_priority", "1")]


def test_a_shadow_incident_reaches_no_desk(ledger: OutboxLedger) -> None:
    desk = MemoryDesk()
    ledger.wish(wish(incident_id(1), mode="shadow"), wish(incident_id(2)))
    with delivering(ledger, desk):
        peers.wait_until(lambda: not ledger.waiting(), "what is live is delivered")

    assert [ticket.key for ticket in desk.tickets.values()] == [incident_id(2)]
    assert ledger.phases(incident_id(1)) == [("ensure-ticket", "shadow")]


def test_queue_counts_are_shown(ledger: OutboxLedger) -> None:
    with delivering(ledger, MemoryDesk()) as delivery:
        peers.wait_until(lambda: bool(delivery.status()["ict"].counts), "the queues were counted")

    assert delivery.status()["ict"].counts == (QueueCount("dacorum", 0, 0),)


@pytest.mark.timeout(20)
def test_a_desk_that_hangs_does_not_keep_the_agent_from_stopping(
    ledger: OutboxLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_TOKEN", "t")
    ledger.wish(wish(incident_id(1)))
    with canned(b"HTTP/1.1 200 OK\r\n", drip=0.1) as server:
        spec = DeskSpec("ict", "demo", DemoDeskOptions(url=server.url, token="env:DESK_TOKEN", timeout=60))
        delivery = Delivery(ledger, {"ict": spec}, {"demo": DEMO}, {}, system_clock(), ledger.record, QUICK)
        delivery.start()
        peers.wait_until(lambda: bool(server.requests), "a call is under way")

        ended = delivery.stop(1.0)

    assert ended
    assert not any(thread.name == "desk-ict" for thread in threading.enumerate())


def test_the_queues_of_a_desk_are_those_of_its_routes() -> None:
    routes = (
        Route("a", Selector(), ("ict", "other"), "dacorum"),
        Route("b", Selector(), ("ict",), "shared", "shadow"),
        Route("c", Selector(), ("ict",), "dacorum"),
    )

    assert queues_by_desk(routes) == {"ict": ["dacorum", "shared"], "other": ["dacorum"]}


def test_a_desk_whose_settings_change_gets_a_successor_when_the_call_under_way_has_ended(ledger: OutboxLedger) -> None:
    going, may_go = threading.Event(), threading.Event()

    def slow(method: str, subject: str) -> None:
        if method == "create":
            going.set()
            assert may_go.wait(10)

    made: list[MemoryDesk] = []

    def make(name: str, options: BaseModel) -> DeskAdapter:
        made.append(MemoryDesk(slow))
        if len(made) > 1:
            made[-1].tickets = made[0].tickets
        return made[-1]

    kind = DeskKind("memory", "in memory", NoOptions, make)
    specs = {"ict": DeskSpec("ict", "memory", NoOptions())}
    delivery = Delivery(ledger, specs, {"memory": kind}, {}, system_clock(), ledger.record, QUICK)
    ledger.wish(wish(incident_id(0)))
    delivery.start()
    try:
        assert going.wait(10)
        delivery.use({"ict": DeskSpec("ict", "memory", NoOptions(), new_tickets_per_day=7)}, {})
        ledger.wish(wish(incident_id(1)))
        meanwhile = len(made)
        may_go.set()
        peers.wait_until(lambda: len(made[0].tickets) == 2, "the successor goes on")
    finally:
        assert delivery.stop()

    assert meanwhile == 1
    assert len(made) == 2
    assert made[0].calls[-1] == ("close", "")
    assert delivery.status()["ict"].cap == 7
    assert delivery.status()["ict"].opened == 2
    assert [call for call in made[0].calls if call[0] == "create"] == [("create", incident_id(0))]


def test_a_desk_comes_and_another_goes_and_the_third_is_left_alone(ledger: OutboxLedger) -> None:
    stays, goes, comes = MemoryDesk(), MemoryDesk(), MemoryDesk()
    made = {"stays": stays, "goes": goes, "comes": comes}
    kind = DeskKind("memory", "in memory", NoOptions, lambda name, options: made[name])
    spec = {name: DeskSpec(name, "memory", NoOptions()) for name in made}
    first = {name: spec[name] for name in ("stays", "goes")}
    ledger.wish(*(wish(incident_id(number), desk=name) for number, name in enumerate(made)))
    delivery = Delivery(ledger, first, {"memory": kind}, {"stays": ("one",)}, system_clock(), ledger.record, QUICK)
    delivery.start()
    try:
        peers.wait_until(lambda: len(stays.tickets) == 1 and len(goes.tickets) == 1, "both have their ticket")
        delivery.use({name: spec[name] for name in ("stays", "comes")}, {"stays": ("two",)})
        peers.wait_until(lambda: len(comes.tickets) == 1, "the new desk has its ticket")
        peers.wait_until(lambda: ("close", "") in goes.calls, "the desk that went was closed")
        peers.wait_until(lambda: delivery.status()["stays"].opened == 1, "the desk that stayed counts what it opened")
        peers.wait_until(
            lambda: [c.queue for c in delivery.status()["stays"].counts] == ["two"], "the other queue counts"
        )
    finally:
        assert delivery.stop()

    assert set(delivery.status()) == {"stays", "comes"}
    assert delivery.status()["stays"].opened == 1


def test_a_kind_of_desk_that_is_not_there_changes_nothing(ledger: OutboxLedger) -> None:
    desk = MemoryDesk()
    with delivering(ledger, desk) as delivery:
        with pytest.raises(KeyError):
            delivery.use({"ict": DeskSpec("ict", "other", NoOptions())}, {})
        ledger.wish(wish(incident_id(0)))

        peers.wait_until(lambda: len(desk.tickets) == 1, "the old one still delivers")
