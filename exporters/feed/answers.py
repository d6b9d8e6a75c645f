"""The shape of what the feed is asked and answers, for the description of the API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.records import EventKind, IncidentState, Priority
from checks.contract import State

Cursor = Annotated[
    str,
    Field(
        pattern=r"^([0-9A-Za-z]{1,40}:)?[0-9]{1,19}$",
        description="An event's `id` or `sequence`, or `next` of a page: what has been seen so far.",
    ),
]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EventQuery(_Closed):
    after: Annotated[Cursor | None, Field(description="Go on after this; without it from the oldest.")] = None
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    wait: Annotated[int, Field(ge=0, le=60, description="Seconds to wait for something new.")] = 0


class StreamQuery(_Closed):
    after: Annotated[Cursor | None, Field(description="Go on after this; without it from now on.")] = None


class EventAbout(_Closed):
    """The incident as it was once the event had been written."""

    council: str
    subject: str
    condition: str
    site: str
    state: IncidentState
    severity: State
    priority: Priority
    title: str


class EventData(_Closed):
    incident: str
    kind: EventKind
    actor: str
    text: str
    detail: dict[str, str | int | float | None]
    about: EventAbout | None


class CloudEvent(_Closed):
    """CloudEvents 1.0.2."""

    specversion: Literal["1.0"]
    id: Annotated[str, Field(description="The epoch in which it was written and its number, for good.")]
    source: str
    type: Annotated[str, Field(description="Such as `ridgeway.incident.opened.v1`.")]
    subject: Annotated[str, Field(description="The incident's id.")]
    time: datetime
    datacontenttype: Literal["application/json"]
    sequence: str
    council: str
    data: EventData


class Events(_Closed):
    epoch: str
    events: list[CloudEvent]
    next: Annotated[str, Field(description="The cursor after this page: ask with `after=`.")]
    more: Annotated[bool, Field(description="Whether there is more already.")]
