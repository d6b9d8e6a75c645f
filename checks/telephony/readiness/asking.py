"""Asking everything at once: OPTIONS to routes, SNMP to controllers and UPSs, and the file of records.

Nothing here can make a call: the only method that is ever sent is OPTIONS, by the collect of `sip_options`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from checks.contract import Context, Fault, Observation, Reason, State, Target
from checks.network import snmp
from checks.network.answers import SnmpAnswers, keep
from checks.network.limits import give_up_at
from checks.network.transform import Answer
from checks.telephony import sip_options
from checks.telephony.readiness.answers import Heard, Kept, ReadinessAnswers, System, Ups
from checks.telephony.readiness.categories import LEVEL, table
from checks.telephony.readiness.options import ReadinessOptions, Supply, systems
from checks.telephony.readiness.records import LARGEST, Register, each_once, masked
from checks.transports.aside import Crowded, StillHanging
from checks.transports.fault import TransportFault
from checks.transports.snmp import Device
from config.data_file import read_data_file

ROUTES = "emergency_readiness/routes"
_ROLE = "snmp"
_LONGEST = 500


async def collect(target: Target, options: ReadinessOptions, ctx: Context) -> Observation:
    """Ask all of it within the whole time, each part with a fault of its own.

    Where nothing at all answers although every route has answered before, the round has no answers: the fault says that
    no route is left, and the agent finds out whether it is this machine that is cut off.
    """
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    deadline = give_up_at(ctx.deadline, begun)
    by_name = {one.name: one for one in ctx.inputs} | {"": target}
    sip = [(name, route.sip, route.target) for name, route in options.routes.items() if route.sip is not None]
    heard, found, power, records = await asyncio.gather(
        asyncio.gather(*(_heard(by_name[to or ""], how, ctx, deadline) for _, how, to in sip)),
        asyncio.gather(*(_system(by_name[name], options, ctx, deadline) for name in systems(options))),
        asyncio.gather(*(_ups(by_name[name], supply, ctx) for name, supply in options.power.items())),
        _records(options, target.name, ctx, deadline),
    )
    answers = ReadinessAnswers(
        dict(zip((name for name, _, _ in sip), heard, strict=True)),
        dict(zip(systems(options), found, strict=True)),
        dict(zip(options.power, power, strict=True)),
        records,
    )
    known = ctx.kept if isinstance(ctx.kept, frozenset) else frozenset()
    ctx.kept = known | {name for name, one in answers.routes.items() if any(e.status for e in one.endpoints)}
    fault = _nothing(options, answers, known) or _own(answers)
    told = None if fault is not None and fault.condition == ROUTES else answers
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, told, fault)


def _nothing(options: ReadinessOptions, answers: ReadinessAnswers, known: frozenset[str]) -> Fault | None:
    """The fault of a round in which all was silent; only of routes that answered before, for others may be filtered."""
    routes = answers.routes
    if not routes or len(routes) < len(options.routes) or not known >= routes.keys():
        return None
    silent = [one.silent for one in routes.values()]
    silent += [one.silent for one in answers.systems.values()]
    silent += [one.silent for one in answers.power.values()]
    if not all(silent):
        return None
    first = {name: one.endpoints[0].fault for name, one in routes.items()}
    said = "; ".join(f"{name}: {fault.message}" for name, fault in first.items() if fault is not None)
    words = f"calls to 999 have no way out that answers, nor does anything else that was asked: {said}"
    return Fault(Reason.NO_ANSWER, words[:_LONGEST], ROUTES, State.CRITICAL)


def _own(answers: ReadinessAnswers) -> Fault | None:
    """The fault of the check's own target, told of that target as every check by SNMP tells it, not of a route."""
    own = answers.systems.get("")
    return own.fault if own is not None and own.answers is None else None


async def _heard(target: Target, options: sip_options.SipOptions, ctx: Context, deadline: float) -> Heard:
    try:
        endpoints, _ = await sip_options.asked(target, options, ctx, deadline)
    except TransportFault as error:
        return Heard(fault=Fault(error.reason, error.message, f"{sip_options.KIND}/{error.reason.value}"))
    return Heard(endpoints)


async def _system(target: Target, options: ReadinessOptions, ctx: Context, deadline: float) -> System:
    """The overall level and the table of categories of a controller, and nothing else of it."""
    credential = target.credentials.get(_ROLE)
    if credential is None:
        return System(fault=_no_credential(target))
    device = Device(target.address, credential, options.snmp_port, 1, 20, 20)
    said = SnmpAnswers()
    got = await ctx.transports.snmp.get(device, (LEVEL,), deadline)
    keep(got.values, said.values, said.errors)
    if got.error is not None:
        return System(fault=got.error.fault())
    wanted = table()
    columns = await ctx.transports.snmp.columns(device, wanted.oids, deadline, wanted.max_rows)
    for oid, cells in columns.rows.items():
        kept: dict[str, Answer] = {}
        said.rows[oid] = kept
        keep(cells, kept, said.errors)
        if oid not in columns.complete:
            said.cut.append(oid)
    return System(said, None if columns.error is None else columns.error.fault())


async def _ups(target: Target, supply: Supply, ctx: Context) -> Ups:
    own = _speaks(target, supply)
    if _ROLE not in target.credentials:
        return Ups(fault=_no_credential(target), own=own)
    found = await snmp.collect(target, supply.asking, replace(ctx, kept=None, inputs=(), places={}))
    return Ups(found.answers if isinstance(found.answers, SnmpAnswers) else None, found.fault, own)


def _speaks(target: Target, supply: Supply) -> str:
    """The check of the UPS's own that reads the same profile, and is not allowed to stay silent about it."""
    for spec in target.checks:
        same = isinstance(spec.options, snmp.SnmpOptions) and spec.options.profile == supply.profile
        if same and spec.accept_unreadable is None:
            return spec.name
    return ""


def _no_credential(target: Target) -> Fault:
    words = f"{target.name} has no credential for SNMP: add `credentials: {{{_ROLE}: NAME}}` to it"
    return Fault(Reason.LOCAL, words, "snmp/local")


async def _records(options: ReadinessOptions, name: str, ctx: Context, deadline: float) -> Kept:
    file = options.records
    if file is None:
        return Kept()
    try:
        async with asyncio.timeout_at(deadline):
            found = await ctx.transports.aside.run(f"records {file} of {name}", lambda: _read(file))
        each_once((*options.locations, *found.locations), f"{file} and the estate: locations")
        each_once((*options.lines, *found.lines), f"{file} and the estate: lines")
    except TimeoutError:
        return Kept(fault=f"{file} does not answer; is its file server up?")
    except (OSError, ValueError, StillHanging, Crowded) as error:  # DataFileError is a ValueError
        return Kept(fault=_first(str(error)))
    return Kept(found.locations, found.lines)


def _read(file: str) -> Register:
    return read_data_file(Path(file), Register, LARGEST)


def _first(lines: str) -> str:
    told: Sequence[str] = lines.splitlines() or ["it cannot be read"]
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    return masked(told[0])[:200] + more
