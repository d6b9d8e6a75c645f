"""What one round of path tests brought: every try in the order of cause and effect, counters, and the device's word."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

_LONGEST = 60.0
_LATEST = 1e11
_MOST_TRIES = 3


class Role(StrEnum):
    """Why a try was made."""

    PROBE = "probe"
    """From where the flow begins."""
    ALIVE = "alive"
    """From elsewhere, to see that the listener lives."""


class Outcome(StrEnum):
    """How it ended."""

    OPEN = "open"
    """Connected, shaken hands, or answered, as the protocol has it."""
    REFUSED = "refused"
    """A reset or an ICMP error from the other side: a closed port, or a firewall that rejects."""
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    """The network said that there is no way."""
    BROKEN = "broken"
    """A connection, but not what is spoken on it."""
    FAILED = "failed"
    """It could not be tried at all: this machine's own fault."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One flow tried from one vantage, up to `tries` times, until something answered."""

    turn: int
    """What was tried in a smaller turn had ended before anything of a greater one began, whatever clocks say."""
    role: Role
    vantage: str
    outcome: Outcome
    tries: int
    seconds: float
    """Of the last try."""
    at: float
    """Unix time when the first try began, by the clock of whoever tried: for people, nothing is reckoned from it."""
    address: str
    detail: str = ""

    @property
    def sound(self) -> bool:
        """Whether it can have happened: a prober's word travels, and nothing is reckoned from nonsense."""
        return 0 <= self.seconds <= _LONGEST and 0 <= self.at <= _LATEST and 0 <= self.tries <= _MOST_TRIES


@dataclass(frozen=True, slots=True)
class Count:
    """A rule's packets before the first and after the last try. None: it could not be read, and `fault` says why."""

    before: float | None = None
    after: float | None = None
    fault: str = ""
    asked: bool = True
    """False where the device could not be asked at all: that is told once, not flow by flow."""


@dataclass(frozen=True, slots=True)
class Word:
    """What the device's simulator says. `passes` None: nothing that can be understood, and `fault` says why."""

    passes: bool | None = None
    rule: str = ""
    said: str = ""
    fault: str = ""
    asked: bool = True
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class FlowAnswers:
    """Everything about one flow."""

    attempts: list[Attempt] = field(default_factory=list)
    counter: Count | None = None
    simulator: Word | None = None


@dataclass(frozen=True, slots=True)
class PathAnswers:
    """Everything about all flows of a check."""

    leads: bool
    """False for a prober's part, made for a judge elsewhere: there is nothing to judge in it by itself."""
    flows: dict[str, FlowAnswers] = field(default_factory=dict)
    away: dict[str, str] = field(default_factory=dict)
    """Vantages that could not be asked, and why."""
    mute: dict[str, str] = field(default_factory=dict)
    """Devices that could not be asked for counters or simulators, and why."""

    @property
    def reached(self) -> bool | None:
        """Nothing is said of the check's own target, which need not even be asked."""
        return None
