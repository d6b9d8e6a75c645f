"""Bacula and Bareos: the director's catalogue, read by SQL: an SQLite file here, or a PostgreSQL database.

The catalogue has jobs that ran, what they wrote, and on which volumes; it has no schedules and no jobs that never ran.
It tells its times as text of the director's zone; `JobTDate` beside them is Unix seconds, and is believed.
Source: Bacula's "Catalog services" and 9.6.7's own schema; Bareos' developer guide.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator

from checks.backup.model import Account
from checks.backup.products.passwords import password_of
from checks.contract import Context, Reason, Target
from checks.network.limits import give_up_at
from checks.transports.aside import Crowded, Overdue, StillHanging, Tether
from checks.transports.fault import TransportFault
from config.cron import LONDON, read_zone
from config.schema.words import read_name

if TYPE_CHECKING:
    from checks.backup.products.bacula.catalogue import At

ROLE = "catalogue"
FIRST = 45 * 86_400.0
"""Seconds back from now for which runs, verifications and restores are told."""


def _absolute(path: str) -> str:
    if not path.startswith("/") or not path.isprintable():
        raise ValueError("must be an absolute path")
    return path


_Path = Annotated[str, Field(max_length=200), AfterValidator(_absolute)]


class BaculaOptions(BaseModel):
    """Where the catalogue is. MySQL and MariaDB are not read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    product: Literal["bacula"]
    target: Annotated[str, PlainValidator(read_name), WithJsonSchema({"type": "string"})] | None = None
    """The target with the database, and with a password in the role `catalogue`; without it the check's own."""
    file: _Path | None = None
    """The SQLite file on the agent's own machine, which its user may read."""
    database: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,63}$")] | None = None
    """The PostgreSQL database at the target."""
    port: Annotated[int, Field(ge=1, le=65_535)] = 5432
    ca: _Path | None = None
    """Certificates (PEM) by which the database server is known; without them its name is not proved."""
    zone: Annotated[str, PlainValidator(read_zone), WithJsonSchema({"type": "string"})] = LONDON
    """The time zone of the director's machine."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.file is None) == (self.database is None):
            raise ValueError("says one of `file` (SQLite) and `database` (PostgreSQL); MySQL and MariaDB are not read")
        return self


@dataclass(frozen=True, slots=True)
class _Question:
    """What is read, and when."""

    at: At
    zone: ZoneInfo
    now: float

    def asked(self, tether: Tether) -> Account:
        """Off the loop: reading 20,000 rows, and making sense of them, takes a good part of a second."""
        from checks.backup.products.bacula.catalogue import catalogue_of
        from checks.backup.products.bacula.reading import account

        told = catalogue_of(self.at, self.now - FIRST, tether)
        return account(told, self.zone, self.now, self.now - FIRST)


async def read(target: Target, options: BaculaOptions, ctx: Context, kept: object) -> tuple[Account, object]:
    """The catalogue's account; objects are called `client:fileset`. Raises TransportFault."""
    from checks.backup.products.bacula.catalogue import At  # with SQLAlchemy, which no command line needs for this

    deadline = give_up_at(ctx.deadline, asyncio.get_running_loop().time())
    if options.file is not None:
        question = _Question(At(file=options.file), ZoneInfo(options.zone), ctx.now())
        return await _aside(ctx, options.file, question, deadline), kept
    credential = target.credentials.get(ROLE)
    if credential is None or credential.kind != "password":
        words = f"{target.name} needs a credential of the kind password in the role {ROLE}"
        raise TransportFault(Reason.LOCAL, words)
    secret = password_of(credential)
    user = str(credential.settings.get("user", ""))
    place = At(None, target.name, target.address, options.port, options.database or "", user, secret, options.ca)
    question = _Question(place, ZoneInfo(options.zone), ctx.now())
    async with ctx.transports.lockout.trial(credential, target.name, deadline, (user, secret)) as attempt:
        try:
            told = await _aside(ctx, f"{target.name} port {options.port}", question, deadline)
        except TransportFault as error:
            if error.reason is Reason.AUTHENTICATION:
                attempt.refused()
            elif error.reason is Reason.FORBIDDEN:
                attempt.accepted()
            raise
        attempt.accepted()
    return told, kept


async def _aside(ctx: Context, place: str, question: _Question, deadline: float) -> Account:
    try:
        return await ctx.transports.aside.ask(f"catalogue {place}", partial(_Question.asked, question), deadline)
    except (StillHanging, Crowded) as error:
        raise TransportFault(Reason.LOCAL, f"the catalogue {place} was not asked: {error}") from error
    except Overdue as error:
        raise TransportFault(Reason.NO_ANSWER, f"the catalogue {place}: {error}") from error
