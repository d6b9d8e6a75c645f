"""Starts every check when it is due, for as long as the agent lives, whatever the clock does.

One APScheduler job is a *slot*: an interval and a phase, or a cron expression, carrying the checks due in it. Phases
come from the check's id and are counted from the epoch, so a restart or a reload moves no other check. The wall clock
is watched against the monotonic one; when it jumps, all slots are laid out anew: after a step back nothing waits for
the old time to come again, after a step forward nothing is started all at once.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from agent.cadence import BUCKET, next_due, next_in_period, phase
from config.cron import next_fire
from config.estate import CheckSpec, Cron, Every, Schedule

JUMP = 1.0
"""Seconds by which the clocks must part between two looks to count as a jump; slewing moves them 0.5 ms a second."""
CATCH_UP = 60.0
"""Seconds over which runs that were missed, and first runs of slow checks, are spread."""
_LOOK = 1.0
_STUCK = 5.0
"""Seconds a slot may be overdue before the scheduler no longer counts as making progress."""
_BREATH = 64
"""Starts after which the event loop is let go."""

Key = tuple[float, float] | Cron | float
"""Interval and phase; a cron schedule; or the moment of a single catch-up."""


@dataclass(slots=True, eq=False)
class _Slot:
    """Checks that are due together."""

    key: Key
    since: float
    """When it last ran, or was laid out: what lies between then and now was missed."""
    members: tuple[CheckSpec, ...]
    due: float = 0.0
    job: Any = None
    live: bool = True

    def next(self, after: float) -> float:
        """Its first run later than `after`; `inf` when there is none."""
        if isinstance(self.key, tuple):
            return next_in_period(*self.key, after)
        if isinstance(self.key, Cron):
            return next_fire(self.key, after)
        return math.inf


class _Trigger(BaseTrigger):  # type: ignore[misc] # APScheduler is not typed
    """Tells APScheduler a slot's next run, and the slot for when its present run was meant."""

    def __init__(self, slot: _Slot) -> None:
        self._slot = slot

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime | None:
        """The next run after both moments, so that however many were missed count as one."""
        after = now.timestamp()
        if previous is not None:
            self._slot.due = previous.timestamp()
            after = max(after, self._slot.due)
        following = self._slot.next(after)
        if isinstance(self._slot.key, float) and previous is None:
            following = self._slot.key  # also when it has passed meanwhile: then it is run at once
        return datetime.fromtimestamp(following, UTC) if following < math.inf else None


class Scheduler:
    """Calls `begin(check, due)` when a check is due; `begin` must not wait and must not raise."""

    def __init__(
        self,
        begin: Callable[[CheckSpec, float], None],
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        on_jump: Callable[[float], None] | None = None,
    ) -> None:
        """`on_jump` is told by how many seconds the wall clock was stepped (forward positive)."""
        self._begin = begin
        self._clock = clock
        self._monotonic = monotonic
        self._on_jump = on_jump
        self._specs: dict[str, CheckSpec] = {}
        self._keys: dict[str, tuple[CheckSpec, Key]] = {}
        """The slot of each check, by its id."""
        self._slots: dict[Key, _Slot] = {}
        self._store = MemoryJobStore()
        self._engine: Any = None
        self._offset = 0.0
        self._firing = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._look_timer: asyncio.TimerHandle | None = None
        self.paused = False
        self.jumps = 0
        self.last_progress = monotonic()
        """Monotonic time at which no slot was overdue; the watchdog is fed while this moves."""

    def load(self, specs: Iterable[CheckSpec], last_runs: Mapping[str, float] | None = None) -> None:
        """Schedule exactly these checks from now on; what is unchanged keeps its phase.

        `last_runs` (Unix seconds by check id, from the ledger) tells which runs were missed while no agent ran. Those,
        and the first runs of new checks with a period over a minute, are caught up within a minute.
        """
        now = self._clock()
        old, self._specs = self._specs, {spec.id: spec for spec in specs}
        layout = self._layout()
        for gone in [key for key in self._slots if not isinstance(key, float) and key not in layout]:
            self._drop(gone)
        for key, members in layout.items():
            slot = self._slots.get(key)
            if slot is None:
                self._slots[key] = _Slot(key, now, members)
            else:
                slot.members = members
        new = [spec for spec in self._specs.values() if _is_new(spec, old.get(spec.id))]
        self._catch_up((spec for spec in new if _is_late(spec, (last_runs or {}).get(spec.id), now)), now)
        self._submit()

    def start(self) -> None:
        """Begin; called inside the running loop, once."""
        # APScheduler says two lines per slot and run at INFO, some eight a second.
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        self._engine = AsyncIOScheduler(
            timezone=UTC,
            jobstores={"default": self._store},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._engine.start(paused=True)
        self._offset = self._clock() - self._monotonic()
        self._submit()
        self._engine.resume()
        self._look_timer = asyncio.get_running_loop().call_later(_LOOK, self._look)

    async def stop(self) -> None:
        """Start nothing more; safe to call twice."""
        if self._look_timer is not None:
            self._look_timer.cancel()
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.pause()
            for slot in self._slots.values():
                slot.live = False
            await self._idle.wait()  # APScheduler would log a slot that it cancels as an error
            engine.shutdown(wait=False)
            await asyncio.sleep(0)  # APScheduler stops in the loop's next round

    def pause(self) -> None:
        """Start nothing until `resume`; `run_now` still works."""
        self.paused = True
        self._engine.pause()

    def resume(self) -> None:
        """Go on; what was missed is caught up as after a jump of the clock, not all at once."""
        self.paused = False
        self._lay_out_anew()

    def run_now(self, check_ids: Iterable[str]) -> None:
        """Begin these checks at once, besides their schedule; unknown ids are passed over."""
        now = self._clock()
        for check_id in check_ids:
            spec = self._specs.get(check_id)
            if spec is not None:
                self._begin(spec, now)

    def next_due(self, check_id: str) -> float | None:
        """When the schedule wants the check next (Unix seconds); None for an unknown check or one that never runs."""
        spec = self._specs.get(check_id)
        due = next_due(spec.schedule, check_id, self._clock()) if spec is not None else math.inf
        return due if due < math.inf else None

    async def _fire(self, slot: _Slot) -> None:
        if self._jumped() or not slot.live:
            return  # its job was made by a clock that no longer holds
        self.last_progress = self._monotonic()
        slot.since = due = slot.due
        if isinstance(slot.key, float):
            del self._slots[slot.key]
        self._firing += 1
        self._idle.clear()
        for number, spec in enumerate(slot.members, 1):
            self._begin(spec, due)
            if number % _BREATH == 0 and not await _breathe(slot):
                break
        self._firing -= 1
        if not self._firing:
            self._idle.set()

    def _look(self) -> None:
        """Once a second: has the clock jumped, and are the slots being served?"""
        self._look_timer = asyncio.get_running_loop().call_later(_LOOK, self._look)
        if self._jumped():
            return
        following = self._store.get_next_run_time()
        if self.paused or following is None or self._clock() - following.timestamp() < _STUCK:
            self.last_progress = self._monotonic()

    def _jumped(self) -> bool:
        offset = self._clock() - self._monotonic()
        jump, self._offset = offset - self._offset, offset
        if abs(jump) < JUMP:
            return False
        self.jumps += 1
        self._lay_out_anew()
        if self._on_jump is not None:
            self._on_jump(jump)
        return True

    def _lay_out_anew(self) -> None:
        """Forget every job and make them again by the present clock; slow checks that were missed are caught up."""
        now = self._clock()
        missed: list[CheckSpec] = []
        for key, slot in list(self._slots.items()):
            if isinstance(key, float):
                missed += slot.members
            elif slot.next(slot.since) <= now:
                missed += [spec for spec in slot.members if _is_slow(spec)]
            slot.live = False
        self._engine.remove_all_jobs()
        self._slots = {key: _Slot(key, now, members) for key, members in self._layout().items()}
        self._catch_up(missed, now)
        self._submit()

    def _layout(self) -> dict[Key, tuple[CheckSpec, ...]]:
        """Which checks are due together, by slot."""
        slots: dict[Key, list[CheckSpec]] = {}
        keys: dict[str, tuple[CheckSpec, Key]] = {}
        for id, spec in self._specs.items():
            known = self._keys.get(id)
            keys[id] = known = known if known is not None and known[0] is spec else (spec, _key(spec.schedule, id))
            slots.setdefault(known[1], []).append(spec)
        self._keys = keys
        return {key: tuple(members) for key, members in slots.items()}

    def _catch_up(self, specs: Iterable[CheckSpec], now: float) -> None:
        """Lay out single runs within the next minute; each check at its own place in it."""
        start = math.ceil(now / BUCKET) * BUCKET
        for spec in specs:
            key = start + phase(spec.id, CATCH_UP)
            slot = self._slots.get(key)
            if slot is None:
                slot = self._slots[key] = _Slot(key, now, ())
            slot.members = (*slot.members, spec)

    def _submit(self) -> None:
        """Hand the slots that have no job yet to APScheduler; paused, since each new job wakes it up."""
        if self._engine is None:
            return
        self._engine.pause()
        for slot in self._slots.values():
            if slot.job is None:
                slot.job = self._engine.add_job(self._fire, _Trigger(slot), args=(slot,))
        if not self.paused:
            self._engine.resume()

    def _drop(self, key: Key) -> None:
        slot = self._slots.pop(key)
        slot.live = False
        if slot.job is not None and self._engine is not None:
            self._engine.remove_job(slot.job.id)


async def _breathe(slot: _Slot) -> bool:
    """Let others have the loop; False when the slot was given up meanwhile."""
    await asyncio.sleep(0)
    return slot.live


def _key(schedule: Schedule, check_id: str) -> Key:
    if isinstance(schedule, Every):
        return (schedule.seconds, phase(check_id, schedule.seconds))
    return schedule


def _is_new(spec: CheckSpec, known: CheckSpec | None) -> bool:
    return known is not spec and (known is None or known.schedule != spec.schedule)


def _is_slow(spec: CheckSpec) -> bool:
    return isinstance(spec.schedule, Cron) or spec.schedule.seconds > CATCH_UP


def _is_late(spec: CheckSpec, last_run: float | None, now: float) -> bool:
    """Whether a check just loaded should run soon: its last run is too old, or it is slow and never ran.

    A cron schedule says when something may be asked at all, so its first run waits for that time.
    """
    if not _is_slow(spec):
        return False
    if last_run is None or last_run > now:
        return isinstance(spec.schedule, Every)
    return next_due(spec.schedule, spec.id, last_run) <= now
