"""Reading configurations over SSH: one command in one session of each member, always closed; its text goes no further.

What leaves here are names and digests of parts. The text is worked on in a thread, since megabytes of it take a second.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from fnmatch import fnmatchcase

from checks.contract import Context, Fault, Observation, Reason, Target
from checks.firewall_config.answers import ConfigAnswers, Reading
from checks.firewall_config.normal import normalised
from checks.firewall_config.options import KIND, FirewallConfigOptions
from checks.firewall_config.statements import Cut
from checks.network.limits import give_up_at
from checks.network.ssh_login import ROLE, device_of
from checks.transports import Transports
from checks.transports.aside import Crowded, Overdue, StillHanging
from checks.transports.fault import TransportFault
from checks.transports.ssh import SshTransport, ssh_fault
from checks.transports.ssh.model import QUOTED

_WORK = 4.0
"""Seconds before the deadline at which a device has to have shown all, so that it can still be worked on."""


async def collect(target: Target, options: FirewallConfigOptions, ctx: Context) -> Observation:
    """Read every member in one round. Not reaching the first is a fault; another one's is a gap in its reading."""
    started = ctx.now()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    deadline = give_up_at(ctx.deadline, begun)
    asked_until = max(deadline - _WORK, begun + (deadline - begun) / 2)
    targets = ctx.inputs or (target,)
    found = await asyncio.gather(*(_read(each, options, ctx.transports, asked_until, deadline) for each in targets))
    first = found[0]
    answers: ConfigAnswers | None = None
    fault: Fault | None = None
    if isinstance(first, Fault):
        fault = first
    else:
        others = (
            Reading(one.name, gap=each.message) if isinstance(each, Fault) else each
            for one, each in zip(targets[1:], found[1:], strict=True)
        )
        answers = ConfigAnswers(options.method, (first, *others))
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


async def _read(
    target: Target, options: FirewallConfigOptions, transports: Transports, asked_until: float, deadline: float
) -> Reading | Fault:
    if ROLE not in target.credentials:
        message = f"{target.name}: has no credential for the role ssh: add `credentials: {{ssh: NAME}}` to the target"
        return Fault(Reason.LOCAL, message, f"{KIND}/local")
    try:
        text = await _shown(target, options, transports.ssh, asked_until)
    except TransportFault as error:
        fault = ssh_fault(error, KIND, target.credentials[ROLE])
        # A shell that shows no prompt quotes its last line, which here is one of the configuration.
        return replace(fault, message=fault.message.partition(QUOTED)[0])
    except Cut as error:
        return Reading(target.name, gap=str(error))
    try:
        reading = await transports.aside.ask(
            f"configuration of {target.name}", lambda _: normalised(options.model, text, target.name), deadline
        )
    except Cut as error:
        return Reading(target.name, gap=str(error))
    except (StillHanging, Overdue, Crowded) as error:
        return Fault(Reason.LOCAL, f"{target.name}: {error}", f"{KIND}/local")
    kept = tuple(part for part in reading.parts if not any(fnmatchcase(part.name, each) for each in options.ignore))
    return replace(reading, parts=kept) if kept else Reading(target.name, gap="`ignore` leaves nothing to look at")


async def _shown(target: Target, options: FirewallConfigOptions, ssh: SshTransport, deadline: float) -> str:
    """The text. Raises TransportFault, or Cut when it cannot be all of it."""
    device = replace(device_of(target, options.port), keep=False)
    limit = options.max_bytes
    if options.shell is not None:
        (text,) = await ssh.shell(device, (options.model.run,), options.shell, deadline=deadline, limit=limit)
    else:
        ran = await ssh.run(device, options.model.run, deadline=deadline, limit=limit)
        if ran.truncated:
            raise Cut(f"it is longer than {limit} octets; raise max_bytes if that is as it should be")
        if ran.exit_status is None:
            raise Cut("the command ended without an exit status: it was stopped, or the connection was closed")
        if ran.exit_status:
            raise Cut(f"the command ended with exit status {ran.exit_status}; look at the user's rights")
        text = ran.stdout
    if any(pattern.found(text[:4_096]) for pattern in options.refusals):
        raise Cut("the device refused the command; look at the user's rights")
    return text
