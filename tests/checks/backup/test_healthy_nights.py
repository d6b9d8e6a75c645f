"""Ninety healthy nights of 80 objects, judged whole and put through the incident machine, open hardly anything.

Everything is in them that healthy nights have: tails, weekly full backups, first tries that fail, jobs that come to a
machine late, runs under way when they are looked at, and the end of summer time.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from checks.backup.history import ObjectHistory, Past
from checks.backup.judgement import BackupAnswers, ProductPart, judged
from checks.backup.model import Account, Job, Level, Outcome, RestorePoint, Run
from checks.backup.options import BackupOptions
from checks.backup.rules.sizes import unusual
from checks.contract import Memory
from testbeds import judging
from testbeds.backup_accounts import DAY, HOUR, NOW, options

OBJECTS, JOBS, NIGHTS = 80, 8, 90
BEFORE = 15
"""Nights that the server has seen at first contact."""
TEN = 1_789_765_200.0
"""2026-09-18 22:00 in London; the clocks are put back after 37 nights."""
WISH = {"rpo": "27h", "retention": {"points": 7}, "rto": "8h"}
SCHEDULE = {"schedule": {"cron": "0 22 * * *", "start_grace": "30m"}}


@dataclass
class Server:
    """A backup server of 8 jobs; half of its machines have sizes with heavy tails."""

    seed: int
    runs: list[Run] = field(default_factory=list)
    points: list[RestorePoint] = field(default_factory=list)
    window: float = 45 * DAY

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def night(self, number: int) -> None:
        begin = TEN + number * DAY + (HOUR if number >= 37 else 0.0)
        for job in range(JOBS):
            at = begin + self.chance.uniform(0, 120)
            started = at
            for machine in range(job, OBJECTS, JOBS):
                at = self._machine(number, job, machine, at)
            self.runs.append(Run(f"{job}-{number}", f"job {job}", Outcome.SUCCESS, "", started, at))

    def _machine(self, night: int, job: int, machine: int, at: float) -> float:
        heavy = machine % 2 == 1 and self.chance.random() < 0.02
        spread = 0.15 * (self.chance.choice((2.0, 3.0, 4.0)) if heavy else 1.0)
        full = night % 7 == machine % 7
        size = (1e11 if full else 4e9) * math.exp(self.chance.gauss(0.0, spread))
        seconds = (1500 if full else 300) * math.exp(self.chance.gauss(0.0, spread))
        name, level = f"srv{machine}", Level.FULL if full else Level.INCREMENTAL
        if self.chance.random() < 0.02:
            first = Run(f"{name}-{night}-1", f"job {job}", Outcome.FAILED, name, at, at + 60, level, retries=True)
            self.runs.append(first)
            at += 660
        self.runs.append(
            Run(
                f"{name}-{night}", f"job {job}", Outcome.SUCCESS, name, at, at + seconds, level, int(size),
                int(size * 0.5 * math.exp(self.chance.gauss(0.0, 0.08))), 100_000 + self.chance.randrange(999), 0,
            )
        )  # fmt: skip
        self.points.append(RestorePoint(name, at, "main", level, int(size)))
        return at + seconds

    def account(self, now: float) -> Account:
        """What it tells at that moment: the runs of two days, at first contact all, and the points of 10 nights."""
        window, self.window = self.window, 2 * DAY
        told = [run for run in self.runs if now - window < (run.started or 0.0) <= now]
        runs = [
            run if (run.ended or 0.0) <= now else Run(run.id, run.job, Outcome.RUNNING, run.object, run.started)
            for run in told
        ]
        over = {(run.object, run.started) for run in runs if run.outcome.over}
        points = [
            point
            for point in self.points
            if now - 10 * DAY < point.at and ((point.object, point.at) in over or point.at <= now - 2 * DAY)
        ]
        return Account(
            "veeam", now, jobs=tuple(Job(f"job {job}", enabled=True, repository="main") for job in range(JOBS)),
            runs=tuple(runs), objects=tuple(f"srv{machine}" for machine in range(OBJECTS)), points=tuple(points),
            server_backup=now - HOUR, server_encrypted=True,
        )  # fmt: skip


def polls(night: int) -> Iterator[float]:
    """Every morning, and now and then in the evening before the run, and while it goes on."""
    for hours in (-1.0, 1.0, 10.0) if night % 10 == 5 else (10.0,):
        yield TEN + night * DAY + hours * HOUR + (HOUR if night >= 37 else 0.0)


def opened(said: BackupOptions, server: Server, last: int = NIGHTS) -> list[str]:
    """The causes of all incidents that the whole agent would open in so many nights."""
    stage = judging.Stage(
        judging.estate(
            judging.target(
                "backups",
                judging.check("backups", "backup", open_after=judging.ONCE, clear_after=judging.ONCE, evidence=True),
            )
        )
    )
    memory: Memory | None = None
    for night in range(BEFORE + last):
        server.night(night)
        for now in polls(night) if night >= BEFORE else ():
            found = judged(said, BackupAnswers({"veeam": ProductPart(server.account(now))}), memory, now)
            memory = found.memory or memory
            stage.now = now
            stage.result("backups/backup", *found.findings, covers=found.covers, may_go=found.may_go)
    return [one.cause.condition for one in stage.incidents.values()]


def test_ninety_healthy_nights_of_eighty_objects_open_three_incidents_at_most() -> None:
    """Of half of them the estate says when they should run."""
    said = options({f"srv{machine}": WISH | (SCHEDULE if machine % 4 < 2 else {}) for machine in range(OBJECTS)})

    incidents = opened(said, Server(20261130))

    assert len(incidents) <= 3, incidents


class Tired(Server):
    """A server of which one job goes well and comes to none of its machines any more."""

    def _machine(self, night: int, job: int, machine: int, at: float) -> float:
        return at if job == 3 and night >= BEFORE + 6 else super()._machine(night, job, machine, at)


def test_a_job_that_comes_to_none_of_its_machines_is_one_incident_in_the_same_night() -> None:
    said = options(
        {f"srv{machine}": WISH | SCHEDULE | {"rpo": "3d"} for machine in range(3, OBJECTS, 2 * JOBS)}, undeclared=False
    )

    assert opened(said, Tired(1), 6) == []
    assert opened(said, Tired(1), 7) == ["backup/job/veeam/job 3"]


def nights(count: int) -> list[Past]:
    chance = random.Random(1)
    found = []
    for night in range(count):
        size, seconds = (middle * math.exp(chance.gauss(0.0, 0.15)) for middle in (1e11, 1200.0))
        found.append(Past("veeam", NOW + night * DAY, seconds, Outcome.SUCCESS, Level.FULL, int(size)))
    return found


def test_a_job_that_shrinks_to_a_tenth_for_good_opens_one() -> None:
    runs = nights(90)
    shrunk = [
        Past(one.product, one.started, one.seconds, one.outcome, one.level, (one.bytes or 0) // 10) for one in runs[:3]
    ]

    assert any(one.deviation.incident for one in unusual([*runs[-57:], *shrunk[:2]]))
    assert not any(one.deviation.incident for one in unusual([*runs[-57:], *shrunk[:1]]))
    assert any(one.deviation.line and one.what == "size" for one in unusual([*runs[-57:], *shrunk[:1]]))


def test_with_few_runs_nothing_is_said() -> None:
    runs = nights(14)

    assert unusual(runs) == []
    assert isinstance(ObjectHistory(tuple(runs)), ObjectHistory)
