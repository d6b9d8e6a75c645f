"""Microsoft SQL Server: what msdb remembers of backups, jobs and restores, read by SQL from one or several instances.

A backup that failed leaves no row, so only age can tell; what can be restored is found by log sequence numbers.
Sources: Transact-SQL reference, backupset, backupmediafamily, restorehistory, sysjobs and their like; MS-TDS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from checks.backup.model import Account
from checks.backup.products.mssql.channel import Trusted
from checks.backup.products.mssql.known import Instance, Known
from checks.backup.products.mssql.options import MssqlOptions
from checks.backup.products.mssql.reading import CHAINS, Asked, account
from checks.backup.products.mssql.server import Answers, Login, Since, answers_of
from checks.backup.products.passwords import password_of
from checks.contract import Context, Reason, Target
from checks.network.limits import give_up_at
from checks.transports.aside import Crowded, Overdue, StillHanging
from checks.transports.conversation import connect
from checks.transports.fault import TransportFault

ROLE = "catalogue"
_CONNECT = 10.0
"""Seconds until an instance must have answered at all."""
_SENSE = 0.1
"""The share of the time that is kept for making sense of what came."""


@dataclass(frozen=True, slots=True)
class _One:
    """An instance that is asked in this round."""

    target: Target
    port: int
    host: str
    backs_up: bool

    @property
    def place(self) -> str:
        return f"{self.target.name} port {self.port}"


async def read(target: Target, options: MssqlOptions, ctx: Context, kept: object) -> tuple[Account, object]:
    """The account of all its instances; raises TransportFault where none can be read."""
    known = kept if isinstance(kept, Known) else Known()
    loop = asyncio.get_running_loop()
    deadline = give_up_at(ctx.deadline, loop.time())
    until = deadline - _SENSE * (deadline - loop.time())
    ones = _instances(target, options, ctx.inputs)
    asked = await asyncio.gather(*(_asked(one, options, known, ctx, until) for one in ones))
    faults = [one for one in asked if isinstance(one, TransportFault)]
    if len(faults) == len(asked):
        raise faults[0]
    found = [
        Asked(one.target.name, one.backs_up, None, told.message)
        if isinstance(told, TransportFault)
        else Asked(one.target.name, one.backs_up, told)
        for one, told in zip(ones, asked, strict=True)
    ]
    make = partial(account, found, known, ZoneInfo(options.zone), ctx.now(), options.images)
    try:
        return await ctx.transports.aside.ask(f"account of {ones[0].place}", lambda _: make(), deadline), known
    except (StillHanging, Crowded, Overdue) as error:
        raise TransportFault(Reason.LOCAL, f"{ones[0].place} was not made sense of: {error}") from error


def _instances(target: Target, options: MssqlOptions, inputs: Sequence[Target]) -> list[_One]:
    there = {one.name: one for one in (target, *inputs)}
    found = [_One(target, options.port, options.host or target.address, True)]
    for further, backs_up in (
        *((one, True) for one in options.replicas),
        *((one, False) for one in options.restored_on),
    ):
        at = there[further.target]
        found.append(_One(at, further.port, further.host or at.address, backs_up))
    return found


async def _asked(
    one: _One, options: MssqlOptions, known: Known, ctx: Context, deadline: float
) -> Answers | TransportFault:
    since = known.instances.get(one.target.name, Instance()).since
    try:
        return await _answers(one, options, since, ctx, deadline)
    except TransportFault as fault:
        return fault


async def _answers(one: _One, options: MssqlOptions, since: Since, ctx: Context, deadline: float) -> Answers:
    credential = one.target.credentials.get(ROLE)
    if credential is None or credential.kind != "password":
        words = f"{one.target.name} needs a credential of the kind password in the role {ROLE}"
        raise TransportFault(Reason.LOCAL, words)
    user, secret = str(credential.settings.get("user", "")), password_of(credential)
    begin = datetime.fromtimestamp(ctx.now() - CHAINS, UTC).astimezone(ZoneInfo(options.zone)).replace(tzinfo=None)
    login = Login(one.place, one.host, Trusted(one.host, options.ca, options.pin), user, secret)
    names = ctx.transports.tcp.names
    async with ctx.transports.lockout.trial(credential, one.target.name, deadline, (user, secret)) as attempt:
        try:
            async with asyncio.timeout_at(min(deadline, asyncio.get_running_loop().time() + _CONNECT)):
                address = names.at_hand(one.target.address) or await names.address(one.target.address)
                raw = await connect(address, one.port)
        except TimeoutError as error:
            raise TransportFault(Reason.NO_ANSWER, f"{one.place}: does not answer") from error
        with raw:
            try:
                told = await ctx.transports.aside.ask(
                    f"msdb of {one.place}", partial(answers_of, raw, login, since, begin), deadline
                )
            except TransportFault as fault:
                if fault.reason is Reason.AUTHENTICATION:
                    attempt.refused()
                raise
            except (StillHanging, Crowded) as error:
                raise TransportFault(Reason.LOCAL, f"{one.place} was not asked: {error}") from error
            except Overdue as error:
                raise TransportFault(Reason.NO_ANSWER, f"{one.place}: {error}") from error
        attempt.accepted()
        return told
