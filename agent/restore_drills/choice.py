"""What a drill restores, and how: the product of its plan, the restore point whose turn it is, a way for each hand."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from agent.restore_drills import files
from agent.restore_drills.clusters import Cluster, reaching
from agent.restore_drills.options import FileDrill
from agent.restore_drills.options.clusters import BarmanDrill, ClusterDrill, PgBackRestDrill
from agent.restore_drills.options.tools import BaculaDrill, BorgDrill, CommandDrill, ResticDrill
from agent.restore_drills.plan import AnyDrill
from agent.restore_drills.products import ClusterProduct, Point, Product
from agent.restore_drills.products.bacula import Bacula
from agent.restore_drills.products.barman import Barman
from agent.restore_drills.products.borg import Borg
from agent.restore_drills.products.command import Command
from agent.restore_drills.products.pgbackrest import PgBackRest
from agent.restore_drills.products.restic import Restic
from agent.restore_drills.running import Runner
from agent.restore_drills.verdict import Brought
from checks.backup.proofs import DrillState

P = TypeVar("P", bound=Point)


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is."""

    state: DrillState
    chance: random.Random
    now: float
    rehearsal: bool = False


@dataclass(slots=True)
class Choice:
    """What is restored."""

    point: Point
    old: bool
    ways: dict[str, Callable[[], Brought]] = field(default_factory=dict)
    """By hand; each may raise Failed, Unproven."""


def product_for(options: AnyDrill, runner: Runner) -> Product | ClusterProduct:
    """The product of a drill."""
    return _of_clusters(options, runner) if isinstance(options, ClusterDrill) else _of_files(options, runner)


def choice(options: AnyDrill, runner: Runner, turn: Turn, ending: ExitStack) -> Choice:
    """Choose. What must end with the drill is left to `ending`.

    Raises Failed where the list of points is damaged, Unproven.
    """
    if isinstance(options, ClusterDrill):
        clusters = _of_clusters(options, runner)
        backup, old = _chosen(reaching(clusters.points(), options, turn.now), options, turn)
        made = Choice(backup, old)
        cluster = ending.enter_context(closing(Cluster(options, clusters, backup, old, turn.now)))
        if options.canary is not None:
            made.ways["canary"] = partial(cluster.canary, options.canary)
        if options.database is not None:
            made.ways["database"] = partial(cluster.database, options.database)
        return made
    product = _of_files(options, runner)
    made = Choice(*_chosen(product.points(), options, turn))
    if options.canary is not None:
        made.ways["canary"] = partial(files.canary, product, made.point, runner.room, options.canary.path)
    if options.samples is not None:
        draw = files.Draw(options.samples, options.max_size // 4, turn.chance)
        made.ways["samples"] = partial(files.samples, product, made.point, runner.room, draw)
    return made


def _of_files(options: FileDrill, runner: Runner) -> Product:
    if isinstance(options, ResticDrill):
        return Restic(options, runner)
    if isinstance(options, BaculaDrill):
        return Bacula(options, runner)
    if isinstance(options, CommandDrill):
        return Command(options, runner)
    assert isinstance(options, BorgDrill)  # for the type checker: a plan holds no other
    return Borg(options, runner)


def _of_clusters(options: ClusterDrill, runner: Runner) -> ClusterProduct:
    if isinstance(options, PgBackRestDrill):
        return PgBackRest(options, runner)
    assert isinstance(options, BarmanDrill)  # for the type checker: a plan holds no other
    return Barman(options, runner)


def _chosen(points: Sequence[P], options: AnyDrill, turn: Turn) -> tuple[P, bool]:
    """The newest point, or when its turn has come an older one: that of which a restore failed, as long as it lies.

    In a rehearsal the newest, so that the next canary is sure to clear it.
    """
    every = options.old_point_every
    if turn.rehearsal or every is None or turn.state.runs % every or len(points) < 2:
        return points[-1], False
    again = [point for point in points[:-1] if point.id == turn.state.retry]
    return (again or [turn.chance.choice(points[:-1])])[0], True
