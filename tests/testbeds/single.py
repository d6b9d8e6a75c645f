"""The smallest estates: some targets, each with some checks, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from time import time as wall

from pydantic import BaseModel

from checks.contract import CheckKind, Context, Observation, Subject
from checks.transports import Transports
from config.estate import Acceptance, CheckSpec, Estate, Every, MofN, Schedule, Target, WakeClass, WorkingHours


def check(
    kind: str,
    options: BaseModel,
    *,
    target: str = "fw-a",
    name: str | None = None,
    schedule: Schedule | None = None,
    timeout: float = 2.0,
    acceptance: Acceptance | None = None,
) -> CheckSpec:
    """A check of `target`, with every field given."""
    name = name or kind
    return CheckSpec(
        id=f"{target}/{name}",
        target=target,
        name=name,
        kind=kind,
        options=options,
        schedule=schedule or Every(60.0),
        timeout=timeout,
        open_after=MofN(1, 1),
        clear_after=MofN(1, 1),
        hold_down=600.0,
        reopen_window=86_400.0,
        wake=WakeClass.NOW,
        evidence=False,
        vantages=("here",),
        accept_unreadable=acceptance,
    )


def target(*checks: CheckSpec, address: str = "127.0.0.1") -> Target:
    """The target that these checks name."""
    return Target(checks[0].target, address, "dacorum", "forum", ("here",), checks)


def estate(*targets: Target) -> Estate:
    """An estate of these targets."""
    named = {each.name: each for each in targets}
    hours = WorkingHours("Europe/London", {})
    return Estate("test", "0" * 64, {}, {}, {}, {}, named, (), {}, {}, hours, "here")


def subject(spec: CheckSpec) -> Subject:
    """What `assess` judges for a check of a single target."""
    return Subject(spec.target, "dacorum", "forum", spec, (target(spec),))


async def asked(kind: CheckKind, options: BaseModel, address: str, timeout: float = 2.0) -> Observation:
    """One collect of a kind, with transports of its own that are closed again."""
    transports = Transports.open()
    spec = check(kind.kind, options, timeout=timeout)
    context = Context("here", transports, wall, asyncio.get_running_loop().time() + timeout)
    try:
        return await kind.collect(target(spec, address=address), options, context)
    finally:
        await transports.close()


def states(findings: Iterable[object]) -> dict[str, str]:
    """Key to state of some findings."""
    return {str(finding.key): str(finding.state.value) for finding in findings}  # type: ignore[attr-defined]
