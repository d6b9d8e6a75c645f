"""Killed at any step, the agent loses no event, and tells one twice at most, under the same id."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from agent.ledger import webhooks
from agent.ledger.ledger import Ledger
from exporters.webhooks.worker import Step
from testbeds.canned import http
from testbeds.peers import wait_until
from testbeds.receiver import SECRET, Receiver
from testbeds.telling import ids, opened, write

TESTS = Path(__file__).parents[2]
KILLS = 3
"""At each step."""


@pytest.mark.acceptance
@pytest.mark.timeout(300)
def test_no_event_is_lost_and_none_has_two_ids_however_often_the_sender_is_killed(
    location: str, receiver: Receiver
) -> None:
    chance = random.Random(location)
    written: list[int] = []
    with closing(opened(location)) as ledger:
        with _sender(location, receiver.url):
            wait_until(lambda: ledger.reader.read(webhooks.places) != {}, "the subscription is kept")
        epoch = ledger.reader.feed_position().epoch
        for step in list(Step) * KILLS:
            receiver.script = [http(500)] * chance.randrange(2)
            with _sender(location, receiver.url, step, chance.randrange(1, 4)) as victim:
                written += write(ledger, *(f"RWY-{len(written) + number}" for number in range(4)))
                assert victim.wait(60) == -9, "it was killed by itself, in the middle of telling"
        with _sender(location, receiver.url):
            wait_until(lambda: _told(ledger) == written[-1], "everything has been told in the end", 60)

    taken = Counter(receiver.ids)
    assert list(dict.fromkeys(receiver.ids)) == ids(written, epoch), "all of them, in order, under one id each"
    assert sum(taken.values()) - len(taken) <= 2 * KILLS * len(Step), "once more for a kill, once for a refusal"
    assert all(one.verified == (SECRET,) for one in receiver.got)


@contextmanager
def _sender(location: str, url: str, step: str = "none", times: int = 0) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "testbeds.webhook_victim", location, url, step, str(times)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as victim:
        assert victim.stdout is not None
        try:
            said = list(iter(victim.stdout.readline, "ready\n")) if step == "none" else []
            assert victim.poll() is None, said
            yield victim
        finally:
            victim.kill()


def _told(ledger: Ledger) -> int:
    return ledger.reader.read(webhooks.places)["desk"].sequence
