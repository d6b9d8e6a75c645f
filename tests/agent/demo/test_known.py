"""What a reader of the feed concludes from it."""

from __future__ import annotations

import asyncio
from typing import Any

from agent.demo.known import Known


def event(kind: str, incident: str = "RWY-1", **detail: str) -> dict[str, Any]:
    about = {"subject": f"target of {incident}", "condition": f"condition/of {incident}"}
    return {"data": {"incident": incident, "kind": kind, "detail": detail, "about": about}}


def unfinished(*events: dict[str, Any]) -> int:
    known = Known()
    for one in events:
        known.take(one)
    return known.unfinished


def test_an_incident_is_unfinished_from_its_opening_until_it_and_its_ticket_are_resolved() -> None:
    story = [event("opened"), event("ticket", what="linked"), event("resolved"), event("ticket", what="resolve")]

    counts = [unfinished(*story[:told]) for told in range(5)]

    assert counts == [0, 1, 1, 1, 0]


def test_a_reopened_incident_is_unfinished_again() -> None:
    assert unfinished(event("opened"), event("resolved"), event("reopened")) == 1


def test_two_incidents_are_two() -> None:
    assert unfinished(event("opened", "RWY-1"), event("opened", "RWY-2")) == 2


async def test_waiting_ends_when_it_holds_and_not_before() -> None:
    known = Known()
    waiting = asyncio.create_task(known.until(lambda so_far: so_far.has_ticket("target of RWY-2")))
    await asyncio.sleep(0)

    known.take(event("ticket", "RWY-1", what="linked"))
    await asyncio.sleep(0)
    early = waiting.done()
    known.take(event("ticket", "RWY-2", what="adopted"))
    await waiting

    assert not early


def test_a_ticket_is_about_a_target_and_a_condition_of_it() -> None:
    known = Known()

    known.take(event("ticket", what="linked"))

    asked = [("target of RWY-1", ""), ("target of RWY-1", "condition/"), ("target of RWY-1", "other"), ("other", "")]
    assert [known.has_ticket(*one) for one in asked] == [True, True, False, False]


def test_what_hides_behind_a_target_is_what_was_last_told() -> None:
    known = Known()
    counts = []

    for total in (3, 5, 0):
        known.take(event("hides", total=str(total)))
        counts.append(known.hidden("target of RWY-1"))

    assert counts == [3, 5, 0]
