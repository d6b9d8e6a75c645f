"""Drills of a running agent: the parts put together, what is asked at the control socket, and what the pages show."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agent.daemon.control import Verb
from agent.daemon.pipeline import Pipeline
from agent.daemon.reading import NotFound
from agent.drills.commands import LONGEST, MOST_PROBES, SHORTEST, DrillCommands, Wanted
from agent.drills.failover_log import Logged, failover_log, remembered
from agent.drills.parties import parties_of
from agent.drills.records import Drill, DrillKind
from agent.drills.under_way import Sight
from agent.judge.watch import vantages_of
from agent.ledger import drills
from agent.ledger.drills import WantedDrills
from agent.ledger.ledger import Ledger
from agent.ledger.load import LedgerState
from agent.ledger.read import Reader
from agent.records import CheckResult, Councils, sees
from agent.redaction import plain
from agent.run import Runner
from agent.schedule import Scheduler
from agent.windows import Windows
from agent.wording import lasting, stamp
from checks.contract import Memory
from checks.firewall.failovers import Failover, failovers
from checks.transports import Transports
from config.estate import CheckSpec, Estate
from exporters.prometheus.drills import DrillMetrics
from exporters.web.api.drill_json import drill_json, drill_line_json, exact, failover_json

_Text = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(plain)]
_Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(plain)]
_Target = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(plain)]
_Probe = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(plain)]


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _Begin(_Question):
    kind: DrillKind
    target: _Target
    reason: _Text
    change: Annotated[str, Field(max_length=100), AfterValidator(plain)] = ""
    seconds: Annotated[float, Field(ge=SHORTEST, le=LONGEST)]
    probes: Annotated[tuple[_Probe, ...], Field(max_length=MOST_PROBES)] = ()
    until_whole: bool = False
    backup: Annotated[str, Field(max_length=200), AfterValidator(plain)] = ""
    by: _Name


class _End(_Question):
    id: _Name | None = None
    by: _Name


class _One(_Question):
    id: _Name


class _List(_Question):
    target: _Target | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100


class _Failovers(_Question):
    target: _Target | None = None


@dataclass(slots=True)
class Drilling:
    """Belongs to the event loop's thread; the ledger is read in another."""

    estate: Estate
    vantage: str
    pipeline: Pipeline
    scheduler: Scheduler
    runner: Runner
    reader: Reader
    clock: Callable[[], float]
    commands: DrillCommands = field(init=False)

    @classmethod
    def of(
        cls,
        estate: Estate,
        vantage: str,
        pipeline: Pipeline,
        scheduler: Scheduler,
        runner: Runner,
        ledger: Ledger,
        windows: Windows,
        transports: Transports,
        state: LedgerState,
        own: DrillMetrics,
        clock: Callable[[], float],
    ) -> Self:
        """Drills that go on from what the ledger kept; one that was under way then is broken off."""
        made = cls(estate, vantage, pipeline, scheduler, runner, ledger.reader, clock)
        sight = Sight(made._results, made._failovers, made._ask, made._fresh)
        keep = pipeline.keep
        made.commands = DrillCommands(estate, windows, transports, sight, keep, clock, state.proven, own.proven)
        made.commands.broken_off(state.drills, state.last_life.end if state.last_life is not None else None)
        return made

    def use(self, estate: Estate) -> None:
        """Another estate is in force."""
        self.estate = estate
        self.commands.use(estate)

    async def listed(self, wanted: WantedDrills, councils: Councils) -> Sequence[Drill]:
        """Drills, the newest first; only those of which the reader may see every target."""
        found: list[Drill] = []
        before = wanted.before
        while len(found) < wanted.limit:
            page = await self._page(replace(wanted, before=before), councils)
            found += [drill for drill in page if self._may_see(drill.covers, councils)]
            if len(page) < wanted.limit:
                break
            before = page[-1].id
        return found[: wanted.limit]

    async def _page(self, wanted: WantedDrills, councils: Councils) -> Sequence[Drill]:
        return await asyncio.to_thread(self.reader.read, lambda connection: drills.drills(connection, wanted, councils))

    async def drill(self, id: str, councils: Councils) -> Drill | None:
        """One drill; the one under way as it is measured now."""
        running = self.commands.under_way
        found = await asyncio.to_thread(self.reader.read, lambda connection: drills.drill(connection, id, councils))
        if found is None or not self._may_see(found.covers, councils):
            return None
        return running.now() if running is not None and running.drill.id == id else found

    async def failovers(self, target: str | None, councils: Councils) -> Sequence[Logged]:
        """The newest failovers that the checks of pairs remember."""
        estate = self.estate
        known = remembered(estate, self._memory, target, councils)
        return await asyncio.to_thread(self.reader.read, lambda connection: failover_log(connection, estate, known))

    def said_of(self, target: str) -> Sequence[str]:
        """What a drill has to do with a target, for a person who wants it explained; mostly nothing."""
        lines = []
        running = self.commands.under_way
        if running is not None and target in running.drill.covers:
            drill = running.drill
            lines.append(f"{drill.id} is under way: {drill.author} drills {drill.target} ({drill.reason}).")
        told: dict[str, bool] = {}
        for party in parties_of(self.estate, target):
            told[party.target] = told.get(party.target, False) or bool(party.telling)
        for name, known in told.items():
            at = self.commands.proven.get(name)
            if at is not None:
                lines.append(f"Last proven failover of {name} {lasting(self.clock() - at)} ago ({stamp(at)}).")
            elif known:
                lines.append(f"No drill has ever proven a failover of {name}.")
        return lines

    def verbs(self) -> Mapping[str, Verb]:
        """What people may ask of it at the control socket."""
        return {
            "drill-begin": (_Begin, self._begin),
            "drill-end": (_End, self._end),
            "drill": (_One, self._show),
            "drills": (_List, self._list),
            "failovers": (_Failovers, self._list_failovers),
        }

    async def _begin(self, asked: _Begin) -> Any:
        return drill_line_json(await self.commands.begin(Wanted(**asked.model_dump())))

    async def _end(self, asked: _End) -> Any:
        return drill_line_json(self.commands.end(asked.id, asked.by))

    async def _show(self, asked: _One) -> Any:
        found = await self.drill(asked.id, None)
        if found is None:
            raise NotFound(f"There is no drill {asked.id}; `ridgeway drill list` shows all.")
        running = self.commands.under_way
        live = running if running is not None and running.drill.id == found.id else None
        return {
            **drill_json(found),
            "away": live.away() if live is not None else [],
            "ending": live is not None and live.ending,
        }

    async def _list(self, asked: _List) -> Any:
        found = await self.listed(WantedDrills(target=asked.target, limit=asked.limit), None)
        proven = self.commands.proven
        return {
            "drills": [drill_line_json(one) for one in found],
            "proven": {name: exact(at) for name, at in sorted(proven.items()) if asked.target in (None, name)},
        }

    async def _list_failovers(self, asked: _Failovers) -> Any:
        if asked.target is not None and asked.target not in self.estate.targets:
            raise NotFound(f"The estate has no target {asked.target}; the page /targets lists what it has.")
        return {"failovers": [failover_json(one) for one in await self.failovers(asked.target, None)]}

    def _may_see(self, names: Iterable[str], councils: Councils) -> bool:
        """A pair that is shared may have members that are one council's."""
        known = (self.estate.targets.get(name) for name in names)
        return all(sees(councils, target.council) for target in known if target is not None)

    def _results(self, spec: CheckSpec) -> Sequence[CheckResult | None]:
        return [self.pipeline.last.get((spec.id, place)) for place in vantages_of(spec, self.vantage)]

    def _failovers(self, spec: CheckSpec) -> Sequence[Failover]:
        return failovers(self._memory(spec))

    def _memory(self, spec: CheckSpec) -> Memory | None:
        """The note of the first vantage that has one: each writes its own."""
        notes = (self.runner.remembered(spec.id).get(place) for place in vantages_of(spec, self.vantage))
        return next((note for note in notes if note is not None), None)

    def _ask(self, specs: Sequence[CheckSpec]) -> None:
        self.scheduler.run_now([spec.id for spec in specs])

    async def _fresh(self, spec: CheckSpec) -> object:
        return await self.runner.run(spec, self.clock())
