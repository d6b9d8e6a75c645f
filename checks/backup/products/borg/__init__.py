"""BorgBackup: one repository, by its own command line, read without a lock.

Every archive can be restored by itself. Of runs that failed nothing is stored, and what an interrupted one left (a
checkpoint) is not listed. Times are asked for in UTC, since borg tells its machine's local time without an offset.
Source: borg's manual, "borg list", "Frontends"; outputs of 1.2 and 1.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, Self

from pydantic import model_validator

from checks.backup.model import Account, Level, Outcome, Part, Repository, RestorePoint, Run
from checks.backup.products.rows import one_line
from checks.backup.tools import Output, Plain, Tool, ToolOptions, Tools
from checks.contract import Context, Reason, Target
from checks.transports.fault import TransportFault

ARCHIVES = "{name}{id}{start}{end}{hostname}"
"""What is read of each archive: its own record, and none of its data."""
_DATE = re.compile(r"[-_.:@ ]*\d{4}[-_.]?\d\d[-_.]?\d\d.*$", re.DOTALL)
_CHECKPOINT = re.compile(r"\.checkpoint(\.\d+)?$")
_GONE_WORDS = ("does not exist", "is not a valid repository")
_PASSPHRASE_WORDS = ("passphrase supplied", "Passphrase supplied", "passcommand supplied")
_HAS = (Part.RUNS, Part.OBJECTS, Part.POINTS, Part.REPOSITORIES)


class BorgOptions(ToolOptions):
    """Where the repository is, and where its passphrase lies on the machine that runs borg."""

    product: Literal["borg"]
    repository: Plain
    passphrase_file: Plain | None = None
    base_directory: Plain | None = None
    """Where borg keeps what it knows of repositories (BORG_BASE_DIR); without it, in its user's home."""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.local and self.base_directory is None:
            raise ValueError("with `local: true` needs `base_directory`, a directory that the agent may write to")
        return self


async def read(target: Target, options: BorgOptions, ctx: Context, kept: object) -> tuple[Account, object]:
    """The repository's account. Objects are called `host:name`, the name without its date. Raises TransportFault."""
    environment = {"TZ": "UTC", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}
    if options.base_directory is not None:
        environment["BORG_BASE_DIR"] = options.base_directory
    if options.passphrase_file is not None:
        environment["BORG_PASSCOMMAND"] = f"cat {options.passphrase_file}"
    arguments = ("--bypass-lock", "list", "--json", "--format", ARCHIVES, options.repository)
    output = await Tools(target, options, ctx).run(Tool("borg", arguments, environment))
    return account(options.repository, output, ctx.now()), kept


def account(repository: str, output: Output, now: float) -> Account:
    """What `borg list --json` says. Raises TransportFault."""
    if output.status != 0 and any(word in output.stderr for word in _GONE_WORDS):
        gone = Repository(repository, online=False, why=one_line(output.stderr))
        unread = dict.fromkeys((Part.RUNS, Part.OBJECTS, Part.POINTS), "its repository is not there")
        return Account("borg", now, repositories=(gone,), unread=unread, has=_HAS)
    if output.status != 0 and any(word in output.stderr for word in _PASSPHRASE_WORDS):
        raise TransportFault(Reason.AUTHENTICATION, f"{output.where}: the passphrase file does not open {repository}")
    if output.status != 0:
        raise output.unfit("it failed")
    said = output.document()
    listed = said.get("archives") if isinstance(said, dict) else None
    if not isinstance(listed, list):
        raise output.unfit("it printed no list of archives")
    archives = [one for one in listed if isinstance(one, dict) and not _CHECKPOINT.search(one_line(one.get("name")))]
    points = [point for one in archives if (point := _point(one, repository)) is not None]
    if len(points) < len(archives) or not all(isinstance(one, dict) for one in listed):
        raise output.unfit("it printed archives that cannot be read")
    return Account(
        product="borg",
        at=now,
        runs=tuple(_run(one, point) for one, point in zip(archives, points, strict=True)),
        objects=tuple(dict.fromkeys(point.object for point in points)),
        points=tuple(points),
        repositories=(Repository(repository, online=True),),
        has=_HAS,
    )


def _point(one: Mapping[str, Any], repository: str) -> RestorePoint | None:
    at, name = moment(one.get("start")), one_line(one.get("name"))
    if at is None or not name:
        return None
    stem = _DATE.sub("", name) or name
    host = one_line(one.get("hostname"))
    return RestorePoint(f"{host}:{stem}" if host else stem, at, repository, Level.FULL, id=one_line(one.get("id")))


def _run(one: Mapping[str, Any], point: RestorePoint) -> Run:
    ended = moment(one.get("end"))
    return Run(point.id, "", Outcome.SUCCESS, point.object, point.at, ended, Level.FULL)


def moment(text: object) -> float | None:
    """A time that borg tells, asked for in UTC."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() if isinstance(text, str) else None
    except ValueError:
        return None
