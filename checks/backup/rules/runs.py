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
from checks.backup.model import Level, Outcome, Run
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
_NEWS = 2.0
"""RPOs for which the last run of one of several jobs is news."""
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
    yield from _last(options, evidence, past, now)
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


def _last(options: ObjectOptions, evidence: Evidence, past: Sequence[Past], now: float) -> Iterator[Trouble]:
    """What the newest run of each job that is over says; one that the product will try again is passed over.

    A job that has not run for long is told by its absence, if by anything: its last run is no news any more.
    """
    again = {(product, *_which(run)) for product, run in evidence.runs if run.retries}
    words = {(product, *_which(run)): run.message for product, run in evidence.runs}
    by_job: dict[tuple[str, str], list[Past]] = {}
    for one in past:
        if (one.product, one.job, int(one.started)) not in again:
            by_job.setdefault((one.product, one.job), []).append(one)
    newest = max((mine[0].started for mine in by_job.values()), default=0.0)
    for (product, job), mine in by_job.items():
        if mine[0].started < newest and now - mine[0].started > _NEWS * options.rpo:
            continue
        trouble = _of_last(options, mine)
        if trouble is not None:
            said = printable(words.get((product, job, int(mine[0].started)), ""))[:120]
            whose = f"job {printable(job)[:60]}: " if job and len(by_job) > 1 else ""
            yield Trouble(trouble.state, f"{whose}{trouble.words}" + (f": {said}" if said else ""), trouble.mend)


def _which(run: Run) -> tuple[str, int]:
    return run.job, int(run.started or 0.0)


def _of_last(options: ObjectOptions, mine: Sequence[Past]) -> Trouble | None:
    first = mine[0]
    if first.outcome in _WORDS:
        row = _in_a_row(mine, lambda one: one.outcome in _WORDS)
        words = _WORDS[first.outcome] + (f", the {row} before it no better" if (row := row - 1) else "")
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
