"""Reading the estate for a verb: every problem at once, on standard error, each with file, line and a suggestion."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.contract import CheckKind
    from config.estate import Estate
    from exporters.desks.contract import DeskKind


def kinds() -> tuple[Mapping[str, CheckKind], Mapping[str, DeskKind]]:
    """All kinds of checks and of desks that are installed."""
    from checks.catalogue import load_catalogue
    from exporters.desks.catalogue import CatalogueError, desk_kinds

    try:
        return load_catalogue(), desk_kinds()
    except CatalogueError as error:
        raise Failure(f"{error}; mend or remove that plug-in") from error


def read(path: Path) -> Estate:
    """The estate at `path`; Failure with one line per problem when it is not right."""
    from config.load import EstateError, load_estate

    _be_there(path)
    check_kinds, desks = kinds()
    try:
        return load_estate(path, check_kinds, desks)
    except EstateError as error:
        raise Failure(str(error)) from error


def _be_there(path: Path) -> None:
    try:
        path.stat()
    except PermissionError as error:
        raise Failure(f"You may not read {path}; ask as the agent's user or as root (sudo).", status=2) from error
    except OSError as error:
        raise Failure(
            f"There is no estate at {path}: {error.strerror}. Name yours with --config.file, or in the environment "
            "variable RIDGEWAY_CONFIG_FILE; docs/estate.md shows how to write one.",
            status=2,
        ) from error
