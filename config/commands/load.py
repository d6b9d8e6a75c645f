"""Finding and reading command templates and dialects. Errors carry file and line and say how to mend it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from config.commands.model import EXEC, CommandModel, DialectModel
from config.data_file import DataFileError, read_data_file

SHIPPED = Path(__file__).parent
SEARCH_VARIABLE = "RIDGEWAY_COMMANDS"
"""Directories of one's own templates, colon-separated; they come before the shipped ones."""
_DIALECTS = "dialects"
_LARGEST_FILE = 64 * 1024
M = TypeVar("M", bound=BaseModel)


class CommandError(ValueError):
    """A template cannot be used; the message says which file, where in it, and how to mend it."""


def search_path(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The directories in which templates are looked for, first come first taken."""
    named = (os.environ if environ is None else environ).get(SEARCH_VARIABLE, "")
    return (*(Path(part) for part in named.split(":") if part), SHIPPED)


def names(directories: Iterable[Path], below: str = "") -> list[str]:
    """Every template there is, by name, sorted; with `below` what is in that folder of each directory."""
    return sorted({file.stem for directory in directories for file in (directory / below).glob("*.yaml")})


@lru_cache(maxsize=256)
def load(name: str, directories: tuple[Path, ...]) -> CommandModel:
    """The template of that name. Raises CommandError."""
    file = _find(name, directories, "", "command template")
    template = _read(file, CommandModel)
    if template.command != name:
        raise CommandError(f"{file}: command: {template.command!r} stands in a file for {name!r}; make them the same")
    if template.shell != EXEC:
        spoken = dialect(template.shell, directories)
        if template.run.split()[0] not in spoken.begins:
            raise CommandError(
                f"{file}: run: with the dialect {template.shell} a command begins with {' or '.join(spoken.begins)}"
            )
    return template


@lru_cache(maxsize=64)
def dialect(name: str, directories: tuple[Path, ...]) -> DialectModel:
    """How the shell of that name speaks. Raises CommandError."""
    file = _find(name, directories, _DIALECTS, "dialect")
    spoken = _read(file, DialectModel)
    if spoken.dialect != name:
        raise CommandError(f"{file}: dialect: {spoken.dialect!r} stands in a file for {name!r}; make them the same")
    return spoken


def _find(name: str, directories: tuple[Path, ...], below: str, what: str) -> Path:
    for directory in directories:
        file = directory / below / f"{name}.yaml"
        # A name comes from an estate file; it may not climb out of the directories of templates.
        if "/" not in name and file.is_file() and file.resolve().is_relative_to(directory.resolve()):
            return file
    there = names(directories, below)
    near = get_close_matches(name, there, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise CommandError(f"there is no {what} {name!r}{hint}; there are: {', '.join(there)}")


def _read(file: Path, model: type[M]) -> M:
    try:
        return read_data_file(file, model, _LARGEST_FILE)
    except DataFileError as error:
        raise CommandError(str(error)) from error
