"""One drill: choose a restore point, restore canary and samples into the scratch place, and look at what came."""

from __future__ import annotations

import os
import random
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from agent.restore_drills import canary
from agent.restore_drills.plan import (
    BaculaDrill,
    BorgDrill,
    CanaryOptions,
    CommandDrill,
    FileDrill,
    ResticDrill,
    SamplesOptions,
)
from agent.restore_drills.products import Point, Product
from agent.restore_drills.products.bacula import Bacula
from agent.restore_drills.products.borg import Borg
from agent.restore_drills.products.command import Command
from agent.restore_drills.products.restic import Restic
from agent.restore_drills.running import Progress, Runner
from agent.restore_drills.samples import compared, drawn
from agent.restore_drills.scratch import Room, Scratch, opened
from agent.restore_drills.verdict import Failed, Outcome, Stopped, Unproven
from checks.backup.proofs import DrillState, RestoreRecord
from checks.printable import printable


@dataclass(frozen=True, slots=True)
class Request:
    """What is drilled now, and how."""

    name: str
    options: FileDrill
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
    room: Room
    product: Product
    point: Point
    old: bool
    state: DrillState


@dataclass(frozen=True, slots=True)
class _Brought:
    """What a restore that went well was."""

    seconds: float
    bytes: int
    words: str


def drilled(request: Request, means: Means) -> Drilled:
    """Drill. Whatever the world does is in the records, each with its words."""
    records: list[RestoreRecord] = []
    state = request.state
    if not request.rehearsal:
        state = state.model_copy(update={"runs": state.runs + 1})
    try:
        with means.scratch.room(request.options.max_size) as room:
            product = product_for(request.options, room, means.progress)
            points = product.points()
            point, old = points[-1], False  # of a rehearsal, so that the next canary is sure to clear it
            if not request.rehearsal:
                point, old = _chosen(points, request.options, state, means.chance)
            under_way = _UnderWay(request, means, room, product, point, old, state)
            for record in _restores(under_way):
                records.append(record)
            state = _to_retry(under_way.state, point, old, records)
    except (Failed, Unproven) as error:
        hand = "samples" if request.options.canary is None else "canary"
        outcome = Outcome.FAILED if isinstance(error, Failed) else Outcome.UNPROVEN
        records.append(_record(request, means.now(), hand, outcome, str(error)))
    return Drilled(tuple(_cleaned(one, means.scratch.cleaned) for one in records), state)


def product_for(options: FileDrill, room: Room, progress: Progress, seconds: float | None = None) -> Product:
    """The product of a drill, whose tools end with its time. Raises Unproven."""
    until = time.monotonic() + (options.max_time if seconds is None else seconds)
    runner = Runner(room, options.max_size, until, progress, options.environment)
    if isinstance(options, ResticDrill):
        return Restic(options, runner)
    if isinstance(options, BaculaDrill):
        return Bacula(options, runner)
    if isinstance(options, CommandDrill):
        return Command(options, runner)
    assert isinstance(options, BorgDrill)  # for the type checker: a plan holds no other
    return Borg(options, runner)


def _chosen(points: list[Point], options: FileDrill, state: DrillState, chance: random.Random) -> tuple[Point, bool]:
    """The newest point, or when its turn has come an older one: that of which a restore failed, as long as it lies."""
    every = options.old_point_every
    if every is None or state.runs % every or len(points) < 2:
        return points[-1], False
    again = [point for point in points[:-1] if point.id == state.retry]
    return (again or [chance.choice(points[:-1])])[0], True


def _to_retry(state: DrillState, point: Point, old: bool, records: list[RestoreRecord]) -> DrillState:
    if not old:
        return state
    if any(one.outcome == "failed" and not one.rehearsal for one in records):
        return state.model_copy(update={"retry": point.id})
    if all(one.outcome == "passed" for one in records):
        return state.model_copy(update={"retry": ""})
    return state


def _restores(under_way: _UnderWay) -> Iterator[RestoreRecord]:
    options, rehearsal = under_way.request.options, under_way.request.rehearsal
    if options.canary is not None:
        record = _told(under_way, "canary", partial(_canary, under_way, options.canary))
        if rehearsal and record.outcome == "passed":
            record = record.model_copy(
                update={"outcome": "failed", "rehearsal": True, "message": _rehearsed(under_way)}
            )
        yield record
    if options.samples is not None and not rehearsal:
        yield _told(under_way, "samples", partial(_samples, under_way, options.samples))


def _told(under_way: _UnderWay, hand: str, restore: Callable[[], _Brought]) -> RestoreRecord:
    """The record of one restore. Raises Stopped."""
    at = under_way.means.now()
    hand = f"old {hand}" if under_way.old else hand
    tell = partial(_record, under_way.request, at, hand, point=under_way.point)
    try:
        brought = restore()
    except Stopped:
        raise
    except Failed as error:
        if error.path:
            under_way.means.note(f"{error}: {printable(error.path)}")
        return tell(Outcome.FAILED, str(error))
    except Unproven as error:
        return tell(Outcome.UNPROVEN, str(error))
    made = tell(Outcome.PASSED, brought.words)
    return made.model_copy(update={"seconds": round(brought.seconds, 3), "bytes": brought.bytes})


def _canary(under_way: _UnderWay, options: CanaryOptions) -> _Brought:
    seconds = under_way.product.restore(under_way.point, [options.path], under_way.room.restored)
    octets = _restored(under_way.room, options.path)
    found = canary.understood(octets)
    now = None if under_way.old else under_way.means.now()
    canary.check_age(found, options.max_age, under_way.point.at, now)
    state = under_way.state
    if found.nonce == state.nonce and found.at != state.planted:
        raise Failed("the canary's nonce was used before: it is not made anew before every backup")
    if not under_way.old:
        under_way.state = state.model_copy(update={"nonce": found.nonce, "planted": found.at})
    return _Brought(seconds, len(octets), f"canary {found.nonce[:8]} came back whole")


def _restored(room: Room, path: str) -> bytes:
    try:
        with os.fdopen(opened(room.restored, path), "rb") as file:
            return file.read(canary.LARGEST)
    except OSError as error:
        raise Failed(f"the canary {path} did not come back: {error.strerror}; is it in this backup?") from error


def _rehearsed(under_way: _UnderWay) -> str:
    """What a wrong digest makes of the canary that came back whole a moment ago."""
    assert under_way.request.options.canary is not None  # for the type checker: it was restored
    try:
        canary.understood(_restored(under_way.room, under_way.request.options.canary.path), rehearsal=True)
    except Failed as error:
        return f"rehearsal: {error}"
    raise Unproven("the rehearsal found no fault in a wrong digest: the alarm does not work")


def _samples(under_way: _UnderWay, options: SamplesOptions) -> _Brought:
    drill, product, point = under_way.request.options, under_way.product, under_way.point
    most = drill.max_size // 4
    listed = product.files(point, options.under)
    files, left_out = drawn(listed, options.count, most, under_way.means.chance)
    if not files:
        raise Failed(f"the restore point lists no file below {options.under} that could be restored")
    seconds = product.restore(point, [one.path for one in files], under_way.room.restored)
    live = sum(compared(one, under_way.room, product, point, options.live) for one in files)
    octets = sum(one.size for one in files)
    words = f"{len(files)} files of {octets} bytes came back whole: {live} as the originals are, "
    words += f"{len(files) - live} as a second reading has them"
    return _Brought(seconds, octets, words + (f"; {left_out} are too large for this drill" if left_out else ""))


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
