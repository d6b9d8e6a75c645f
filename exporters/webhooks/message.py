"""What is sent to a webhook: one CloudEvent in structured mode, and the id by which a receiver knows it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ulid import ULID

from agent.ledger.cursor import FeedPosition
from agent.ledger.jsontext import dumps
from agent.ledger.read import KeptEvent
from agent.records import Councils
from exporters.feed.cloudevents import VERSION
from exporters.feed.render import shown
from exporters.web.text import iso
from exporters.webhooks.signing import webhook_id

TEST = f"ridgeway.webhook.test.{VERSION}"
"""The `type` of what `ridgeway webhooks test` sends. It is no event of the feed."""


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    """The same whenever the same event is sent."""
    body: bytes


def event_message(kept: KeptEvent, log: FeedPosition, estate: str, councils: Councils) -> Message:
    """An event as a subscription to these councils is told it: the same that the feed shows to their readers."""
    return _message(shown(kept, log, estate, councils))


def sample_message(subscription: str, by: str, estate: str, now: float) -> Message:
    """An event that says it is a test, and who wanted it."""
    return _message(
        {
            "specversion": "1.0",
            "id": f"test-{ULID.from_timestamp(now)}",
            "source": f"urn:ridgeway:{estate}",
            "type": TEST,
            "subject": subscription,
            "time": iso(now),
            "datacontenttype": "application/json",
            "data": {"text": f"{by} tries whether this webhook works. Nothing has happened."},
        }
    )


def _message(event: Mapping[str, Any]) -> Message:
    return Message(webhook_id(event["id"]), dumps(event).encode("utf-8"))
