"""An event of the log as a CloudEvent."""

from __future__ import annotations

import json

from agent.ledger.read import KeptEvent
from agent.records import About, Event, EventKind, IncidentState, Priority
from checks.contract import State
from exporters.feed.cloudevents import cloud_event

ABOUT = About(
    "dacorum", "fw-1", "snmp/memory", "forum", IncidentState.OPEN, State.CRITICAL, Priority.P2, "fw-1: memory"
)
OPENED = Event("RWY-01JD0000000000000000000001", 1_790_000_000.0, EventKind.OPENED, "agent", "95 %", {"priority": "P2"})


def test_an_event_tells_all_that_a_reader_needs_and_can_be_written_as_json() -> None:
    told = cloud_event(KeptEvent(7, "dacorum", OPENED, ABOUT), "EPOCH", "home")

    assert json.loads(json.dumps(told)) == {
        "specversion": "1.0",
        "id": "EPOCH:7",
        "source": "urn:ridgeway:home",
        "type": "ridgeway.incident.opened.v1",
        "subject": "RWY-01JD0000000000000000000001",
        "time": "2026-09-21T14:13:20Z",
        "datacontenttype": "application/json",
        "sequence": "00000000000000000007",
        "council": "dacorum",
        "data": {
            "incident": "RWY-01JD0000000000000000000001",
            "kind": "opened",
            "actor": "agent",
            "text": "95 %",
            "detail": {"priority": "P2"},
            "about": {
                "council": "dacorum",
                "subject": "fw-1",
                "condition": "snmp/memory",
                "site": "forum",
                "state": "open",
                "severity": "critical",
                "priority": "P2",
                "title": "fw-1: memory",
            },
        },
    }


def test_an_event_from_before_the_incident_was_kept_beside_it_says_so() -> None:
    assert cloud_event(KeptEvent(7, "dacorum", OPENED), "EPOCH", "home")["data"]["about"] is None
