"""The file of the drills: which backup of which object is restored where, by which credential, within which bounds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from agent.restore_drills.options import Name, StrictPart, absolute
from agent.restore_drills.options.clusters import BarmanDrill, PgBackRestDrill
from agent.restore_drills.options.tools import BaculaDrill, BorgDrill, CommandDrill, ResticDrill
from config.data_file import read_data_file

LARGEST = 1024 * 1024
SCRATCH_VARIABLE = "RUNTIME_DIRECTORY"

AnyDrill = Annotated[
    ResticDrill | BorgDrill | BaculaDrill | CommandDrill | PgBackRestDrill | BarmanDrill,
    Field(discriminator="product"),
]


def _default_scratch() -> str | None:
    given = os.environ.get(SCRATCH_VARIABLE, "").split(":")[0]
    return given or None


class Plan(StrictPart):
    """The file."""

    proofs: Annotated[str, AfterValidator(absolute)]
    """The directory in which results are left for the agent."""
    scratch: Annotated[str, AfterValidator(absolute)] | None = Field(default_factory=_default_scratch)
    """Where things are restored to; the unit's own runtime directory, in memory, unless said."""
    scratch_on_encrypted_disk: bool = False
    """Where it is not in memory: a promise that the disk below it is encrypted."""
    drills: Annotated[dict[Name, AnyDrill], Field(min_length=1, max_length=200)]

    @model_validator(mode="before")
    @classmethod
    def _is_a_map(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            raise ValueError("the file of the drills is a map with `proofs` and `drills`")
        return data

    @model_validator(mode="after")
    def _has_scratch(self) -> Self:
        if self.scratch is None:
            raise ValueError(f"scratch: say where things are restored to (systemd gives it as {SCRATCH_VARIABLE})")
        return self


def read_plan(file: Path) -> Plan:
    """The file of the drills. Raises config.data_file.DataFileError with a line for each mistake."""
    return read_data_file(file, Plan, LARGEST)
