"""Veeam Backup & Replication, by its REST API."""

from __future__ import annotations

import asyncio

from checks.backup.model import Account
from checks.backup.products.rest import Unfit
from checks.backup.products.veeam.api import REVISIONS, Session
from checks.backup.products.veeam.options import VeeamOptions
from checks.backup.products.veeam.reading import Known, account
from checks.contract import Context, Reason, Target
from checks.network.limits import give_up_at
from checks.transports.fault import TransportFault
from checks.transports.http.line import Line


async def read(target: Target, options: VeeamOptions, ctx: Context, kept: object) -> tuple[Account, object]:
    """The server's account, and what is to be kept until the next. Raises TransportFault."""
    credential = target.credentials.get("http")
    if credential is None or credential.kind != "password":
        raise TransportFault(Reason.LOCAL, f"{target.name} needs a credential of the kind password in the role http")
    known = kept if isinstance(kept, Known) else Known()
    deadline = give_up_at(ctx.deadline, asyncio.get_running_loop().time())
    line = Line(
        ctx.transports.http, target.name, target.address, options.port, credential, deadline, options.ca,
        options.pin, options.host,
    )  # fmt: skip
    async with ctx.transports.http.turns.at(target.address, deadline):
        try:
            return await account(Session(line, options.revision or REVISIONS[0]), known, ctx.now()), known
        except Unfit as error:
            raise TransportFault(Reason.PROTOCOL, str(error)) from error
