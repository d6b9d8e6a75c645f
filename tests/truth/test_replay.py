"""Every recording of a real device, judged live over the network and by replay: the same findings and readings."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import cast

import pytest

from agent.replay import replay_snmp
from checks.catalogue import load_catalogue
from checks.contract import Context
from checks.network.snmp import CHECK, SnmpOptions
from checks.recordings.reading import octets, recording
from checks.recordings.recording import RecordedCheck
from checks.transports import Transports
from checks.transports.snmp import SnmpTransport
from config.estate import Target
from testbeds.player import Player
from testbeds.snmpd import community

pytestmark = pytest.mark.truth

_AT = 1_763_909_400.0
_PROFILES = ("generic", "network/switch", "network/router")


def files() -> list[Path]:
    directory = os.environ.get("RIDGEWAY_RECORDINGS")
    if not directory or not Path(directory).is_dir():
        return []
    return sorted(Path(directory).rglob("*.snmprec"))


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
async def test_a_replay_says_what_the_device_would_have_said(file: Path) -> None:
    taken = recording(octets(file), file.name)
    checks = tuple(RecordedCheck(profile, {"profile": profile}) for profile in _PROFILES)
    replay = await replay_snmp(file.name, taken, checks, load_catalogue(), _AT)

    player = Player(taken.values)
    await player.start()
    transports = type("OnlySnmp", (), {"snmp": SnmpTransport()})()
    context = Context("here", cast("Transports", transports), lambda: _AT)
    target = Target("d", "127.0.0.1", "", "", ("here",), (), credentials={"snmp": community()})
    try:
        for result in replay.results:
            spec = result.subject.check
            assert isinstance(spec.options, SnmpOptions)
            context.deadline = asyncio.get_running_loop().time() + 60
            live = await CHECK.collect(target, spec.options.model_copy(update={"port": player.port}), context)

            assert live.fault == result.observations[0].fault is None
            assert live.answers == result.observations[0].answers
    finally:
        await transports.snmp.close()
        await player.stop()
