"""A recording in the place of a device: what was asked then is answered as then, and nothing else is made up.

What the recording was not taken for is an error, not an absence: a replay must not look better than the device did.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from checks.contract import Reason
from checks.recordings.recording import Recording, numbers
from checks.transports.snmp import Answer, Columns, Device, Manner, Missing, SnmpError, Value
from checks.transports.snmp.errors import (
    Capped,
    Malformed,
    NoAnswer,
    NotAuthenticated,
    OutOfResources,
    Refused,
    UnknownName,
    Unreachable,
)

_ERRORS: dict[Reason, type[SnmpError]] = {
    kind.reason: kind
    for kind in (Capped, Malformed, NoAnswer, NotAuthenticated, OutOfResources, Refused, UnknownName, Unreachable)
}


class Playback:
    """Answers from a recording; device, deadline and paging are of no account. It holds nothing that must be closed."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._oids = list(recording.values)
        self._numbers = [numbers(oid) for oid in self._oids]
        self._errors = frozenset(recording.errors)
        self._asked = frozenset(recording.asked) | recording.cut.keys()
        self._last = None if recording.cut_after is None else numbers(recording.cut_after)

    async def get(self, device: Device, oids: Sequence[str], deadline: float) -> Answer:  # noqa: ARG002 - `Asking`'s
        """The values of `oids`; ends at the first that the recording cannot tell."""
        values: dict[str, Value] = {}
        for oid in oids:
            found = self._value(oid)
            if isinstance(found, SnmpError):
                return Answer(values, found)
            values[oid] = found
        return Answer(values)

    async def walk(self, device: Device, root: str, deadline: float, most: int = 10_000) -> Answer:  # noqa: ARG002
        """Everything recorded below `root`, at most `most` values."""
        values: dict[str, Value] = {}
        for oid, value in self._below(root):
            if len(values) >= most:
                return Answer(values, Capped(f"the recording has more than {most} values below {root}"))
            values[oid] = value
        return Answer(values, self._untold(root))

    async def columns(
        self, device: Device, columns: Sequence[str], deadline: float, most_rows: int | Mapping[str, int] = 1_000
    ) -> Columns:
        """The columns one after the other; one that was cut ends the reading and is not complete."""
        rows: dict[str, dict[str, Value]] = {}
        complete: list[str] = []
        for column in columns:
            most = most_rows if isinstance(most_rows, int) else most_rows[column]
            answer = await self.walk(device, column, deadline, most)
            rows[column] = {oid[len(column) + 1 :]: value for oid, value in answer.values.items()}
            if answer.error is not None:
                return Columns(rows, frozenset(complete), answer.error)
            complete.append(column)
        return Columns(rows, frozenset(complete))

    def manner(self, device: Device) -> Manner | None:  # noqa: ARG002 - `Asking`'s
        """None: no device is asked."""
        return None

    async def close(self) -> None:
        """Nothing is held."""

    def _value(self, oid: str) -> Value | SnmpError:
        recorded = self._recording.values.get(oid)
        if recorded is not None:
            return Missing.NULL if recorded.value is None else recorded.value
        if oid in self._errors:
            return Missing.ERROR
        untold = self._untold(oid)
        if untold is not None:
            return untold
        parent = oid.rpartition(".")[0]
        return Missing.INSTANCE if next(self._below(parent), None) else Missing.OBJECT

    def _below(self, root: str) -> Iterator[tuple[str, Value]]:
        top = numbers(root)
        for at in range(bisect_left(self._numbers, (*top, 0)), len(self._oids)):
            if self._numbers[at][: len(top)] != top:
                return
            value = self._recording.values[self._oids[at]].value
            yield self._oids[at], Missing.NULL if value is None else value

    def _narrowest(self, root: str) -> str:
        """The question by which most is known of `root`: a column read whole stands in a subtree that was cut."""
        parts = root.split(".")
        for length in range(len(parts), 0, -1):
            asked = ".".join(parts[:length])
            if asked in self._asked:
                return asked
        return ""

    def _untold(self, root: str) -> SnmpError | None:
        """Why the recording cannot say that there is no more below `root`; None when it can."""
        told = self._narrowest(root)
        if told in self._recording.cut:
            error = _ERRORS.get(self._recording.cut[told], Malformed)
            return error(f"the recording breaks off at {told}, as the reading of the device did then")
        if self._last is not None and (*numbers(root), _BEYOND) > self._last:
            return NoAnswer(f"the walk that was recorded breaks off at {self._recording.cut_after}")
        if self._recording.asked and not told:
            return OutOfResources(
                f"{root} was not asked for when this was recorded; record it again with --walk {root}"
            )
        return None


class Playbacks:
    """Several recordings, each by the address at which its device is asked; nothing answers at any other."""

    def __init__(self, recordings: Mapping[str, Recording]) -> None:
        self._playbacks = {address: Playback(recording) for address, recording in recordings.items()}
        self._silent = Playback(Recording({}, cut={"1": Reason.NO_ANSWER}))

    async def get(self, device: Device, oids: Sequence[str], deadline: float) -> Answer:
        """As `Asking`."""
        return await self._of(device).get(device, oids, deadline)

    async def walk(self, device: Device, root: str, deadline: float, most: int = 10_000) -> Answer:
        """As `Asking`."""
        return await self._of(device).walk(device, root, deadline, most)

    async def columns(
        self, device: Device, columns: Sequence[str], deadline: float, most_rows: int | Mapping[str, int] = 1_000
    ) -> Columns:
        """As `Asking`."""
        return await self._of(device).columns(device, columns, deadline, most_rows)

    def manner(self, device: Device) -> Manner | None:
        """As `Asking`."""
        return self._of(device).manner(device)

    async def close(self) -> None:
        """Nothing is held."""

    def _of(self, device: Device) -> Playback:
        return self._playbacks.get(device.host, self._silent)


_BEYOND = 2**32
