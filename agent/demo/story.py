"""What happens in the demo, act by act. Seconds count from the first scene."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from agent.demo.cast import FORTIGATE_MEMORY
from agent.demo.devices import SimulatedDevices

LINK = "link-berkhamsted"
BEHIND = ("fw-berkhamsted", "sw-berkhamsted-1", "sw-berkhamsted-2", "pbx-berkhamsted", "nas-berkhamsted")
FULL = "fw-forum"


@dataclass(frozen=True, slots=True)
class Act:
    at: float
    text: str
    """What the console says."""
    play: Callable[[SimulatedDevices], None]


def _silence(silent: bool) -> Callable[[SimulatedDevices], None]:
    def play(devices: SimulatedDevices) -> None:
        for name in (LINK, *BEHIND):
            devices[name].silent = silent

    return play


def _memory(percent: int) -> Callable[[SimulatedDevices], None]:
    return lambda devices: devices[FULL].set(FORTIGATE_MEMORY, percent)


ACTS = (
    Act(
        12,
        "A digger cuts the line to Berkhamsted: its router and five devices behind it fall silent.",
        _silence(True),
    ),
    Act(45, "The line to Berkhamsted is mended.", _silence(False)),
    Act(62, "The memory of the councils' firewall fills up to 95 %.", _memory(95)),
    Act(82, "The firewall's memory is free again.", _memory(54)),
)
END = 110.0
"""By then every incident of the story is resolved and its ticket closed."""


async def perform(devices: SimulatedDevices, say: Callable[[str], None], speed: float = 1.0) -> None:
    """Play every act at its time, saying what happens; returns at the end. `speed` 2 plays it in half the time."""
    loop = asyncio.get_running_loop()
    first = loop.time()
    for act in ACTS:
        await asyncio.sleep(max(0.0, first + act.at / speed - loop.time()))
        say(act.text)
        act.play(devices)
    await asyncio.sleep(max(0.0, first + END / speed - loop.time()))
