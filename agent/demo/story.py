"""What happens in the demo, act by act. Seconds count from the first scene."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from agent.demo.cast import CONTROLLERS, HEALTHY_DISK, Cast
from agent.demo.firewalls import LONG, set_contract
from agent.demo.known import Known
from agent.demo.portal import LIFE

LINK = "link-berkhamsted"
BEHIND = ("fw-berkhamsted", "sw-berkhamsted-1", "sw-berkhamsted-2", "pbx-berkhamsted", "nas-berkhamsted")
PAIR = "fw-forum"
FIRST = "fw-forum-a"
BRANCH = "fw-berkhamsted"
PRIMARY, SECONDARY = CONTROLLERS
PORTAL = "portal-aylesbury"
BACKUP = "backup-forum"
PATIENCE = 30.0
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


def _ticket(target: str, condition: str = "") -> Callable[[Known], bool]:
    return lambda known: known.has_ticket(target, condition)


def _all_behind(known: Known) -> bool:
    return known.has_ticket(LINK) and known.hidden(LINK) == len(BEHIND)


ACTS = (
    Act(
        10,
        "A digger cuts the line to Berkhamsted: its router and five devices behind it fall silent.",
        _silence(True),
    ),
    Act(38, "The line to Berkhamsted is mended.", _silence(False), _all_behind),
    Act(
        48,
        "The first unit of the councils' firewall loses its power; the second one takes over.",
        lambda cast: cast.pair.lose(FIRST),
    ),
    Act(
        51,
        "Telephone controller A loses its power. Its phones move to controller B: calls work, and nobody notices.",
        lambda cast: cast.controllers.lose_primary(),
    ),
    Act(
        56,
        "The line between the councils loses every eighth packet of a call. The test call to controller B hears it.",
        lambda cast: cast.controllers.spoil_calls(0.125),
    ),
    Act(
        58,
        "The first unit is back, with the configuration of yesterday.",
        lambda cast: cast.pair.bring_back(FIRST),
        _ticket(PAIR, f"pair/member/{FIRST}"),
    ),
    Act(
        64,
        "The certificate of the council tax portal nears its end: 12 days are left.",
        lambda cast: cast.portal.show_certificate(12),
    ),
    Act(
        66,
        "Controller A has power again. Its phones stay with controller B until they are sure of it.",
        lambda cast: cast.controllers.bring_back_primary(),
        lambda known: known.has_ticket(PRIMARY) and known.has_ticket(SECONDARY, "mitel/resilience/"),
    ),
    Act(
        74,
        "The support contract of Berkhamsted's firewall nears its end: 20 days are left.",
        lambda cast: set_contract(cast.devices, BRANCH, 20),
    ),
    Act(
        76,
        "The units of the councils' firewall are synchronised.",
        lambda cast: cast.pair.synchronise(),
        _ticket(PAIR, "pair/sync"),
    ),
    Act(
        80,
        "The phones are back on controller A.",
        lambda cast: cast.controllers.hand_back(),
        lambda known: not known.has_ticket(PRIMARY),
    ),
    Act(
        84,
        "The portal gets a new certificate, for 90 days.",
        lambda cast: cast.portal.show_certificate(LIFE),
        _ticket(PORTAL),
    ),
    Act(
        85,
        "The line between the councils loses nothing any more.",
        lambda cast: cast.controllers.spoil_calls(0),
        _ticket(SECONDARY, "sip_call/quality"),
    ),
    Act(86, "The disk of the backup server fills up to 97 %.", lambda cast: cast.fill_disk(97)),
    Act(
        90,
        "Berkhamsted's contract is renewed.",
        lambda cast: set_contract(cast.devices, BRANCH, LONG),
        _ticket(BRANCH, "firewall/licence_expiry/"),
    ),
    Act(
        98,
        "Somebody makes room on the backup server's disk.",
        lambda cast: cast.fill_disk(HEALTHY_DISK),
        _ticket(BACKUP),
    ),
    Act(
        102,
        "The councils' firewall is switched back to its first unit, as planned: a fact, and no incident.",
        lambda cast: cast.pair.run_on(FIRST),
        lambda known: not known.has_ticket(PAIR),
    ),
)
END = 114.0
"""By then every incident of the story is resolved and its ticket closed."""


async def perform(cast: Cast, say: Callable[[str], None], known: Known, speed: float = 1.0) -> None:
    """Play every act at its time, saying what happens; returns at the end. `speed` 2 plays it in half the time."""
    loop = asyncio.get_running_loop()
    first = loop.time()
    for act in ACTS:
        await asyncio.sleep(max(0.0, first + act.at / speed - loop.time()))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(known.until(act.after), PATIENCE)
        say(act.text)
        act.play(cast)
    await asyncio.sleep(max(0.0, first + END / speed - loop.time()))
