"""Made-up checks, results and incidents for tests of what people and Prometheus see, and a `View` in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from agent.drills.failover_log import Announcement, Logged, Loss, ToldBy
from agent.drills.records import Drill, Evidence, Outcome
from agent.ledger.drills import WantedDrills
from agent.ledger.read import Wanted
from agent.records import (
    LIVE,
    Acknowledgement,
    Cause,
    CheckResult,
    Councils,
    Event,
    EventKind,
    Incident,
    IncidentState,
    Priority,
)
from checks.contract import Assessment, Family, Fault, Finding, MetricType, Reading, State, Subject
from checks.firewall.failovers import Failover
from config.estate import CheckSpec, Cron, Every, Level, MofN, Target, WakeClass
from exporters.web.view import (
    CheckView,
    FindingView,
    Health,
    IncidentDetail,
    IncidentLine,
    PathLine,
    Problem,
    Standing,
    Summary,
    TargetDetail,
    TargetLine,
    TicketLink,
    WindowLine,
)
from testbeds import kept

TEMPERATURE = Family("ridgeway_test_temperature_celsius", "Temperature.", unit="celsius", labels=("sensor",))
SESSIONS = Family("ridgeway_test_sessions", "Sessions.")
PACKETS = Family("ridgeway_test_packets_total", "Packets.", MetricType.COUNTER)
FAMILIES = (TEMPERATURE, SESSIONS, PACKETS)
NOW = 1_795_000_000.0
"""A moment in November 2026."""


class NoOptions(BaseModel):
    pass


def subject(
    target: str = "hh-fw-a",
    check: str = "snmp",
    council: str = "dacorum",
    schedule: Every | Cron | None = None,
    site: str = "hemel-civic",
) -> Subject:
    spec = CheckSpec(
        id=f"{target}/{check}",
        target=target,
        name=check,
        kind="snmp",
        options=NoOptions(),
        schedule=schedule or Every(60.0),
        timeout=5.0,
        open_after=MofN(2, 3),
        clear_after=MofN(2, 2),
        hold_down=600.0,
        reopen_window=86_400.0,
        wake=WakeClass.NOW,
        evidence=False,
        vantages=("forum",),
    )
    where = Target(target, "192.0.2.7", council, site, ("forum",), (spec,), impact=Level.HIGH)
    return Subject(target, council, site, spec, (where,))


def result(
    of: Subject,
    readings: Sequence[Reading] = (),
    *,
    at: float = NOW,
    findings: Sequence[Finding] = (),
    reached: bool | None = True,
    fault: Fault | None = None,
    valid_for: float = 155.0,
) -> CheckResult:
    assessment = Assessment(tuple(findings), tuple(readings))
    return CheckResult(of, "forum", at, at, 0.02, (), assessment, reached, fault, valid_for)


@dataclass
class MemoryView:
    """The port of the pages, answered from lists."""

    state: Health = field(default_factory=lambda: Health(True, True))
    at_a_glance: Summary = field(
        default_factory=lambda: Summary({"dacorum": "Dacorum"}, 1, {State.OK: 3}, 0, NOW - 5, None)
    )
    now: Sequence[Problem] = ()
    live: Sequence[IncidentDetail] = ()
    ended: Sequence[IncidentDetail] = ()
    details: Sequence[TargetDetail] = field(default_factory=list)
    planned: Sequence[WindowLine] = ()
    matrix: Sequence[PathLine] = ()

    def health(self) -> Health:
        return self.state

    def standing(self) -> Standing:
        return Standing("test", "abcdef")

    def ledger_trouble(self) -> str:
        return self.at_a_glance.ledger_trouble

    async def summary(self, councils: Councils) -> Summary:
        return self.at_a_glance

    async def problems(self, limit: int, councils: Councils) -> Sequence[Problem]:
        return self.now[:limit]

    async def incidents(self, *, live: bool, limit: int, councils: Councils) -> Sequence[IncidentLine]:
        kept = self.live if live else self.ended
        return [IncidentLine(detail.incident, detail.tickets) for detail in kept[:limit]]

    async def incident_page(self, wanted: Wanted, councils: Councils) -> Sequence[IncidentLine]:
        return await self.incidents(live=wanted.states == LIVE, limit=wanted.limit, councils=councils)

    async def incident(self, incident: str, councils: Councils) -> IncidentDetail | None:
        return next((d for d in (*self.live, *self.ended) if d.incident.id == incident), None)

    async def targets(self, councils: Councils) -> Sequence[TargetLine]:
        return [detail.line for detail in self.details]

    async def target(self, name: str, councils: Councils) -> TargetDetail | None:
        return next((detail for detail in self.details if detail.line.name == name), None)

    def windows(self, councils: Councils) -> Sequence[WindowLine]:
        return self.planned

    def paths(self, councils: Councils) -> Sequence[PathLine]:
        return self.matrix


@dataclass
class MemoryDrills:
    """Drills and failovers in memory, all of them for every reader (the port is exporters.web.api.drills.DrillLog)."""

    kept: Sequence[Drill] = ()
    remembered: Sequence[Logged] = ()

    async def listed(self, wanted: WantedDrills, councils: Councils) -> Sequence[Drill]:
        return self.kept[: wanted.limit]

    async def drill(self, id: str, councils: Councils) -> Drill | None:
        return next((drill for drill in self.kept if drill.id == id), None)

    async def failovers(self, target: str | None, councils: Councils) -> Sequence[Logged]:
        return self.remembered


def drills_of_the_pages() -> MemoryDrills:
    """One drill of every outcome, one under way, one of phones, and failovers that were announced in every way."""
    made = [kept.drill("DRL-1"), kept.drill("DRL-2", outcome=None, ended_at=None, summary="", evidence=Evidence())]
    made += [kept.drill(f"DRL-{number}", outcome=outcome) for number, outcome in enumerate(Outcome, 3)]
    made.append(kept.phones_drill("DRL-PHONES"))
    pair = subject("hh-fw-a", "pair").targets[0]
    nobody = Loss(ToldBy.NOBODY, None, "not measured")
    failovers = [
        Logged(pair, Failover(NOW - 50, NOW, None, "hh-fw-b"), None, nobody),
        Logged(pair, Failover(NOW - 90, NOW, "b", "a", "link"), Announcement("MNT-1", "firmware", None), nobody),
        Logged(
            pair, Failover(NOW - 99, NOW, "a", "b", "link failed"), Announcement("MNT-1", "yearly", "DRL-1"),
            Loss(ToldBy.DRILL, 1.3, "1.3 s (1.20 to 1.40)"),
        ),
    ]  # fmt: skip
    return MemoryDrills(made, failovers)


def incident(number: int = 1, title: str = "Aylesbury link is down", **changes: object) -> Incident:
    values: dict[str, object] = {
        "id": f"RWY-01KAS3W5T0000000000000000{number:01d}"[:30],
        "cause": Cause("aylesbury-vale", "av-link-gateway", "target/unreachable"),
        "site": "aylesbury-gatehouse",
        "state": IncidentState.OPEN,
        "severity": State.CRITICAL,
        "priority": Priority.P1,
        "wake": WakeClass.NOW,
        "title": title,
        "summary": "No answer to any check since 10:12. Ask the carrier for the state of circuit AV-0042.",
        "evidence": {"last answer": "2026-11-18T10:12:04Z", "asked": "icmp, snmp"},
        "suspected_at": NOW - 4_200,
        "changed_at": NOW - 3_900,
        "opened_at": NOW - 4_080,
        "hidden": 5,
    }
    return Incident(**{**values, **changes})  # type: ignore[arg-type]


def bad_morning() -> MemoryView:
    """Both councils with something of everything: what the pages are looked at with."""
    ticket = TicketLink("request-tracker", "4711", "https://rt.example/Ticket/Display.html?id=4711", phase="linked")
    link = incident()
    problems = [
        Problem(
            State.WARNING, "dacorum", "hh-fw-a", "snmp/memory", "Memory is 91 % used; it rose 14 points since Monday.",
            NOW - 86_400 * 2, "hemel-civic", "hh-fw-a", flapping=True,
        ),
        Problem(
            State.CRITICAL, "aylesbury-vale", "av-link-gateway", "target/unreachable", link.summary, NOW - 4_200,
            "aylesbury-gatehouse", "av-link-gateway", link.id, "P1", (ticket,), hidden=5,
        ),
        Problem(
            State.UNKNOWN, "shared", "mitel-border-gateway-1", "snmp/no-answer",
            "It answers ping, but not SNMP. Is its community still the one in the estate?", NOW - 900, "hemel-civic",
            "mitel-border-gateway-1", stale=True,
        ),
        Problem(
            State.CRITICAL, "dacorum", "backup-server", "tcp/refused", "Port 9392 refuses connections.", NOW - 7_000,
            "hemel-civic", "backup-server", maintenance="patch-tuesday", acknowledged="j.osborne",
        ),
    ]  # fmt: skip
    checks = [
        CheckView(
            "snmp", "snmp", "forum", State.UNKNOWN, True, NOW - 900, 5.0, NOW + 12, "every 60 s",
            (FindingView("snmp/no-answer", State.UNKNOWN, problems[2].summary, {"tries": "3", "port": "161"}),
             FindingView("snmp/temperature", State.OK, "31 °C, below 60 °C.")),
            (("temperature_celsius{sensor=\"inlet\"}", 31.0), ("octets_total", 123_456_789_012.0)),
            "no answer from 192.0.2.7 port 161 within 5 s (3 tries)",
        ),
        CheckView("ping", "icmp", "forum", State.OK, False, NOW - 12, 0.0123, NOW + 48, "every 60 s",
                  (FindingView("target/unreachable", State.OK, "5 of 5 answered, 1.2 ms."),),
                  (("rtt_seconds", 0.0012),)),
        CheckView("nightly", "tcp", "forum", State.UNKNOWN, False, None, None, NOW + 3_600, "0 6 * * * Europe/London"),
    ]  # fmt: skip
    gateway = TargetLine("mitel-border-gateway-1", "Border gateway", "shared", "hemel-civic", State.UNKNOWN, True, 3)
    lines = [
        gateway,
        TargetLine("hh-fw-a", "Firewall A", "dacorum", "hemel-civic", State.WARNING, False, 4),
        TargetLine("hh-fw-b", "Firewall B", "dacorum", "hemel-civic", State.OK, False, 4),
        TargetLine("av-link-gateway", "", "aylesbury-vale", "aylesbury-gatehouse", State.CRITICAL, False, 2),
    ]
    ended = incident(
        2, "hh-fw-b: temperature above 60 °C", state=IncidentState.CLOSED, severity=State.WARNING, hidden=0,
        priority=Priority.P3, resolved_at=NOW - 600, resolution="recovered",
        cause=Cause("dacorum", "hh-fw-b", "snmp/temperature"),
        acknowledged=Acknowledgement("j.osborne", NOW - 3_000, NOW, "fan on order"),
    )  # fmt: skip
    timeline = [
        Event(link.id, NOW - 4_200, EventKind.SUSPECTED, "agent", "First bad result: no answer to ping."),
        Event(link.id, NOW - 4_080, EventKind.OPENED, "agent", "2 of 3 results bad; the parent answered."),
        Event(link.id, NOW - 4_079, EventKind.HIDES, "agent", "5 causes are hidden behind this one."),
        Event(link.id, NOW - 4_070, EventKind.TICKET, "desk:request-tracker", "Ticket 4711 created in queue Networks."),
    ]
    return MemoryView(
        at_a_glance=Summary(
            {"dacorum": "Dacorum Borough Council", "aylesbury-vale": "Aylesbury Vale District Council",
             "shared": "Shared"},
            212, {State.OK: 840, State.WARNING: 2, State.CRITICAL: 6, State.UNKNOWN: 3, State.UNSUPPORTED: 1}, 1,
            NOW - 2, None, ("Patch Tuesday: backup-server until 14:00 (patch-tuesday, infrastructure team)",),
        ),
        now=problems,
        live=[IncidentDetail(link, timeline, [problems[1]], (ticket,))],
        ended=[IncidentDetail(ended, timeline[:1], (), ())],
        details=[
            TargetDetail(line, "192.0.2.7", "high", "all of: hh-core-1, hh-core-2", checks, (link,)) for line in lines
        ],
    )  # fmt: skip


def small_estate() -> MemoryView:
    """One target, all ok."""
    line = TargetLine("hh-fw-a", "Firewall A", "dacorum", "hemel-civic", State.OK, False, 3)
    return MemoryView(details=[TargetDetail(line, "192.0.2.7", "high", "", (), ())])
