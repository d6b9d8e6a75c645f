"""An agent that is killed, a ledger that is put back to older copies of itself, and everything it ever wrote."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine

from agent.ledger.copying import clear, copy_rows, copy_to_file
from agent.ledger.database import database_at
from agent.ledger.epochs import Lineage, begin_epoch, lineage_of, shared
from agent.ledger.migrate import lay_out
from agent.ledger.migrations import HEAD
from agent.ledger.read import Reader
from testbeds.peers import free_port, wait_until

_TESTS = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(_TESTS)}


@dataclass
class World:
    location: str
    folder: Path
    rate: float = 300.0
    port: int = field(default_factory=free_port)
    agent: subprocess.Popen[str] | None = None
    copies: list[Path] = field(default_factory=list)
    written: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Of every event that ever was in the ledger: id and council, by number."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "testbeds.feed_agent", self.location, str(self.port), str(self.rate)]
        self.agent = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
        )
        assert self.agent.stdout is not None
        assert any(line == "ready\n" for line in self.agent.stdout), "the agent did not start"

    def kill(self) -> None:
        if self.agent is not None:
            self.agent.kill()
            self.agent.communicate()
            self.agent = None

    def write_to_the_end(self) -> None:
        """Let the agent write what it has begun, and no more; its feed goes on."""
        assert self.agent is not None and self.agent.stdin is not None and self.agent.stdout is not None
        self.agent.stdin.write("\n")
        self.agent.stdin.flush()
        assert self.agent.stdout.readline() == "written\n"

    def grow(self, events: int) -> None:
        """Until so many more events are on disk."""
        with self._reader() as reader:
            enough = reader.feed_position().newest + events
            wait_until(lambda: reader.feed_position().newest >= enough, f"{events} more events are written", 60)

    def copy(self) -> None:
        path = self.folder / f"copy-{len(self.copies)}-{time.monotonic_ns()}"
        with _connected(database_at(self.location).reader_engine()) as source:
            copy_to_file(source, path, HEAD)
        self.copies.append(path)

    def restore(self, place: int) -> None:
        """Kill the agent and put back a copy; younger copies are given up."""
        self.kill()
        self.take_down()
        with _connected(database_at(str(self.copies[place])).writer_engine()) as source:
            copied = lineage_of(source)
            with _connected(database_at(self.location).writer_engine()) as target:
                present = lineage_of(target)
                clear(target)
                lay_out(target, HEAD)
                copy_rows(source, target)
                begin_epoch(target, time.time(), shared(copied, present), beyond=present.sequence)
        del self.copies[place + 1 :]

    def take_down(self) -> dict[int, tuple[str, str]]:
        """Write down what is in the ledger; returns it."""
        with self._reader() as reader:
            position = reader.feed_position()
            found = {
                kept.sequence: (f"{position.epoch_of(kept.sequence)}:{kept.sequence}", kept.council)
                for kept in reader.events(0, 1_000_000)
            }
        for sequence, event in found.items():
            assert self.written.setdefault(sequence, event) == event, "a number was used twice, or an id changed"
        return found

    def lineage(self) -> Lineage:
        with self._reader() as reader:
            return reader.feed_position().lineage

    @contextmanager
    def _reader(self) -> Iterator[Reader]:
        reader = Reader(database_at(self.location))
        try:
            yield reader
        finally:
            reader.close()


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    finally:
        engine.dispose()
