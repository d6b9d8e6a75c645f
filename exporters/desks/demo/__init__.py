"""The demo's own desk (`agent.demo.desk`): the smallest adapter there is, and the one to copy for a new desk."""

from __future__ import annotations

from pydantic import BaseModel, Field

from exporters.desks.contract import DeskAdapter, DeskKind
from exporters.desks.options import HttpDeskOptions


class DemoDeskOptions(HttpDeskOptions):
    """Address and token, and what the desk promises."""

    lookup_lag: float = Field(0.0, ge=0, le=600, description="How long a search may miss a ticket that exists, seconds")


def _make(name: str, options: BaseModel) -> DeskAdapter:
    from exporters.desks.demo.adapter import DemoDesk  # requests is needed only where a desk is

    assert isinstance(options, DemoDeskOptions)  # for mypy; the loader has checked it
    return DemoDesk(name, options)


DESK = DeskKind(kind="demo", title="The demo's service desk", options=DemoDeskOptions, make=_make)
