"""SIGKILL at every step of the ticket protocol, against a real Request Tracker: one ticket an incident, counted in RT.

Each victim is a process of its own that dies at the step, with a proof that it did; afterwards the product's own
delivery takes up what they left behind. RIDGEWAY_KILLS sets how often each step is tried (10; `make chaos` takes 200).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from agent.records import WishKind
from config.estate import DeskSpec
from exporters.desks.delivery import Delivery
from exporters.desks.pace import system_clock
from exporters.desks.parts import Step
from exporters.desks.protocol import new_ticket
from exporters.desks.request_tracker import DESK
from exporters.desks.request_tracker.adapter import RequestTracker as Adapter
from exporters.desks.updates import marker_of
from testbeds import faulty_worker, peers
from testbeds.faulty_worker import SENT, STEPS, WISHED
from testbeds.outbox_ledger import OutboxLedger, incident_id, wish
from testbeds.rt import RequestTracker

KILLS = int(os.environ.get("RIDGEWAY_KILLS", "10"))

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(230 + 20 * KILLS)]


@dataclass(frozen=True)
class Aftermath:
    """What was left when every victim was dead and the survivor had nothing more to do."""

    rt: RequestTracker
    ledger: OutboxLedger
    victims: Mapping[str, Sequence[Mapping[str, Any]]]

    def incidents(self, step: str) -> Sequence[str]:
        return [incident_id(STEPS.index(step) * 1000 + number) for number in range(KILLS)]


@pytest.fixture(scope="module")
def aftermath(running_rt: RequestTracker, tmp_path_factory: pytest.TempPathFactory) -> Aftermath:
    """Kill at all steps, one after the other; then let the survivor work until nothing waits."""
    running_rt.reset()
    home = tmp_path_factory.mktemp("kills")
    ledger = OutboxLedger.in_file(home / "ledger.sqlite")
    result = Aftermath(running_rt, ledger, {})
    settings = {"ledger": str(home / "ledger.sqlite"), "url": running_rt.url, "token": running_rt.tokens["ridgeway"]}
    (home / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RT_TOKEN", running_rt.tokens["ridgeway"])
        jobs = _prepare(result)
        reports = _kill(home / "settings.json", jobs)
        _survive(result, STEPS)
    victims = {step: [report for report in reports if report["step"] == step] for step in STEPS}
    return Aftermath(running_rt, ledger, victims)


def _prepare(state: Aftermath) -> list[dict[str, Any]]:
    """Bring every incident to where its step can be reached; one desk a step, so that victims do not meet."""
    with_ticket = (str(Step.UPDATED), str(Step.SWEPT))
    for step in STEPS:
        if step != WISHED:
            state.ledger.wish(*(wish(incident, desk=step) for incident in state.incidents(step)))
    _survive(state, with_ticket)
    adapter = Adapter("setting the scene", faulty_worker.options(state.rt.url))
    for step in (str(Step.CHOSEN), str(Step.SWEPT)):
        # Found by the look-up: made by somebody who died before writing it down. Found by the sweep: a second one.
        for incident in state.incidents(step):
            adapter.create(new_ticket(wish(incident, desk=step)), lambda: True)
    for incident in state.incidents(str(Step.UPDATED)):
        state.ledger.wish(wish(incident, WishKind.NOTE, 1, desk=str(Step.UPDATED)))
    jobs = []
    for step in (str(Step.SWEPT), *(step for step in STEPS if step != Step.SWEPT)):  # sweeps while there is little yet
        for number in range(KILLS):
            job = {"desk": step, "step": step, "act": "kill", "number": STEPS.index(step) * 1000 + number}
            jobs.append({**job, "alone": step == Step.SWEPT})
    return jobs


def _kill(settings: Path, jobs: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "testbeds.faulty_worker", str(settings)],
        input="".join(json.dumps(job) + "\n" for job in jobs),
        capture_output=True,
        text=True,
        cwd=Path(faulty_worker.__file__).parent.parent,
        timeout=200 + 10 * KILLS,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _survive(state: Aftermath, desks: Sequence[str]) -> None:
    """The product's delivery, as it comes up after a crash, until nothing waits."""
    specs = {desk: DeskSpec(desk, DESK.kind, faulty_worker.options(state.rt.url), 10_000) for desk in desks}
    clock = system_clock()
    delivery = Delivery(state.ledger, specs, {DESK.kind: DESK}, {}, clock, state.ledger.record, faulty_worker.PACE)
    started = clock.at()
    delivery.start()
    try:
        peers.wait_until(lambda: not _left(state.ledger, desks), "every wish is fulfilled", 120 + 5 * KILLS)
        peers.wait_until(
            lambda: all((status.swept_at or 0) >= started for status in delivery.status().values()),
            "every desk was swept",
        )
    finally:
        assert delivery.stop()


def _left(ledger: OutboxLedger, desks: Sequence[str]) -> int:
    return ledger.call(
        lambda connection: connection.exec_driver_sql(
            f"SELECT count(*) FROM outbox WHERE phase <> 'done' AND desk IN ({','.join('?' * len(desks))})",
            tuple(desks),
        ).scalar_one()
    )


@pytest.mark.parametrize("step", STEPS)
def test_every_kill_fired_at_its_step(aftermath: Aftermath, step: str) -> None:
    ends = [(report["status"], report["proof"]) for report in aftermath.victims[step]]

    assert ends == [(-9, step)] * KILLS


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_after_this_step_leaves_one_ticket_an_incident(aftermath: Aftermath, step: str) -> None:
    keys = [ticket["key"] for ticket in aftermath.rt.tickets()]

    counts = {incident: keys.count(incident) for incident in aftermath.incidents(step)}

    assert counts == dict.fromkeys(aftermath.incidents(step), 1)


def test_no_ticket_is_there_that_nobody_asked_for(aftermath: Aftermath) -> None:
    asked = {incident for step in STEPS for incident in aftermath.incidents(step)}

    assert {ticket["key"] for ticket in aftermath.rt.tickets()} == asked


def test_the_victims_that_had_sent_their_request_had_made_a_ticket_without_knowing(aftermath: Aftermath) -> None:
    attempts = [aftermath.ledger.link(incident, SENT).attempts for incident in aftermath.incidents(SENT)]

    assert attempts == [1] * KILLS


def test_a_note_written_by_a_victim_is_not_written_again(aftermath: Aftermath) -> None:
    step = str(Step.UPDATED)

    told = {}
    for incident in aftermath.incidents(step):
        (ticket,) = aftermath.rt.tickets(incident)
        told[incident] = aftermath.rt.subjects(ticket["id"], marker_of(wish(incident, WishKind.NOTE, 1)))

    assert told == dict.fromkeys(aftermath.incidents(step), 1)
