"""Proxmox Backup Server, and vzdump of Proxmox VE, by their REST APIs with a token that may audit."""

from __future__ import annotations

import asyncio

from checks.backup.model import Account
from checks.backup.products.proxmox import pbs, pve
from checks.backup.products.proxmox.api import Session
from checks.backup.products.proxmox.options import PbsOptions, PveOptions
from checks.backup.products.rest import Unfit
from checks.contract import Context, Reason, Target
from checks.network.limits import give_up_at
from checks.transports.fault import TransportFault
from checks.transports.http.line import Line


async def read(target: Target, options: PbsOptions | PveOptions, ctx: Context, kept: object) -> tuple[Account, object]:
    """The server's account, and what is to be kept until the next. Raises TransportFault."""
    credential = target.credentials.get("http")
    if credential is None or credential.kind != "token":
        raise TransportFault(Reason.LOCAL, f"{target.name} needs a credential of the kind token in the role http")
    deadline = give_up_at(ctx.deadline, asyncio.get_running_loop().time())
    line = Line(
        ctx.transports.http, target.name, target.address, options.port, credential, deadline, options.ca,
        options.pin, options.host,
    )  # fmt: skip
    session = Session(line)
    async with ctx.transports.http.turns.at(target.address, deadline):
        try:
            if isinstance(options, PbsOptions):
                of_pbs = kept if isinstance(kept, pbs.Known) else pbs.Known()
                return await pbs.account(session, of_pbs, ctx.now()), of_pbs
            of_pve = kept if isinstance(kept, pve.Known) else pve.Known()
            return await pve.account(session, of_pve, ctx.now()), of_pve
        except Unfit as error:
            raise TransportFault(Reason.PROTOCOL, str(error)) from error
