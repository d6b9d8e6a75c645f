"""Killed at any step, the agent loses no event, and tells one twice at most, under the same id."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from multiprocessing.process import BaseProcess

import pytest

from agent.ledger import webhooks
from agent.ledger.ledger import Ledger
from exporters.webhooks.worker import Step
from testbeds import webhook_victim
from testbeds.canned import http
from testbeds.forked import forked
from testbeds.peers import wait_until
from testbeds.receiver import SECRET, Receiver
from testbeds.telling import ids, opened, write

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
                victim.join(60)
                assert victim.exitcode == -9, "it was killed by itself, in the middle of telling"
        with _sender(location, receiver.url):
            wait_until(lambda: _told(ledger) == written[-1], "everything has been told in the end", 60)

    taken = Counter(receiver.ids)
    assert list(dict.fromkeys(receiver.ids)) == ids(written, epoch), "all of them, in order, under one id each"
    assert sum(taken.values()) - len(taken) <= 2 * KILLS * len(Step), "once more for a kill, once for a refusal"
    assert all(one.verified == (SECRET,) for one in receiver.got)


@contextmanager
def _sender(location: str, url: str, step: str = "none", times: int = 0) -> Iterator[BaseProcess]:
    victim, hearing = forked(webhook_victim.tell, location, url, step, times, dict(os.environ))
    with hearing:
        try:
            if step == "none":
                assert hearing.recv() == "ready"
            yield victim
        finally:
            victim.kill()
            victim.join(60)


def _told(ledger: Ledger) -> int:
    return ledger.reader.read(webhooks.places)["desk"].sequence
