"""Whether it runs as it should: in time, to its end, with everything. Pure.

A run under way changes nothing of what is said of the runs before it. One that the product will try again by itself is
not counted until it has given up, or has not tried for too long.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise, takewhile

from checks.backup.evidence import Evidence, place
from checks.backup.history import NEWS, Past, newest_first
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
_CADENCE = 14
"""Runs by which it is told how often it usually runs."""
_GRACE = 1800.0
_RETRY_WITHIN = 7200.0
"""Seconds after which a promise to try again is not believed any more."""
_MOST_ERRORS = 0.001
"""Share of files that could not be read from which a partial run is critical."""
_WORDS = {
    Outcome.FAILED: "its last run failed",
    Outcome.CANCELLED: "its last run was cancelled",
    Outcome.MISSED: "its last run did not start in time",
    Outcome.UNKNOWN: "its last run ended in a way that is not known",
}


def run_troubles(options: ObjectOptions, evidence: Evidence, now: float, excused: bool = False) -> Iterator[Trouble]:
    """Everything that is wrong with its own runs; what is wrong with the whole job, `jobs` says.

    `excused`: something is, so that a run that is missing is no second cause.
    """
    yield from _last(options, evidence, now)
    missed = None if excused else missed_since(options, evidence, now)
    if missed is not None:
        jobs = {place(product, job.name) for product, job in evidence.jobs}
        words = f"it should have started at {moment(missed)} and has not"
        yield Trouble(State.WARNING, words, "see why it did not start", jobs.pop() if len(jobs) == 1 else "")
    yield from _overrun(options, evidence, now)


def missed_since(options: ObjectOptions, evidence: Evidence, now: float) -> float | None:
    """Since when a run is missing that the estate expects (Unix seconds); None where none is.

    Log backups that run all day say nothing of the nightly one, where there is one.
    """
    schedule = options.schedule
    if schedule is None:
        return None
    past = [one for one in evidence.history.runs if one.outcome is not Outcome.MISSED]
    main = [one for one in past if one.level is not Level.LOG] or past
    begun = [one.started for one in main]
    begun += [
        run.started
        for _, run in evidence.running
        if run.started is not None and (run.level is not Level.LOG or main is past)
    ]
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


def next_run(options: ObjectOptions, evidence: Evidence, now: float) -> float | None:
    """When the next run is promised: by the estate, by the product, or as often as it usually runs. None: by nobody.

    One that is due and within its grace is promised still, and so is the one under way: how long that may take is
    another matter.
    """
    if evidence.running:
        return now
    schedule, starts = options.schedule, [past.started for past in evidence.history.runs]
    if schedule is not None and schedule.every is None:
        due = schedule.timetable.last(now)
        if due is not None and now <= due.latest + schedule.start_grace and due.at > max(starts, default=0.0) + EARLY:
            return due.at
        return schedule.timetable.next(now)
    if schedule is not None and schedule.every is not None:
        return max([*starts, evidence.history.first_seen]) + schedule.every
    told = [
        job.next_run
        for _, job in evidence.jobs
        if job.next_run is not None and job.enabled is not False and job.next_run >= now - _GRACE
    ]
    return min(told, default=None) or _usual(evidence, starts, now)


def _usual(evidence: Evidence, starts: Sequence[float], now: float) -> float | None:
    """Now, while it is not longer since its last run than it was between others, with what a run takes; else None."""
    last = starts[-_CADENCE - 1 :]
    gaps = [after - before for before, after in pairwise(last)]
    if len(gaps) < _ENOUGH:
        return None
    takes = max((past.seconds or 0.0 for past in evidence.history.runs[-_CADENCE:]), default=0.0)
    return now if now <= last[-1] + max(gaps) + takes + _GRACE else None


def _last(options: ObjectOptions, evidence: Evidence, now: float) -> Iterator[Trouble]:
    """What the newest run of each job that is over says; one that the product will try again is passed over.

    A job that has not run for long is told by its absence, if by anything: its last run is no news any more. Where the
    product itself says that it is missing, that is news for as long as it says so.
    """
    absent = {(product, run.job) for product, run in evidence.runs if run.outcome is Outcome.MISSED}
    by_job: dict[tuple[str, str], list[Past]] = {}
    for one in newest_first(evidence.history.runs):
        mine = by_job.setdefault((one.product, one.job), [])
        if not one.retries or (not mine and now - one.ended > _RETRY_WITHIN):
            mine.append(one)
    told = {key: mine for key, mine in by_job.items() if mine}
    newest = max((mine[0].started for mine in told.values()), default=0.0)
    for (product, job), mine in told.items():
        old = mine[0].started < newest and now - mine[0].started > NEWS * options.rpo
        if old and (product, job) not in absent:
            continue
        trouble = _of_last(options, mine)
        if trouble is None:
            continue
        said = printable(mine[0].message)[:120]
        whose = f"job {printable(job)[:60]}: " if job and len(told) > 1 else ""
        words = f"{whose}{trouble.words}" + (f": {said}" if said else "")
        of = place(product, job) if job and mine[0].outcome in _WORDS else ""
        yield Trouble(trouble.state, words, trouble.mend, of, said=said)


def _of_last(options: ObjectOptions, mine: Sequence[Past]) -> Trouble | None:
    first = mine[0]
    if first.outcome in _WORDS:
        row = _in_a_row(mine, lambda one: one.outcome in _WORDS)
        words = _WORDS[first.outcome] + (f", the {row} before it no better" if (row := row - 1) else "")
        state = State.UNKNOWN if first.outcome is Outcome.UNKNOWN else State.WARNING
        return Trouble(state, words, "look at the run's own log")
    if first.nothing or (first.level is Level.FULL and (first.files == 0 or first.bytes == 0)):
        return Trouble(State.CRITICAL, "its last run ended well and protected nothing", "see what the job excludes")
    if first.level is Level.FULL and first.bytes is not None and first.bytes < (options.at_least or 0):
        words = f"its last full run took {first.bytes} bytes, and protects nothing below {options.at_least}"
        return Trouble(State.CRITICAL, words, "see what the job excludes")
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


def usual_longest(options: ObjectOptions, seconds: Iterable[float | None]) -> float | None:
    """How long a run may take that takes so long as these (seconds); None where nothing tells."""
    if options.schedule is not None and options.schedule.longest is not None:
        return options.schedule.longest
    known = sorted(one for one in seconds if one is not None)
    if len(known) < _ENOUGH:
        return None
    return max(_LONGEST_FACTOR * known[math.ceil(0.95 * len(known)) - 1], _LONGEST_LEAST)


def overrun(options: ObjectOptions, run: Run, seconds: Iterable[float | None], now: float) -> str:
    """What is said of a run that goes on for too long; empty for any other."""
    longest = usual_longest(options, seconds)
    if run.started is None or longest is None or now - run.started <= longest:
        return ""
    words = f"a run goes on since {moment(run.started)}, for {span(now - run.started)}"
    return f"{words}; {span(longest)} would be long"


def _overrun(options: ObjectOptions, evidence: Evidence, now: float) -> Iterator[Trouble]:
    for product, run in evidence.running:
        if not run.object and place(product, run.job) in evidence.job_runs:
            continue  # the whole job's, which `jobs` judges by other whole runs
        alike = [
            past.seconds
            for past in evidence.history.runs
            if (past.product, past.job) == (product, run.job)
            and run.level in (past.level, Level.OTHER)
            and past.outcome.kept
        ]
        words = overrun(options, run, alike, now)
        if words:
            yield Trouble(State.WARNING, words, "see whether it hangs")
