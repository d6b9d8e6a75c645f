"""Tier 0: the product reads its own data again, a part at a time, and damage is not over before it was read sound.

Of data that is read in thirty parts only a whole round says that it is sound. So what is told as read again is as old
as the part that was read longest ago, and a damaged part is read again at each run until it is whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from agent.restore_drills.choice import product_for
from agent.restore_drills.plan import AnyDrill
from agent.restore_drills.running import Progress, Runner
from agent.restore_drills.scratch import Scratch
from agent.restore_drills.verdict import Failed, Unproven
from checks.backup.proofs import DrillState, PartRead, VerificationRecord
from checks.printable import printable


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of it, and what must be known next time."""

    record: VerificationRecord
    """What is known of the whole now."""
    state: DrillState
    read: bool | None
    """How the part that was read this time was; None: it could not be read."""


def verified(
    options: AnyDrill, state: DrillState, whole: bool, scratch: Scratch, now: Callable[[], float], progress: Progress
) -> Verified:
    """Read the next part, or with `whole` everything. Whatever the world does is in the record, with its words."""
    asked = options.verify
    assert asked is not None  # the verb refuses a drill without it
    wanted = 1 if whole else asked.parts
    try:
        with scratch.room(options.max_size) as room:
            until = time.monotonic() + asked.max_time
            product = product_for(options, Runner(room, options.max_size, until, progress, options.environment))
            parts = product.parts or wanted
            state = state if whole or state.parts == parts else state.model_copy(update={"parts": parts, "read": {}})
            part = 1 if whole else next_part(state)
            try:
                product.points()  # raises Unproven where the repository is away, so that this is never called damage
                product.verify(part, parts, asked.max_time)
            except Failed as error:
                return Verified(*_told(options, state, part, parts, now(), False, str(error)), False)
            return Verified(*_told(options, state, part, parts, now(), True, ""), True)
    except Unproven as error:
        return Verified(_record(options, now(), None, f"could not be checked: {error}", 1 / wanted), state, None)


def next_part(state: DrillState) -> int:
    """The part that was found damaged, one that was never read, or the one that was read longest ago."""

    def rank(part: int) -> tuple[int, float]:
        known = state.read.get(str(part))
        if known is None:
            return 1, 0.0
        return (2, known.at) if known.sound else (0, known.at)

    return min(range(1, state.parts + 1), key=rank)


def _told(
    options: AnyDrill, state: DrillState, part: int, parts: int, at: float, sound: bool, words: str
) -> tuple[VerificationRecord, DrillState]:
    this = PartRead(at=at, sound=sound)
    if parts == 1 and state.parts > 1:
        read = {str(one): this for one in range(1, state.parts + 1)} if sound else state.read
    else:
        read = {**state.read, str(part): this}
    state = state.model_copy(update={"parts": state.parts or parts, "read": read})
    if not sound:
        return _record(options, at, False, words, 1 / parts), state
    damaged = [one for one in read.values() if not one.sound]
    if damaged:
        return _record(options, damaged[0].at, False, "another part is damaged", 1 / parts), state
    if len(read) < state.parts:
        return _record(options, at, None, f"{len(read)} of {state.parts} parts read, all sound", 1 / parts), state
    oldest = min(one.at for one in read.values())
    return _record(options, oldest, True, f"all {state.parts} parts read since then", 1.0), state


def _record(options: AnyDrill, at: float, sound: bool | None, words: str, share: float) -> VerificationRecord:
    return VerificationRecord(
        at=at,
        sound=sound,
        product=options.tool,
        repository=options.repository,
        share=share,
        message=printable(words)[:500],
    )
