"""A way to one device: how long it is waited for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from checks.contract import Reason
from checks.firewall.http.log_in import LOG_INS
from checks.transports.fault import TransportFault
from checks.transports.http.line import SLOWEST, Line
from config.estate import Credential
from config.profiles.log_ins import Login


class Hanging:
    """Notes until when it is asked, and never answers."""

    def __init__(self) -> None:
        self.until: list[float] = []

    async def ask(self, question: object, *, deadline: float) -> Any:
        self.until.append(deadline)
        raise TransportFault(Reason.NO_ANSWER, "no answer")


@pytest.mark.parametrize("login", [Login.GAIA_SESSION, Login.STORMSHIELD_SESSION])
async def test_a_device_that_hangs_at_the_log_in_leaves_time_for_others(login: Login) -> None:
    now = asyncio.get_running_loop().time()
    http: Any = Hanging()
    line = Line(http, "fw", "192.0.2.1", 443, Credential("api", "password", {"user": "u"}), deadline=now + 3_600)

    with pytest.raises(TransportFault):
        await LOG_INS[login]().open(line)

    assert all(until < now + SLOWEST + 60 for until in http.until)
    assert len(http.until) == 1
