"""One event of the log as a CloudEvent (https://github.com/cloudevents/spec, version 1.0.2, JSON format).

The same event is the same CloudEvent whenever and however it is sent: `source` and `id` name it for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from agent.ledger.read import KeptEvent
from agent.records import EventKind
from exporters.web.text import iso

VERSION = "v1"
CONTENT_TYPE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def kind_of(kind: EventKind) -> str:
    """The `type` of events of this kind, such as `ridgeway.incident.opened.v1`."""
    return f"ridgeway.incident.{kind.value}.{VERSION}"


def event_id(epoch: str, sequence: int) -> str:
    """What names an event for good, and a place in the feed: the epoch in which it was written, and its number."""
    return f"{epoch}:{sequence}"


def cloud_event(kept: KeptEvent, epoch: str, estate: str) -> Mapping[str, Any]:
    """`epoch`: that in which the event was written, which a restore does not change; `estate`: the estate's name.

    Extension attributes: `council`, and `sequence` (of the same name in the CloudEvents documented extensions: a
    string whose order is the events' order, here twenty digits).
    """
    event = kept.event
    return {
        "specversion": "1.0",
        "id": event_id(epoch, kept.sequence),
        "source": f"urn:ridgeway:{estate}",
        "type": kind_of(event.kind),
        "subject": event.incident,
        "time": iso(event.at),
        "datacontenttype": "application/json",
        "sequence": f"{kept.sequence:020d}",
        "council": kept.council,
        "data": {
            "incident": event.incident,
            "kind": event.kind.value,
            "actor": event.actor,
            "text": event.text,
            "detail": dict(event.data),
            "about": asdict(kept.about) if kept.about is not None else None,
        },
    }
