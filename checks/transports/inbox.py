"""What jobs told the agent of their own accord. The agent puts its ledger behind this; here nothing is kept.

A program that takes no pings (`ridgeway check`, a prober) has an inbox that cannot be read, not an empty one: that
nothing was told is then not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from checks.contract import Reason
from checks.transports.fault import TransportFault


class Sign(StrEnum):
    """What a ping says of its run."""

    START = "start"
    SUCCESS = "success"
    FAIL = "fail"
    EXIT = "exit"
    """It ended with an exit status; what that means is the estate's to say."""
    LOG = "log"
    """It says something and goes on."""
    MAIL = "mail"
    """A mail; what that means is the estate's to say."""
    PARTIAL = "partial"
    """As the estate says of a mail: it ended, and something is missing."""
    UNKNOWN = "unknown"
    """Nothing tells how it ended: a mail that no rule of the estate knows."""

    @property
    def ends(self) -> bool:
        return self not in (Sign.START, Sign.LOG)


OLDEST = 30 * 86_400.0
"""Seconds that a ping may be late: nothing that is sent again and again is so for longer."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What a ping by mail has beside its text, which is the `log` of the ping."""

    subject: str = ""
    dated: float | None = None
    """The oldest moment that its headers name, Unix seconds; None where they name none."""
    left_out: int = 0
    """Characters of its text that were not kept, or octets that could not be read."""


@dataclass(frozen=True, slots=True)
class Ping:
    """One ping, as it was kept. Times are Unix seconds, sizes bytes."""

    job: str
    """`target/name` of the job."""
    at: float
    """When it was sent, by our clock: what was sent late says how old it is."""
    sign: Sign
    received: float
    code: int | None = None
    """The exit status, from 0 to 255."""
    rid: str = ""
    """Whatever tells runs apart that overlap; empty where nobody said."""
    bytes: int | None = None
    files: int | None = None
    errors: int | None = None
    seconds: float | None = None
    """How long the run took, by its own measure."""
    log: str = ""
    """The end of what it printed, masked; of a mail its text."""
    id: str = ""
    """What was told twice has the same one, and counts once; empty where nobody can tell."""
    mail: Mail | None = None
    """Of a mail, and of nothing else."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was told of one job."""

    pings: tuple[Ping, ...] = ()
    """Oldest first by `at`; where there are more than were asked for, the newest."""
    trouble: str = ""
    """Why nothing can be told of it for now, and how to mend that; empty where it can."""


class Inbox(Protocol):
    """Where pings are read. Safe in the event loop."""

    async def read(self, jobs: Sequence[str], since: float, most: int) -> Mapping[str, Heard]:
        """What was told since then, at most so much of each job. Raises TransportFault where that is not known."""
        ...


class NoInbox:
    """Of whoever takes no pings."""

    async def read(self, jobs: Sequence[str], since: float, most: int) -> Mapping[str, Heard]:
        """Raises TransportFault."""
        del since, most
        words = f"pings of {len(jobs)} jobs are known to the running agent alone (--push.listen-address), not here"
        raise TransportFault(Reason.LOCAL, words)
