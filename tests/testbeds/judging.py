"""A stage for the judge and the incident machine: a small estate, results by name, and a ledger that only remembers.

`Stage.crash` throws both away and builds them again from what they had handed out, as a restarted agent would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import replace

from pydantic import BaseModel

from agent import fold
from agent.incidents import Incidents
from agent.judge import Judge, Seen
from agent.records import (
    LIVE,
    Alert,
    AlertLevel,
    Cause,
    CheckResult,
    DeskWish,
    Event,
    Incident,
    IncidentChange,
    Judgement,
    ProbeWish,
    RoutedDesk,
)
from checks.contract import REACH, Assessment, Fault, Finding, Observation, Reason, State, Subject
from config.estate import (
    SHARED,
    CheckSpec,
    Council,
    Estate,
    Every,
    Level,
    MofN,
    Need,
    Site,
    Target,
    Vantage,
    WakeClass,
    WorkingHours,
)

START = 1_800_000_000.0
ONCE, TWICE = MofN(1, 1), MofN(2, 2)


class NoOptions(BaseModel):
    value: int = 0


def check(
    target: str,
    name: str = "icmp",
    *,
    kind: str = "",
    every: float = 60.0,
    open_after: MofN = TWICE,
    clear_after: MofN = TWICE,
    timeout: float = 5.0,
    hold_down: float = 600.0,
    reopen_window: float = 86_400.0,
    evidence: bool = False,
    options: BaseModel | None = None,
    vantages: tuple[str, ...] = ("here",),
) -> CheckSpec:
    return CheckSpec(
        id=f"{target}/{name}",
        target=target,
        name=name,
        kind=kind or name,
        options=options or NoOptions(),
        schedule=Every(every),
        timeout=timeout,
        open_after=open_after,
        clear_after=clear_after,
        hold_down=hold_down,
        reopen_window=reopen_window,
        wake=WakeClass.NOW,
        evidence=evidence,
        vantages=vantages,
    )


def target(
    name: str,
    *checks: CheckSpec,
    needs: Need | None = None,
    council: str = "dacorum",
    formerly: tuple[str, ...] = (),
    impact: Level = Level.MEDIUM,
    site: str = "forum",
) -> Target:
    return Target(
        name=name,
        address="192.0.2.1",
        council=council,
        site=site,
        vantages=("here",),
        checks=checks or (check(name),),
        depends_on=needs,
        formerly=formerly,
        impact=impact,
    )


def all_of(*parts: str | Need) -> Need:
    return Need("all", parts)


def any_of(*parts: str | Need) -> Need:
    return Need("any", parts)


def estate(
    *targets: Target,
    gateway: str | None = None,
    vantages: Iterable[Vantage] = (),
    sites: Iterable[Site] = (),
) -> Estate:
    """`vantages` and `sites`: those beside `here` and `forum`."""
    return Estate(
        name="stage",
        revision="0",
        councils={"dacorum": Council("dacorum", "Dacorum"), "aylesbury-vale": Council("aylesbury-vale", "AVDC")},
        sites={site.name: site for site in (Site("forum", "The Forum", "dacorum"), *sites)},
        vantages={place.name: place for place in (Vantage("here", "forum", gateway), *vantages)},
        services={},
        targets={one.name: one for one in targets},
        maintenance=(),
        desks={},
        routes=(),
        working_hours=WorkingHours("Europe/London", {}),
        vantage="here",
    )


def finding(key: str, state: State = State.OK, summary: str = "") -> Finding:
    return Finding(key, state, summary or f"{key} is {state.value}")


NO_ANSWER = Fault(Reason.NO_ANSWER, "no answer within 5 s", "{}/no-answer")
REFUSED = Fault(Reason.AUTHENTICATION, "the device refused the user", "{}/authentication")
LOCAL = Fault(Reason.LOCAL, "not permitted here", "{}/local")


def reach(name: str, council: str = "dacorum") -> Cause:
    return Cause(council, name, REACH)


ISOLATED = Cause(SHARED, "here", "agent/isolated")
SILENT = Cause(SHARED, "here", "agent/checks-silent")


def two_desks(_alert: Alert) -> tuple[RoutedDesk, ...]:
    return RoutedDesk("rt", "dacorum", "live"), RoutedDesk("archive", "all", "shadow")


class Stage:
    """The judge, the machine, the clock, and everything they handed out."""

    def __init__(self, what: Estate, *, answers_wishes: Callable[[Stage, str], None] | None = None) -> None:
        self.estate = what
        self.now = START
        self.windows: dict[str, str] = {}
        self.alerts: dict[Cause, Alert] = {}
        self.incidents: dict[str, Incident] = {}
        self.children: dict[str, set[Cause]] = {}
        self.seen: dict[str, Seen] = {}
        self.events: list[Event] = []
        self.wishes: list[DeskWish] = []
        self.probes: list[ProbeWish] = []
        self._answers_wishes = answers_wishes
        self._made = 0
        self._build()

    def _build(self) -> None:
        self.judge = Judge(
            self.estate, deepcopy(list(self.alerts.values())), list(self.seen.values()), windows=self._window
        )
        self.machine = Incidents(
            two_desks,
            self._new_id,
            deepcopy(list(self.incidents.values())),
            deepcopy(list(self.alerts.values())),
            {incident: set(causes) for incident, causes in self.children.items()},
        )

    def crash(self) -> None:
        """Everything in memory is lost; only what was handed out is left."""
        self._build()

    def _new_id(self, _now: float) -> str:
        self._made += 1
        return f"RWY-{self._made:026d}"

    def _window(self, what: Target, _kind: str, _condition: str, _now: float) -> str | None:
        return self.windows.get(what.name)

    # What happens on stage

    def result(
        self,
        check_id: str,
        *findings: Finding,
        fault: Fault | None = None,
        covers: Iterable[str] | None = None,
        may_go: Iterable[str] = (),
        after: float = 0.0,
        started: float | None = None,
        reached: bool | str | None = "by the fault",
        at: str = "here",
        asked: bool = True,
        whole: bool = True,
    ) -> Judgement:
        """One run of a check ends now; `at` is the vantage it was made from."""
        self.now += after
        name, _, short = check_id.partition("/")
        what = self.estate.targets[name]
        spec = next(one for one in what.checks if one.name == short)
        if fault is not None:
            fault = replace(fault, condition=fault.condition.format(spec.kind))
        if reached == "by the fault":
            reached = True if fault is None else fault.reached
        assert not isinstance(reached, str)
        keys = frozenset(covers if covers is not None else [one.key for one in findings])
        begun = self.now if started is None else started
        if fault is not None and not findings:
            assessment = fold.without_answers(spec.kind, fault, None, self.now)
        else:
            answered = Assessment(findings, covers=keys, may_go=frozenset(may_go), asked=asked, whole=whole)
            assessment = fold.with_answers(spec.kind, answered, fault, None, self.now)
        made = CheckResult(
            subject=Subject(name, what.council, what.site, spec, (what,)),
            vantage=at,
            due=begun,
            started=begun,
            duration=0.0,
            observations=(Observation(name, at, begun, 0.0, fault=fault),),
            assessment=assessment,
            reached=reached,
            fault=fault,
            valid_for=2.5 * spec.schedule.seconds + spec.timeout if isinstance(spec.schedule, Every) else 1.0,
        )
        self.seen[f"{check_id} {at}"] = Seen.of(made)
        return self._judged(self.judge.result(made, self.now))

    def good(self, check_id: str, after: float = 0.0, times: int = 1, at: str = "here") -> Judgement:
        for _ in range(times):
            last = self.result(check_id, after=after, at=at)
        return last

    def lost(self, check_id: str, after: float = 0.0, times: int = 1, at: str = "here") -> Judgement:
        """The target does not answer this check."""
        for _ in range(times):
            last = self.result(check_id, fault=NO_ANSWER, after=after, at=at)
        return last

    def wait(self, seconds: float, step: float = 30.0) -> None:
        """Time passes, and the agent watches it pass."""
        end = self.now + seconds
        while self.now < end:
            self.now = min(end, self.now + step)
            self.tick()

    def tick(self) -> None:
        self._judged(self.judge.tick(self.now))
        self._keep(self.machine.tick(self.now))

    def reload(self, what: Estate) -> Judgement:
        self.estate = what
        return self._judged(self.judge.reload(what, self.now))

    def _judged(self, judgement: Judgement) -> Judgement:
        for old, new in judgement.renamed:
            self.alerts.pop(old, None)
            self.alerts.pop(new, None)
        for cause in (*judgement.withdrawn, *judgement.forgotten):
            self.alerts.pop(cause, None)
        for alert in judgement.changed:
            self.alerts[alert.cause] = alert
        self._keep(self.machine.apply(judgement, self.now))
        self.probes += judgement.wishes
        if self._answers_wishes is not None:
            for wish in judgement.wishes:
                self._answers_wishes(self, wish.target)
        return judgement

    def _keep(self, changes: Iterable[IncidentChange]) -> None:
        for change in changes:
            self.incidents[change.incident.id] = change.incident
            self.events += change.events
            self.wishes += change.wishes
            listed = self.children.setdefault(change.incident.id, set())
            listed |= set(change.children_added)
            listed -= set(change.children_removed)

    # What can be seen

    def level(self, cause: Cause) -> AlertLevel:
        alert = self.judge.alerts.get(cause)
        return alert.level if alert is not None else AlertLevel.CLEAR

    def all_incidents(self, cause: Cause) -> list[Incident]:
        return [one for one in self.incidents.values() if one.cause == cause]

    def incident(self, cause: Cause) -> Incident:
        """The newest incident of this cause."""
        return self.all_incidents(cause)[-1]

    def live(self) -> list[Incident]:
        return [one for one in self.incidents.values() if one.state in LIVE]

    def kinds(self, incident: Incident, desk: str = "rt") -> list[str]:
        """The wishes for one desk about one incident, in order."""
        return [one.kind.value for one in self.wishes if one.incident == incident.id and one.desk == desk]
