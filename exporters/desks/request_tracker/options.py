"""Options of a Request Tracker desk."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from agent.records import Priority
from exporters.desks.options import HttpDeskOptions

_FIELD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}")


def _plain(value: str) -> str:
    if not _FIELD.fullmatch(value):
        raise ValueError("a custom field's name here is made of letters, digits, space, dot, underscore and hyphen")
    return value


FieldName = Annotated[str, AfterValidator(_plain)]
Status = Annotated[str, Field(min_length=1, max_length=64)]


class RequestTrackerOptions(HttpDeskOptions):
    """How this Request Tracker names its fields, statuses and priorities."""

    correlation_field: FieldName = Field("Ridgeway Incident", description="Ticket field that holds the incident's id")
    digest_field: FieldName = Field("Ridgeway Cause", description="Ticket field that holds the cause's digest")
    priorities: dict[Priority, int] = Field(
        {Priority.P1: 100, Priority.P2: 75, Priority.P3: 50, Priority.P4: 25, Priority.P5: 0},
        description="RT's number for each priority; five different ones that rise or fall from P1 to P5",
    )
    open_status: Status = Field("open", description="Status a ticket gets when it is reopened")
    resolved_status: Status = Field("resolved", description="Status a ticket gets when its incident is over")
    pending_statuses: tuple[Status, ...] = Field(("stalled",), description="Statuses that count as pending")
    closed_statuses: tuple[Status, ...] = Field(
        ("resolved", "rejected", "deleted"), description="Statuses of a ticket that nobody works on any more"
    )
    requestor: str | None = Field(None, max_length=200, description="E-mail address entered as the requestor")

    @field_validator("priorities")
    @classmethod
    def _distinct(cls, value: dict[Priority, int]) -> dict[Priority, int]:
        numbers = [value[priority] for priority in Priority if priority in value]
        if len(numbers) != len(Priority) or numbers not in (sorted(set(numbers)), sorted(set(numbers), reverse=True)):
            raise ValueError("needs a number for each of P1 to P5, all different, rising or falling from P1 to P5")
        return value
