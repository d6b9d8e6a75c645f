"""One round: the system over SNMP, and beside it OPTIONS and the primaries whose backup it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from checks.contract import Context, Fault, Observation, Target
from checks.network import snmp
from checks.network.answers import SnmpAnswers, keep
from checks.network.limits import give_up_at
from checks.network.plan import UPTIME
from checks.telephony.mitel import crosscheck
from checks.telephony.mitel.answers import MitelAnswers, PrimaryPart
from checks.telephony.mitel.crosscheck import SipHeard
from checks.telephony.mitel.options import AUTO, BUSINESS, MitelOptions
from checks.telephony.mitel.product import IDENTITY, profile_for
from checks.transports.snmp import Device
from config.profiles.recognition import SYS_OBJECT_ID

ROLE = "snmp"
SYS_NAME = "1.3.6.1.2.1.1.5.0"
_AGAIN = 3600.0
"""Seconds after which a system is asked again what it is: a call server may start later than its server's SNMP."""
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Known:
    """The product, as it was found while the agent runs."""

    options: MitelOptions
    profile: str
    object_id: object
    at: float
    """When it was found (Unix seconds)."""


@dataclass(slots=True)
class Kept:
    """What is kept from one round to the next."""

    product: Known | None = None


async def collect(target: Target, options: MitelOptions, ctx: Context) -> Observation:
    """Ask everything at the same time. SNMP's fault is that of the round; where SIP answers, the system is there."""
    kept = ctx.kept = ctx.kept if isinstance(ctx.kept, Kept) else Kept()
    found, sip, parts = await asyncio.gather(
        _system(target, options, ctx, kept),
        _heard(target, options, ctx),
        asyncio.gather(*(_primary(one, options, ctx) for one in ctx.inputs)),
    )
    primaries = {one.name: part for one, part in zip(ctx.inputs, parts, strict=True)}
    answers, fault = found.answers, found.fault
    if isinstance(answers, MitelAnswers):
        answers = replace(answers, sip=sip, primaries=primaries)
    elif fault is not None and sip is not None and crosscheck.answers(sip):
        answers = MitelAnswers(kept.product.profile if kept.product else "", sip=sip, primaries=primaries)
        fault = replace(fault, message=f"SIP answers ({crosscheck.in_words(sip)}), but: {fault.message}"[:_LONGEST])
    return replace(found, answers=answers, fault=fault)


async def _system(target: Target, options: MitelOptions, ctx: Context, kept: Kept) -> Observation:
    """What it is where that is not known, then everything of its profile."""
    known = kept.product if kept.product is not None and kept.product.options == options else None
    if known is not None and not 0 <= ctx.now() - known.at < _AGAIN:
        known = None
    profile = options.profile
    if profile == AUTO:
        if known is None:
            asked = await _identity(target, options, ctx)
            answers = asked.answers
            if not isinstance(answers, MitelAnswers) or not answers.profile:
                return asked
            known = Known(options, answers.profile, answers.snmp.values.get(SYS_OBJECT_ID), asked.started)
        profile, kept.product = known.profile, known
    found = await snmp.collect(target, options.asking(profile), ctx)
    read = found.answers
    told = MitelAnswers(profile, read) if isinstance(read, SnmpAnswers) else None
    if known is not None and told is not None and told.snmp.values.get(SYS_OBJECT_ID) != known.object_id:
        kept.product = None  # another product answers at this address now: the next run finds out which
    return replace(found, answers=told)


async def _identity(target: Target, options: MitelOptions, ctx: Context) -> Observation:
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    got = await ctx.transports.snmp.get(_device(target, options), IDENTITY, give_up_at(ctx.deadline, begun))
    said = SnmpAnswers()
    keep(got.values, said.values, said.errors)
    answers = None if got.error is not None else MitelAnswers(profile_for(said.values), said)
    fault = None if got.error is None else got.error.fault()
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


async def _heard(target: Target, options: MitelOptions, ctx: Context) -> SipHeard | None:
    if options.sip is None:
        return None
    return await crosscheck.heard(target, options.sip, replace(ctx, memory=None, inputs=(), places={}))


async def _primary(primary: Target, options: MitelOptions, ctx: Context) -> PrimaryPart:
    """A primary's name, start and categories, and whether it answers SIP: all that proves that its phones came back."""
    there = options.sip and options.model_copy(update={"sip": options.sip.model_copy(update={"address": None})})
    said, sip = await asyncio.gather(_categories(primary, options, ctx), _heard(primary, there or options, ctx))
    return PrimaryPart(*said, sip)


async def _categories(primary: Target, options: MitelOptions, ctx: Context) -> tuple[SnmpAnswers, Fault | None]:
    device, table = _device(primary, options), options.plan_of(BUSINESS).table("categories")
    deadline = give_up_at(ctx.deadline, asyncio.get_running_loop().time())
    said = SnmpAnswers()
    got = await ctx.transports.snmp.get(device, (SYS_NAME, UPTIME), deadline)
    keep(got.values, said.values, said.errors)
    if got.error is not None:
        return said, got.error.fault()
    columns = await ctx.transports.snmp.columns(device, table.oids, deadline, table.max_rows)
    for oid, cells in columns.rows.items():
        keep(cells, said.rows.setdefault(oid, {}), said.errors)
        if oid not in columns.complete:
            said.cut.append(oid)
    return said, None if columns.error is None else columns.error.fault()


def _device(target: Target, options: MitelOptions) -> Device:
    return Device(
        target.address, target.credentials[ROLE], options.port, options.retries, options.max_oids_per_pdu,
        options.max_repetitions,
    )  # fmt: skip
