"""The daemon: starts the parts in the order in which they need each other, and stops them in the opposite one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Literal

import structlog
from sqlalchemy import Connection

from agent.approvals import ApprovalCommands
from agent.daemon.drilling import Drilling
from agent.daemon.inforce import InForce, Using
from agent.daemon.journal import tell_incident, tell_ticket
from agent.daemon.life import (
    HangUps,
    StartError,
    raise_descriptor_limit,
    spare_the_collector,
    stop_event,
    take_short_turns,
)
from agent.daemon.loading import Loader
from agent.daemon.outbound import Outbound
from agent.daemon.parts import (
    Routes,
    gone_checks,
    incidents_of,
    judge_of,
    kept_results,
    lockout_of,
    metrics_of,
    polled,
    renamed_since,
    specs_of,
)
from agent.daemon.pipeline import Outlets, Pipeline
from agent.daemon.pulse import Pulse
from agent.daemon.pushing import Pushing
from agent.daemon.reload import Reloader
from agent.daemon.serving import Serving
from agent.daemon.settings import Settings
from agent.daemon.view import AgentView
from agent.elsewhere import Elsewhere
from agent.hearing import Heard
from agent.ledger.apply import append_events
from agent.ledger.batch import Batch
from agent.ledger.errors import LedgerError
from agent.ledger.ledger import Ledger
from agent.ledger.load import LedgerState
from agent.ledger.outbox import free_leases
from agent.ledger.recorder import Recorder
from agent.notify import Notifier
from agent.records import Event
from agent.redaction import Redactor
from agent.run import Runner
from agent.schedule import Scheduler
from agent.stderr import StderrFilter
from agent.windows import Windows
from checks.contract import CheckKind
from checks.transports import Transports
from checks.transports.lockout import Lockout
from config.estate import Estate
from exporters.desks.contract import DeskKind
from exporters.desks.delivery import Delivery, queues_by_desk
from exporters.desks.observed import Outcome, observed
from exporters.desks.pace import system_clock
from exporters.feed.hub import Hub
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.own import OwnMetrics
from exporters.web.app import Site

STOP_WITHIN = 5.0
"""Seconds from being told to stop to the end of the process."""


_TICKET_ACTIONS: Mapping[str, Literal["created", "adopted", "resolved", "reopened"]] = {
    "linked": "created",
    "adopted": "adopted",
    "resolve": "resolved",
    "reopen": "reopened",
}
"""What happened to a ticket, to the word of the metric."""


def run_daemon(
    estate: Estate,
    settings: Settings,
    kinds: Mapping[str, CheckKind],
    desks: Mapping[str, DeskKind],
    redactor: Redactor,
    dropped: Callable[[], int] = lambda: 0,
    path: Path | None = None,
) -> None:
    """Run until SIGTERM or SIGINT. `dropped` counts log lines left out; `path` is where the estate is read again.

    Raises StartError.
    """
    redactor.learn_estate(estate)
    raise_descriptor_limit()

    async def whole_life() -> None:
        loader = Loader(path) if path is not None else None
        signals = HangUps()
        stop = stop_event(signals)
        async with running(estate, settings, kinds, desks, dropped, loader, redactor.learn_estate) as daemon:
            spare_the_collector()
            take_short_turns()
            signals.heard_by(daemon.hang_up)
            await stop.wait()

    with StderrFilter():
        asyncio.run(whole_life())


@contextlib.asynccontextmanager
async def running(
    estate: Estate,
    settings: Settings,
    kinds: Mapping[str, CheckKind],
    desks: Mapping[str, DeskKind],
    dropped: Callable[[], int] = lambda: 0,
    load: Loader | None = None,
    learn: Callable[[object], None] = lambda _estate: None,
) -> AsyncIterator[Daemon]:
    """A daemon that is up inside the block and has let go of everything after it. Raises StartError."""
    daemon = Daemon(estate, settings, kinds, desks, dropped, load=load, learn=learn)
    try:
        await daemon.start()
        yield daemon
    finally:
        await daemon.stop()


class Daemon:
    """Use `running`."""

    def __init__(
        self,
        estate: Estate,
        settings: Settings,
        kinds: Mapping[str, CheckKind],
        desks: Mapping[str, DeskKind],
        dropped: Callable[[], int],
        clock: Callable[[], float] = time.time,
        *,
        load: Loader | None = None,
        learn: Callable[[object], None] = lambda _estate: None,
    ) -> None:
        """`load` reads the estate again, without it there is no reload; `learn` is told of estates, for secrets."""
        self._estate = estate
        self._settings = settings
        self._load = load
        self._learn = learn
        self._kinds = kinds
        self._desk_kinds = desks
        self._dropped = dropped
        self._clock = clock
        self._log = structlog.get_logger("agent")
        self._notifier = Notifier.from_environment(
            os.environ, time.monotonic, lambda: time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        )
        self._parts = contextlib.AsyncExitStack()
        self._using: list[Using] = [self]
        """Parts that go on with another estate by themselves."""
        self._objections: list[Callable[[Estate], str]] = []
        """Why an estate cannot be put in force, asked of each before anything is changed; empty where it can."""
        self.reloader: Reloader | None = None
        """Puts a changed estate in force; None where there is nothing to load one."""
        self.pipeline: Pipeline
        self.scheduler: Scheduler
        self.site: Site
        self.addresses: list[tuple[str, int]] = []
        """Where the pages are, once started."""
        self.ticket_listeners: list[Callable[[Event], None]] = [tell_ticket]
        """Told of what happens to tickets, in the event loop."""

    async def start(self) -> None:
        """Open what is needed and begin. On any failure `stop` gives back what was opened. Raises StartError."""
        began = time.monotonic()
        now = self._clock()
        ledger, state = await self._open_ledger(now)
        pushing = Pushing(self._estate, self._settings, ledger, self._learn, self._clock)
        transports = Transports.open(lockout_of(ledger, state, self._clock), pushing.inbox)
        self._parts.push_async_callback(transports.close)
        windows = Windows(self._estate, state.maintenance)
        routes = Routes(self._estate)
        elsewhere = Elsewhere(self._estate, self._kinds)
        exposition, own = metrics_of(self._estate, self._settings.vantage, self._kinds, now)
        recorder = self._recorder(ledger, state)
        hub = Hub(ledger.reader, self._estate.name)
        delivery = self._delivery(ledger, own, hub)
        scheduler = Scheduler(lambda spec, due: runner.start(spec, due), clock=self._clock, on_jump=self._jumped)
        self.scheduler = scheduler
        outlets = Outlets(
            lambda target: scheduler.run_now(self._askers(target)), delivery.wake, lambda: pulse.soon(), hub.wake
        )
        self.pipeline = pipeline = Pipeline(
            judge_of(self._estate, self._settings.vantage, state, windows),
            incidents_of(routes, state),
            recorder,
            ledger.writer,
            exposition,
            own,
            outlets,
            self._clock,
        )
        pipeline.listeners.append(tell_incident)
        hearing = Heard()
        runner = self._runner(state, transports, pipeline, elsewhere, windows, hearing)
        self._restore(state, pipeline, exposition, now)
        view = AgentView(
            self._estate,
            self._settings.vantage,
            pipeline,
            windows,
            ledger.reader,
            scheduler,
            lambda: ledger.health,
            self._clock,
        )
        pulse = Pulse(
            pipeline,
            recorder,
            ledger,
            scheduler,
            runner,
            delivery,
            own,
            view,
            self._notifier,
            self._clock,
            exposition,
            self._dropped,
            transports,
            hub,
        )
        self._using.append(view)
        moving = (scheduler, runner, elsewhere, windows, routes, pipeline, recorder, exposition, own, delivery)
        in_force = InForce(
            self._estate, self._settings.vantage, *moving, self._clock, pulse.soon, self._using, self._objections
        )
        self.reloader = self._reloads(in_force, ledger, view)
        outbound = Outbound(self._estate, ledger, hub, scheduler, own.outbound, self._clock)
        at = (self._estate, self._settings.vantage)
        drilling = Drilling.of(
            *at, pipeline, scheduler, runner, ledger, windows, transports, state, own.drills, self._clock
        )
        approvals = self._approvals(runner, pipeline, ledger)
        await self._serve(
            view, exposition, own, windows, ledger, transports.lockout, hub, outbound, drilling, approvals
        )
        await pushing.start(self._parts, own)
        self._using.append(pushing)
        await self._begin(ledger, state, scheduler, runner, delivery, pulse)
        self._parts.push_async_callback(drilling.commands.stop)
        outbound.start()
        self._parts.push_async_callback(outbound.stop)
        await self._take_traps(scheduler, runner, own, hearing)
        self._say_started(time.monotonic() - began, ledger.where)
        view.begun = True
        self._notifier.ready(view.status_line())

    def use(self, estate: Estate) -> None:
        """Another estate is in force."""
        self._estate = estate

    def hang_up(self) -> None:
        """SIGHUP: have the changed estate used."""
        if self.reloader is not None:
            self.reloader.hang_up()

    def _reloads(self, in_force: InForce, ledger: Ledger, view: AgentView) -> Reloader | None:
        if self._load is None:
            return None
        reloader = Reloader(self._load, in_force, ledger.reader, self._learn, self._notifier, view.status_line)
        self._parts.push_async_callback(self._load.close)
        self._parts.push_async_callback(reloader.stop)
        return reloader

    def _runner(
        self,
        state: LedgerState,
        transports: Transports,
        pipeline: Pipeline,
        elsewhere: Elsewhere,
        windows: Windows,
        hearing: Heard,
    ) -> Runner:
        return Runner(
            self._estate,
            self._kinds,
            transports,
            vantage=self._settings.vantage,
            clock=self._clock,
            results=pipeline.take,
            memories={key: record.memory for key, record in state.checks.items() if record.memory is not None},
            elsewhere=elsewhere.collector,
            work=windows,
            hearing=hearing,
        )

    def _approvals(self, runner: Runner, pipeline: Pipeline, ledger: Ledger) -> ApprovalCommands:
        def keep(batch: Batch) -> Awaitable[object]:
            return asyncio.wrap_future(ledger.writer.submit(batch))

        return ApprovalCommands(self._estate, self._kinds, runner, pipeline.remembered, keep, self._clock)

    def _say_started(self, seconds: float, ledger: str) -> None:
        self._log.info(
            "agent started",
            estate=self._estate.name,
            revision=self._estate.revision[:12],
            targets=len(self._estate.targets),
            checks=len(specs_of(self._estate)),
            seconds=round(seconds, 2),
            ledger=ledger,
        )

    async def stop(self) -> None:
        """Let go of everything, at most `STOP_WITHIN` seconds; what has happened is on disk afterwards."""
        self._notifier.stopping()
        await self._parts.aclose()
        if self.addresses:
            self._log.info("agent stopped")

    async def _open_ledger(self, now: float) -> tuple[Ledger, LedgerState]:
        try:
            ledger = await asyncio.to_thread(
                Ledger.open,
                self._settings.ledger_url,
                clock=self._clock,
                vantage=self._settings.vantage,
                state=self._settings.state,
            )
        except LedgerError as error:
            raise StartError(str(error)) from error
        self._parts.push_async_callback(asyncio.to_thread, ledger.close)
        try:
            state, renames = renamed_since(self._estate, await asyncio.to_thread(ledger.load, now))
        except LedgerError as error:
            raise StartError(str(error)) from error
        if renames:
            ledger.writer.submit(Batch(renames=renames))
        return ledger, state

    def _recorder(self, ledger: Ledger, state: LedgerState) -> Recorder:
        recorder = Recorder(ledger.writer, run=ledger.run, vantage=self._settings.vantage, clock=self._clock)
        recorder.restore(state)
        recorder.forget(gone_checks(self._estate, self._settings.vantage, state))
        self._parts.push_async_callback(recorder.stop)
        return recorder

    def _delivery(self, ledger: Ledger, own: OwnMetrics, hub: Hub) -> Delivery:
        loop = asyncio.get_running_loop()

        def record(connection: Connection, event: Event) -> None:
            append_events(connection, [event])
            loop.call_soon_threadsafe(self._tell_ticket, event, own)
            hub.wake()

        def count(desk: str, operation: str, outcome: Outcome) -> None:
            own.desk_call(desk, operation, outcome, self._clock())

        return Delivery(
            ledger.writer,
            self._estate.desks,
            observed(self._desk_kinds, count),
            queues_by_desk(self._estate.routes),
            system_clock(),
            record,
        )

    def _tell_ticket(self, event: Event, own: OwnMetrics) -> None:
        action = _TICKET_ACTIONS.get(str(event.data.get("what")))
        if action is not None:
            own.ticket(str(event.data["desk"]), action)
        for listener in self.ticket_listeners:
            listener(event)

    def _restore(self, state: LedgerState, pipeline: Pipeline, exposition: Exposition, now: float) -> None:
        """Put what the ledger kept on the page, so that a restart leaves no hole in `/metrics`."""
        for record, result in kept_results(self._estate, self._settings.vantage, state):
            pipeline.last[record.check_id, record.vantage] = result
            exposition.restore(result, record.state, record.last_success, now)

    async def _serve(
        self,
        view: AgentView,
        exposition: Exposition,
        own: OwnMetrics,
        windows: Windows,
        ledger: Ledger,
        lockout: Lockout,
        hub: Hub,
        outbound: Outbound,
        drilling: Drilling,
        approvals: ApprovalCommands,
    ) -> None:
        acting = (hub, outbound, drilling, approvals)
        answering = (view, exposition, own, self.pipeline, windows, ledger, lockout, *acting)
        serving = Serving(self._estate, self._settings, *answering, self.reloader, self._clock)
        await serving.start(self._parts)
        self._using += serving.using
        self._objections.append(serving.objection)
        self.site, self.addresses = serving.site, serving.addresses

    async def _begin(
        self,
        ledger: Ledger,
        state: LedgerState,
        scheduler: Scheduler,
        runner: Runner,
        delivery: Delivery,
        pulse: Pulse,
    ) -> None:
        await asyncio.to_thread(ledger.writer.call, free_leases)
        delivery.start()
        self._parts.push_async_callback(asyncio.to_thread, delivery.stop, 3.0)
        self._parts.push_async_callback(runner.stop, 1.0)
        scheduler.load(specs_of(self._estate), {record.check_id: record.started for record in state.checks.values()})
        scheduler.start()
        self._parts.push_async_callback(scheduler.stop)
        pulse.start()
        self._parts.push_async_callback(pulse.stop)

    async def _take_traps(self, scheduler: Scheduler, runner: Runner, own: OwnMetrics, hearing: Heard) -> None:
        """Listen for SNMP traps where the command line says so; pysnmp is loaded for nobody else."""
        if not self._settings.traps:
            return
        from agent.daemon.traps import Traps
        from checks.transports.snmp.engine import Engine, engine_id
        from checks.transports.snmp.traps import TrapListenError

        def ask(target: str) -> bool:
            skipped = runner.skipped
            scheduler.run_now(self._askers(target))
            return runner.skipped == skipped

        identity = self._settings.engine_id or engine_id(f"{socket.gethostname()} {self._settings.vantage}")
        traps = Traps(
            polled(self._estate),
            Engine(identity, self._clock(), time.monotonic),
            ask,
            own.snmp_notification,
            notices=[kind.notices for kind in self._kinds.values() if kind.notices is not None],
            hearing=hearing,
            count_name=own.snmp_trap,
            clock=self._clock,
        )
        self._using.append(traps)
        self._parts.push_async_callback(traps.stop)
        try:
            await traps.start([(address.host, address.port) for address in self._settings.traps])
        except TrapListenError as error:
            raise StartError(str(error)) from error

    def _askers(self, target: str) -> list[str]:
        """Checks that can soon tell whether a target is reachable."""
        known = self._estate.targets.get(target)
        return [spec.id for spec in known.checks if not spec.evidence] if known is not None else []

    def _jumped(self, seconds: float) -> None:
        self._log.warning("the clock was stepped", seconds=round(seconds, 1))
        self.pipeline.shift(seconds)
