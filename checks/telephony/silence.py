"""Who has answered before, so that silence can be told from never having been let in.

Carriers and border gateways drop strangers, so an endpoint that never answered is unknown; one that did, and is silent
now, is down. The check's memory holds it, for a restart of the agent must not turn the one into the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache

from checks.contract import Context, Fault, Memory

_VERSION = 1
_MOST = 64
_LONGEST = 300


def answered_before(ctx: Context) -> frozenset[str]:
    """Endpoints that have answered: this check, by its memory, or any check while this agent runs.

    A prober knows the second only. Were it each check's own knowledge, of two that ask one endpoint the one would call
    its silence unknown and the other critical: two causes of one.
    """
    return heard(ctx.memory) | frozenset(ctx.transports.sip.answered)


def heard(memory: Memory | None) -> frozenset[str]:
    """Endpoints that have answered. A note of another version, or a damaged one, says nothing."""
    return frozenset(_noted(memory)) if memory is not None else frozenset()


def noted(memory: Memory | None, answering: Iterable[str]) -> Memory | None:
    """The new note; None when these are known already. Beyond a bound the oldest are forgotten."""
    before, now = _noted(memory) if memory is not None else (), tuple(answering)
    if all(name in before for name in now):
        return None
    names = list(dict.fromkeys((*now, *before)))[:_MOST]  # whoever answers now is not forgotten for somebody new
    return Memory(_VERSION, json.dumps({"answered": names}, separators=(",", ":")))


def nobody(silent: Sequence[tuple[str, Fault | None]], known: frozenset[str]) -> Fault | None:
    """The fault where all endpoints are silent and one has answered before: the target may be away altogether.

    `silent` has every endpoint and its fault, None for one that answered.
    """
    faults = [fault for _, fault in silent if fault is not None]
    if len(faults) < len(silent) or not faults or not any(name in known for name, _ in silent):
        return None
    return faults[0] if all(fault.reached is False for fault in faults) else None


@lru_cache(maxsize=4096)
def _noted(memory: Memory) -> tuple[str, ...]:
    if memory.version != _VERSION:
        return ()
    try:
        said = json.loads(memory.text)["answered"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()
    if not isinstance(said, list):
        return ()
    return tuple(name for name in said[:_MOST] if isinstance(name, str) and len(name) <= _LONGEST)
