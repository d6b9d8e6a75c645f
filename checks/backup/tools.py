"""Command-line tools of backup products, run where the repositories are known: here, or on a server over SSH.

What is run is written in the products' folders, and reads only; from the estate come parameters that mean nothing to a
shell. Output is bounded, and what is cut short is no answer.
"""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from checks.contract import Context, Reason, Target
from checks.network.limits import give_up_at
from checks.network.ssh_login import device_of
from checks.printable import printable
from checks.transports.fault import TransportFault
from checks.transports.process import Outcome, Program
from config.commands.model import SAFE
from config.schema.words import read_name

DIRECTORIES = (Path("/usr/local/bin"), Path("/usr/bin"))
"""Where the tools are on the agent's own machine."""
_LARGEST = 16 * 1024 * 1024
_MEMORY = 2 * 1024**3


def _plain(text: object) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= 200 or not set(text) <= SAFE or text.startswith("-"):
        raise ValueError("is made of letters, digits and . _ / : @ , + - and does not begin with a hyphen")
    return text


Plain = Annotated[str, PlainValidator(_plain), WithJsonSchema({"type": "string", "maxLength": 200})]
"""A parameter of a command line: a path, a repository, a name."""


class ToolOptions(BaseModel):
    """Where the tool is run."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: Annotated[str, PlainValidator(read_name), WithJsonSchema({"type": "string"})] | None = None
    """The target whose tool is run over SSH, with its `ssh` credential; without it the check's own target."""
    local: bool = False
    """Run it on the agent's own machine instead."""
    ssh_port: Annotated[int, Field(ge=1, le=65_535)] = 22


@dataclass(frozen=True, slots=True)
class Tool:
    """One command, and what is in its environment: never a secret, since on another machine it stands in the line."""

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Output:
    """What it printed, whole, and how it ended."""

    stdout: str
    stderr: str
    status: int
    where: str

    def document(self) -> Any:
        """The JSON that it printed. Raises TransportFault, with PROTOCOL."""
        try:
            return json.loads(self.stdout)
        except (ValueError, RecursionError) as error:
            raise self.unfit("it printed no JSON") from error

    def unfit(self, why: str) -> TransportFault:
        """The fault of an output that says nothing; with the tool's last words."""
        said = printable(self.stderr.strip().rpartition("\n")[2])[:200]
        words = f"{self.where}: {why}" + (f" (exit status {self.status}" + (f": {said})" if said else ")"))
        return TransportFault(Reason.PROTOCOL, words[:500])


class Tools:
    """Runs tools for one reading of a product."""

    def __init__(self, target: Target, options: ToolOptions, ctx: Context) -> None:
        self._target = target
        self._options = options
        self._ctx = ctx
        self._deadline = give_up_at(ctx.deadline, asyncio.get_running_loop().time())

    async def run(self, tool: Tool) -> Output:
        """The tool's output, whatever its exit status. Raises TransportFault: what SSH and programs may."""
        return await (self._here(tool) if self._options.local else self._there(tool))

    async def _here(self, tool: Tool) -> Output:
        program = Program(tool.name, tool.arguments, tool.environment, _MEMORY, keep=_LARGEST, directories=DIRECTORIES)
        ended = await self._ctx.transports.process.run(program, self._deadline)
        if ended.outcome is not Outcome.EXITED or ended.status is None:
            raise TransportFault(
                Reason.LIMIT, f"{tool.name}: ended before its time ({ended.outcome}) {ended.why}".rstrip()
            )
        return Output(ended.stdout, ended.stderr, ended.status, tool.name)

    async def _there(self, tool: Tool) -> Output:
        where = f"{tool.name} on {self._target.name}"
        if "ssh" not in self._target.credentials:
            raise TransportFault(Reason.LOCAL, f"{where}: the target needs a credential in the role ssh")
        device = device_of(self._target, self._options.ssh_port)
        given = [f"{name}={value}" for name, value in tool.environment.items()]
        line = shlex.join((*(("env", *given) if given else ()), tool.name, *tool.arguments))
        ran = await self._ctx.transports.ssh.run(device, line, deadline=self._deadline, limit=_LARGEST)
        if ran.truncated:
            raise TransportFault(Reason.LIMIT, f"{where}: it prints more than {_LARGEST // 1024**2} MiB")
        if ran.exit_status is None:
            raise TransportFault(Reason.PROTOCOL, f"{where}: it ended without an exit status")
        return Output(ran.stdout, ran.stderr, ran.exit_status, where)
