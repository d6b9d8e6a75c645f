"""What people may have drilled: begin one, end one. Each act has a name and is kept in the audit, with what it changed.

One drill at a time: people stand beside it, and two of them would measure each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Protocol

import structlog
from ulid import ULID

from agent.commands import CommandError
from agent.drills.counting import Answer
from agent.drills.parties import party_for
from agent.drills.party import Party
from agent.drills.probing import Ask, Probe, Row, asking, tried
from agent.drills.records import Drill, DrillKind, Outcome
from agent.drills.under_way import Ending, Sight, UnderWay
from agent.ledger.batch import Audit, MaintenanceWindow
from agent.ledger.errors import LedgerError
from agent.windows import Windows
from checks.telephony.sip_options import KIND as SIP
from checks.telephony.sip_options import SipOptions
from checks.transports import Transports
from checks.transports.fault import TransportFault
from checks.transports.sip import Carrier
from config.estate import Estate, Selector, Target

SHORTEST, LONGEST = 60.0, 4 * 3_600.0
MOST_PROBES = 4
ON_DISK_WITHIN = 5.0
LAST_WORDS_WITHIN = 2.0
_PORTS_OF = ("tcp", "tls")
"""Kinds of check whose `port` is one that must accept connections."""


class Keep(Protocol):
    """Submits what changed to the ledger as one batch; the future is done once it is on disk."""

    def __call__(
        self,
        *,
        audit: tuple[Audit, ...] = (),
        maintenance: tuple[MaintenanceWindow, ...] = (),
        drills: tuple[Drill, ...] = (),
    ) -> Future[object] | None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A drill as somebody asks for it."""

    target: str
    by: str
    reason: str
    change: str = ""
    seconds: float = 900.0
    probes: tuple[str, ...] = ()
    """Without any: the target's own address."""
    until_whole: bool = False
    kind: DrillKind = DrillKind.FIREWALL
    backup: str = ""
    """The target that is to take over, where the kind has one and the estate does not say it."""


class DrillCommands:
    """Belongs to the event loop's thread. Raises CommandError."""

    def __init__(
        self,
        estate: Estate,
        windows: Windows,
        transports: Transports,
        sight: Sight,
        keep: Keep,
        clock: Callable[[], float],
        proven: Mapping[str, float],
        told: Callable[[Mapping[tuple[str, str], float]], None],
    ) -> None:
        """`proven`: when drills last proved a failover, by target; `told` hears of it, by target and council."""
        self._estate = estate
        self._windows = windows
        self._transports = transports
        self._sight = sight
        self._keep = keep
        self._clock = clock
        self._proven = dict(proven)
        self._told = told
        self._beginning = False
        self.under_way: UnderWay | None = None
        self._tell()

    @property
    def proven(self) -> Mapping[str, float]:
        """When a drill last proved a failover, by target."""
        return self._proven

    def use(self, estate: Estate) -> None:
        """Another estate is in force. A drill whose target or standby is not in it any more is broken off."""
        self._estate = estate
        running = self.under_way
        if running is not None and {running.drill.target, running.drill.standby} - {"", *estate.targets}:
            running.end(Ending("agent", "What it drills was taken out of the estate, or renamed."))
        self._tell()

    def broken_off(self, drills: Sequence[Drill], alive_until: float | None) -> None:
        """Drills that an agent before this one was killed in: what it measured until then is all there is."""
        for drill in drills:
            at = max(drill.start, alive_until or drill.start)
            window = f"Its maintenance window {drill.window} holds until its time is over, or somebody ends it."
            summary = f"The agent was stopped or killed during it; what happened afterwards was not measured. {window}"
            ended = replace(drill, ended_at=at, ended_by="agent", summary=summary)
            self._file(ended, Outcome.BROKEN_OFF, lift=False)

    async def begin(self, wanted: Wanted) -> Drill:
        """Announce a drill and begin to measure. It is on disk when this returns."""
        self._may_begin(wanted)
        party = party_for(self._estate, wanted.kind, wanted.target, wanted.backup)
        if wanted.until_whole and not party.telling:
            raise CommandError(f"nothing tells when {wanted.target} is whole: {party.words.untold.lower()}")
        self._beginning = True
        try:
            return await self._begin(wanted, party, await self._answered(wanted, party))
        finally:
            self._beginning = False

    def end(self, id: str | None, by: str) -> Drill:
        """Have the drill under way end; it then takes some seconds to its outcome."""
        _named(by)
        running = self.under_way
        if running is None or (id is not None and id != running.drill.id):
            what = "no drill is under way" if id is None else f"{id} is not under way"
            raise CommandError(f"{what}; `ridgeway drill list` shows those that were")
        running.end(Ending(by))
        return running.drill

    async def stop(self) -> None:
        """The agent stops: a drill under way is broken off, and what was measured is kept."""
        running = self.under_way
        if running is None:
            return
        window = f"Its maintenance window {running.drill.window} holds until its time is over, or somebody ends it."
        running.break_off(f"The agent was stopped during it. {window}")
        await running.done(LAST_WORDS_WITHIN)

    def _may_begin(self, wanted: Wanted) -> None:
        _named(wanted.by)
        if self.under_way is not None:
            other = self.under_way.drill
            raise CommandError(
                f"{other.id} of {other.target}, begun by {other.author}, is under way; "
                f"end it first: ridgeway drill end {other.id}"
            )
        if self._beginning:
            raise CommandError("another drill is just beginning; `ridgeway drill list` shows it in some seconds")
        if not SHORTEST <= wanted.seconds <= LONGEST:
            raise CommandError("a drill lasts from 1 minute to 4 hours; planned work that is longer is maintenance")
        if len(wanted.probes) > MOST_PROBES:
            raise CommandError(f"a drill probes at most {MOST_PROBES} places")

    async def _answered(self, wanted: Wanted, party: Party) -> Mapping[Probe, Ask]:
        """What is probed: all that was named, or what is answered of the party's own."""
        if not wanted.probes:
            own = [await self._own(self._estate.targets[name], wanted.kind, party.standby) for name in party.probed]
            return {probe: ask for asks in own for probe, ask in asks.items()}
        try:
            probes = tuple(dict.fromkeys(Probe.of(text) for text in wanted.probes))
        except ValueError as error:
            raise CommandError(str(error)) from error
        asks = {}
        for probe, found in zip(probes, await self._tried(probes), strict=True):
            if isinstance(found, str):
                raise CommandError(f"{probe} is not answered now ({found}): its loss could not be told; name another")
            asks[probe] = found
        return asks

    async def _own(self, target: Target, kind: DrillKind, standby: str) -> Mapping[Probe, Ask]:
        """The first way to its address that is answered, and of a controller SIP too."""
        probes = (*(_sip_of(target) if kind is DrillKind.TELEPHONY else ()), *_plain_of(target))
        tried = dict(zip(probes, await self._tried(probes), strict=True))
        answered = {probe: found for probe, found in tried.items() if not isinstance(found, str)}
        first = [
            *[probe for probe in answered if probe.way == "sip"][:1],
            *[probe for probe in answered if probe.way != "sip"][:1],
        ]
        if first:
            return {probe: answered[probe] for probe in first}
        refusals = "; ".join(f"{probe}: {why}" for probe, why in tried.items())
        alone = "; do not pull the plug now: the phones would find no controller" if target.name == standby else ""
        raise CommandError(
            f"nothing of {target.name} is answered now ({refusals}), so its loss could not be told; "
            f"say what to probe: --probe tcp:HOST:PORT{alone}"
        )

    async def _tried(self, probes: Sequence[Probe]) -> list[Ask | str]:
        """How each is asked, or why it is not answered."""

        async def one(probe: Probe) -> Ask | str:
            try:
                ask = await asking(probe, self._transports)
            except TransportFault as fault:
                return fault.message
            answer = await tried(ask)
            return ask if answer is Answer.ANSWERED else _WHY[answer]

        return list(await asyncio.gather(*(one(probe) for probe in probes)))

    async def _begin(self, wanted: Wanted, party: Party, asks: Mapping[Probe, Ask]) -> Drill:
        target, now = self._estate.targets[party.target], self._clock()
        id = f"DRL-{ULID.from_timestamp(now)}"
        reason = f"drill {id}: {wanted.reason}" + (f" ({wanted.change})" if wanted.change else "")
        window = MaintenanceWindow(
            f"MNT-{ULID.from_timestamp(now)}", now, now + wanted.seconds, wanted.by, reason,
            Selector(targets=party.covers),
        )  # fmt: skip
        drill = Drill(
            id, wanted.kind, target.council, target.name, party.covers, wanted.by,
            wanted.reason, wanted.change, window.id, now, now + wanted.seconds, standby=party.standby,
        )  # fmt: skip
        self._windows.add(window)
        audit = Audit(now, wanted.by, "drill-begin", id, {"target": target.name, "window": window.id})
        await self._on_disk(self._keep(audit=(audit,), maintenance=(window,), drills=(drill,)), drill)
        steady = _steady(self._clock)
        at = {self._estate.targets[name].address.lower(): name for name in party.covers}
        rows = [
            Row(str(probe), ask, steady, probe.interval, at.get(probe.host.lower(), "")) for probe, ask in asks.items()
        ]
        self.under_way = UnderWay(
            drill, party, rows, self._sight, steady, until_whole=wanted.until_whole, keep=self._copy, over=self._over
        )
        self.under_way.start()
        return drill

    async def _on_disk(self, kept: Future[object] | None, drill: Drill) -> None:
        """A drill whose evidence could not be kept is not begun, and says so should its beginning be kept after all."""
        if kept is None:
            return
        written = asyncio.wrap_future(kept)
        written.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may wait any more
        try:
            await asyncio.wait_for(asyncio.shield(written), ON_DISK_WITHIN)
        except (TimeoutError, LedgerError) as error:
            never = "It was not begun, for the ledger did not take it."
            self._file(
                replace(drill, ended_at=self._clock(), ended_by="agent", summary=never), Outcome.BROKEN_OFF, lift=True
            )
            raise CommandError(
                "the ledger does not take it: its evidence would be lost; see ridgeway doctor"
            ) from error

    def _copy(self, drill: Drill) -> None:
        self._keep(drills=(drill,))

    def _over(self, drill: Drill) -> None:
        """A drill has its outcome. Its window ends with it: what is still wrong then alerts as it always does.

        Not where it was broken off: people are still at it.
        """
        self.under_way = None
        outcome = drill.outcome or Outcome.UNKNOWN
        self._file(drill, outcome, lift=outcome is not Outcome.BROKEN_OFF)
        structlog.get_logger("drill").info("drill is over", drill=drill.id, target=drill.target, outcome=outcome.value)
        if drill.proven_at is not None:
            self._proven[drill.target] = max(drill.proven_at, self._proven.get(drill.target, 0.0))
            self._tell()

    def _file(self, drill: Drill, outcome: Outcome, *, lift: bool) -> None:
        """Keep the end of a drill, and of its window where that ends with it."""
        ended = self._lifted(drill.window) if lift else None
        audit = Audit(self._clock(), drill.ended_by, "drill-end", drill.id, {"outcome": outcome.value})
        windows = (ended,) if ended is not None else ()
        self._keep(audit=(audit,), maintenance=windows, drills=(replace(drill, outcome=outcome),))

    def _tell(self) -> None:
        """When a failover was last proven, of targets that the estate has, under the names that it gives them."""
        for target in self._estate.targets.values():
            for was in target.formerly:
                if was not in self._estate.targets and was in self._proven:
                    self._proven[target.name] = max(self._proven.pop(was), self._proven.get(target.name, 0.0))
        known = ((self._estate.targets.get(name), at) for name, at in self._proven.items())
        self._told({(target.name, target.council): at for target, at in known if target is not None})

    def _lifted(self, window: str) -> MaintenanceWindow | None:
        """The window, ended now; None where somebody has ended it already."""
        known = self._windows.added.get(window)
        if known is None:
            return None
        self._windows.remove(window)
        return replace(known, ended_at=self._clock())


_WHY = {
    Answer.REFUSED: "the connection is refused",
    Answer.SILENT: "no answer",
    Answer.UNREACHABLE: "the network says that there is no way to it",
    Answer.UNWELL: "it answers that it is not well, or what comes is no SIP",
    Answer.UNSENT: "this machine may not, or cannot, send it",
}


def _plain_of(target: Target) -> tuple[Probe, ...]:
    """ICMP, and ports that its checks say accept connections."""
    ports = dict.fromkeys(
        port
        for spec in target.checks
        if spec.kind in _PORTS_OF and not getattr(spec.options, "expect_closed", False)
        if isinstance(port := getattr(spec.options, "port", None), int)
    )
    return Probe("icmp", target.address), *(Probe("tcp", target.address, port) for port in [*ports][:8])


def _sip_of(target: Target) -> tuple[Probe, ...]:
    """SIP where its checks ask it, else at the usual port. There is no probe over TLS."""
    told = [options for spec in target.checks if spec.kind == SIP and isinstance(options := spec.options, SipOptions)]
    spoken = [options for options in told if options.transport is not Carrier.TLS] or [SipOptions()]
    return tuple(Probe("sip", target.address, options.at_port, options.transport) for options in spoken[:4])


def _steady(clock: Callable[[], float]) -> Callable[[], float]:
    """The clock as it is now, and from then on the event loop's: a step of the clock makes no gap."""
    loop = asyncio.get_running_loop()
    ahead = clock() - loop.time()
    return lambda: loop.time() + ahead


def _named(by: str) -> None:
    if not by.strip():
        raise CommandError("every act carries a name: say who you are with --by")
