"""`ridgeway desk test`: prove before the first ticket that a desk is set up as the estate says."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ulid import ULID

from agent.records import Cause, Priority
from config.estate import DeskSpec
from exporters.desks.contract import DeskAdapter, DeskError, DeskKind, NewTicket, SelfCheck


def test_desk(spec: DeskSpec, kind: DeskKind, queues: Sequence[str], *, send: bool) -> Sequence[SelfCheck]:
    """Ask the desk whether it fits; with `send`, also make a ticket in the first queue, write to it and resolve it.

    Never raises DeskError: what went wrong is a line that is not ok. One probe ticket stays behind, resolved.
    """
    try:
        adapter = kind.make(spec.name, spec.options)
    except DeskError as error:
        return [SelfCheck("options", False, str(error))]
    try:
        lines = list(adapter.self_check(queues))
        if send and queues and all(line.ok for line in lines):
            lines += _Trial(adapter, queues[0]).run()
        return lines
    except DeskError as error:
        return [SelfCheck("the desk answers", False, str(error))]
    finally:
        adapter.close()


test_desk.__test__ = False  # type: ignore[attr-defined]  # its name looks like a test's to pytest


class _Trial:
    """A probe ticket's life, each act followed by a look whether the desk really did it."""

    def __init__(self, adapter: DeskAdapter, queue: str) -> None:
        key = f"RWY-{ULID()}"
        self._adapter = adapter
        self._ticket = NewTicket(
            key=key,
            digest=Cause("test", key, "desk-test").digest,
            queue=queue,
            title="Ridgeway test: please ignore",
            text="Ridgeway proves that it can open, find, change and resolve tickets here. Nothing is wrong.",
            priority=Priority.P5,
            council="",
            subject="",
        )
        self._number = ""
        self._lines: list[SelfCheck] = []

    def run(self) -> Sequence[SelfCheck]:
        """One line per act; stops at the first that fails, but resolves what it has made."""
        acts = (self._create, self._find, self._find_cause, self._compare, self._note, self._raise, self._resolve)
        for act in acts:
            if not self._did(act):
                if self._number and act != self._resolve:
                    self._did(self._resolve)
                break
        return self._lines

    def _did(self, act: Callable[[], SelfCheck]) -> bool:
        try:
            line = act()
        except DeskError as error:
            line = SelfCheck(act.__name__.strip("_").replace("_", " "), False, str(error))
        self._lines.append(line)
        return line.ok

    def _create(self) -> SelfCheck:
        self._number = self._adapter.create(self._ticket, lambda: True)
        return SelfCheck("create", True, f"ticket {self._number} in {self._ticket.queue}")

    def _find(self) -> SelfCheck:
        found = [ticket.number for ticket in self._adapter.look_up(self._ticket.key)]
        ok = found == [self._number]
        return SelfCheck("look-up by incident", ok, "finds it" if ok else f"finds {found or 'nothing'}")

    def _find_cause(self) -> SelfCheck:
        found = [ticket.number for ticket in self._adapter.find_digest(self._ticket.digest)]
        ok = found == [self._number]
        return SelfCheck("look-up by cause", ok, "finds it" if ok else f"finds {found or 'nothing'}")

    def _compare(self) -> SelfCheck:
        seen = self._adapter.read(self._number)
        asked = (self._ticket.key, self._ticket.queue, self._ticket.priority, True)
        ok = asked == (seen.key, seen.queue, seen.priority, seen.open)
        text = "is as asked" if ok else f"has incident {seen.key!r}, queue {seen.queue!r}, priority {seen.priority}"
        return SelfCheck("read back", ok, text)

    def _note(self) -> SelfCheck:
        marker = f"[rwy note {self._ticket.key} 1]"
        before = self._adapter.has_note(self._number, marker)
        self._adapter.note(self._number, marker, "A note of the test.")
        ok = not before and self._adapter.has_note(self._number, marker)
        return SelfCheck(
            "note", ok, "written and found" if ok else "a note just written is not found; is a right missing?"
        )

    def _raise(self) -> SelfCheck:
        self._adapter.set_priority(self._number, Priority.P4)
        seen = self._adapter.read(self._number).priority
        return SelfCheck("priority", seen is Priority.P4, f"raised from P5 to P4, the desk shows {seen}")

    def _resolve(self) -> SelfCheck:
        self._adapter.resolve(self._number, "The test is over.")
        seen = self._adapter.read(self._number)
        return SelfCheck("resolve", not seen.open, f"ticket {self._number} is {seen.status}")
