"""Rounds of `emergency_readiness` as its collect would bring them, and what they are judged to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from checks.contract import Assessment, Fault, Memory, Reason, State
from checks.network.answers import SnmpAnswers
from checks.network.transform import Answer
from checks.telephony.readiness.answers import Heard, Kept, ReadinessAnswers, System, Ups
from checks.telephony.readiness.categories import table
from checks.telephony.readiness.judgement import judged
from checks.telephony.readiness.options import ReadinessOptions
from checks.telephony.sip_options import Endpoint
from testbeds.mitel import IPERA

TODAY = date(2026, 11, 30)
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()
TWO: dict[str, Any] = {
    "carrier-a": {"target": "trunk-a", "sip": {}},
    "carrier-b": {"target": "trunk-b", "sip": {"transport": "tls"}},
}
"""Two routes over two carriers."""
UPS = "1.3.6.1.2.1.33.1"


def heard(status: int | None = 200, reason: Reason = Reason.NO_ANSWER, addresses: Sequence[int | None] = ()) -> Heard:
    """What an endpoint said: a status, or a fault; several addresses by their statuses."""
    said = addresses or (status,)
    return Heard(tuple(_endpoint(f"192.0.2.{number}", one, reason) for number, one in enumerate(said, 1)))


def _endpoint(address: str, status: int | None, reason: Reason) -> Endpoint:
    if status is not None:
        return Endpoint(address, status)
    return Endpoint(
        address, fault=Fault(reason, f"{address} port 5060/udp: {reason.value}", f"sip_options/{reason.value}")
    )


def system(categories: Sequence[tuple[str, int, Answer, Answer]] = (), level: Answer = 1, cut: bool = False) -> System:
    """A controller; a category is its name, level, available and unavailable."""
    rows: dict[str, dict[str, Answer]] = {oid: {} for oid in table().oids}
    for number, category in enumerate(categories, 7):
        for column, cell in zip((8, 4, 2, 3), category, strict=True):
            rows[f"{IPERA}.2.4.1.{column}"][str(number)] = cell
    return System(SnmpAnswers({f"{IPERA}.2.1.0": level}, rows, cut=[table().oids[0]] if cut else []))


def mute(reason: Reason = Reason.NO_ANSWER) -> Fault:
    """A device that does not answer, or refuses."""
    return Fault(reason, f"192.0.2.9 port 161/udp: {reason.value}", f"snmp/{reason.value}")


def ups(source: Answer = 3, minutes: Answer = 90, own: str = "", **more: Answer) -> Ups:
    """A UPS as RFC 1628 has it; `more` is by the end of an OID, as `_2_1` for upsBatteryStatus."""
    values: dict[str, Answer] = {
        "1.3.6.1.2.1.1.3.0": 100, f"{UPS}.2.1.0": 2, f"{UPS}.2.3.0": minutes, f"{UPS}.2.4.0": 100,
        f"{UPS}.4.1.0": source,
    }  # fmt: skip
    values |= {f"{UPS}{end.replace('_', '.')}.0": value for end, value in more.items()}
    plan = ReadinessOptions.model_validate({"power": {"u": {}}}).power["u"].asking.plan
    rows: dict[str, dict[str, Answer]] = {oid: {} for one in plan.tables for oid in one.oids}
    return Ups(SnmpAnswers(dict.fromkeys(plan.oids) | values, rows), own=own)


def round_of(
    options: Mapping[str, Any],
    routes: Mapping[str, Heard] | None = None,
    systems: Mapping[str, System] | None = None,
    power: Mapping[str, Ups] | None = None,
    records: Kept | None = None,
    memory: Memory | None = None,
    at: float = NOON,
) -> Assessment:
    """One round, judged."""
    answers = ReadinessAnswers(dict(routes or {}), dict(systems or {}), dict(power or {}), records or Kept())
    return judged(ReadinessOptions.model_validate(dict(options)), answers, memory, at)


def bad(assessment: Assessment) -> dict[str, State]:
    """The findings that are not well, by key."""
    return {finding.key: finding.state for finding in assessment.findings if finding.state is not State.OK}


def said(assessment: Assessment, key: str) -> str:
    """The summary of a finding."""
    return next(finding.summary for finding in assessment.findings if finding.key == key)


def readings(assessment: Assessment) -> dict[tuple[str, ...], float]:
    """Values by family, without its beginning, and labels."""
    return {(one.family.name.removeprefix("ridgeway_"), *one.labels): one.value for one in assessment.readings}
