"""Finding and reading configuration syntaxes. Errors carry file and line and say how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from config import commands
from config.configurations.model import SyntaxModel
from config.data_file import DataFileError, read_data_file

SHIPPED = Path(__file__).parent
FOLDER = "configurations"
"""Where a council's own syntaxes lie, in each of its directories of command templates: they too say what is run."""
_LARGEST_FILE = 64 * 1024


class SyntaxFileError(ValueError):
    """A syntax cannot be used; the message says which file, where in it, and how to mend it."""


def search_path(environ: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """The directories in which syntaxes are looked for, first come first taken."""
    own = (place for place in commands.search_path(environ) if place != commands.SHIPPED)
    return (*(place / FOLDER for place in own), SHIPPED)


def names(directories: Iterable[Path]) -> list[str]:
    """Every syntax there is, by name, sorted."""
    return sorted({file.stem for directory in directories for file in directory.glob("*.yaml")})


@lru_cache(maxsize=64)
def load(name: str, directories: tuple[Path, ...]) -> SyntaxModel:
    """The syntax of that name. Raises SyntaxFileError."""
    file = _find(name, directories)
    try:
        syntax = read_data_file(file, SyntaxModel, _LARGEST_FILE)
        if syntax.syntax != name:
            raise SyntaxFileError(
                f"{file}: syntax: {syntax.syntax!r} stands in a file for {name!r}; make them the same"
            )
        if syntax.shell != commands.EXEC:
            begins = commands.dialect(syntax.shell, commands.search_path()).begins
            if syntax.run.split()[0] not in begins:
                said = " or ".join(begins)
                raise SyntaxFileError(f"{file}: run: with the dialect {syntax.shell} a command begins with {said}")
    except (DataFileError, commands.CommandError) as error:
        raise SyntaxFileError(str(error)) from error
    return syntax


def _find(name: str, directories: tuple[Path, ...]) -> Path:
    for directory in directories:
        file = directory / f"{name}.yaml"
        # A name comes from an estate file; it may not climb out of the directories of syntaxes.
        if "/" not in name and file.is_file() and file.resolve().is_relative_to(directory.resolve()):
            return file
    there = names(directories)
    near = get_close_matches(name, there, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise SyntaxFileError(f"there is no syntax {name!r}{hint}; there are: {', '.join(there)}")
