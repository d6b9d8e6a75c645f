"""A client transaction that is no INVITE's (RFC 3261, section 17.1.2), without socket and clock: CANCEL, BYE."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from checks.transports.sip.client import T1, T2, TIMER_F
from checks.transports.sip.message import Request, Response, written


@dataclass(slots=True)
class Asked:
    """One request, its retransmissions, its final answer. Times are of whatever clock its owner has."""

    request: Request
    """With its Via."""
    branch: str
    number: int
    since: float
    reliable: bool
    """TCP and TLS: nothing is sent twice."""
    sent: int = 0
    status: int | None = None
    """Of the final answer."""
    _again: float = 0.0
    _wait: float = T1
    _provisional: bool = False

    def __post_init__(self) -> None:
        self._again = self.since

    @property
    def until(self) -> float:
        """When it is given up (Timer F)."""
        return self.since + TIMER_F

    def over(self, now: float) -> bool:
        """Whether it was answered, or never will be."""
        return self.status is not None or now >= self.until

    def wake(self) -> float:
        """When `due` has to be asked next; never, once it was answered."""
        return inf if self.status is not None else min(self._again, self.until)

    def due(self, now: float) -> bytes | None:
        """What is to be sent now."""
        if self.status is not None or now < self._again or now >= self.until:
            return None
        self.sent += 1
        self._again = inf if self.reliable else now + (T2 if self._provisional else self._wait)
        self._wait = min(2 * self._wait, T2)
        return written(self.request)

    def once_more(self, now: float) -> None:
        """The way was new: what has no answer yet is sent again."""
        self._again = now

    def told(self, response: Response) -> None:
        """A response to it."""
        if response.status < 200:
            self._provisional = True
        elif self.status is None:
            self.status = response.status
