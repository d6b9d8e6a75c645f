"""The guard of accounts for verbs that log in by hand: what earlier commands and an agent were refused counts too."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.errors import Failure
from agent.cli.options import found_socket, state_directory

if TYPE_CHECKING:
    from checks.transports.lockout import Lockout
    from config.estate import Target

_ROLES = ("ssh", "http", "sip")
"""Those whose credentials are accounts that can be locked."""


def refusals_file() -> Path:
    """Where refused log-ins are kept that no ledger keeps."""
    return state_directory() / "refusals.json"


def guard(targets: Iterable[Target]) -> Lockout:
    """The guard for asking these targets. Raises Failure."""
    from agent.refusals import RefusalsError, lockout_at
    from checks.transports.lockout import Lockout

    if not any(role in target.credentials for target in targets for role in _ROLES):
        return Lockout()
    try:
        return lockout_at(refusals_file(), more=_of_agent())
    except RefusalsError as error:
        raise Failure(str(error), status=3) from error


def _of_agent() -> dict[str, dict[str, float]]:
    """What a running agent was refused; nothing when none runs that this user may ask."""
    from agent.cli.control import call

    found: dict[str, dict[str, float]] = {}
    try:
        rows = call(found_socket(), "credentials", {})["refusals"]
    except Failure:
        return found
    for row in rows:
        found.setdefault(str(row["credential"]), {})[str(row["target"])] = float(row["refused_at"])
    return found
