"""Request Tracker 5 by its REST2 interface. How to set it up: docs/desks/request-tracker.md."""

from __future__ import annotations

from pydantic import BaseModel

from exporters.desks.contract import DeskAdapter, DeskKind
from exporters.desks.request_tracker.options import RequestTrackerOptions


def _make(name: str, options: BaseModel) -> DeskAdapter:
    from exporters.desks.request_tracker.adapter import RequestTracker  # requests is needed only where a desk is

    assert isinstance(options, RequestTrackerOptions)  # for mypy; the loader has checked it
    return RequestTracker(name, options)


DESK = DeskKind(
    kind="request-tracker",
    title="Request Tracker 5 (REST2)",
    options=RequestTrackerOptions,
    make=_make,
    notes={"set-up": "docs/desks/request-tracker.md"},
)
