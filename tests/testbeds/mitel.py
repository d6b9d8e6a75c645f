"""Answers of Mitel systems, made from their MIBs: no recording of an alarm table is public."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.demo.devices import SimpleValue
from checks.contract import Assessment, Memory, State
from checks.network.answers import SnmpAnswers
from checks.network.transform import Answer
from checks.telephony.mitel import MitelAnswers, MitelOptions
from checks.telephony.mitel.judgement import judged

NOW = 1_800_000_000.0
IPERA = "1.3.6.1.4.1.1027.4.1.1.2"
BUSINESS, MSL = "telephony/mivoice-business", "telephony/msl"
APPLICATIONS = "1.3.6.1.4.1.1027.4.1.2.1.1.1"
ALARMS = "1.3.6.1.4.1.1027.4.9.1.1.2.1"
LINUX, GATEWAY = "10.1.3.6.1.4.1.1027.1.6.1", "10.1.3.6.1.4.1.1027.1.7.1"
"""Rows of the server itself, and of its border gateway."""
BUSINESS_SYSTEM: dict[str, Answer] = {
    "1.3.6.1.2.1.1.1.0": "VerAg:07.00.00.01.00;VerSw:12.0.1.24;VerHw:CX;VerPl:3300 ICP;VerMCD:6.0 SP1",
    "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.1027.1.2.3",
    "1.3.6.1.2.1.1.3.0": 8_640_000,
    "1.3.6.1.2.1.1.5.0": "controller-b",
    f"{IPERA}.2.1.0": 1,
}


def overrides(tree: Mapping[str, Any]) -> list[str]:
    """Lines by which a real snmpd serves a tree of a simulated device, on a host that has just started.

    Its own uptime stays its own.
    """
    lines = ["override 1.3.6.1.2.1.25.1.1.0 timeticks 540000"]
    for oid, value in tree.items():
        sort, said = value if isinstance(value, tuple) else ("integer" if isinstance(value, int) else "octets", value)
        if sort != "uptime":
            words = {"octets": f'octet_str "{said}"', "oid": f"object_id {said}", "gauge": f"uinteger {said}"}
            lines.append(f"override {oid} {words.get(sort, f'integer {said}')}")
    return lines


def index_of(name: str) -> str:
    """An index that is a text, with its length before it."""
    return ".".join(map(str, (len(name.encode()), *name.encode())))


MITEL_TREE: dict[str, SimpleValue] = {
    "1.3.6.1.2.1.1.1.0": "VerPl:3300 ICP;VerHw:CX;VerMCD:9.4;VerNew:x",
    "1.3.6.1.2.1.1.2.0": ("oid", "1.3.6.1.4.1.1027.1.2.3"),
    "1.3.6.1.2.1.1.3.0": ("uptime", 86_400),
    "1.3.6.1.2.1.1.5.0": "controller-b",
    f"{IPERA}.1.2.1.0": 24, f"{IPERA}.1.2.2.0": 17, f"{IPERA}.1.2.3.0": 0, f"{IPERA}.1.2.4.0": 16,
    f"{IPERA}.2.1.0": 2, f"{IPERA}.2.3.0": 1, f"{IPERA}.2.7.0": 4, f"{IPERA}.2.8.0": 0x43,
    f"{IPERA}.1.6.1.1.6.0": 120, f"{IPERA}.1.6.1.4.1.1.1": ("gauge", 700), f"{IPERA}.1.6.1.4.1.2.1": ("gauge", 900),
    f"{IPERA}.1.3.0": "0042", f"{IPERA}.1.4.0": "17", f"{IPERA}.1.5.0": "dacorum-cluster",
    f"{IPERA}.2.4.1.1.4": 4, f"{IPERA}.2.4.1.2.4": 9, f"{IPERA}.2.4.1.3.4": 1, f"{IPERA}.2.4.1.4.4": 2,
    f"{IPERA}.2.4.1.5.4": 10, f"{IPERA}.2.4.1.6.4": 50, f"{IPERA}.2.4.1.7.4": 100, f"{IPERA}.2.4.1.8.4": "SIP Link",
    f"{IPERA}.4.1.1.5.{index_of('controller-a')}": 1,
    f"{IPERA}.5.1.1.1.1.4.1.0.0": "Town to town", f"{IPERA}.5.1.1.1.1.5.1.0.0": ("gauge", 990),
    f"{IPERA}.5.1.1.1.1.6.1.0.0": ("gauge", 1000),
}  # fmt: skip
"""A backup controller as a simulated device plays it, with much of it not well."""


def business(
    level: int = 1,
    categories: Sequence[tuple[str, int, int, int]] = (),
    resiliency: Mapping[str, int] | None = None,
    uptime: float = 86_400,
    rejections: int = 0,
    **more: Answer,
) -> MitelAnswers:
    """A MiVoice Business; a category is its name, level, available and unavailable. `more` is by the end of its OID."""
    rows = _empty(BUSINESS)
    for number, category in enumerate(categories, 7):
        for column, cell in zip((8, 4, 2, 3), category, strict=True):
            rows[f"{IPERA}.2.4.1.{column}"][str(number)] = cell
        for column, cell in ((5, 10), (6, 50), (7, 100)):
            rows[f"{IPERA}.2.4.1.{column}"][str(number)] = cell
    for primary, status in (resiliency or {}).items():
        rows[f"{IPERA}.4.1.1.5"][index_of(primary)] = status
    rows[f"{IPERA}.5.1.1.2.1.4"]["1.0.0"] = "Town to town"
    rows[f"{IPERA}.5.1.1.2.1.6"]["1.0.0"] = rejections
    values = BUSINESS_SYSTEM | {"1.3.6.1.2.1.1.3.0": int(uptime * 100), f"{IPERA}.2.1.0": level}
    values |= {f"{IPERA}.{end.strip('_').replace('_', '.')}.0": value for end, value in more.items()}
    return _told(BUSINESS, values, rows)


def msl(level: int = 1, gateway: int = 1, alarm: int | None = None) -> MitelAnswers:
    """A server of the MSL family with two applications, and perhaps an alarm of its border gateway."""
    rows = _empty(MSL)
    for index, name, status in ((LINUX, "Mitel Standard Linux", 1), (GATEWAY, "MiVoice Border Gateway", gateway)):
        rows[f"{APPLICATIONS}.3"][index] = name
        rows[f"{APPLICATIONS}.6"][index] = status
    if alarm is not None:
        for column, cell in ((2, "communications"), (4, "SIP trunk"), (5, alarm), (9, "trunk 1 is down")):
            rows[f"{ALARMS}.{column}"][GATEWAY] = cell
    values: dict[str, Answer] = {
        "1.3.6.1.2.1.1.1.0": "VerAg:05.05.57.00.01;VerHw:x86_64;VerSw:10.05.19.00.00",
        "1.3.6.1.2.1.1.2.0": "1.3.6.1.4.1.1027.1.6.1",
        "1.3.6.1.2.1.1.3.0": 8_640_000,
        "1.3.6.1.4.1.1027.4.9.1.1.1.1.0": level,
    }
    return _told(MSL, values, rows)


def _empty(profile: str) -> dict[str, dict[str, Answer]]:
    return {oid: {} for table in MitelOptions().plan_of(profile).tables for oid in table.oids}


def _told(profile: str, values: dict[str, Answer], rows: dict[str, dict[str, Answer]]) -> MitelAnswers:
    absent = dict.fromkeys(MitelOptions().plan_of(profile).oids)
    return MitelAnswers(profile, SnmpAnswers(absent | values, rows))


def assessed(
    answers: MitelAnswers, memory: Memory | None = None, at: float = NOW, whole: bool = True, **options: Any
) -> Assessment:
    """What the answers mean."""
    return judged(MitelOptions(**options), answers, whole, memory, at)


def bad(assessment: Assessment) -> dict[str, State]:
    """The findings that are not well, by key."""
    return {finding.key: finding.state for finding in assessment.findings if finding.state is not State.OK}


def said(assessment: Assessment, key: str) -> str:
    """The summary of a finding."""
    return next(finding.summary for finding in assessment.findings if finding.key == key)


def readings(assessment: Assessment) -> dict[tuple[str, ...], float]:
    """Values by family, without its beginning, and labels."""
    return {
        (reading.family.name.removeprefix("ridgeway_telephony_"), *reading.labels): reading.value
        for reading in assessment.readings
    }
