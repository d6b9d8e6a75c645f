"""How Request Tracker 5 is spoken to: REST2, as documented in RT's lib/RT/REST2.pm and measured on 5.0.3.

What its answers do not say: a create with a misspelt custom field is a 201 and drops the value; a refused status or
priority is a 200 whose English text says no; an empty search may mean a field that does not exist. So the field is
looked for in the queue before the first create, and the protocol reads back what it asked for.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
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
from exporters.desks.exchange import Exchange
from exporters.desks.request_tracker import setup
from exporters.desks.request_tracker.options import RequestTrackerOptions
from exporters.desks.request_tracker.ticketsql import quoted
from exporters.desks.verdict import JsonDesk

_API = "/REST/2.0"
_PAGE = 100
_PAGES = 50
_FIELDS = {"fields": "Status,Priority,Queue,CustomFields", "fields[Queue]": "Name", "orderby": "id"}
_A_DAY = 86_400.0


class RequestTracker:
    """One Request Tracker. See exporters.desks.contract.DeskAdapter for what each method promises."""

    def __init__(self, name: str, options: RequestTrackerOptions) -> None:
        self._options = options
        self._name = name
        self.capabilities = DeskCapabilities(
            timeout=options.timeout,
            max_in_flight=options.max_in_flight,
            lookup_lag=0.0,  # searches read the database: measured on SQLite and PostgreSQL
            unique_enforced=False,  # RT's own "unique values" let a second ticket through: measured
            can_merge=True,
        )
        exchange = Exchange(options.url + _API, timeout=options.timeout, ca_file=options.ca_file)
        self._desk = JsonDesk(name, exchange, options.token.resolve, "token")
        self._queues: dict[str, str] = {}

    def look_up(self, key: str) -> Sequence[Ticket]:
        return list(self._search(f"CF.{{{self._options.correlation_field}}} = {quoted(key)}"))

    def find_digest(self, digest: str) -> Sequence[Ticket]:
        found = self._search(f"CF.{{{self._options.digest_field}}} = {quoted(digest)} AND Status = '__Active__'")
        return [ticket for ticket in found if ticket.open and ticket.digest == digest]

    def create(self, ticket: NewTicket, may_send: Callable[[], bool]) -> str:
        body = {
            "Queue": ticket.queue,
            "Subject": ticket.title,
            "Content": ticket.text,
            "ContentType": "text/plain",
            "Priority": self._options.priorities[ticket.priority],
            "CustomFields": {
                self._options.correlation_field: ticket.key,
                self._options.digest_field: ticket.digest,
            },
        }
        if self._options.requestor:
            body["Requestor"] = self._options.requestor
        answer = self._desk.order("POST", "/ticket", body, may_send)
        number = str(answer.get("id", "")) if isinstance(answer, dict) else ""
        if not number.isascii() or not number.isdigit():
            raise Uncertain(f"{self._name}: the answer to a new ticket holds no number")
        return number

    def read(self, number: str) -> Ticket:
        try:
            answer = self._desk.question(f"/ticket/{number}")
        except Refused as refusal:
            if _says(refusal, 404, "Not Found"):
                return Ticket(number, "", "", "deleted", open=False, priority=None, deleted=True)
            raise
        queue = answer.get("Queue") if isinstance(answer, dict) else None
        if not isinstance(queue, dict):
            raise NotDone(f"{self._name}: ticket {number} was answered without its queue")
        return self._ticket(answer, self._queue_name(str(queue.get("id", ""))))

    def has_note(self, number: str, marker: str) -> bool:
        """By the subjects of the ticket's texts: a marker is small, an attached picture is not."""
        items = self._pages(f"/ticket/{number}/attachments", {"fields": "Subject"})
        return any(item.get("Subject") == marker for item in items)

    def note(self, number: str, marker: str, text: str) -> None:
        self._comment(number, {"Subject": marker, "Content": text})

    def set_priority(self, number: str, priority: Priority) -> None:
        self._desk.order("PUT", f"/ticket/{number}", {"Priority": self._options.priorities[priority]})

    def resolve(self, number: str, text: str) -> None:
        self._comment(number, {"Content": text, "Status": self._options.resolved_status})

    def reopen(self, number: str, text: str) -> None:
        self._comment(number, {"Content": text, "Status": self._options.open_status})

    def merge(self, number: str, into: str) -> None:
        self._desk.order("PUT", f"/ticket/{number}", {"MergeInto": into})
        survivor = self.read(number).number
        if survivor != into:
            raise Refused(f"{self._name}: ticket {number} was not merged into {into}")

    def changed_since(self, moment: float) -> Sequence[Ticket]:
        """RT reads a time in the zone of the account's user, so a day more is asked for."""
        since = datetime.fromtimestamp(max(0.0, moment - _A_DAY), UTC).strftime("%Y-%m-%d %H:%M:%S")
        query = f"CF.{{{self._options.correlation_field}}} LIKE 'RWY-' AND LastUpdated > {quoted(since)}"
        return list(self._search(query))

    def counts(self, queues: Sequence[str]) -> Sequence[QueueCount]:
        pending = " OR ".join(f"Status = {quoted(status)}" for status in self._options.pending_statuses)
        return [
            QueueCount(
                queue,
                open=self._count(f"Queue = {quoted(queue)} AND Status = '__Active__'"),
                pending=self._count(f"Queue = {quoted(queue)} AND ({pending})") if pending else 0,
            )
            for queue in queues
        ]

    def self_check(self, queues: Sequence[str]) -> Sequence[SelfCheck]:
        fields = (self._options.correlation_field, self._options.digest_field)
        lines = [line for queue in queues for line in setup.check_queue(self._desk, queue, fields)]
        if not all(line.ok for line in lines):
            return lines
        stranger = f"RWY-{secrets.token_hex(13).upper()}"
        for field, value in zip(fields, (stranger, stranger[4:20]), strict=True):
            found = self._count(f"CF.{{{field}}} = {quoted(value)}")
            text = "finds nothing, as it must" if not found else f"finds {found} tickets: the field is not searched"
            lines.append(SelfCheck(f"look-up of a random value in {field}", not found, text))
        return lines

    def close(self) -> None:
        self._desk.close()

    def _comment(self, number: str, body: dict[str, str]) -> None:
        self._desk.order("POST", f"/ticket/{number}/comment", {**body, "ContentType": "text/plain"})

    def _search(self, query: str) -> Iterator[Ticket]:
        for item in self._pages("/tickets", {"query": query, **_FIELDS}):
            queue = item.get("Queue")
            yield self._ticket(item, str(queue.get("Name", "")) if isinstance(queue, dict) else "")

    def _pages(self, path: str, params: dict[str, str]) -> Iterator[dict[str, Any]]:
        for page in range(1, _PAGES + 1):
            answer = self._desk.question(path, {**params, "per_page": _PAGE, "page": page})
            items = answer.get("items") if isinstance(answer, dict) else None
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise NotDone(f"{self._name}: {path} was answered without a list of items")
            yield from items
            if len(items) < _PAGE:
                return
        raise NotDone(f"{self._name}: {path} has more than {_PAGE * _PAGES} items")

    def _count(self, query: str) -> int:
        answer = self._desk.question("/tickets", {"query": query, "per_page": 1})
        total = answer.get("total") if isinstance(answer, dict) else None
        if not isinstance(total, int):
            raise NotDone(f"{self._name}: a search was answered without a total")
        return total

    def _queue_name(self, number: str) -> str:
        """RT shows a single ticket's queue by its number only; names are asked once."""
        if number not in self._queues:
            answer = self._desk.question(f"/queue/{number}")
            self._queues[number] = str(answer.get("Name", "")) if isinstance(answer, dict) else ""
        return self._queues[number]

    def _ticket(self, item: dict[str, Any], queue: str) -> Ticket:
        fields: dict[str, str] = {}
        for field in item.get("CustomFields") or ():
            values = field.get("values") if isinstance(field, dict) else None
            if values:
                fields[str(field.get("name", ""))] = str(values[0])
        status, number = str(item.get("Status", "")), str(item.get("id", ""))
        if not status or not number.isdigit():
            raise NotDone(f"{self._name}: a ticket was answered without number or status")
        return Ticket(
            number=number,
            key=fields.get(self._options.correlation_field, ""),
            queue=queue,
            status=status,
            open=status not in self._options.closed_statuses and status != self._options.resolved_status,
            priority=self._priority(str(item.get("Priority", ""))),
            digest=fields.get(self._options.digest_field, ""),
            deleted=status == "deleted",
            url=f"{self._options.url}/Ticket/Display.html?id={number}",
        )

    def _priority(self, number: str) -> Priority | None:
        """Exact for our own numbers; one that a person chose counts as the nearest less urgent of ours."""
        try:
            value = int(number)
        except ValueError:
            return None
        rising = self._options.priorities[Priority.P1] > self._options.priorities[Priority.P5]
        for priority in Priority:
            ours = self._options.priorities[priority]
            if value >= ours if rising else value <= ours:
                return priority
        return None


def _says(refusal: Refused, status: int, text: str) -> bool:
    """A 404 of RT itself, not of a proxy in front of it, which would answer a page."""
    return f": {status} {{" in str(refusal) and text in str(refusal)
