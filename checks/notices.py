"""What targets say by themselves, by traps and informs, as kinds of check read it. Part of `checks.contract`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notification says. It changes no state: that is for the poll which it prompts."""

    name: str
    """Its name in its MIB; one of `Notices.names`."""
    words: str
    """For a person: one printable line, at most 200 characters, without numbers or names of people."""
    change: bool = True
    """Whether it announces something that a poll of the target then sees."""
    prompts: bool = True
    """Whether the target is asked at once."""
    acknowledged: bool = True
    """Whether an inform of it is answered: not, where somebody else must get it and an answer could end its way."""
    remedy: str = ""
    """What people have to change because it came here at all; each of these is written down as an error."""


@dataclass(frozen=True, slots=True)
class Notices:
    """The notifications that a kind of check understands."""

    names: tuple[str, ...]
    """A closed set, fit for a metric label."""
    read: Callable[[str, Sequence[tuple[str, object]]], Notice | None]
    """By snmpTrapOID and the variables in their order; None when it is none of these. Pure; raises nothing."""


class Hearing(Protocol):
    """What targets have said to this agent since it started. Only notices that are read by a kind count."""

    @property
    def since(self) -> float | None:
        """Since when it listens (Unix seconds); None while it does not."""
        ...

    def changed(self, target: str) -> float | None:
        """When the newest notice of a change came from this target, if any did."""
        ...

    def newest(self, target: str, *names: str) -> tuple[float, str] | None:
        """When the newest notice came from this target, of these names if some are given, and its words."""
        ...
