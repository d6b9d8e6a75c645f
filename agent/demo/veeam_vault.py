"""Where there is no restic: a simulated Veeam server whose jobs succeed, and whose SureBackup starts the machine."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from pathlib import Path

from agent.demo.https import HttpsService
from agent.demo.portal import LIFE, Authority
from agent.demo.vault import HOST
from agent.demo.veeam import SimulatedVeeam, add_surebackup, fill

_NAME = "vbr.dacorum.example"
_NIGHTS = 14
_STARTED_IN = 90.0
"""Seconds that the machine takes to start, by what SureBackup says."""


class VeeamVault:
    """One server with a nightly job of one machine."""

    def __init__(
        self, address: tuple[str, int], user: str, password: str, authority: Authority, folder: Path, trusted: Path
    ) -> None:
        """`trusted`: the file with the authority's certificate."""
        self.title = "a simulated Veeam server"
        self._api = SimulatedVeeam(user, password)
        fill(self._api, time.time(), [HOST], _NIGHTS)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue(_NAME, LIFE, folder))
        self.service = HttpsService(address, context, self._api.answer)
        self._trusted = trusted
        self._sound = True
        self._drills = 0

    @property
    def options(self) -> Mapping[str, object]:
        return {"product": "veeam", "port": self.service.address[1], "host": _NAME, "ca": str(self._trusted)}

    async def start(self) -> None:
        await self.service.start()

    def stop(self) -> None:
        self.service.stop()

    async def listed(self) -> str:
        results = [row["result"]["result"] for row in self._api.rows["sessions"] if row["sessionType"] == "BackupJob"]
        good = sum(result == "Success" for result in results)
        return f"Veeam lists {len(results)} nights of its job, {good} of them with Success"

    async def drill(self) -> str:
        self._drills += 1
        result = "Success" if self._sound else "Failed"
        now = time.time()
        add_surebackup(self._api, HOST, self._drills, now - _STARTED_IN, now, result)
        return f"SureBackup starts {HOST} from its backup: {result}"

    def damage(self) -> None:
        self._sound = False

    def mend(self) -> None:
        self._sound = True
