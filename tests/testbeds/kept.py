"""Records as the agent makes them, with as little as a test has to say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from agent.drills.records import Drill, DrillKind, Evidence, Gap, Look, Measured, Out, Outcome, Swap
from agent.ledger.batch import Batch, CheckRecord, MaintenanceWindow
from agent.records import (
    Alert,
    AlertLevel,
    Cause,
    CheckResult,
    DeskWish,
    Event,
    EventKind,
    Incident,
    IncidentChange,
    IncidentState,
    Priority,
    WishKind,
)
from checks.contract import Assessment, Family, Fault, Finding, Reading, State, Subject
from checks.transports.inbox import Ping, Sign
from config.estate import CheckSpec, Every, MofN, Selector, WakeClass

NOW = 1_790_000_000.0
CAUSE = Cause("dacorum", "hemel-router", "snmp/memory")
MEMORY = Family("ridgeway_test_memory_ratio", "Memory in use.", unit="ratio")


EVERYTHING = Selector()


class NoOptions(BaseModel):
    """A check without options."""


def incident(id: str = "RWY-1", cause: Cause = CAUSE, **fields: Any) -> Incident:
    made = Incident(
        id=id,
        cause=cause,
        site="hemel",
        state=IncidentState.OPEN,
        severity=State.WARNING,
        priority=Priority.P3,
        wake=WakeClass.WORKING_HOURS,
        title="Memory nearly full",
        summary="Memory is 93 % full.",
        evidence={"used": "93 %"},
        suspected_at=NOW,
        changed_at=NOW,
    )
    return replace(made, **fields)


def event(incident: str = "RWY-1", kind: EventKind = EventKind.OPENED, text: str = "opened", at: float = NOW) -> Event:
    return Event(incident, at, kind, "agent", text, {"n": 1})


def wish(incident: str = "RWY-1", kind: WishKind = WishKind.ENSURE, number: int = 1) -> DeskWish:
    return DeskWish(incident, "ict", kind, number, NOW, "text", Priority.P3, "Network", digest=CAUSE.digest)


def opening(id: str = "RWY-1", cause: Cause = CAUSE) -> IncidentChange:
    """An incident opens: one event, one wish."""
    return IncidentChange(incident(id, cause), (event(id),), (wish(id),))


def changed(id: str = "RWY-1", **fields: Any) -> Batch:
    """One event in the life of an incident."""
    return Batch(incident_changes=(IncidentChange(incident(id, **fields), (event(id, EventKind.CHANGED),)),))


def alert(cause: Cause = CAUSE, **fields: Any) -> Alert:
    made = Alert(cause, "hemel", AlertLevel.FIRING, State.WARNING, last_result=NOW, fresh_until=NOW + 150)
    return replace(made, **fields)


def check_record(check: str = "hemel-router/snmp", **fields: Any) -> CheckRecord:
    made = CheckRecord(
        check_id=check,
        vantage="hemel",
        target=check.partition("/")[0],
        kind="snmp",
        state=State.OK,
        started=NOW,
        duration=0.01,
        valid_for=160.0,
        reached=True,
        last_success=NOW,
        assessment=assessment(),
    )
    return replace(made, **fields)


def assessment(value: float = 0.5, state: State = State.OK, key: str = "snmp/memory") -> Assessment:
    findings = (Finding(key, state, f"Memory is {value:.0%} full.", {"used": f"{value:.0%}"}),)
    return Assessment(findings, (Reading(MEMORY, value),), frozenset({key}))


def result(
    check: str = "hemel-router/snmp", started: float = NOW, found: Assessment | None = None, fault: Fault | None = None
) -> CheckResult:
    target, _, name = check.partition("/")
    spec = CheckSpec(
        id=check,
        target=target,
        name=name,
        kind="snmp",
        options=NoOptions(),
        schedule=Every(60),
        timeout=10,
        open_after=MofN(1, 1),
        clear_after=MofN(1, 1),
        hold_down=600,
        reopen_window=86_400,
        wake=WakeClass.MORNING,
        evidence=False,
        vantages=("hemel",),
    )
    return CheckResult(
        subject=Subject(target, "dacorum", "hemel", spec, ()),
        vantage="hemel",
        due=started,
        started=started,
        duration=0.25,
        observations=(),
        assessment=assessment() if found is None else found,
        reached=fault is None,
        fault=fault,
        valid_for=160.0,
    )


def window(id: str = "MNT-1", selector: Selector = EVERYTHING) -> MaintenanceWindow:
    return MaintenanceWindow(id, NOW - 60, NOW + 3_600, "jo", "upgrade", selector)


def ping(job: str = "backups/ben", at: float = NOW, sign: Sign = Sign.EXIT, **fields: Any) -> Ping:
    """The end of a run, with everything that can be told of one."""
    made = Ping(
        job, at, sign, at + 0.25, 3 if sign is Sign.EXIT else None, "r-1", 10**12, 4_711, 2, 61.5, "done\n“ok”",
    )  # fmt: skip
    return replace(made, **fields)


def drill(id: str = "DRL-1", **fields: Any) -> Drill:
    """A drill that proved a failover there and back, and left gaps with values that a careless copy would change."""
    gap = Gap(NOW + 10.125, 1.3000000000000003, 1.2, 1.4000000000000001, 13)
    probe = Measured(
        "tcp:192.0.2.1:443", 0.1, 0.9, 600, 587, 13, 0, {"silent": 13}, 0.11, longest=gap, gaps=(gap,)
    )  # fmt: skip
    swaps = (Swap(NOW + 10.5, NOW + 12.0, "fw-a", "fw-b", "link “wan1” failed"),)
    looks = (Look(NOW, "ok", ("fw-a",), "fw-a is active"), Look(NOW + 12.0, "ok", ("fw-b",), "fw-b is active"))
    made = Drill(
        id=id,
        kind=DrillKind.FIREWALL,
        council="dacorum",
        target="forum-firewall",
        covers=("forum-firewall", "fw-a", "fw-b"),
        author="jo",
        reason="yearly drill",
        change="CHG 12",
        window="MNT-1",
        start=NOW,
        until=NOW + 900,
        evidence=Evidence((probe,), swaps, looks),
        ended_at=NOW + 60,
        ended_by="jo",
        outcome=Outcome.PROVEN,
        summary="A failover was seen and the service came back.",
        proven_at=NOW + 10.5,
    )
    return replace(made, **fields)


def phones_drill(id: str = "DRL-1", **fields: Any) -> Drill:
    """A drill of telephony that proved a move there and back, which the device dated itself."""
    probe = Measured("sip:192.0.2.1:5060/udp", 1.0, 0.9, 600, 589, 11, 0, {"unwell": 11}, 1.01)
    swaps = (
        Swap(NOW + 9.5, NOW + 12.0, "controller-a", "controller-b", ""),
        Swap(NOW + 300.0, NOW + 300.0, "controller-b", "controller-a", ""),
    )
    looks = (
        Look(NOW, "ok", ("controller-a",), "at home"),
        Look(NOW + 12.0, "warning", ("controller-b",), "", NOW + 9.5),
    )
    outs = (
        Out("controller-a", "IP Sets", 2, 40, NOW + 290.0, 2, NOW + 310.0, NOW + 305.0),
        Out("controller-b", "IP Sets", 0, 0, NOW, 0, NOW + 310.0),
    )
    return drill(
        id, kind=DrillKind.TELEPHONY, target="controller-a", standby="controller-b",
        covers=("controller-a", "controller-b"), evidence=Evidence((probe,), swaps, looks, outs=outs), **fields,
    )  # fmt: skip
