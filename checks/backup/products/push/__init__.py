"""Push: jobs that tell by themselves when they begin and how they end, by a ping or a mail each (docs/backup-push.md).

For everything that no other product reads. A job that tells nothing when it should is missed: a dead man's switch.
Nothing is known of what lies where; each run that left something counts as a restore point.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from checks.backup.model import Account, Job, Level, Part
from checks.backup.products.push.rules import MailOptions
from checks.backup.products.push.runs import Reckoning, runs_of
from checks.contract import Context, Target
from checks.transports.inbox import Heard
from config.schema.words import Duration, read_name
from config.secrets import SecretReference

_HAS = (Part.JOBS, Part.RUNS)
_WINDOW = 45 * 86_400.0
_WHOLE_EVERY = 3600.0
"""Seconds between two looks at the whole window; in between what is remembered needs the last days only."""
_DAYS = 2 * 86_400.0
_MOST = 300
"""Pings of a job that are looked at: more than the runs that are remembered."""
_NAMED = 3


class PushJob(BaseModel):
    """One job. Its key is all that it needs to know to be believed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: SecretReference
    """16 characters or more, of letters, digits, `-`, `_` and `.`: as from `openssl rand -hex 16`."""
    level: Level = Level.FULL
    """What its runs take; of a full one, no bytes or no files is a run that protected nothing."""
    partial_exit_codes: Annotated[tuple[Annotated[int, Field(ge=1, le=255)], ...], Field(max_length=20)] = ()
    """Exit statuses that leave a restore point from which something is missing: 1 of borg, 3 of restic."""
    repository: Annotated[str, Field(max_length=200)] = ""
    """Where it writes to, for `repositories` and `copies`."""
    given_up_after: Annotated[Duration, Field(ge=60, le=30 * 86_400)] = 86_400.0
    """A run that has begun, and tells no end while later ones do, has ended in an unknown way after so long."""
    mail: MailOptions = MailOptions()
    """What its mails mean."""


class PushOptions(BaseModel):
    """Jobs that ping. The agent takes their pings at `--push.listen-address`, mails at `--push.smtp-listen-address`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: ClassVar[str | None] = None
    product: Literal["push"]
    jobs: Annotated[
        dict[Annotated[str, PlainValidator(read_name), WithJsonSchema({"type": "string"})], PushJob],
        Field(min_length=1, max_length=2000),
    ]


def address_of(target: str, job: str) -> str:
    """What a job is called where its pings are kept."""
    return f"{target}/{job}"


async def read(target: Target, options: PushOptions, ctx: Context, kept: object) -> tuple[Account, object]:
    """What the jobs told. Raises TransportFault. What is kept is when the whole window was last looked at."""
    now = ctx.now()
    whole = not isinstance(kept, float) or not 0 <= now - kept < _WHOLE_EVERY
    longest = max(job.given_up_after for job in options.jobs.values())
    since = now - (_WINDOW if whole else longest + _DAYS)
    jobs = [address_of(target.name, name) for name in options.jobs]
    heard = await ctx.transports.inbox.read(jobs, since, _MOST)
    by_name = {name: heard.get(address_of(target.name, name), _NOT_HEARD) for name in options.jobs}
    made = await asyncio.to_thread(account, options, by_name, since, now)
    return made, now if whole else kept


_NOT_HEARD = Heard(trouble="nothing is known of its pings")


def account(options: PushOptions, heard: Mapping[str, Heard], since: float, now: float) -> Account:
    """What the pings say. A job of which nothing can be told for now makes the runs unread."""
    silent = _troubles(heard)
    runs = [
        run for name, job in options.jobs.items() for run in runs_of(name, _reckoning(job, since), heard[name], now)
    ]
    return Account(
        product="push",
        at=now,
        since=since,
        jobs=tuple(Job(name, repository=job.repository) for name, job in options.jobs.items()),
        runs=tuple(runs),
        unread={Part.RUNS: silent[:500]} if silent else {},
        has=_HAS,
    )


def _reckoning(job: PushJob, since: float) -> Reckoning:
    return Reckoning(job.level, job.partial_exit_codes, job.given_up_after, since, job.mail)


def _troubles(heard: Mapping[str, Heard]) -> str:
    """Why some jobs cannot be told of, each once; empty where all can."""
    silent = {name: one.trouble for name, one in heard.items() if one.trouble}
    if len(set(silent.values())) == 1 and len(silent) == len(heard):
        return next(iter(silent.values()))
    words = [f"{name}: {trouble}" for name, trouble in silent.items()]
    return "; ".join(words[:_NAMED]) + (f"; and {len(words) - _NAMED} more" if len(words) > _NAMED else "")
