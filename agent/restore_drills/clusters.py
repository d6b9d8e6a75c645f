"""What is looked at in a PostgreSQL cluster that was restored: the canary's row, sentinel tables, pages, indexes.

It is restored and started once, when the first hand needs it; a failure of that is a failure of every hand.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from agent.restore_drills import canary
from agent.restore_drills.options.clusters import ClusterDrill, DatabaseOptions, RowCanary
from agent.restore_drills.postgres import Server
from agent.restore_drills.products import Backup, ClusterProduct, Target
from agent.restore_drills.verdict import Brought, Failed, Stopped, Unproven


def reaching(points: Sequence[Backup], options: ClusterDrill, now: float) -> list[Backup]:
    """The backups from which the drill's target can be reached. Raises Unproven where there are none."""
    if options.back is None:
        return list(points)
    before = [one for one in points if one.until <= now - options.back]
    if not before:
        raise Unproven("no backup is so old that the log could be replayed to `back`: it goes back too far")
    return before


class Cluster:
    """One cluster, in one drill."""

    def __init__(self, options: ClusterDrill, product: ClusterProduct, backup: Backup, old: bool, now: float) -> None:
        self._options = options
        self._product = product
        self._backup = backup
        consistent = old or not options.replay
        moment = now - options.back if options.back is not None and not consistent else None
        self._target = Target(moment, consistent)
        self._now = now
        self._old = old
        self._server: Server | None = None
        self._trouble: Failed | Unproven | None = None
        self._seconds = 0.0
        self._octets = 0

    def canary(self, options: RowCanary) -> Brought:
        """The canary's row, or that the newest change is new. Raises Failed, Unproven."""
        server = self._running()
        if options.table is None:
            return self._newest_change(server, options)
        said = f"SELECT encode(convert_to(left(said, {canary.LARGEST}), 'UTF8'), 'hex')"
        query = f"{said} FROM {_quoted(options.table)} LIMIT 2"
        rows = server.ask(options.database, query, f"the canary in {options.table}").split()
        if len(rows) != 1:
            raise Failed(f"{options.table} holds {'no canary' if not rows else 'more than one canary'}")
        octets = bytes.fromhex(rows[0])
        found = canary.understood(octets)
        return self._brought(f"canary {found.nonce[:8]} came back whole", octets, self._as_of(found.at))

    def database(self, options: DatabaseOptions) -> Brought:
        """The sentinel tables have their rows, and pages and indexes are whole. Raises Failed, Unproven."""
        server = self._running()
        found = []
        for one in options.tables:
            query = f"SELECT count(*) FROM {_quoted(one.table)}"  # noqa: S608 - its name was checked
            rows = int(server.ask(one.database, query, f"the rows of {one.table}"))
            if rows < one.rows:
                raise Failed(f"{one.table} came back with {rows} rows, and must have {one.rows} at least")
            found.append(f"{one.table} with {rows} rows")
        words = f"{', '.join(found[:5])} came back"
        if options.indexes:
            server.check_indexes(sorted({one.database for one in options.tables}))
            words += "; tables and indexes are right"
        if options.pages:
            words += f"; {server.check_pages()}"
        return self._brought(words)

    def close(self) -> None:
        """End its server."""
        if self._server is not None:
            self._server.close()

    def _running(self) -> Server:
        if self._trouble is not None:
            raise self._trouble
        if self._server is None:
            try:
                self._server = self._restored()
            except Stopped:
                raise
            except (Failed, Unproven) as error:
                self._trouble = error
                raise
        return self._server

    def _restored(self) -> Server:
        room, largest = self._product.runner.room, self._options.max_size
        if self._backup.octets is not None and self._backup.octets > largest:
            size = self._backup.octets / 1024**2
            raise Unproven(f"the cluster has {size:.0f} MiB, and `max_size` is {largest / 1024**2:.0f} MiB; raise it")
        files = self._product.restore(self._backup, room.restored, self._target)
        self._octets = _looked_over(room.restored)
        self._server = Server(self._product.runner, files, self._options.role)
        begun = time.monotonic()
        try:
            self._server.start(self._target)
            if self._target == Target():
                self._server.check_log()
        except Failed:
            with self._product.runner.more_time():
                self._still_there()
            raise
        self._seconds = files.seconds + time.monotonic() - begun
        return self._server

    def _still_there(self) -> None:
        """Raises Unproven where the backup can no longer be had: what comes of that is no damage."""
        if self._backup.id not in [one.id for one in self._product.points()]:
            raise Unproven("the backup was deleted while it was restored")

    def _newest_change(self, server: Server, options: RowCanary) -> Brought:
        query = "SELECT extract(epoch FROM pg_last_xact_replay_timestamp())"
        said = server.ask(options.database, query, "the newest change")
        if not said:
            raise Unproven("no change is in the log since the backup began; plant a canary")
        age = (self._as_of(0.0) if self._old or self._target.moment else self._now) - float(said)
        if age > options.max_age:
            raise Failed(f"the newest change is {age / 3600:.1f} h old: the log does not arrive, or nobody writes")
        return self._brought(f"the newest change was {max(0.0, age) / 3600:.1f} h old")

    def _as_of(self, at: float) -> float:
        """As of when the cluster was restored; of a canary, which may be of after the backup."""
        if self._target.moment is not None:
            return self._target.moment
        return self._backup.until if self._target.consistent else max(self._backup.until, at)

    def _brought(self, words: str, octets: bytes = b"", as_of: float = 0.0) -> Brought:
        past = self._target.moment is not None
        return Brought(self._seconds, self._octets, words, octets, as_of, past)


def _quoted(table: str) -> str:
    """A table's name, as SQL takes it."""
    schema, _, name = table.rpartition(".")
    return f'"{schema or "public"}"."{name}"'


def _looked_over(restored: Path) -> int:
    """How many octets were restored. Raises Unproven where a link leads out of them: what is there is not ours."""
    whole = 0
    for directory, names, files in os.walk(restored):
        for path in (Path(directory, name) for name in (*names, *files)):
            if path.is_symlink() and not path.resolve().is_relative_to(restored):
                raise Unproven(f"a link in what was restored leads out of it, to {path.readlink()}")
        whole += sum(Path(directory, name).lstat().st_size for name in files)
    return whole
