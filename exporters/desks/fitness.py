"""No ticket before the desk has been seen to be set up as configured.

Some desks answer yes and drop a field they do not know; a ticket without its key cannot be found again, and the next
round would make a second one.
"""

from __future__ import annotations

from exporters.desks.contract import DeskAdapter, Refused


class Fitness:
    """Which queues of a desk have passed its self-check, in this process."""

    def __init__(self, desk: str, adapter: DeskAdapter) -> None:
        self._desk = desk
        self._adapter = adapter
        self._proven: set[str] = set()

    def require(self, queue: str) -> None:
        """Return once this queue has passed. Raises Refused naming what does not fit, or what the adapter raises."""
        if queue in self._proven:
            return
        wrong = [f"{line.name}: {line.text}" for line in self._adapter.self_check((queue,)) if not line.ok]
        if wrong:
            raise Refused(f"desk {self._desk} is not set up for new tickets: {'; '.join(wrong)}", everything=True)
        self._proven.add(queue)

    def doubt(self, queue: str) -> None:
        """A ticket came out otherwise than asked: check this queue again before the next one."""
        self._proven.discard(queue)
