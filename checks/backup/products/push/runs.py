"""Pings to runs. Pure.

A run is what one run id says; without ids, a start and the next end belong together. What ended twice ended as badly
as it ever said; what began and never ended is under way until that can be believed no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from checks.backup.model import Level, Outcome, Run
from checks.backup.products.push.mails import told
from checks.backup.products.push.rules import MailOptions
from checks.backup.products.rows import one_line
from checks.transports.inbox import Heard, Ping, Sign

_BADNESS = (Outcome.SUCCESS, Outcome.PARTIAL, Outcome.UNKNOWN, Outcome.FAILED)
_SIGNALLED = 128


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What the estate says of a job's pings."""

    level: Level = Level.FULL
    partial: tuple[int, ...] = ()
    given_up_after: float = 86_400.0
    since: float = float("-inf")
    """What was told before that is left out: an end soon after it may be of a run whose start was."""
    mail: MailOptions = field(default_factory=MailOptions)


@dataclass(slots=True)
class _Open:
    """A run as its pings build it up."""

    first: Ping
    start: Ping | None = None
    ends: list[Ping] = field(default_factory=list)
    logs: list[Ping] = field(default_factory=list)

    @property
    def begun(self) -> float:
        """When it began; of a run that told its end alone, as far as that tells."""
        if self.start is not None:
            return self.start.at
        end = self.ends[0] if self.ends else self.first
        return end.at - (end.seconds or 0.0)


def runs_of(job: str, said: Reckoning, heard: Heard, now: float) -> Iterator[Run]:
    """The runs of one job, oldest first; of two that began in the same second the worse."""
    runs = sorted(_grouped(told(heard.pings, said.mail)), key=lambda run: run.begun)
    last_ended = max((run.begun for run in runs if run.ends), default=float("-inf"))
    by_second: dict[int, Run] = {}
    for one in runs:
        if one.start is None and one.begun < said.since + said.given_up_after:
            continue  # it was told with its start, or as it is now, when the window was another
        run = _run(job, said, one, _given_up(said, one, last_ended, runs[-1].begun, now))
        if run is None:
            continue
        known = by_second.get(int(one.begun))
        if known is None or _bad(run) > _bad(known):
            by_second[int(one.begun)] = run
    yield from by_second.values()


def _grouped(pings: Iterable[Ping]) -> list[_Open]:
    with_id: dict[str, _Open] = {}
    without: list[_Open] = []
    current: _Open | None = None
    for ping in pings:
        if ping.rid:
            run = with_id.setdefault(ping.rid, _Open(ping))
        elif ping.sign is Sign.START or current is None:
            run = current = _Open(ping)
            without.append(run)
        else:
            run = current
        if ping.sign is Sign.START:
            run.start = run.start or ping
        elif ping.sign is Sign.LOG:
            run.logs.append(ping)
        else:
            run.ends.append(ping)
            current = None if not ping.rid else current
    return [*with_id.values(), *without]


def _given_up(said: Reckoning, run: _Open, last_ended: float, newest: float, now: float) -> bool:
    """Whether a run that told no end is not believed to go on.

    Without an id the next start says so at once: nobody could tell whose end comes. With one, runs may overlap.
    """
    if not run.first.rid:
        return newest > run.begun
    return last_ended > run.begun and now - run.begun > said.given_up_after


def _run(job: str, said: Reckoning, one: _Open, given_up: bool) -> Run | None:
    id = one.first.rid or f"{job}-{one.first.at:.3f}"
    if not one.ends:
        if one.start is None:
            return None  # it only said something
        outcome = Outcome.UNKNOWN if given_up else Outcome.RUNNING
        words = "it began and never told its end" if given_up else _words(one.logs)
        return Run(id, job, outcome, started=one.begun, level=said.level, message=words)
    end = max(one.ends, key=lambda ping: _BADNESS.index(_outcome(ping, said)))
    known = one.start is not None or end.seconds is not None
    return Run(
        id=id,
        job=job,
        outcome=_outcome(end, said),
        started=one.begun,
        ended=max(one.begun, _ended(one, end)) if known else None,
        level=said.level,
        bytes=end.bytes,
        files=end.files,
        errors=end.errors,
        message=_message(end, one.logs),
    )


def _ended(one: _Open, end: Ping) -> float:
    """By its own measure where it has one: the agent's clock may have been set meanwhile."""
    return one.begun + end.seconds if end.seconds is not None else end.at


def _outcome(end: Ping, said: Reckoning) -> Outcome:
    """An exit status alone is not trusted: what could not be read is missing, whatever the status."""
    if end.sign is Sign.FAIL or (end.sign is Sign.EXIT and end.code != 0 and end.code not in said.partial):
        return Outcome.FAILED
    if end.sign is Sign.UNKNOWN:
        return Outcome.UNKNOWN
    if end.sign is Sign.PARTIAL or (end.sign is Sign.EXIT and end.code != 0) or end.errors:
        return Outcome.PARTIAL
    return Outcome.SUCCESS


def _message(end: Ping, logs: list[Ping]) -> str:
    said = _words([*logs, end])
    if end.sign is not Sign.EXIT or not end.code:
        return said
    status = f"killed by signal {end.code - _SIGNALLED}" if end.code > _SIGNALLED else f"exit status {end.code}"
    return f"{status}: {said}" if said else status


def _words(pings: Iterable[Ping]) -> str:
    """The last line that anything said."""
    lines = [line for ping in pings for line in ping.log.splitlines() if line.strip()]
    return one_line(lines[-1]) if lines else ""


def _bad(run: Run) -> int:
    return _BADNESS.index(run.outcome) if run.outcome in _BADNESS else -1
