"""What a check may ask over SNMP, whichever engine answers: the polling one, the second one, a recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from checks.transports.snmp.credentials import Manner
from checks.transports.snmp.transport import Device
from checks.transports.snmp.values import Answer, Columns


class Asking(Protocol):
    """Three questions, every one bounded by `deadline` (loop time). Errors are in the answers, nothing is raised."""

    async def get(self, device: Device, oids: Sequence[str], deadline: float) -> Answer:
        """The values of `oids`, asked `device.max_oids` at a time."""
        ...

    async def walk(self, device: Device, root: str, deadline: float, most: int = 10_000) -> Answer:
        """Everything below `root`, at most `most` values, each OID greater than the one before."""
        ...

    async def columns(
        self, device: Device, columns: Sequence[str], deadline: float, most_rows: int | Mapping[str, int] = 1_000
    ) -> Columns:
        """Several columns, of one table or of several; an error ends the reading, what was not read is not complete.

        `most_rows` is for each, or by column.
        """
        ...

    def manner(self, device: Device) -> Manner | None:
        """How the device is asked; None where no device is, or that cannot be told."""
        ...

    async def close(self) -> None:
        """Release every descriptor and forget every secret; safe to call twice."""
        ...
