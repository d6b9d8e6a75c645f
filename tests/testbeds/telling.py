"""Webhooks at work on a real ledger, towards receivers on loopback, as the daemon has them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent.ledger import webhooks as rows
from agent.ledger.batch import Batch
from agent.ledger.ledger import Ledger
from agent.ledger.webhooks import DeadLetter, Place
from agent.records import Cause, EventKind, IncidentChange
from agent.webhook_commands import WebhookCommands
from config.estate import Estate, WebhookSpec
from config.schema.outbound import EVERY_KIND, NOISE
from config.secrets import Secret, SecretReference
from exporters.feed.hub import Hub
from exporters.outbound import Caller
from exporters.prometheus.own import OwnMetrics
from exporters.webhooks.delivery import Webhooks, unobserved
from exporters.webhooks.worker import Step
from testbeds import kept, single


def webhook(
    url: str | SecretReference, name: str = "desk", secrets: tuple[str, ...] = ("env:HOOK",), **changes: object
) -> WebhookSpec:
    """A subscription to everything of everybody that is no noise."""
    references = tuple(SecretReference.parse(secret) for secret in secrets)
    place = Secret(url) if isinstance(url, str) else url
    made = WebhookSpec(name, place, references, None, EVERY_KIND - NOISE, timeout=5.0)
    return replace(made, **changes)  # type: ignore[arg-type]


def estate_with(*webhooks: WebhookSpec) -> Estate:
    return replace(single.estate(), webhooks={spec.name: spec for spec in webhooks})


def write(ledger: Ledger, *incidents: str, kind: EventKind = EventKind.OPENED, council: str = "dacorum") -> list[int]:
    """An incident for each id, with one event of this kind; returns the events' numbers, once they are on disk."""
    numbers: list[int] = []
    for id in incidents:
        cause = Cause(council, id.lower(), "snmp/memory")
        change = IncidentChange(kept.incident(id, cause), (kept.event(id, kind),))
        numbers += ledger.writer.submit(Batch(incident_changes=(change,))).result(30)
    return numbers


@dataclass
class Telling:
    """What `telling` yields."""

    webhooks: Webhooks
    ledger: Ledger
    own: OwnMetrics
    commands: WebhookCommands

    def place(self, name: str = "desk") -> Place:
        found = self.ledger.reader.read(lambda connection: rows.place(connection, name))
        assert found is not None
        return found

    def dead(self, name: str = "desk") -> tuple[DeadLetter, ...]:
        return self.ledger.reader.read(lambda connection: rows.letters(connection, name, 100))

    def metric(self, name: str, **labels: str) -> float | None:
        for family in parse_text(self.own.page(openmetrics=False).decode()):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    found: float = sample.value
                    return found
        return None

    async def settled(self, *names: str) -> None:
        """Wait until exactly these subscriptions are kept, so that what is written from now on is told to them."""
        await until(
            lambda: set(self.ledger.reader.read(rows.places)) == set(names), f"the ledger has {names or 'no webhook'}"
        )


async def until(condition: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """`wait_until`, in a running loop; the condition may wait for the ledger."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if await asyncio.to_thread(condition):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"not within {seconds:g} s: {what}")


@asynccontextmanager
async def telling(
    ledger: Ledger,
    *specs: WebhookSpec,
    probe: Callable[[Step], None] = unobserved,
    clock: Callable[[], float] = time.time,
    settled: bool = True,
) -> AsyncIterator[Telling]:
    own = OwnMetrics("", "", dict, lambda: 0)
    caller = Caller()
    hub = Hub(ledger.reader, "test", coalesce=0.0)
    await hub.start()
    webhooks = Webhooks(estate_with(*specs), ledger.reader, ledger.writer, hub, caller, own.outbound, clock, probe)
    webhooks.start()
    told = Telling(webhooks, ledger, own, WebhookCommands(webhooks, ledger.writer.ask, clock))
    try:
        if settled:
            await told.settled(*(spec.name for spec in specs))
        yield told
    finally:
        await webhooks.stop()
        await hub.stop()
        await caller.close()


def opened(location: str | Path, **options: object) -> Ledger:
    """The ledger at a place, as the tests' agent keeps it."""
    return Ledger.open(location, clock=time.time, vantage="hemel", **options)  # type: ignore[arg-type]


def ids(numbers: Iterable[int], epoch: str) -> list[str]:
    return [f"{epoch}:{number}" for number in numbers]
