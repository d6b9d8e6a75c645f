"""Asking all members of a pair in one round, each as the kind `firewall` asks one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from checks.contract import Context, Fault, Observation, Reason, Target
from checks.firewall import asking
from checks.firewall.options import AUTO
from checks.firewall.pair import addresses
from checks.firewall.pair.answers import MemberPart, PairAnswers
from checks.firewall.pair.options import PairOptions
from checks.network.limits import give_up_at

_LONGEST = 500


@dataclass(slots=True)
class Kept:
    """What is kept of each member from one round to the next, by its name and address."""

    members: dict[tuple[str, str], object] = field(default_factory=dict)


async def collect(target: Target, options: PairOptions, ctx: Context) -> Observation:
    """Ask every member at the same time, each within the whole time and with a fault of its own.

    Where none of them answered in any way the round has no answers, and its fault is that of all.
    """
    started, loop = ctx.now(), asyncio.get_running_loop()
    begun = loop.time()
    kept = ctx.kept if isinstance(ctx.kept, Kept) else Kept()
    names = [(member.name, member.address) for member in ctx.inputs]
    contexts = [replace(ctx, kept=kept.members.get(name), inputs=(), places={}) for name in names]
    parts = await asyncio.gather(
        *(_member(member, options, context) for member, context in zip(ctx.inputs, contexts, strict=True))
    )
    ctx.kept = Kept({name: context.kept for name, context in zip(names, contexts, strict=True)})
    answers = PairAnswers({member.name: part for member, part in zip(ctx.inputs, parts, strict=True)})
    fault = None if answers.reached else _of_all(answers.members)
    return Observation(
        target.name, ctx.vantage, started, loop.time() - begun, answers if fault is None else None, fault
    )


async def _member(member: Target, options: PairOptions, ctx: Context) -> MemberPart:
    command = _command(options, ctx.kept)
    if command is None:
        observation = await asking.collect(member, options, ctx)
        command = _command(options, ctx.kept)
        listed = await _listed(member, command, options, ctx)
    else:
        observation, listed = await asyncio.gather(
            asking.collect(member, options, ctx), _listed(member, command, options, ctx)
        )
    return MemberPart(observation.answers, observation.fault, *listed)


async def _listed(
    member: Target, command: str | None, options: PairOptions, ctx: Context
) -> tuple[list[str] | None, str]:
    if command is None:
        return None, ""
    begun = asyncio.get_running_loop().time()
    return await addresses.asked(member, command, options.ssh_port, ctx, give_up_at(ctx.deadline, begun))


def _command(options: PairOptions, kept: object) -> str | None:
    """The template that lists the member's addresses; None where its product needs none, or is not known yet."""
    profile = options.profile
    if profile == AUTO:
        profile = kept.profile if isinstance(kept, asking.Kept) else ""
    if not profile:
        return None
    part = options.reader_of(profile).profile.firewall
    return None if part is None else part.pair.addresses_by


def _of_all(parts: Mapping[str, MemberPart]) -> Fault:
    """The fault of a round without any answer: that of a member that was asked in vain, if there is one."""
    faults = {name: part.fault for name, part in parts.items() if part.fault is not None}
    worst = sorted(faults.values(), key=lambda fault: fault.reached is None)
    said = "; ".join(f"{name}: {fault.message}" for name, fault in faults.items())
    if not worst:
        return Fault(Reason.LOCAL, "the check was given no members to ask", "snmp/local")
    return replace(worst[0], message=f"no member answers: {said}"[:_LONGEST])
