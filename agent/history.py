"""A run of results as bits: m of n, and flapping by Nagios' weighted percentage.

A history is an integer: the newest result is the lowest bit, 1 is bad. What never happened reads as good.
"""

from __future__ import annotations

from config.estate import MofN

KEPT = 32
"""Results a history holds; the largest n of a rule."""
_MASK = (1 << KEPT) - 1

WATCHED_FOR_FLAPPING = 21
"""Nagios Core, base/flapping.c: the last 21 checks, so 20 possible changes of state."""
FLAPPING_ABOVE = 30.0
FLAPPING_BELOW = 20.0
"""Per cent. The gap keeps what flaps at the border from also flapping in and out of flapping."""

_CHANGES = WATCHED_FOR_FLAPPING - 1
# The oldest change weighs 0.75, the newest 1.25 (Nagios' curve), so that a fresh quarrel counts more than an old one.
_WEIGHTS = tuple(1.25 - 0.5 * age / (_CHANGES - 1) for age in range(_CHANGES))
_RECENT = (1 << WATCHED_FOR_FLAPPING) - 1


def pushed(history: int, bad: bool) -> int:
    """The history after one more result."""
    return ((history << 1) | bad) & _MASK


def bad_among(history: int, n: int) -> int:
    """How many of the newest `n` results were bad."""
    return (history & ((1 << n) - 1)).bit_count()


def opens(history: int, rule: MofN) -> bool:
    """Whether the newest result is bad and makes at least m bad among the last n."""
    return bool(history & 1) and bad_among(history, rule.n) >= rule.m


def clears(history: int, length: int, rule: MofN) -> bool:
    """Whether the newest result is good and makes at least m good among the last n that there were."""
    if history & 1:
        return False
    seen = min(rule.n, length)
    return seen - bad_among(history, seen) >= rule.m


def brings_nearer(history: int, rule: MofN) -> bool:
    """Whether bad results of the past would still let the next ones open sooner than from a clean start."""
    return any(bad + bad_among(history, rule.n - bad) >= rule.m for bad in range(1, rule.m))


def good_run(history: int, length: int) -> int:
    """How many good results there were since the last bad one."""
    newest_bad = history & -history
    return length if not newest_bad else min(newest_bad.bit_length() - 1, length)


def is_spotless(history: int) -> bool:
    """Whether nothing bad is left in the part of the history that decides anything about flapping."""
    return not history & _RECENT


def change_percentage(history: int) -> float:
    """How restless the last 21 results were: 0 for no change, 100 when every result differed from the one before."""
    changes = (history ^ (history >> 1)) & ((1 << _CHANGES) - 1)
    weight = 0.0
    while changes:
        newest = changes & -changes
        weight += _WEIGHTS[newest.bit_length() - 1]
        changes ^= newest
    return weight * 100.0 / _CHANGES


def flaps(history: int, flapping: bool) -> bool:
    """Whether it flaps now, given whether it did before."""
    percentage = change_percentage(history)
    return percentage >= FLAPPING_BELOW if flapping else percentage > FLAPPING_ABOVE
