"""Workers that die or stand still at a named step of the ticket protocol: a program of the tests.

    python -m testbeds.faulty_worker SETTINGS.json

Reads jobs, one JSON object a line, from standard input: `{"desk", "step", "act": "kill" | "stop" | "none"}`. For each
it forks a child, already warm, that takes one lease of that desk and delivers it; at the step the child writes a proof
to its parent and sends itself SIGKILL or SIGSTOP. Each child's end is a line on standard output: `{"desk", "step",
"proof", "incident", "status", "pid"}`, status as os.waitstatus_to_exitcode gives it (-9 for SIGKILL); a child that
stops is reported when it stops, with status null.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3.connection

from agent.ledger import outbox
from exporters.desks.fitness import Fitness
from exporters.desks.pace import Pace, system_clock
from exporters.desks.parts import Parts, Step
from exporters.desks.protocol import deliver
from exporters.desks.request_tracker.adapter import RequestTracker
from exporters.desks.request_tracker.options import RequestTrackerOptions
from exporters.desks.sweep import sweep
from testbeds.outbox_ledger import OutboxLedger, incident_id, wish

WISHED = "0 wished"
SENT = "5 sent, not answered"
_ALL = [str(step) for step in Step]
_ANSWERED = _ALL.index(Step.ANSWERED)
STEPS = (WISHED, *_ALL[:_ANSWERED], SENT, *_ALL[_ANSWERED:])
TIMEOUT = 4.0
MAX_IN_FLIGHT = 0.3
PACE = Pace(grace=0.5, retry_first=0.1, retry_longest=1.0, idle=0.2)
_AT_ONCE = 3


def options(url: str) -> RequestTrackerOptions:
    """A desk that settles quickly, so that dead workers' incidents may soon be taken up again."""
    return RequestTrackerOptions(url=url, token="env:RT_TOKEN", timeout=TIMEOUT, max_in_flight=MAX_IN_FLIGHT)  # type: ignore[arg-type]


def _fault(act: str, write: Callable[[str], None], step: str) -> Callable[[], None]:
    def strike() -> None:
        write(step)
        if act == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif act == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)

    return strike


def _strike_after_sending(strike: Callable[[], None]) -> None:
    """The request for a ticket has left this process whole; its answer has not been read."""
    send = urllib3.connection.HTTPConnection.request

    def request(self: Any, method: str, url: str, *arguments: Any, **named: Any) -> None:
        send(self, method, url, *arguments, **named)
        if method == "POST" and url.endswith("/ticket"):
            strike()

    urllib3.connection.HTTPConnection.request = request  # type: ignore[method-assign]


def _child(settings: dict[str, Any], job: dict[str, Any], write: Callable[[str], None]) -> None:
    strike = _fault(job["act"], write, job["step"])
    ledger = OutboxLedger.in_file(Path(settings["ledger"]), make=False)
    if job["step"] == WISHED:
        ledger.wish(wish(incident_id(job["number"]), desk=job["desk"]))
        strike()
        return
    if job["step"] == SENT:
        _strike_after_sending(strike)
    os.environ["RT_TOKEN"] = settings["token"]
    adapter = RequestTracker(job["desk"], options(settings["url"]))
    clock = system_clock()

    def probe(step: Step) -> None:
        if step == job["step"]:
            strike()

    parts = Parts(
        desk=job["desk"],
        adapter=adapter,
        ledger=ledger,
        clock=clock,
        pace=PACE,
        record=ledger.record,
        fitness=Fitness(job["desk"], adapter),
        chance=random.Random(),
        probe=probe,
    )
    if job["step"] == Step.SWEPT:
        sweep(parts, clock.at() - 3600)
        return
    seconds = PACE.lease(adapter.capabilities)
    owner = f"faulty:{os.getpid()}"
    held = ledger.call(lambda connection: outbox.lease(connection, job["desk"], owner, clock.now(), seconds))
    if held is None:
        write("found nothing to lease")
        return
    write(held.incident)
    deliver(parts, held)


def _fork(settings: dict[str, Any], job: dict[str, Any]) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    try:
        os.close(reading)
        _child(settings, job, lambda text: os.write(writing, f"{text}\n".encode()) and None)
        os._exit(0)
    except BaseException as error:  # noqa: BLE001 - a forked child must never return into its parent's code
        os.write(writing, f"raised {type(error).__name__}: {error}\n".encode())
        os._exit(1)


def _report(job: dict[str, Any], pid: int, reading: int, status: int | None) -> None:
    said = os.read(reading, 65_536).decode().splitlines()
    incident = next((line for line in said if line.startswith("RWY-")), None)
    proof = said[-1] if said else ""
    print(json.dumps({**job, "incident": incident, "proof": proof, "status": status, "pid": pid}), flush=True)


def main() -> None:
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    alive: dict[int, tuple[dict[str, Any], int]] = {}
    stopped: dict[int, tuple[dict[str, Any], int]] = {}

    def reap() -> None:
        pid, status = os.waitpid(-1, os.WUNTRACED)
        job, reading = alive.pop(pid) if pid in alive else stopped.pop(pid)
        if os.WIFSTOPPED(status):
            stopped[pid] = (job, reading)
        _report(job, pid, reading, None if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status))

    for line in sys.stdin:
        job = json.loads(line)
        pid, reading = _fork(settings, job)
        alive[pid] = (job, reading)
        while len(alive) >= _AT_ONCE or (alive and job.get("alone")):
            reap()
    while alive or stopped:
        reap()


if __name__ == "__main__":
    main()
