"""Jobs that the drill has the director run: waited for to their end, and cancelled where nobody will see that.

A job that waits for an operator is cancelled and seen to be over: it would else lie in the way of tonight's backups.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from agent.restore_drills.products import could_not, shows_damage
from agent.restore_drills.products.bacula.console import Console, refused, rows
from agent.restore_drills.running import Printed, Runner
from agent.restore_drills.verdict import Failed, Unproven
from checks.printable import printable

OVER = frozenset("TWEefADI")
"""JobStatus of what has ended. Source: Bacula's table `Status`."""
DAMAGE = ("volume data error", "block checksum mismatch", "not correct. original", "invalid block number")
_AWAY = ("unable to connect", "could not connect", "unable to authenticate", "authorization", "bad response",
         "network error", "connection")  # fmt: skip
_QUEUED = re.compile(r"^Job queued\. JobId=([0-9]{1,10})$", re.MULTILINE)
_WAITS = re.compile(r"Please mount[^\n]*Volume \"([^\"\n]{1,127})\"|Please use the|Intervention needed")
_WRONG = re.compile(r"^.*(?:Error|Fatal error|Warning): (.+)$")
_FIRST, _SLOWEST = 0.2, 5.0
"""Seconds between two looks at a job."""
_LOOK = 45.0
_CANCEL = 5.0
_GONE = 30.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that is over."""

    id: str
    status: str
    files: int
    errors: int
    log: str
    seconds: float


class Jobs:
    """Of one drill."""

    def __init__(self, console: Console, runner: Runner) -> None:
        self._console = console
        self._run = runner

    def done(self, what: str, *commands: str) -> Ended:
        """The job that these commands start, at its end. Raises Unproven."""
        answer = "\n".join(self._console.ask(what, *commands))
        queued = _QUEUED.search(answer)
        if queued is None:
            raise Unproven(f"the director starts no job: {refused(answer)}")
        try:
            return self._ended(what, queued[1])
        except Unproven as error:  # being stopped is one
            why = self.cancel(queued[1])
            said = f"MAY STILL RUN, look at it by hand: {why}" if why else "is cancelled and over"
            raise type(error)(f"{error}; its job {queued[1]} {said}") from error
        except OSError:
            self.cancel(queued[1])
            raise  # the scratch place's own fault

    def cancel(self, job: str) -> str:
        """Cancel a job and see that it is over; why that is not certain, or nothing."""
        why = "it still runs"
        with self._run.more_time():
            until = time.monotonic() + _GONE
            commands = [f"cancel jobid={job}"]
            while time.monotonic() < until:
                try:
                    if commands:
                        self._console.ask("cancels its job", commands.pop(), most=_CANCEL)
                    row, _ = self._looked("waits for the end of its job", job, most=_CANCEL)
                except Unproven as error:  # the job may be over all the same: look again
                    why = str(error)
                else:
                    if row.get("JobStatus") in OVER:
                        return ""
                time.sleep(_FIRST)
        return why

    def _ended(self, what: str, job: str) -> Ended:
        begun, pause = time.monotonic(), _FIRST
        while True:
            row, log = self._looked(what, job)
            status = row.get("JobStatus", "")
            if status in OVER:
                files, errors = (_count(row.get(name, "")) for name in ("JobFiles", "JobErrors"))
                return Ended(job, status, files, errors, log, time.monotonic() - begun)
            waits = _WAITS.search(log)
            if waits:
                volume = f"the volume {printable(waits[1])}" if waits[1] else "an operator"
                raise Unproven(f"the job waits for {volume}: a tape that is to be loaded, or a volume that is gone")
            if time.monotonic() >= self._run.until:
                raise Unproven("the job did not end within its time; raise `max_time`, or see what it waits for")
            self._run.count(what)
            time.sleep(pause)
            pause = min(_SLOWEST, pause * 1.2)

    def _looked(self, what: str, job: str, most: float = _LOOK) -> tuple[Mapping[str, str], str]:
        """Raises Unproven: while a director of 9.6 looks for a storage daemon that is away it answers nobody."""
        told, log = self._console.ask(what, f"llist jobid={job}", f"list joblog jobid={job}", most=most)
        return next(rows(told), {}), log


def settle(ended: Ended, room: Path, what: str) -> None:
    """See how a job ended, by its status and by what its log says. Raises Failed, Unproven."""
    wrong = "\n".join(_wrong(ended.log, str(room)))
    printed, first = Printed(Path(), wrong, 1, ended.seconds), printable(wrong.partition("\n")[0])[:200]
    if ended.status in "TW" and not shows_damage(printed, DAMAGE):
        return
    why = could_not(printed, DAMAGE)
    if why:
        raise Unproven(why)
    if shows_damage(printed, DAMAGE):
        raise Failed(f"{what}: {_damage(wrong)}")
    if ended.status == "D":
        raise Failed(f"{what}: the volume and the catalogue differ")
    if ended.status == "A":
        raise Unproven("somebody cancelled its job")
    if shows_damage(printed, _AWAY):
        raise Unproven(f"a daemon could not be reached: {first}")
    if not wrong:
        words = f"its job {ended.id} ended with status {ended.status} and left no log in the catalogue"
        raise Unproven(f"{words}: give it Messages with `catalog = all`")
    raise Failed(f"{what}: {first}")


def _wrong(log: str, room: str) -> Iterator[str]:
    """Errors and warnings of a log; what was restored there is called by no name."""
    for line in log.splitlines():
        match = _WRONG.match(line)
        said = match[1] if match else line if shows_damage(Printed(Path(), line, 1, 0.0), DAMAGE) else ""
        if said and not said.startswith("Bacula "):
            yield said.partition(room)[0].strip()


def _count(said: str) -> int:
    plain = said.replace(",", "")
    return int(plain) if plain.isdecimal() else 0


def _damage(wrong: str) -> str:
    first = next(line for line in wrong.splitlines() if shows_damage(Printed(Path(), line, 1, 0.0), DAMAGE))
    return printable(first)[:200]
