"""The kind `snmp`: values of a device by its profile, their limits, and what they mean."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks.contract import (
    Assessment,
    CheckKind,
    Context,
    Family,
    KindDefaults,
    Memory,
    Observation,
    Subject,
    Target,
)
from checks.network.answers import SnmpAnswers, keep
from checks.network.judgement import assessed
from checks.network.limits import give_up_at
from checks.network.plan import Override, Plan, compiled, families
from checks.network.transform import Answer
from checks.transports.snmp import Device
from config.estate import MofN, WakeClass
from config.profiles import Limit, load, search_path, usable

ROLE = "snmp"


class Thresholds(BaseModel):
    """Limits that replace the profile's; what is not said stays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    warning: Limit | None = None
    critical: Limit | None = None


class SnmpOptions(BaseModel):
    """What a check of this kind may say. The SNMP version is the credential's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str
    """A shipped profile or one of your own, for example `generic`, `interfaces`, `firewall/fortigate`."""
    port: int = Field(default=161, ge=1, le=65535)
    retries: int = Field(default=2, ge=0, le=5)
    """Questions after the first; they share the check's time-out evenly."""
    max_oids_per_pdu: int = Field(default=20, ge=1, le=60)
    """Some devices answer no more than ten at once."""
    max_repetitions: int = Field(default=20, ge=1, le=50)
    """Rows asked at once when reading tables."""
    thresholds: dict[str, Thresholds] = Field(default_factory=dict)
    """By value of the profile."""
    rows: dict[str, tuple[Annotated[str, Field(max_length=64)], ...]] = Field(default_factory=dict)
    """By table: the row labels that count, with `*` and `?`. One without them must be there, else it is critical."""

    @model_validator(mode="after")
    def _compile(self) -> Self:
        _ = self.plan  # now, so that a profile that does not fit is refused with the estate
        return self

    @cached_property  # read at every run, where a private attribute of pydantic costs 4 µs
    def plan(self) -> Plan:
        """The compiled profile; checks with the same options share one."""
        overrides = {name: Override(limits.warning, limits.critical) for name, limits in self.thresholds.items()}
        return _plan_of(self.profile, tuple(sorted(overrides.items())), tuple(sorted(self.rows.items())))


@lru_cache(maxsize=1024)
def _plan_of(
    profile: str, overrides: tuple[tuple[str, Override], ...], rows: tuple[tuple[str, tuple[str, ...]], ...]
) -> Plan:
    return compiled(load(profile, search_path()), dict(overrides), dict(rows))


async def collect(target: Target, options: SnmpOptions, ctx: Context) -> Observation:
    """Ask one target for everything its profile wants: scalars in as few questions as allowed, then table by table."""
    plan = options.plan
    snmp = ctx.transports.snmp
    device = Device(
        target.address, target.credentials[ROLE], options.port, options.retries, options.max_oids_per_pdu,
        options.max_repetitions,
    )  # fmt: skip
    started = ctx.now()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    deadline = give_up_at(ctx.deadline, begun)
    answers = SnmpAnswers()
    error = None
    if plan.oids:
        got = await snmp.get(device, plan.oids, deadline)
        error = got.error
        keep(got.values, answers.values, answers.errors)
    for table in plan.tables:
        if error is not None:
            break
        columns = await snmp.columns(device, table.oids, deadline, table.max_rows)
        error = columns.error
        for oid, cells in columns.rows.items():
            kept: dict[str, Answer] = {}
            answers.rows[oid] = kept
            keep(cells, kept, answers.errors)
            if oid not in columns.complete:
                answers.cut.append(oid)
    return Observation(
        target=target.name,
        vantage=ctx.vantage,
        started=started,
        duration=loop.time() - begun,
        answers=answers if answers.values or answers.rows or error is None else None,
        fault=None if error is None else error.fault(),
    )


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:  # noqa: ARG001 - the contract's; the answers carry their own time
    """What the answers mean by the profile. Without any, nothing is judged: the fault speaks for itself."""
    options = subject.check.options
    assert isinstance(options, SnmpOptions)  # the catalogue pairs options with kinds
    for observation in observations:
        if isinstance(observation.answers, SnmpAnswers):
            at = observation.started + observation.duration
            return assessed(
                options.plan, observation.answers, observation.fault is None, memory, at, subject.check.expect_empty
            )
    return Assessment(findings=())


def shipped_families() -> tuple[Family, ...]:
    """Every family that any profile on the search path can make."""
    return families(usable(search_path()))


CHECK = CheckKind(
    kind="snmp",
    title="Values of a device by SNMP",
    options=SnmpOptions,
    answers=SnmpAnswers,
    defaults=KindDefaults(
        every=60.0, timeout=10.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.WORKING_HOURS
    ),
    finding_keys={
        "snmp/<value>": "A value of the device is beyond its limit, cannot be read, or is not what the profile knows.",
        "<column>/<row>": "The same for one row of a table, for example interface_state/wan1.",
        "<table>/<row>": "A row that the estate names is not in the table.",
        "snmp/<table>": "A table that should have rows has none.",
        "snmp/profile": "The device answers nothing of its profile: it is probably another product.",
        "snmp/no-answer": "The device answers other checks, but not SNMP: look at its access list and its community.",
        "snmp/refused": "Nothing listens on the SNMP port: start the device's agent, or open the port.",
        "snmp/authentication": "The device rejects the SNMPv3 user or a password, or its reply was not its own.",
        "snmp/protocol": "What came back is not SNMP, or not an answer to the question.",
        "snmp/limit": "A table is longer than it may be, or the device walks in a circle.",
        "snmp/local": "The agent itself could not ask: open files, secret, settings.",
        "snmp/name": "The target's name does not resolve.",
    },
    families=shipped_families,
    collect=collect,
    assess=assess,
    requires=(ROLE,),
)
__all__ = ["CHECK", "SnmpAnswers", "SnmpOptions"]
