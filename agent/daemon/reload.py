"""Plans and reloads of a running agent, whoever asks: SIGHUP, `/-/reload`, the command line. One at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import structlog

from agent.daemon.handover import handover
from agent.daemon.inforce import InForce
from agent.daemon.loading import LoadError
from agent.daemon.parts import route_of
from agent.judge import Seen
from agent.ledger.batch import Audit
from agent.ledger.errors import LedgerError
from agent.ledger.outbox import open_tickets
from agent.ledger.read import Reader
from agent.notify import Notifier
from agent.planning import Open, Plan, TicketOf, make_plan
from agent.planning.text import plan_text, summary
from agent.records import IncidentState
from config.estate import Estate
from config.problems import EstateError

_NAMED = 100
"""Problems of a file that the log names one by one."""
_SUBJECT = 12
"""Digits of a revision that stand in the audit's subject; its detail has all of them."""


class Load(Protocol):
    """Reads the estate; targets as they were in `before` are the same objects. Raises EstateError or LoadError."""

    async def __call__(self, before: Estate, path: Path | None = None) -> Estate: ...


class ReloadError(Exception):
    """Nothing was changed; the message says why and how to go on, `status` is how HTTP says it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Done:
    """An estate was put in force."""

    plan: Plan
    defects: tuple[str, ...] = ()
    """Parts that could not go on with it."""

    @property
    def text(self) -> str:
        if self.defects:
            return (
                f"Revision {self.plan.after[:12]} is in force, but for a defect in: {', '.join(self.defects)}. Restart "
                "the agent, and report what its log says.\n"
            )
        return f"Revision {self.plan.after[:12]} is in force: {summary(self.plan)}.\n"


class Reloader:
    """For the event loop."""

    def __init__(
        self,
        load: Load,
        in_force: InForce,
        reader: Reader,
        learn: Callable[[Estate], None],
        notifier: Notifier,
        status_line: Callable[[], str],
    ) -> None:
        """`learn` makes the secrets of an estate known to whatever masks them; it reads files, in a thread."""
        self._load = load
        self._in_force = in_force
        self._reader = reader
        self._learn = learn
        self._notifier = notifier
        self._status_line = status_line
        self._log = structlog.get_logger("agent")
        self._lock = asyncio.Lock()
        self._reloading = False
        self._again = False
        self._hung_up: asyncio.Task[None] | None = None

    async def plan(self, path: Path | None = None) -> Plan:
        """What the estate at `path`, or else the agent's own, would change. Raises ReloadError."""
        async with self._lock:
            try:
                return (await self._planned(path))[1]
            except (EstateError, LoadError, LedgerError) as error:
                raise _unreadable(error) from error

    async def reload(self, by: str, *, expect: str | None = None, change: str = "") -> Done:
        """Put the estate as it stands on disk in force, in the name of `by`. Raises ReloadError.

        With `expect` only if the plan is still the one of that name; it then need not look whole. `change` is the
        reference of the change record.
        """
        if self._reloading:
            raise ReloadError(503, "Another reload is under way; ask again when it is done.")
        self._reloading = True
        try:
            async with self._lock:
                self._notifier.reloading()
                return await self._reload(by, expect, change)
        finally:
            self._reloading = False
            self._notifier.ready(self._status_line())

    def hang_up(self) -> None:
        """SIGHUP: reload soon. Those that come while one is under way are one, after it."""
        self._again = True
        if self._hung_up is None or self._hung_up.done():
            self._hung_up = asyncio.get_running_loop().create_task(self._follow_signals(), name="reload")

    async def stop(self) -> None:
        if self._hung_up is not None:
            self._hung_up.cancel()
            await asyncio.gather(self._hung_up, return_exceptions=True)

    async def _follow_signals(self) -> None:
        while self._again:
            if self._reloading:
                async with self._lock:
                    continue
            self._again = False
            try:
                await self.reload("SIGHUP")
            except ReloadError:
                continue  # the log has said why

    async def _reload(self, by: str, expect: str | None, change: str) -> Done:
        force = self._in_force
        try:
            new, plan = await self._planned(None)
            if expect is not None and plan.expect != expect:
                raise ReloadError(
                    409,
                    f"The plan is no longer {expect}: the file or the estate in force is another one. Look at it "
                    f"(ridgeway plan); the plan is now {plan.expect}.",
                )
            self._refuse(plan, looked_at=expect is not None)
            changed = {name: one for name, one in new.targets.items() if force.estate.targets.get(name) is not one}
            await asyncio.to_thread(self._learn, replace(new, targets=changed))
        except (EstateError, LoadError, LedgerError) as error:
            self._say_bad(by, error)
            raise _unreadable(error) from error
        self._refuse_dropped_desks(new)
        old = force.estate
        over = handover(old, new, force.vantage, force.pipeline.last)
        audit = Audit(
            force.clock(),
            by,
            "reload",
            f"revision {new.revision[:_SUBJECT]}",
            {"before": old.revision, "after": new.revision, "change": change, **plan.difference.counts()},
        )
        if plan.empty and plan.before == plan.after:
            force.accepted()  # the very same file: nothing to do, and nothing for the audit
            self._log.info("estate reloaded, it is as it was", by=by, revision=plan.after[:_SUBJECT])
            return Done(plan)
        done = Done(plan, tuple(await force.put(new, over, audit)))
        if done.defects:
            force.own.config_refused()
        self._log.info(
            "estate reloaded",
            by=by,
            change=change,
            before=plan.before[:_SUBJECT],
            revision=plan.after[:_SUBJECT],
            what=summary(plan),
        )
        return done

    async def _planned(self, path: Path | None) -> tuple[Estate, Plan]:
        force = self._in_force
        new = await self._load(force.estate, path)
        tickets = await asyncio.to_thread(self._reader.read, open_tickets)
        alerts = [copy(alert) for alert in force.pipeline.judge.alerts.values()]
        live = list(force.pipeline.incidents.live.values())
        known = {(incident, desk): TicketOf(incident, desk, ticket) for incident, desk, ticket in tickets}
        for incident in live:  # what is not on disk yet counts, too
            for desk in incident.desks:
                if incident.state is not IncidentState.SUSPECT and desk.mode == "live":
                    known.setdefault((incident.id, desk.desk), TicketOf(incident.id, desk.desk, None))
        results = list(force.pipeline.last.values()) if alerts else []
        old = force.estate

        def plan() -> Plan:
            seen = [Seen.of(result) for result in results]
            now = Open(force.vantage, force.clock(), alerts, seen, live, list(known.values()))
            return make_plan(old, new, now, route_of)

        objections = filter(None, (objection(new) for objection in force.objections))
        made = await asyncio.to_thread(plan)
        return new, replace(made, refusals=(*made.refusals, *objections))

    def _refuse(self, plan: Plan, *, looked_at: bool) -> None:
        if plan.refusals or (plan.suspicions and not looked_at):
            self._in_force.own.config_refused()
            why = "; ".join((*plan.refusals, *plan.suspicions))
            self._log.error("estate not reloaded, the old one stays in force", why=why, expect=plan.expect)
            raise ReloadError(409, plan_text(plan) + "Nothing was changed: the old estate stays in force.\n")

    def _refuse_dropped_desks(self, new: Estate) -> None:
        """An incident may have opened since the plan was made."""
        for incident in self._in_force.pipeline.incidents.live.values():
            for desk in incident.desks:
                if desk.desk not in new.desks and desk.desk in self._in_force.estate.desks and desk.mode == "live":
                    self._in_force.own.config_refused()
                    raise ReloadError(
                        409, f"{incident.id} has just opened, with a ticket at {desk.desk}. Plan again.\n"
                    )

    def _say_bad(self, by: str, error: Exception) -> None:
        self._in_force.own.config_refused()
        problems = [str(problem) for problem in error.problems] if isinstance(error, EstateError) else [str(error)]
        for problem in problems[:_NAMED]:
            self._log.error("estate is wrong", problem=problem)
        more = f", {len(problems) - _NAMED} of them not named here" if len(problems) > _NAMED else ""
        text = f"estate not reloaded for {len(problems)} problem(s){more}; the old one stays in force"
        self._log.error(text, by=by, revision=self._in_force.estate.revision[:_SUBJECT])


def _unreadable(error: Exception) -> ReloadError:
    if isinstance(error, EstateError):
        return ReloadError(422, f"{error}\n{len(error.problems)} problem(s). Nothing was changed.\n")
    return ReloadError(503, f"{error}\n")
