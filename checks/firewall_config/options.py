"""What a check of a configuration may be told."""

from __future__ import annotations

from functools import cached_property
from hashlib import sha256
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from checks.firewall_config.normal import VERSION
from checks.transports.ssh import ShellProfile
from config.commands import EXEC, dialect
from config.commands import search_path as dialects
from config.configurations import SyntaxModel, load, search_path
from config.patterns import LinePattern

KIND = "firewall_config"
_FOR_PEOPLE = {"title", "source", "proven", "harmless"}
Pattern = Annotated[str, Field(min_length=1, max_length=60)]


class FirewallConfigOptions(BaseModel):
    """Options of the kind `firewall_config`. What is asked is the syntax's affair."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    syntax: str = Field(description="How the product writes its configuration: fortios, asa, junos, …")
    members: list[str] = Field(
        default=[], min_length=0, max_length=8,
        description="Targets that must have the same configuration; the first one's state is approved.",
    )  # fmt: skip
    differ: list[Pattern] = Field(
        default=[], max_length=64, description="Parts that may differ between the members; * matches many."
    )
    ignore: list[Pattern] = Field(
        default=[], max_length=64, description="Parts that are not looked at, because they change by themselves."
    )
    port: int = Field(default=22, ge=1, le=65_535, description="The SSH port.")
    max_bytes: int = Field(
        default=4_194_304, ge=65_536, le=16_777_216, description="Octets that are read; more makes it unknown."
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        if len(self.members) == 1:
            raise ValueError("members: name at least two; a single firewall is the target itself")
        _ = self.model  # now, so that what cannot be used is refused with the estate
        _ = self.shell
        return self

    @cached_property
    def model(self) -> SyntaxModel:
        """The syntax."""
        return load(self.syntax, search_path())

    @cached_property
    def shell(self) -> ShellProfile | None:
        """How the device's command line behaves; None when the command is run by itself."""
        if self.model.shell == EXEC:
            return None
        spoken = dialect(self.model.shell, dialects())
        return ShellProfile(spoken.prompt, pager=spoken.pager, prepare=spoken.paging_off, leave=spoken.leave)

    @cached_property
    def refusals(self) -> tuple[LinePattern, ...]:
        """By these lines the device says that it did not understand, or that the user may not."""
        if self.model.shell == EXEC:
            return ()
        return tuple(LinePattern(text) for text in dialect(self.model.shell, dialects()).refusals)

    @cached_property
    def method(self) -> str:
        """What digests depend on, beside the text: those of another method say nothing of these."""
        said = f"{VERSION}\n{self.model.model_dump_json(exclude=_FOR_PEOPLE)}\n{sorted(self.ignore)}"
        return sha256(said.encode()).hexdigest()[:12]
