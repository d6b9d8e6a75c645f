"""One reading of an API of Proxmox, of the Backup Server or of VE: GET only, with a token, a task list page by page.

Source: the API of Proxmox Backup Server as its own source declares it, and that of pve-manager.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from checks.backup.model import Part
from checks.backup.products.rest import LARGEST, Row, Unfit, clock_of, document
from checks.transports.fault import TransportFault
from checks.transports.http import Limits, refusal
from checks.transports.http.line import Line

PAGE = 1000
"""Tasks, or lines of a log, that are asked for at once."""
MOST_ROWS = 60_000
_BASE = "/api2/json"


@dataclass(slots=True)
class Session:
    """The questions of one reading. `clock` is the server's own, as of its last answer."""

    line: Line
    clock: float | None = None
    unread: dict[Part, str] = field(default_factory=dict)

    async def said(self, *parts: str, **query: object) -> tuple[Any, int | None]:
        """The `data` of a path, and its `total` where there is one. Raises TransportFault, Unfit."""
        path = "/".join((_BASE, *(quote(part, safe="") for part in parts)))
        question = self.line.question(f"{path}?{urlencode(query)}" if query else path)
        question = replace(
            question,
            headers=(("accept", "application/json"),),
            limits=Limits(body=LARGEST),
            credential=self.line.credential,
            key_header="Authorization",
        )
        reply = await self.line.send(question, self.line.deadline)
        self.clock = clock_of(reply)
        fault = refusal(reply)
        if fault is not None:
            raise fault
        found = document(reply)
        total = found.get("total")
        if "data" not in found:
            raise Unfit(f"{question.url.shown} answers no `data`")
        return found["data"], total if isinstance(total, int) and not isinstance(total, bool) else None

    async def one(self, part: Part, *path: str, **query: object) -> Row:
        """An object; empty where it could not be read, which is then noted as unread."""
        try:
            data, _ = await self.said(*path, **query)
        except (TransportFault, Unfit) as error:
            self.miss(part, str(error))
            return {}
        if not isinstance(data, dict):
            self.miss(part, f"{'/'.join(path)} answers no object")
            return {}
        return data

    async def rows(self, part: Part, *path: str, **query: object) -> list[Row] | None:
        """A list that comes at once; None where it could not be read, which is then noted as unread."""
        try:
            data, _ = await self.said(*path, **query)
            return _listed(data, path)
        except (TransportFault, Unfit) as error:
            self.miss(part, str(error))
            return None

    async def pages(self, part: Part, *path: str, **query: object) -> list[Row]:
        """A list that comes in pages; empty where it did not come to its end, which is then noted as unread."""
        try:
            return await self.paged(MOST_ROWS, *path, **query)
        except (TransportFault, Unfit) as error:
            self.miss(part, str(error))
            return []

    async def paged(self, most: int, *path: str, **query: object) -> list[Row]:
        """A list that comes in pages, to its end. Raises TransportFault; Unfit where it is cut short or endless.

        `total` is a hint: one more than came while there is more.
        """
        found: list[Row] = []
        while True:
            data, total = await self.said(*path, **query, start=len(found), limit=PAGE)
            page = _listed(data, path)
            found += page
            if len(page) < PAGE and (total is None or total <= len(found)):
                return found
            if not page:
                raise Unfit(f"{'/'.join(path[:3])} was cut short: {len(found)} of {total} rows came")
            if len(found) >= most:
                raise Unfit(f"{'/'.join(path[:3])} has more than {most} rows")

    async def allowed(self, path: str, privilege: str, below: bool = False) -> bool | None:
        """Whether the token has a privilege at a path, and where `below`, under it too. None where it is not told."""
        try:
            data, _ = await self.said("access", "permissions", path=path)
        except (TransportFault, Unfit):
            return None
        if not isinstance(data, dict):
            return None
        told = data.get(path, {})
        if not isinstance(told, dict):
            return None
        return privilege in told and (not below or told[privilege] in (True, 1))

    def miss(self, part: Part, why: str) -> None:
        """Note a part that was not read whole; the first reason stands."""
        self.unread.setdefault(part, why[:200])


def _listed(data: object, path: Sequence[str]) -> list[Row]:
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise Unfit(f"{'/'.join(path[:3])} answers no list")
    return data
