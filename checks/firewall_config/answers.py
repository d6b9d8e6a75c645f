"""What one run brings back of each member: its parts by name, each as a digest and a number of lines. Never a text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a configuration, secrets and what changes by itself taken out."""

    name: str
    digest: str
    """20 hexadecimal digits of SHA-256."""
    shared: str
    """The same without what is the member's own."""
    lines: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The configuration of one member."""

    member: str
    parts: tuple[Part, ...] = ()
    """In the order of the text."""
    tail: str = ""
    """Digest of the last statement: a text that is cut ends in another one."""
    gap: str = ""
    """Why it is not whole, or was not read at all; empty when it is. Then there are no parts."""


@dataclass(frozen=True, slots=True)
class ConfigAnswers:
    """The configurations of the members, the first being the one whose state is approved."""

    method: str
    """How they were read: a digest of syntax and options. Digests of another method cannot be compared."""
    readings: tuple[Reading, ...]
