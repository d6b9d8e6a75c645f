"""A check of SQL Server instances on loopback, with all that it needs, from one run to the next."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from checks.backup.model import Account
from checks.transports import Transports
from config.estate import Credential, Target
from config.secrets import SecretReference
from testbeds.by_backup import BackupWatch, Told
from testbeds.certificates import Authority
from testbeds.msdb import Msdb
from testbeds.mssql_server import PASSWORD, USER, SqlServer, serving
from testbeds.tls_peers import server_context

LEDGER = "backup/protection/ledger"
HOUR, DAY = 3600.0, 86_400.0


@dataclass
class SqlWatch:
    """The check; `ledger` is the database Ledger of whichever server or group."""

    check: BackupWatch
    servers: list[SqlServer]

    @property
    def server(self) -> SqlServer:
        return self.servers[0]

    async def run(self, at: float | None = None, seconds: float = 30.0) -> Told:
        """`at`: the time of the check and of all servers."""
        if at is not None:
            self.check.now = at
            for server in self.servers:
                server.msdb.now = at
        for server in self.servers:
            server.statements.clear()
        return await self.check.run(seconds)


@dataclass
class Lab:
    """What a test makes its watches of."""

    transports: Transports
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    @asynccontextmanager
    async def watch(
        self, *instances: Msdb, drills: int = 0, said: dict[str, Any] | None = None, rpo: str = "26h", **more: Any
    ) -> AsyncIterator[SqlWatch]:
        """The first instance is the product's own, the last `drills` are test servers, and the others replicas."""
        self.monkeypatch.setenv("SQL_PASSWORD", PASSWORD)
        password = SecretReference("env", "SQL_PASSWORD")
        access = {"catalogue": Credential("sql", "password", {"user": USER, "password": password})}
        authority, context = _certified()
        ca = self.folder / "ca.pem"
        ca.write_text(authority.pem)
        async with AsyncExitStack() as stack:
            servers = [await stack.enter_async_context(serving(SqlServer(one, context))) for one in instances]
            further = [{"target": f"sql{at}", "port": one.port} for at, one in enumerate(servers)][1:]
            product = {"product": "mssql", "port": servers[0].port, "ca": str(ca), **(said or {})}
            split = len(further) - drills
            product |= {"replicas": further[:split], "restored_on": further[split:]}
            ledger = {"owner": "Revenues", "rpo": rpo, "by": [{"product": "sql", "object": "*/Ledger"}], **more}
            options = {"products": {"sql": product}, "objects": {"ledger": ledger}, "server_backup_within": None}
            inputs = tuple(
                Target(f"sql{at}", "127.0.0.1", "dacorum", "forum", ("here",), (), credentials=access)
                for at in range(1, len(servers))
            )
            check = BackupWatch(self.transports, options, instances[0].now, access, inputs=inputs)
            yield SqlWatch(check, servers)


@pytest.fixture
def lab(transports: Transports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(transports, tmp_path, monkeypatch)


@cache
def _certified() -> tuple[Authority, ssl.SSLContext]:
    authority = Authority()
    return authority, server_context(authority.issue(["127.0.0.1"]))


def account(told: Told) -> Account:
    found = told.part("sql").account
    assert found is not None, told.part("sql").fault
    return found


def nightly(msdb: Msdb, nights: int = 3, database: str = "Ledger", recovery: int = 3) -> None:
    """A database with a full of each night, the last two hours ago, and the server's own."""
    msdb.database(database, recovery)
    for night in range(nights, 0, -1):
        at = msdb.now - (night - 1) * DAY - 2 * HOUR
        for name in ("master", "msdb", database):
            msdb.backup(name, at)
