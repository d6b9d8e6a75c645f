"""The kind `ssh_command`: one command of the allow-list on one device, and what it prints means by its template."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from checks.contract import (
    Assessment,
    CheckKind,
    Context,
    Family,
    Fault,
    KindDefaults,
    Memory,
    Observation,
    Reason,
    Subject,
    Target,
)
from checks.network.command_judgement import CommandAnswers, assessed
from checks.network.command_plan import KIND, Plan, Wish, check_families, compiled, families
from checks.network.limits import give_up_at
from checks.network.ssh_login import LOGIN_KEYS, ROLE, device_of, over_after_login
from checks.transports.fault import TransportFault
from checks.transports.ssh import SshDevice, ssh_fault
from config.commands import EXEC, CommandError, CommandModel, dialect, load, names, search_path
from config.estate import MofN, WakeClass
from config.profiles import Limit

_ERRORS = 2_000
"""Characters kept of what a command says on its standard error."""


def _text(value: object) -> object:
    """A number in an estate file is as good a parameter as the same in quotes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Thresholds(BaseModel):
    """Limits that replace the template's; what is not said stays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    warning: Limit | None = None
    critical: Limit | None = None


class SshCommandOptions(BaseModel):
    """What a check of this kind may say. What is run is the template's affair."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    command: str = Field(description="The name of a command template, for example disk-usage.")
    parameters: dict[str, Annotated[str, BeforeValidator(_text)]] = Field(
        default_factory=dict, alias="with", description="The template's parameters, by name."
    )
    thresholds: dict[str, Thresholds] = Field(
        default_factory=dict, description="Limits by value of the template: warning, critical, each above or below."
    )
    expect: str | None = Field(None, description="A pattern that some line must match, in place of the template's.")
    not_expect: str | None = Field(None, description="A pattern that no line may match, in place of the template's.")
    port: int = Field(default=22, ge=1, le=65535, description="The SSH port.")
    max_output: int = Field(
        default=65_536, ge=256, le=262_144, description="Octets of output that are read; more makes it unknown."
    )

    @model_validator(mode="after")
    def _compile(self) -> Self:
        _ = self.plan  # now, so that a command that does not fit is refused with the estate
        return self

    @cached_property  # read at every run, where a private attribute of pydantic costs 4 µs
    def plan(self) -> Plan:
        """The compiled template; checks with the same options share one."""
        limits = ((name, one.warning, one.critical) for name, one in sorted(self.thresholds.items()))
        wish = Wish(
            tuple(sorted(self.parameters.items())), tuple(limits), self.expect, self.not_expect, self.port
        )  # fmt: skip
        return _plan_of(self.command, wish)


@lru_cache(maxsize=1024)
def _plan_of(command: str, wish: Wish) -> Plan:
    directories = search_path()
    template = load(command, directories)
    spoken = None if template.shell == EXEC else dialect(template.shell, directories)
    plan = compiled(template, spoken, wish)
    check_families(plan, families(_templates()))
    return plan


def _templates() -> Iterator[CommandModel]:
    """Every template that can be read; what is wrong with another is said where an estate uses it."""
    directories = search_path()
    for name in names(directories):
        with contextlib.suppress(CommandError):
            yield load(name, directories)


async def collect(target: Target, options: SshCommandOptions, ctx: Context) -> Observation:
    """Log in, or use the connection that is there, and run the one command."""
    started = ctx.now()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    device = device_of(target, options.port)
    answers: CommandAnswers | None = None
    fault: Fault | None = None
    try:
        answers = await _asked(device, options, ctx, give_up_at(ctx.deadline, begun))
    except TransportFault as error:
        fault = ssh_fault(error, KIND, device.credential)
        if error.reason is Reason.LIMIT:  # the device is there: it is this command that has no end
            fault = replace(fault, condition=options.plan.run_key)
    return Observation(target.name, ctx.vantage, started, loop.time() - begun, answers, fault)


async def _asked(device: SshDevice, options: SshCommandOptions, ctx: Context, deadline: float) -> CommandAnswers:
    plan, ssh = options.plan, ctx.transports.ssh
    if plan.shell is None:
        ran = await ssh.run(device, plan.line, deadline=deadline, limit=options.max_output)
        return CommandAnswers(ran.stdout, ran.stderr[:_ERRORS], ran.exit_status, ran.truncated, ran.seconds)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    (said,) = await ssh.shell(device, (plan.line,), plan.shell, deadline=deadline, limit=options.max_output)
    return CommandAnswers(said, "", None, False, loop.time() - begun)


def assess(subject: Subject, observations: Sequence[Observation], memory: Memory | None, now: float) -> Assessment:
    """What the output means by the template. Times are judged at the moment when the command had ended."""
    del memory, now
    options = subject.check.options
    assert isinstance(options, SshCommandOptions)  # for mypy: the catalogue pairs options with kinds
    observation = observations[0]
    assert isinstance(observation.answers, CommandAnswers)  # for mypy: without answers the fault speaks for itself
    made = assessed(options.plan, observation.answers, observation.started + observation.duration)
    over = over_after_login(subject)
    return Assessment(made.findings, made.readings, made.covers | over, made.may_go | over)


def shipped_families() -> tuple[Family, ...]:
    """Every family that any template on the search path can make."""
    return tuple(families(_templates()).values())


CHECK = CheckKind(
    kind=KIND,
    title="A command of the allow-list, run over SSH",
    options=SshCommandOptions,
    answers=CommandAnswers,
    defaults=KindDefaults(
        every=300.0, timeout=20.0, open_after=MofN(2, 3), clear_after=MofN(2, 2), wake=WakeClass.WORKING_HOURS
    ),
    finding_keys={
        "ssh_command/<command>/<value>": "A value is beyond its limit, is a bad word, or was not found (unknown).",
        "ssh_command/<command>/output": "The output lacks what is expected, or holds what must not be there.",
        "ssh_command/<command>/run": "The command failed, printed nothing or too much, or did not end in time.",
        **LOGIN_KEYS,
        "ssh_command/refused": "Nothing listens on the SSH port: start the service, or open the port.",
        "ssh_command/no-answer": "The device answers other checks, but not SSH: look at its access list.",
        "ssh_command/forbidden": "The device lets the user in, but not run commands: look at the user's rights.",
        "ssh_command/protocol": "What answers is not SSH, or breaks off: look at the service and its limits.",
        "ssh_command/limit": "The device sends without end: look at what it sends.",
        "ssh_command/hanging": "An earlier question to this device has not ended: look at the device's load.",
        "ssh_command/local": "The agent itself could not ask: a secret or a host key is missing, or threads ran out.",
        "ssh_command/name": "The target's name does not resolve.",
    },
    families=shipped_families,
    collect=collect,
    assess=assess,
    requires=(ROLE,),
)
__all__ = ["CHECK", "CommandAnswers", "SshCommandOptions"]
