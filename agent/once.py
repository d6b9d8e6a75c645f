"""Run a target's checks once, without schedule, judge or ledger, and report them as one JSON-able object."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.elsewhere import Elsewhere
from agent.records import CheckResult
from agent.run import Runner
from checks.contract import CheckKind, State, worst
from checks.transports import Transports
from checks.transports.lockout import Lockout
from checks.transports.snmp import Asking
from config.estate import Estate, Target


async def run_once(
    estate: Estate,
    target: Target,
    names: frozenset[str],
    kinds: Mapping[str, CheckKind],
    lockout: Lockout,
    *,
    second: bool = False,
) -> list[CheckResult]:
    """Results of the named checks of `target`, in the estate's order, each bounded by its own time-out.

    `lockout` is asked before each log-in; one for all targets. `second` asks over SNMP with the second engine.
    """
    opened = Transports.open(lockout)
    transports = replace(opened, snmp=_second()) if second else opened
    try:
        specs = [spec for spec in target.checks if spec.name in names]
        # Only what goes to several vantages in one run asks probers: all else is asked from here, wherever it is made.
        here, leading = (
            Runner(estate, kinds, transports, vantage=estate.vantage, clock=time.time, elsewhere=elsewhere)
            for elsewhere in (None, Elsewhere(estate, kinds).collector)
        )
        return list(
            await asyncio.gather(*((leading if spec.places else here).run(spec, time.time()) for spec in specs))
        )
    finally:
        await transports.close()
        await opened.close()


def _second() -> Asking:
    from checks.transports.snmp.second import SecondTransport  # pysnmp takes a while to import

    return SecondTransport()


def overall(results: Sequence[CheckResult]) -> State:
    """The worst state of all findings; a run without any finding is *unknown*."""
    return worst([worst([finding.state for finding in result.assessment.findings]) for result in results])


def report(target: Target, results: Sequence[CheckResult]) -> dict[str, Any]:
    """The object that `ridgeway check --json` prints."""
    return {
        "target": target.name,
        "council": target.council,
        "site": target.site,
        "checks": [_check(result) for result in results],
    }


def _check(result: CheckResult) -> dict[str, Any]:
    findings = result.assessment.findings
    return {
        "check": result.subject.check.name,
        "kind": result.subject.check.kind,
        "state": worst([finding.state for finding in findings]).value,
        "reached": result.reached,
        "duration_seconds": round(result.duration, 6),
        "findings": [
            {
                "key": finding.key,
                "state": finding.state.value,
                "summary": finding.summary,
                "evidence": dict(finding.evidence),
            }
            for finding in findings
        ],
        "readings": [
            {
                "name": reading.family.name,
                "labels": dict(zip(reading.label_names, reading.labels, strict=True)),
                "value": reading.value,
            }
            for reading in result.assessment.readings
        ],
    }
