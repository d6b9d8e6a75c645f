"""The products, a folder each: how the estate says where one is, and how it is read into an `Account`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, Any

from pydantic import Field

from checks.backup.model import Account
from checks.backup.products import bacula, barman, borg, files, mssql, pgbackrest, proxmox, push, restic, veeam
from checks.backup.products.bacula import BaculaOptions
from checks.backup.products.barman import BarmanOptions
from checks.backup.products.borg import BorgOptions
from checks.backup.products.files import FilesOptions
from checks.backup.products.mssql.options import MssqlOptions
from checks.backup.products.pgbackrest import PgBackRestOptions
from checks.backup.products.proxmox.options import PbsOptions, PveOptions
from checks.backup.products.push import PushOptions
from checks.backup.products.restic import ResticOptions
from checks.backup.products.veeam.options import VeeamOptions
from checks.contract import Context, Target

ProductOptions = Annotated[
    VeeamOptions
    | ResticOptions
    | BorgOptions
    | PgBackRestOptions
    | BarmanOptions
    | BaculaOptions
    | MssqlOptions
    | FilesOptions
    | PushOptions
    | PbsOptions
    | PveOptions,
    Field(discriminator="product"),
]
Reader = Callable[[Target, Any, Context, object], Awaitable[tuple[Account, object]]]
"""Reads a product at a target; `Context.inputs` are its further ones. The last parameter is what it gave back the time
before, None the first time. Raises TransportFault where nothing at all can be read."""
_READERS: dict[type[Any], Reader] = {
    VeeamOptions: veeam.read,
    ResticOptions: restic.read,
    BorgOptions: borg.read,
    PgBackRestOptions: pgbackrest.read,
    BarmanOptions: barman.read,
    BaculaOptions: bacula.read,
    MssqlOptions: mssql.read,
    FilesOptions: files.read,
    PushOptions: push.read,
    PbsOptions: proxmox.read,
    PveOptions: proxmox.read,
}


def reader_of(options: ProductOptions) -> Reader:
    """How that product is read."""
    return _READERS[type(options)]


def targets_of(options: ProductOptions) -> Iterator[str]:
    """The targets at which that product is asked, beside the check's own."""
    if options.target is not None:
        yield options.target
    if isinstance(options, MssqlOptions):
        yield from options.others
