"""Ten readers, an agent that is killed, a ledger that is put back: each has every event once, in order.

The sample of `make test` is small; `make chaos` sets RIDGEWAY_FEED_EVENTS to 10,000.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from testbeds.feed_agent import COUNCILS
from testbeds.feed_reader import read_back
from testbeds.feed_world import ENVIRONMENT, World
from testbeds.peers import wait_until
from testbeds.postgres import PostgresCluster

EVENTS = int(os.environ.get("RIDGEWAY_FEED_EVENTS", "1500"))
STEP = 150
"""Events between two mishaps."""
DACORUM, AYLESBURY = COUNCILS
WHO = (
    ("number", None), ("number", DACORUM), ("id", None), ("id", AYLESBURY), ("wait", DACORUM), ("batch", None),
    ("last", AYLESBURY), ("stream", None), ("stream", DACORUM), ("stream-number", None),
)  # fmt: skip

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180 if EVENTS < 5_000 else 1_800)]


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    cluster = PostgresCluster() if request.param == "postgresql" else None
    location = str(tmp_path / "ledger.sqlite3") if cluster is None else cluster.database()
    made = World(location, tmp_path)
    yield made
    made.kill()
    if cluster is not None:
        cluster.close()


@dataclass
class Reader:
    url: str
    journal: Path
    form: str
    council: str | None
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "testbeds.feed_reader", self.url, str(self.journal), self.form]
        self.process = subprocess.Popen(
            [*command, *([self.council] if self.council else [])], env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
        )

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.poll() is None, self.process.communicate()[1]
        self.process.kill()
        self.process.communicate()

    def has(self, ids: set[str]) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.process.communicate()[1]
        return ids <= {str(event["id"]) for event in read_back(self.journal)}


@pytest.fixture
def readers(world: World) -> Iterator[list[Reader]]:
    made = [
        Reader(world.url, world.folder / f"journal-{place}", form, council) for place, (form, council) in enumerate(WHO)
    ]
    yield made
    for one in made:
        if one.process is not None and one.process.poll() is None:
            one.kill()


def test_ten_readers_have_every_event_once_and_in_order(world: World, readers: list[Reader]) -> None:
    chance = random.Random(EVENTS)
    mishaps = max(6, EVENTS // (3 * STEP))
    world.start()
    for one in readers:
        one.start()

    for number in range(mishaps):
        world.grow(EVENTS // mishaps - STEP)
        world.copy()
        world.grow(STEP)
        for one in chance.sample(readers, 3):
            one.kill()
            one.start()
        if number % 2:
            world.restore(chance.randrange(max(0, len(world.copies) - 2), len(world.copies)))
        else:
            world.kill()
            world.take_down()
        world.start()
    world.grow(STEP)
    world.write_to_the_end()
    last = world.take_down()
    for one in readers:
        mine = {id for id, council in last.values() if one.council in (None, council)}
        wait_until(lambda one=one, mine=mine: one.has(mine), f"{one.form}, {one.council} has read to the end", 60)

    assert len(world.written) >= EVENTS
    assert len(world.lineage().ancestors) >= mishaps // 2
    assert len(last) < len(world.written), "the restores took events away"
    written = dict(world.written.values())
    for one in readers:
        seen = [(str(event["id"]), str(event["council"])) for event in read_back(one.journal)]
        numbers = [int(id.rpartition(":")[2]) for id, _ in seen]
        assert numbers == sorted(set(numbers)), f"{one.form}, {one.council}: in order, nothing twice"
        assert all(written.get(id) == council for id, council in seen), "nothing that was never written"
        assert one.council is None or {council for _, council in seen} == {one.council}
