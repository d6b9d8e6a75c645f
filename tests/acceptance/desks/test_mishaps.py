"""What a network, a stalled machine and a crowd do to the ticket protocol; tickets are counted in Request Tracker."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.records import WishKind
from config.estate import DeskSpec
from exporters.desks.delivery import Delivery
from exporters.desks.pace import Pace, system_clock
from exporters.desks.parts import Step
from exporters.desks.request_tracker import DESK
from exporters.desks.request_tracker.options import RequestTrackerOptions
from testbeds import faulty_worker, peers
from testbeds.outbox_ledger import OutboxLedger, incident_id, wish
from testbeds.relay import Fault, relay
from testbeds.rt import RequestTracker

pytestmark = pytest.mark.acceptance
QUICK = Pace(grace=0.3, retry_first=0.05, retry_longest=0.4, idle=0.2)


@pytest.fixture
def ledger(tmp_path: Path) -> OutboxLedger:
    return OutboxLedger.in_file(tmp_path / "ledger.sqlite")


@contextmanager
def delivering(
    ledger: OutboxLedger, url: str, pace: Pace = QUICK, *, timeout: float = 3.0, in_flight: float = 0.5, cap: int = 1000
) -> Iterator[Delivery]:
    options = RequestTrackerOptions(url=url, token="env:RT_TOKEN", timeout=timeout, max_in_flight=in_flight)
    spec = DeskSpec("ict", DESK.kind, options, cap)
    delivery = Delivery(
        ledger, {"ict": spec}, {DESK.kind: DESK}, {"ict": ("dacorum",)}, system_clock(), ledger.record, pace
    )
    delivery.start()
    try:
        yield delivery
    finally:
        assert delivery.stop(), "a worker's thread did not end"


def keys_in(rt: RequestTracker) -> list[str]:
    return sorted(ticket["key"] for ticket in rt.tickets())


def test_lost_requests_lost_replies_bad_gateways_and_ghosts_make_no_second_ticket(
    rt: RequestTracker, ledger: OutboxLedger
) -> None:
    incidents = [incident_id(number) for number in range(24)]
    with relay(rt.port, list(Fault), share=0.6) as between:
        with delivering(ledger, f"http://127.0.0.1:{between.port}", in_flight=2.0):
            ledger.wish(*(wish(incident) for incident in incidents))

            peers.wait_until(lambda: not ledger.waiting(), "every wish is fulfilled", 90)
        peers.wait_until(lambda: between.under_way == 0, "every ghost has landed")

    assert all(between.struck.values()), f"not every fault was tried: {between.struck}"
    assert keys_in(rt) == sorted(incidents)


def test_a_ghost_later_than_declared_makes_a_second_ticket_and_the_sweep_puts_it_away(
    rt: RequestTracker, ledger: OutboxLedger
) -> None:
    incident = incident_id(1)
    eager = Pace(grace=0.3, retry_first=0.05, retry_longest=0.2, idle=0.2, sweep=0.5)
    with relay(rt.port, [Fault.GHOST], share=1.0, ghost_after=4.0) as between:
        with delivering(ledger, f"http://127.0.0.1:{between.port}", eager, timeout=1.0, in_flight=0.1) as first:
            ledger.wish(wish(incident))
            peers.wait_until(lambda: first.status()["ict"].uncertain == 1, "the create went unanswered")
        with delivering(ledger, rt.url, eager, timeout=1.0, in_flight=0.1) as second:
            peers.wait_until(lambda: not ledger.waiting(), "the wish is fulfilled by a ticket of its own")
            peers.wait_until(lambda: second.status()["ict"].repaired == 1, "the ghost was merged")

    assert keys_in(rt) == [incident]
    assert rt.tickets(incident)[0]["id"] == ledger.link(incident).ticket
    assert [event.data["what"] for event in ledger.events] == ["linked", "duplicate"]


def test_eight_writers_at_once_make_one_ticket_an_incident(rt: RequestTracker, ledger: OutboxLedger) -> None:
    incidents = [incident_id(number) for number in range(6)]
    options = RequestTrackerOptions(url=rt.url, token="env:RT_TOKEN", timeout=8.0, max_in_flight=0.5)
    spec = DeskSpec("ict", DESK.kind, options)
    crowd = [
        Delivery(ledger, {"ict": spec}, {DESK.kind: DESK}, {}, system_clock(), ledger.record, QUICK) for _ in range(8)
    ]
    for delivery in crowd:
        delivery.start()
    ledger.wish(*(wish(incident) for incident in incidents))
    for delivery in crowd:
        delivery.wake()

    peers.wait_until(lambda: not ledger.waiting(), "every wish is fulfilled", 60)

    ended = [delivery.stop() for delivery in crowd]
    assert all(ended)
    assert keys_in(rt) == incidents


def test_a_worker_that_stands_still_past_its_lease_makes_no_second_ticket(
    rt: RequestTracker, ledger: OutboxLedger, tmp_path: Path
) -> None:
    steps = (Step.LEASED, Step.LOOKED_UP, Step.MARKED, Step.SENDING, Step.ANSWERED, Step.READ_BACK)
    incidents = {str(step): incident_id(number) for number, step in enumerate(steps)}
    ledger.wish(*(wish(incident, desk=step) for step, incident in incidents.items()))
    with stalled(rt, tmp_path, list(incidents)) as pids:
        specs = {step: DeskSpec(step, DESK.kind, faulty_worker.options(rt.url)) for step in incidents}
        survivor = Delivery(ledger, specs, {DESK.kind: DESK}, {}, system_clock(), ledger.record, faulty_worker.PACE)
        survivor.start()
        peers.wait_until(lambda: not ledger.waiting(), "the leases ran out and others took over", 60)
        assert survivor.stop()

        for pid in pids:
            os.kill(pid, signal.SIGCONT)

    assert keys_in(rt) == sorted(incidents.values())


@contextmanager
def stalled(rt: RequestTracker, home: Path, steps: Sequence[str]) -> Iterator[Sequence[int]]:
    """Workers that sent themselves SIGSTOP at these steps; on leaving, waits until all have gone on and ended."""
    settings = {"ledger": str(home / "ledger.sqlite"), "url": rt.url, "token": rt.tokens["ridgeway"]}
    (home / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    program = [sys.executable, "-m", "testbeds.faulty_worker", str(home / "settings.json")]
    folder = Path(faulty_worker.__file__).parent.parent
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder) as workers:
        assert workers.stdin is not None
        assert workers.stdout is not None
        jobs = [{"desk": step, "step": step, "act": "stop", "number": 0} for step in steps]
        workers.stdin.write("".join(json.dumps(job) + "\n" for job in jobs))
        workers.stdin.flush()
        workers.stdin.close()
        stopped = [json.loads(workers.stdout.readline()) for _ in steps]
        pids = [report["pid"] for report in stopped]
        try:
            assert sorted(report["proof"] for report in stopped) == sorted(steps), stopped
            yield pids
        except BaseException:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)  # their parent has not reaped them, so these are still theirs
            raise
        ends = [json.loads(workers.stdout.readline()) for _ in steps]
        assert [report["status"] for report in ends] == [0] * len(steps), ends


def test_an_incident_is_told_and_closed_in_the_order_of_its_wishes(rt: RequestTracker, ledger: OutboxLedger) -> None:
    incident = incident_id(7)
    ledger.wish(
        wish(incident),
        wish(incident, WishKind.NOTE, 1),
        wish(incident, WishKind.RESOLVE, 1),
        wish(incident, WishKind.REOPEN, 1),
        wish(incident, WishKind.NOTE, 2),
        wish(incident, WishKind.RESOLVE, 2),
    )

    with delivering(ledger, rt.url):
        peers.wait_until(lambda: not ledger.waiting(), "every wish is fulfilled")

    (ticket,) = rt.tickets(incident)
    assert ticket["status"] == "resolved"
    assert rt.subjects(ticket["id"], f"[rwy note {incident} 1]") == 1
    assert rt.subjects(ticket["id"], f"[rwy note {incident} 2]") == 1
    assert [event.data["what"] for event in ledger.events] == ["linked", "resolve", "reopen", "resolve"]
    assert ledger.link(incident).phase == "done"


def test_a_lost_ledger_adopts_the_open_ticket_of_the_same_cause(rt: RequestTracker, tmp_path: Path) -> None:
    cause = "FEDCBA9876543210"
    before, after = OutboxLedger.in_file(tmp_path / "before.sqlite"), OutboxLedger.in_file(tmp_path / "after.sqlite")
    before.wish(wish(incident_id(1), digest=cause))
    with delivering(before, rt.url):
        peers.wait_until(lambda: not before.waiting(), "the first ledger opened its ticket")

    after.wish(wish(incident_id(2), digest=cause), wish(incident_id(2), WishKind.RESOLVE, 1, digest=cause))
    with delivering(after, rt.url):
        peers.wait_until(lambda: not after.waiting(), "the second ledger closed it")

    assert [(ticket["key"], ticket["status"]) for ticket in rt.tickets()] == [(incident_id(1), "resolved")]
    assert after.events[0].data["what"] == "adopted"


def test_a_second_incident_of_a_cause_does_not_adopt_the_ticket_of_the_first(
    rt: RequestTracker, ledger: OutboxLedger
) -> None:
    ledger.wish(wish(incident_id(1), digest="A" * 16), wish(incident_id(2), digest="A" * 16))

    with delivering(ledger, rt.url):
        peers.wait_until(lambda: not ledger.waiting(), "both are fulfilled")

    assert keys_in(rt) == [incident_id(1), incident_id(2)]


def test_a_ticket_deleted_in_the_desk_is_lost_and_never_made_anew(rt: RequestTracker, ledger: OutboxLedger) -> None:
    incident = incident_id(3)
    ledger.wish(wish(incident))
    with delivering(ledger, rt.url) as delivery:
        peers.wait_until(lambda: not ledger.waiting(), "the ticket is open")
        assert rt.call("DELETE", f"/ticket/{ledger.link(incident).ticket}").status_code == 204

        ledger.wish(wish(incident, WishKind.NOTE, 1))
        delivery.wake()

        peers.wait_until(lambda: ledger.link(incident).phase == "lost", "the loss is noticed")
    assert [ticket["status"] for ticket in rt.tickets()] == ["deleted"]
    assert ledger.phases(incident) == [("ensure-ticket", "done"), ("note", "blocked")]
    assert ledger.events[-1].data["what"] == "lost"


def test_a_ticket_that_a_person_resolved_stays_resolved_and_counts_as_closed(
    rt: RequestTracker, ledger: OutboxLedger
) -> None:
    incident = incident_id(4)
    ledger.wish(wish(incident))
    with delivering(ledger, rt.url) as delivery:
        peers.wait_until(lambda: not ledger.waiting(), "the ticket is open")
        rt.call("PUT", f"/ticket/{ledger.link(incident).ticket}", {"Status": "resolved"})

        ledger.wish(wish(incident, WishKind.RESOLVE, 1))
        delivery.wake()

        peers.wait_until(lambda: not ledger.waiting(), "the wish to resolve is over")
    assert ledger.link(incident).phase == "done"
    assert "already resolved" in ledger.events[-1].text


def test_beyond_the_daily_cap_new_tickets_wait_and_old_ones_still_close(
    rt: RequestTracker, ledger: OutboxLedger
) -> None:
    first, second, third = incident_id(1), incident_id(2), incident_id(3)
    ledger.wish(wish(first), wish(second), wish(third))
    with delivering(ledger, rt.url, cap=2) as delivery:
        peers.wait_until(lambda: ledger.waiting() == 1, "two of three are open")

        ledger.wish(wish(first, WishKind.RESOLVE, 1))
        delivery.wake()

        peers.wait_until(lambda: ledger.link(first).phase == "done", "the first is closed")

        def told() -> tuple[bool, int, int]:
            status = delivery.status()["ict"]
            return status.capped, status.backlog.waiting, status.backlog.created

        peers.wait_until(lambda: told() == (True, 1, 2), "the status says that one waits for tomorrow")
    assert keys_in(rt) == [first, second]


def test_a_mistyped_field_stops_tickets_before_the_first_one(rt: RequestTracker, ledger: OutboxLedger) -> None:
    options = RequestTrackerOptions(url=rt.url, token="env:RT_TOKEN", correlation_field="Ridgeway Incidnet")
    spec = DeskSpec("ict", DESK.kind, options)
    ledger.wish(wish(incident_id(1)))
    delivery = Delivery(ledger, {"ict": spec}, {DESK.kind: DESK}, {}, system_clock(), ledger.record, QUICK)
    delivery.start()

    peers.wait_until(lambda: delivery.status()["ict"].failures >= 2, "the self-check refuses, again and again")

    assert delivery.stop()
    assert (
        "queue dacorum: field Ridgeway Incidnet: there is no such ticket field here"
        in delivery.status()["ict"].last_error
    )
    assert rt.tickets() == []
