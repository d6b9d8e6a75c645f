"""The daemon's side of `ridgeway config`: questions that come by the control socket, and their answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from agent.approvals import ApprovalCommands
from agent.daemon.control import Verb
from agent.redaction import plain
from checks.contract import Approval

_Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(plain)]
_Reference = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(plain)]


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Which(_Question):
    target: _Name | None = None
    check: _Name | None = None


class _Approve(_Question):
    target: _Name
    check: _Name | None = None
    by: _Name
    change: _Reference
    note: Annotated[str, Field(max_length=200), AfterValidator(plain)] = ""
    state: Annotated[str, Field(pattern=r"^([0-9a-f]{12})?$")] = ""


class ConfigVerbs:
    """Belongs to the event loop's thread."""

    def __init__(self, commands: ApprovalCommands, clock: Callable[[], float]) -> None:
        self._commands, self._clock = commands, clock

    def verbs(self) -> Mapping[str, Verb]:
        return {"config": (_Which, self._show), "config-approve": (_Approve, self._approve)}

    async def _show(self, asked: _Which) -> Any:
        rows = [
            {
                "check": noted.spec.id,
                "target": noted.spec.target,
                "council": noted.council,
                "vantage": noted.vantage or None,
                "noted": dict(noted.shown) or None,
            }
            for noted in self._commands.noted(asked.target, asked.check)
        ]
        return {"at": self._clock(), "states": rows}

    async def _approve(self, asked: _Approve) -> Any:
        given = Approval(self._clock(), asked.by, asked.change, asked.note, asked.state)
        return {"approved": await self._commands.approve(asked.target, asked.check, given)}
