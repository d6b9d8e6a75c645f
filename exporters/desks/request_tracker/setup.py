"""Whether a queue of Request Tracker is set up for us: it is there, may be written to, and has both fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from exporters.desks.contract import Refused, SelfCheck
from exporters.desks.verdict import JsonDesk


def check_queue(desk: JsonDesk, queue: str, fields: Sequence[str]) -> list[SelfCheck]:
    """One line each for the queue, the right to create in it, and each ticket field. NotDone when RT is away."""
    name = f"queue {queue}"
    try:
        answer = desk.question(f"/queue/{quote(queue, safe='')}")
    except Refused as refusal:
        if refusal.everything:
            return [SelfCheck("credentials", False, f"{refusal}; is the token right and not expired?")]
        return [SelfCheck(name, False, f"{refusal}; does it exist, and has the account the right SeeQueue in it?")]
    if not isinstance(answer, dict) or str(answer.get("Name", "")).lower() != queue.lower():
        return [SelfCheck(name, False, "the address answers, but not with this queue; is it Request Tracker 5?")]
    if answer["Name"] != queue:
        return [SelfCheck(name, False, f"it is written {answer['Name']!r}; write it so in the route")]
    lines = [SelfCheck(name, True, "exists")]
    may = any(link.get("ref") == "create" and link.get("type") == "ticket" for link in _maps(answer, "_hyperlinks"))
    lines.append(
        SelfCheck(f"{name}: right to create", may, "granted" if may else "grant the account CreateTicket in this queue")
    )
    there = sorted(str(field.get("name", "")) for field in _maps(answer, "TicketCustomFields"))
    for field in fields:
        ok = field in there
        wrong = (
            f"there is no such ticket field here, or no right SeeCustomField; there is: {', '.join(there) or 'none'}"
        )
        lines.append(SelfCheck(f"{name}: field {field}", ok, "applies to this queue" if ok else wrong))
    return lines


def _maps(answer: dict[str, Any], key: str) -> list[dict[str, Any]]:
    items = answer.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
