"""uvicorn's protocol with an end to its patience: whoever says nothing, or too little, keeps nobody else out.

uvicorn itself waits for ever for a request that is not whole, and counts such connections against its limit: 200 of
them, opened by anybody on the machine, and Prometheus gets 503.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

LONGEST_HEAD = 10.0
"""Seconds from a connection, or the first byte of a further request, to the end of the request's head."""
LONGEST_STALL = 30.0
"""Seconds for which somebody may take nothing of what is sent to them."""
MOST_CONNECTIONS = 100
"""With more, the one that has been without a request for longest is hung up on."""


Meet = Callable[[asyncio.BaseTransport], Mapping[str, object] | None]
"""Looks at a new connection before anything of it is read: what its requests find in `state`; None: hang up."""


def anybody(_transport: asyncio.BaseTransport) -> Mapping[str, object]:
    """Meets everybody, and remembers nothing."""
    return {}


class PatientProtocol(H11Protocol):
    """One connection."""

    most = MOST_CONNECTIONS
    meet: Meet = staticmethod(anybody)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._idle_since = self.loop.time()
        self._alarm: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        known = self.meet(transport)
        if known is None:
            self._hang_up()
            return
        self.app_state = {**self.app_state, **known}
        self._wait_for_head()
        if len(self.connections) > self.most:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._answering():
            self._stop_waiting()
        elif self._alarm is None:
            self._wait_for_head()

    def on_response_complete(self) -> None:
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall = self.loop.call_later(LONGEST_STALL, self._hang_up)

    def resume_writing(self) -> None:
        self._goes_on()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._goes_on()
        super().connection_lost(exc)

    def _answering(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete

    def _wait_for_head(self) -> None:
        self._alarm = self.loop.call_later(LONGEST_HEAD, self._hang_up)

    def _stop_waiting(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _goes_on(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _make_room(self) -> None:
        others = (cast(PatientProtocol, other) for other in self.connections if other is not self)
        idle = [other for other in others if not other._answering()]
        if idle:
            min(idle, key=lambda other: other._idle_since)._hang_up()

    def _hang_up(self) -> None:
        self.connections.discard(self)  # at once, so that it no longer counts; the transport says good-bye later
        self.transport.abort()


def patient(most: int, meet: Meet = anybody) -> type[PatientProtocol]:
    """The same with another number of connections, beyond which the idlest is hung up on, and met so."""
    return type("PatientProtocol", (PatientProtocol,), {"most": most, "meet": staticmethod(meet)})
