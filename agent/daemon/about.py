"""What the running agent says of itself: `ridgeway doctor` compares it with what is installed and configured."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel, ConfigDict

from agent.daemon.control import Verb
from agent.daemon.settings import Settings
from agent.ledger.ledger import Ledger
from config.estate import Estate
from exporters.web.view import Health


class _Question(BaseModel):
    model_config = ConfigDict(extra="forbid")


class About:
    """One verb of the control socket."""

    def __init__(
        self, settings: Settings, ledger: Ledger, estate: Callable[[], Estate], health: Callable[[], Health]
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._estate = estate
        self._health = health
        self._version = version("ridgeway")  # of the program that runs, whatever is installed meanwhile

    def verbs(self) -> Mapping[str, Verb]:
        return {"about": (_Question, self._tell)}

    async def _tell(self, _asked: _Question) -> Any:
        health, ledger, estate = self._health(), self._ledger.health, self._estate()
        return {
            "version": self._version,
            "estate": estate.name,
            "revision": estate.revision,
            "vantage": self._settings.vantage,
            "process": os.getpid(),
            "user": os.getuid(),
            "healthy": health.healthy,
            "ready": health.ready,
            "reason": health.reason,
            "ledger": self._ledger.where,
            "ledger_error": "" if ledger.ok else ledger.error,
            "traps": [str(address) for address in self._settings.traps],
        }
