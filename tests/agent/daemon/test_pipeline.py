"""Who is told by the pipeline, and when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from agent.daemon.pipeline import Outlets, Pipeline
from agent.ledger.ledger import Ledger
from testbeds import kept
from testbeds.peers import wait_until


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger.open(tmp_path / "ledger.sqlite3", clock=lambda: kept.NOW, vantage="hemel")) as opened:
        yield opened


def test_the_feed_is_told_once_the_events_are_on_disk(ledger: Ledger) -> None:
    newest: list[int] = []
    outlets = Outlets(
        probe=lambda _target: None,
        wake=lambda _desks: None,
        told=lambda: None,
        kept=lambda: newest.append(ledger.reader.feed_position().newest),
    )
    nobody = cast(Any, None)
    pipeline = Pipeline(nobody, nobody, nobody, ledger.writer, nobody, nobody, outlets, lambda: kept.NOW)

    pipeline.keep((kept.opening(),))

    wait_until(lambda: newest == [1], "the feed is told of the first event")
