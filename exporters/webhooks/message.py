"""What is sent to a webhook: one CloudEvent in structured mode, and the id by which a receiver knows it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ulid import ULID

from agent.ledger.read import KeptEvent
from exporters.feed.cloudevents import VERSION, cloud_event
from exporters.web.text import iso
from exporters.webhooks.signing import webhook_id

TEST = f"ridgeway.webhook.test.{VERSION}"
"""The `type` of what `ridgeway webhooks test` sends. It is no event of the feed."""


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    """The same whenever the same event is sent."""
    body: bytes


def event_message(kept: KeptEvent, epoch: str, estate: str, councils: frozenset[str] | None) -> Message:
    """An event of the feed, for a subscription to these councils."""
    del councils
    return _message(cloud_event(kept, epoch, estate))


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
    # ASCII only, so that no receiver can read the signed bytes in another encoding.
    return Message(webhook_id(event["id"]), json.dumps(event, separators=(",", ":"), allow_nan=False).encode("ascii"))
