"""The act of the backups, which plays beside the others: damage that no list shows, and a restore that finds it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from agent.demo.known import Known
from agent.demo.story import PATIENCE
from agent.demo.vault import OBJECT, Vault

VAULT = "vault-forum"
_FIRST, _DAMAGE, _SECOND, _MEND = 2.0, 14.0, 18.0, 32.0
"""Seconds from the first scene, at the earliest."""
_FOUND = f"backup/restored/{OBJECT}"


async def restore(
    vault: Vault, say: Callable[[str], None], known: Known, look: Callable[[], None], speed: float = 1.0
) -> None:
    """Drill, damage, drill, mend, drill again, saying what each brings. `look` has the agent look at once."""
    loop = asyncio.get_running_loop()
    first = loop.time()

    async def at(seconds: float) -> None:
        await asyncio.sleep(max(0.0, first + seconds / speed - loop.time()))

    async def drill() -> None:
        told = await vault.drill()
        say(f"A restore drill of the benefits data: {told}.")
        look()

    await at(_FIRST)
    await drill()
    await at(_DAMAGE)
    vault.damage()
    say(f"One octet in a backup of the benefits data changes. The job list stays green: {await vault.listed()}.")
    await at(_SECOND)
    await drill()
    await at(_MEND)
    with contextlib.suppress(TimeoutError):  # on a slow machine nobody mends what nobody has seen
        await asyncio.wait_for(known.until(lambda known: known.has_ticket(VAULT, _FOUND)), PATIENCE)
    vault.mend()
    say("A sound copy of the damaged part is put back. Whether it is one, only a restore can say.")
    await drill()
