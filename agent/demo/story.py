"""What happens in the demo, act by act. Seconds count from the first scene."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from agent.demo.cast import FORTIGATE_MEMORY, HEALTHY_DISK, Cast
from agent.demo.known import Known
from agent.demo.portal import LIFE

LINK = "link-berkhamsted"
BEHIND = ("fw-berkhamsted", "sw-berkhamsted-1", "sw-berkhamsted-2", "pbx-berkhamsted", "nas-berkhamsted")
FIREWALL = "fw-forum"
PORTAL = "portal-aylesbury"
BACKUP = "backup-forum"
_PATIENCE = 30.0
"""Seconds that an act waits for what it comes after: on a slow machine nobody mends what nobody has seen."""


@dataclass(frozen=True, slots=True)
class Act:
    at: float
    text: str
    """What the console says."""
    play: Callable[[Cast], None]
    after: Callable[[Known], bool] = lambda _known: True
    """What the feed must have told before."""


def _silence(silent: bool) -> Callable[[Cast], None]:
    def play(cast: Cast) -> None:
        for name in (LINK, *BEHIND):
            cast.devices[name].silent = silent

    return play


def _memory(percent: int) -> Callable[[Cast], None]:
    return lambda cast: cast.devices[FIREWALL].set(FORTIGATE_MEMORY, percent)


def _ticket(target: str) -> Callable[[Known], bool]:
    return lambda known: known.has_ticket(target)


def _all_behind(known: Known) -> bool:
    return known.has_ticket(LINK) and known.hidden(LINK) == len(BEHIND)


ACTS = (
    Act(
        10,
        "A digger cuts the line to Berkhamsted: its router and five devices behind it fall silent.",
        _silence(True),
    ),
    Act(38, "The line to Berkhamsted is mended.", _silence(False), _all_behind),
    Act(50, "The memory of the councils' firewall fills up to 95 %.", _memory(95)),
    Act(
        58,
        "The certificate of the council tax portal nears its end: 12 days are left.",
        lambda cast: cast.portal.show_certificate(12),
    ),
    Act(66, "The firewall's memory is free again.", _memory(54), _ticket(FIREWALL)),
    Act(72, "The disk of the backup server fills up to 97 %.", lambda cast: cast.fill_disk(97)),
    Act(
        80,
        "The portal gets a new certificate, for 90 days.",
        lambda cast: cast.portal.show_certificate(LIFE),
        _ticket(PORTAL),
    ),
    Act(
        90,
        "Somebody makes room on the backup server's disk.",
        lambda cast: cast.fill_disk(HEALTHY_DISK),
        _ticket(BACKUP),
    ),
)
END = 110.0
"""By then every incident of the story is resolved and its ticket closed."""


async def perform(cast: Cast, say: Callable[[str], None], known: Known, speed: float = 1.0) -> None:
    """Play every act at its time, saying what happens; returns at the end. `speed` 2 plays it in half the time."""
    loop = asyncio.get_running_loop()
    first = loop.time()
    for act in ACTS:
        await asyncio.sleep(max(0.0, first + act.at / speed - loop.time()))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(known.until(act.after), _PATIENCE)
        say(act.text)
        act.play(cast)
    await asyncio.sleep(max(0.0, first + END / speed - loop.time()))
