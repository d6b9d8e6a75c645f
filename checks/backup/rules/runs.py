"""Whether it runs as it should: in time, to its end, with everything. Pure.

A run under way changes nothing of what is said of the runs before it. One that the product will try again by itself is
not counted until it has given up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

from checks.backup.gather import Evidence
from checks.backup.history import Past, newest_first
from checks.backup.model import Level, Outcome
from checks.backup.options import ObjectOptions
from checks.backup.rules import Trouble
from checks.backup.rules.freshness import moment, span
from checks.contract import State
from checks.printable import printable

EARLY = 300.0
"""Seconds that a run may begin before its time: clocks differ."""
_LONGEST_FACTOR = 1.5
_LONGEST_LEAST = 1800.0
_ENOUGH = 5
"""Durations after which something can be said of how long it usually takes."""
_MOST_ERRORS = 0.001
"""Share of files that could not be read from which a partial run is critical."""
_WORDS = {
    Outcome.FAILED: "its last run failed",
    Outcome.CANCELLED: "its last run was cancelled",
    Outcome.MISSED: "its last run did not start in time",
    Outcome.UNKNOWN: "its last run ended in a way that is not known",
}


def run_troubles(options: ObjectOptions, evidence: Evidence, now: float) -> Iterator[Trouble]:
    """Everything that is wrong with its runs."""
    past = newest_first(evidence.history.runs)
    yield from _last(options, evidence, past)
    missed = missed_since(options, evidence, now)
    if missed is not None:
        yield Trouble(
            State.WARNING, f"it should have started at {moment(missed)} and has not", "see why it did not start"
        )
    yield from _overrun(options, evidence, now)
    yield from _switched_off(options, evidence)


def missed_since(options: ObjectOptions, evidence: Evidence, now: float) -> float | None:
    """Since when a run is missing that the estate expects (Unix seconds); None where none is."""
    schedule = options.schedule
    if schedule is None:
        return None
    begun = [past.started for past in evidence.history.runs if past.outcome is not Outcome.MISSED]
    begun += [run.started for _, run in evidence.running if run.started is not None]
    last = max(begun, default=None)
    if schedule.every is not None:
        since = (last if last is not None else evidence.history.first_seen) + schedule.every
        return since if now > since + schedule.start_grace else None
    due = schedule.timetable.last(now - schedule.start_grace)
    if due is not None and now <= due.latest + schedule.start_grace:
        due = schedule.timetable.last(due.at - 1)  # its second moment is still to come
    if due is None or (last is None and due.at < evidence.history.first_seen):
        return None
    return due.at if last is None or last < due.at - EARLY else None


def _last(options: ObjectOptions, evidence: Evidence, past: Sequence[Past]) -> Iterator[Trouble]:
    """What the newest run of each product that is over says; retried ones are passed over."""
    again = {(product, int(run.started)) for product, run in evidence.runs if run.retries and run.started is not None}
    words = {(product, int(run.started)): run.message for product, run in evidence.runs if run.started is not None}
    for product in dict.fromkeys(one.product for one in past):
        mine = [one for one in past if one.product == product and (product, int(one.started)) not in again]
        if not mine:
            continue
        said = printable(words.get((product, int(mine[0].started)), ""))[:120]
        trouble = _of_last(options, mine)
        if trouble is not None:
            yield Trouble(trouble.state, f"{trouble.words}: {said}" if said else trouble.words, trouble.mend)


def _of_last(options: ObjectOptions, mine: Sequence[Past]) -> Trouble | None:
    first = mine[0]
    if first.outcome in _WORDS:
        row = _in_a_row(mine, lambda one: one.outcome in _WORDS)
        words = _WORDS[first.outcome] + (f", as did {row} in a row" if row > 1 else "")
        state = State.UNKNOWN if first.outcome is Outcome.UNKNOWN else State.WARNING
        return Trouble(state, words, "look at the run's own log")
    if first.nothing or (first.level is Level.FULL and (first.files == 0 or first.bytes == 0)):
        return Trouble(State.CRITICAL, "its last run ended well and protected nothing", "see what the job excludes")
    if first.outcome is Outcome.PARTIAL:
        row = _in_a_row(mine, lambda one: one.outcome is Outcome.PARTIAL)
        share = first.errors / first.files if first.errors and first.files else 0.0
        grave = row >= options.partial_limit or share > _MOST_ERRORS
        count = f", {first.errors} items could not be read" if first.errors else ""
        words = f"{row} runs in a row were incomplete{count}" if row > 1 else f"its last run was incomplete{count}"
        return Trouble(State.CRITICAL if grave else State.WARNING, words, "see which files could not be read")
    return None


def _in_a_row(mine: Sequence[Past], fits: Callable[[Past], bool]) -> int:
    return len(list(takewhile(fits, mine)))


def usual_longest(options: ObjectOptions, past: Sequence[Past], level: Level) -> float | None:
    """How long a run of that level may take, in seconds; None where nothing tells."""
    if options.schedule is not None and options.schedule.longest is not None:
        return options.schedule.longest
    known = sorted(one.seconds for one in past if one.seconds is not None and one.level is level and one.outcome.kept)
    if len(known) < _ENOUGH:
        return None
    return max(_LONGEST_FACTOR * known[math.ceil(0.95 * len(known)) - 1], _LONGEST_LEAST)


def _overrun(options: ObjectOptions, evidence: Evidence, now: float) -> Iterator[Trouble]:
    for _, run in evidence.running:
        longest = usual_longest(options, evidence.history.runs, run.level)
        if run.started is not None and longest is not None and now - run.started > longest:
            words = f"a run goes on since {moment(run.started)}, for {span(now - run.started)}"
            yield Trouble(State.WARNING, f"{words}; {span(longest)} would be long", "see whether it hangs")


def _switched_off(options: ObjectOptions, evidence: Evidence) -> Iterator[Trouble]:
    jobs = [job for _, job in evidence.jobs]
    if jobs and all(job.enabled is False for job in jobs):
        yield Trouble(State.WARNING, f"its job {printable(jobs[0].name)[:60]} is switched off", "switch it on again")
    stuck = next((job for job in jobs if job.why), None)
    if stuck is not None:
        yield Trouble(State.WARNING, f"its next run would not start: {printable(stuck.why)[:150]}", "mend that first")
    if jobs and options.schedule is not None and all(job.manual for job in jobs):
        words = f"nothing starts its job {printable(jobs[0].name)[:60]} by itself"
        yield Trouble(State.WARNING, words, "give it a schedule")
