"""One drill: restore from a point into the scratch place, look at what came, and say so."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from agent.restore_drills import canary
from agent.restore_drills.choice import Choice, Turn, choice
from agent.restore_drills.plan import AnyDrill
from agent.restore_drills.products import Point
from agent.restore_drills.running import Progress, Runner
from agent.restore_drills.scratch import Scratch
from agent.restore_drills.verdict import Brought, Failed, Outcome, Stopped, Unproven
from checks.backup.proofs import DrillState, RestoreRecord
from checks.printable import printable


@dataclass(frozen=True, slots=True)
class Request:
    """What is drilled now, and how."""

    name: str
    options: AnyDrill
    state: DrillState
    change: str = ""
    rehearsal: bool = False
    """Expect a wrong digest of the canary, so that the alarm is seen to work."""


@dataclass(slots=True)
class Means:
    """What a drill needs of the world."""

    scratch: Scratch
    now: Callable[[], float]
    progress: Progress
    note: Callable[[str], None]
    """Told what is for those who run the drill alone."""
    chance: random.Random = field(default_factory=random.SystemRandom)


@dataclass(frozen=True, slots=True)
class Drilled:
    """What came of it, and what the drill must know next time."""

    records: tuple[RestoreRecord, ...]
    state: DrillState


@dataclass(slots=True)
class _UnderWay:
    request: Request
    means: Means
    chosen: Choice
    state: DrillState


def drilled(request: Request, means: Means) -> Drilled:
    """Drill. Whatever the world does is in the records, each with its words."""
    records: list[RestoreRecord] = []
    state = request.state
    if not request.rehearsal:
        state = state.model_copy(update={"runs": state.runs + 1})
    try:
        with means.scratch.room(request.options.max_size) as room, ExitStack() as ending:
            options, until = request.options, time.monotonic() + request.options.max_time
            runner = Runner(room, options.max_size, until, means.progress, options.environment)
            chosen = choice(options, runner, Turn(state, means.chance, means.now(), request.rehearsal), ending)
            under_way = _UnderWay(request, means, chosen, state)
            for hand, way in chosen.ways.items():
                if hand == "canary" or not request.rehearsal:
                    records.append(_told(under_way, hand, way))
            state = _to_retry(under_way.state, chosen, records)
    except (Failed, Unproven) as error:
        hand = request.options.hands[0]
        outcome = Outcome.FAILED if isinstance(error, Failed) else Outcome.UNPROVEN
        records.append(_record(request, means.now(), hand, outcome, str(error)))
    return Drilled(tuple(_cleaned(one, means.scratch.cleaned) for one in records), state)


def _to_retry(state: DrillState, chosen: Choice, records: list[RestoreRecord]) -> DrillState:
    if not chosen.old:
        return state
    if any(one.outcome == "failed" and not one.rehearsal for one in records):
        return state.model_copy(update={"retry": chosen.point.id})
    if all(one.outcome == "passed" for one in records):
        return state.model_copy(update={"retry": ""})
    return state


def _told(under_way: _UnderWay, hand: str, restore: Callable[[], Brought]) -> RestoreRecord:
    """The record of one restore. Raises Stopped."""
    at, rehearsal = under_way.means.now(), under_way.request.rehearsal
    named = f"old {hand}" if under_way.chosen.old else hand
    tell = partial(_record, under_way.request, at, named, point=under_way.chosen.point)
    try:
        brought = restore()
        if hand == "canary":
            _judge(under_way, brought)
        made = tell(Outcome.FAILED, _rehearsed(brought)) if rehearsal else tell(Outcome.PASSED, brought.words)
    except Stopped:
        raise
    except Failed as error:
        if error.path:
            under_way.means.note(f"{error}: {printable(error.path)}")
        return tell(Outcome.FAILED, str(error))
    except Unproven as error:
        return tell(Outcome.UNPROVEN, str(error))
    return made.model_copy(
        update={"seconds": round(brought.seconds, 3), "bytes": brought.octets, "rehearsal": rehearsal}
    )


def _judge(under_way: _UnderWay, brought: Brought) -> None:
    """That a planted canary is whole and fresh. Raises Failed."""
    options, state, chosen = under_way.request.options.canary, under_way.state, under_way.chosen
    assert options is not None  # it was restored
    if not brought.canary:
        return
    found = canary.understood(brought.canary)
    now = None if chosen.old or brought.of_the_past else under_way.means.now()
    canary.check_age(found, options.max_age, brought.as_of, now)
    if found.nonce == state.nonce and found.at != state.planted:
        raise Failed("the canary's nonce was used before: it is not made anew before every backup")
    if not chosen.old:
        under_way.state = state.model_copy(update={"nonce": found.nonce, "planted": found.at})


def _rehearsed(brought: Brought) -> str:
    """What a wrong digest makes of the canary that came back whole a moment ago. Raises Unproven."""
    try:
        canary.understood(brought.canary, rehearsal=True)
    except Failed as error:
        return f"rehearsal: {error}"
    raise Unproven("the rehearsal found no fault in a wrong digest: the alarm does not work")


def _record(
    request: Request, at: float, hand: str, outcome: Outcome, words: str, point: Point | None = None
) -> RestoreRecord:
    return RestoreRecord(
        at=at,
        by=f"{hand} {request.name}",
        outcome=outcome.value,
        message=printable(words)[:500],
        point=point.at if point else None,
        point_id=printable(point.id)[:200] if point else "",
        change=request.change,
        tool=request.options.tool,
        host=socket.gethostname()[:255],
    )


def _cleaned(record: RestoreRecord, cleaned: bool | None) -> RestoreRecord:
    """A restore that left its files behind is none that went well."""
    record = record.model_copy(update={"cleaned": cleaned})
    if cleaned is not False or record.outcome != "passed":
        return record
    words = f"it came back whole, but the scratch place could not be cleaned: {record.message}"[:500]
    return record.model_copy(update={"outcome": "unproven", "message": words})
