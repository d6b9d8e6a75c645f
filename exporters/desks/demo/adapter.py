"""How the demo's desk is spoken to; its interface is listed in `agent.demo.desk`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agent.records import Priority
from exporters.desks.contract import (
    DeskCapabilities,
    NewTicket,
    NotDone,
    QueueCount,
    Refused,
    SelfCheck,
    Ticket,
    Uncertain,
)
from exporters.desks.demo import DemoDeskOptions
from exporters.desks.exchange import Exchange
from exporters.desks.verdict import JsonDesk


class DemoDesk:
    """One demo desk. See exporters.desks.contract.DeskAdapter for what each method promises."""

    def __init__(self, name: str, options: DemoDeskOptions) -> None:
        self.capabilities = DeskCapabilities(
            timeout=options.timeout,
            max_in_flight=options.max_in_flight,
            lookup_lag=options.lookup_lag,
            can_merge=True,
        )
        self._name = name
        exchange = Exchange(options.url, timeout=options.timeout, ca_file=options.ca_file)
        self._desk = JsonDesk(name, exchange, options.token.resolve, "Bearer")

    def look_up(self, key: str) -> Sequence[Ticket]:
        return self._search("key", key)

    def find_digest(self, digest: str) -> Sequence[Ticket]:
        return [ticket for ticket in self._search("digest", digest) if ticket.open]

    def create(self, ticket: NewTicket, may_send: Callable[[], bool]) -> str:
        body = {
            "key": ticket.key,
            "digest": ticket.digest,
            "queue": ticket.queue,
            "title": ticket.title,
            "text": ticket.text,
            "priority": ticket.priority.value,
        }
        answer = self._desk.order("POST", "/api/tickets", body, may_send)
        if not isinstance(answer, dict) or not isinstance(answer.get("number"), int):
            raise Uncertain(f"{self._name}: the answer to a new ticket holds no number")
        return str(answer["number"])

    def read(self, number: str) -> Ticket:
        return self._ticket(self._desk.question(f"/api/tickets/{number}"))

    def has_note(self, number: str, marker: str) -> bool:
        notes = self._rows(f"/api/tickets/{number}/notes", "notes")
        return any(note.get("marker") == marker for note in notes)

    def note(self, number: str, marker: str, text: str) -> None:
        self._desk.order("POST", f"/api/tickets/{number}/notes", {"marker": marker, "text": text})

    def set_priority(self, number: str, priority: Priority) -> None:
        self._desk.order("PATCH", f"/api/tickets/{number}", {"priority": priority.value})

    def resolve(self, number: str, text: str) -> None:
        self._desk.order("PATCH", f"/api/tickets/{number}", {"status": "resolved", "text": text})

    def reopen(self, number: str, text: str) -> None:
        self._desk.order("PATCH", f"/api/tickets/{number}", {"status": "open", "text": text})

    def merge(self, number: str, into: str) -> None:
        self._desk.order("POST", f"/api/tickets/{number}/merge", {"into": int(into)})

    def changed_since(self, moment: float) -> Sequence[Ticket]:
        return self._search("since", str(moment))

    def counts(self, queues: Sequence[str]) -> Sequence[QueueCount]:
        rows = {row.get("name"): row for row in self._rows("/api/queues", "queues")}
        return [
            QueueCount(queue, int(rows[queue].get("open", 0)), int(rows[queue].get("pending", 0)))
            for queue in queues
            if queue in rows
        ]

    def self_check(self, queues: Sequence[str]) -> Sequence[SelfCheck]:
        try:
            there = sorted(str(row.get("name")) for row in self._rows("/api/queues", "queues"))
        except Refused as refusal:
            return [SelfCheck("credentials", False, str(refusal))]
        lines = []
        for queue in queues:
            text = "exists" if queue in there else f"there is no such queue; there is: {', '.join(there)}"
            lines.append(SelfCheck(f"queue {queue}", queue in there, text))
        found = len(self.look_up(f"RWY-{secrets.token_hex(13).upper()}"))
        lines.append(SelfCheck("look-up of a random key", not found, f"finds {found or 'nothing'}"))
        return lines

    def close(self) -> None:
        self._desk.close()

    def _search(self, by: str, value: str) -> list[Ticket]:
        return [self._ticket(row) for row in self._rows("/api/tickets", "tickets", {by: value})]

    def _rows(self, path: str, key: str, params: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        answer = self._desk.question(path, params)
        rows = answer.get(key) if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise NotDone(f"{self._name}: {path} was answered without {key}")
        return rows

    def _ticket(self, row: Any) -> Ticket:
        try:
            return Ticket(
                number=str(row["number"]),
                key=row["key"],
                queue=row["queue"],
                status="deleted" if row["deleted"] else row["status"],
                open=not row["deleted"] and row["status"] != "resolved",
                priority=Priority(row["priority"]),
                digest=row["digest"],
                deleted=row["deleted"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NotDone(f"{self._name}: a ticket was answered that cannot be read") from error
