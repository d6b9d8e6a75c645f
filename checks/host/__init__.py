"""The machine on which the agent runs: processor, memory, swap, file systems, load, and the agent's own descriptors."""

from __future__ import annotations

import asyncio

from checks.contract import CheckKind, Context, Fault, KindDefaults, Observation, Reason, Target
from checks.host.judgement import FAMILIES, assess
from checks.host.machine import HostAnswers, Unreadable, read
from checks.host.options import HostOptions
from config.estate import MofN, WakeClass


async def collect(target: Target, options: HostOptions, ctx: Context) -> Observation:
    """Read the machine the agent runs on, whatever the target's address; a file system that hangs holds up nothing."""
    started = ctx.now()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    answers: HostAnswers | None = None
    fault: Fault | None = None
    try:
        answers = await read(options, ctx.transports.aside, started, ctx.deadline - (ctx.deadline - begun) / 5)
    except Unreadable as error:
        fault = Fault(Reason.LOCAL, str(error), "host/local")
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


CHECK = CheckKind(
    kind="host",
    title="The agent's own machine",
    options=HostOptions,
    answers=HostAnswers,
    defaults=KindDefaults(
        every=60.0, timeout=5.0, open_after=MofN(3, 3), clear_after=MofN(2, 2), wake=WakeClass.WORKING_HOURS
    ),
    finding_keys={
        "host/cpu": "The processors were busy since the last run: see which process takes them (top).",
        "host/memory": "Memory is nearly used up: see which process takes it before the kernel kills one.",
        "host/swap": "Swap is nearly used up: the machine has too little memory for what it runs.",
        "host/load": "More waits to run than the processors can take: look for full processors or a hanging disk.",
        "host/disk/<mount>": "The file system is nearly full, not mounted, or does not answer: free space, or mend it.",
        "host/inodes/<mount>": "The file system has nearly no inodes left: look for directories with very many files.",
        "host/mounts": "There are more file systems than are looked at: name the ones that matter in `mounts`.",
        "host/descriptors": "The agent has nearly used up its file descriptors: raise LimitNOFILE in its unit.",
        "host/local": "The machine's own figures cannot be read: look at the unit's hardening (ProcSubset).",
    },
    families=lambda: FAMILIES,
    collect=collect,
    assess=assess,
)
