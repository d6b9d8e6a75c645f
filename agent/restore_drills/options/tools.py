"""Drills of products that keep files."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from agent.restore_drills.options import FileDrill, Name, SecretFile, StrictPart, VerifyOptions, absolute


class ResticDrill(FileDrill):
    """restic."""

    product: Literal["restic"]
    password_file: SecretFile


class BorgDrill(FileDrill):
    """BorgBackup."""

    product: Literal["borg"]
    passphrase_file: SecretFile | None = None
    key_file: SecretFile | None = None
    """For repositories of the keyfile modes."""


BaculaName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,126}$")]
"""Of a resource in Bacula's configuration; without spaces, since it stands in a line of the console."""


class BaculaVerifyOptions(VerifyOptions):
    """Tier 0 of Bacula: a job for each backup that the newest point is made of, always everything."""

    job: BaculaName
    """Of the type Verify, level VolumeToCatalog or Data."""
    console: SecretFile
    """The configuration of bconsole, with a Console that may run that job alone."""


class BaculaDrill(FileDrill):
    """Bacula. `repository` is the pool in which the backups lie."""

    product: Literal["bacula"]
    repository: BaculaName
    console: SecretFile
    """The configuration of bconsole, with a Console of the drill's own that may restore to its scratch place alone."""
    director: BaculaName
    client: BaculaName
    """The drill's own: the drill starts its file daemon, for as long as it restores."""
    file_daemon: SecretFile
    """A resource Director as that file daemon must have it: the director's name and password."""
    listen: Annotated[str, Field(pattern=r"^[0-9A-Fa-f.:]{2,45}:[1-9][0-9]{0,4}$")]
    """The address and the port at which the director finds it."""
    restore_job: BaculaName
    """A job of the type Restore that is the drill's own: one that still runs was left by a drill, and is ended."""
    verify: BaculaVerifyOptions | None = None


def _of_program(line: tuple[str, ...]) -> tuple[str, ...]:
    absolute(line[0])
    return line


Argument = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
CommandLine = Annotated[tuple[Argument, ...], Field(min_length=1, max_length=50), AfterValidator(_of_program)]
"""A program by its absolute path, and its arguments; no shell reads them."""


class Commands(StrictPart):
    """What is run, and when. What each must do is in docs/restore-drills.md."""

    points: CommandLine
    restore: CommandLine
    files: CommandLine | None = None
    verify: CommandLine | None = None


class CommandDrill(FileDrill):
    """Any other product, by commands of one's own."""

    product: Literal["command"]
    called: Name
    """The product's name in results; where the check reads that product too, its name there."""
    commands: Commands

    @model_validator(mode="after")
    def _has_its_commands(self) -> Self:
        for part, command in (("samples", "files"), ("verify", "verify")):
            if getattr(self, part) is not None and getattr(self.commands, command) is None:
                raise ValueError(f"`{part}` needs the command `{command}`")
        return self

    @property
    def tool(self) -> str:
        return self.called
