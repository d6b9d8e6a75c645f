"""When an event that was not taken is sent again, and when it is given up. Pure."""

from __future__ import annotations

from random import Random

from exporters.outbound import Outcome

PAUSES = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 50_400.0)
"""Seconds before the second try, the third, …: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h; 31 h 35 min in all."""
TRIES = len(PAUSES) + 1
TRIES_IF_REFUSED = 3
"""Of an event that the receiver refuses for what it is: at once, after 5 s, after 5 min."""
REFUSALS = frozenset({400, 413, 422})
"""What a receiver says of this one event. 401, 403 and 404 are about the secret or the URL, so about every event."""
REFUSED_IN_A_ROW = 3
"""Events refused one after the other, from which on it is taken to be the receiver that is wrong, not the events."""
LONGEST_ASKED = 86_400.0
"""The longest pause that a receiver may ask for."""
SPREAD = 0.1
"""By so much, as a part of it, a pause is longer or shorter by chance."""
LONGEST = LONGEST_ASKED * (1 + SPREAD)
"""No pause is longer; a moment that is further away was written by a clock that went wrong."""


def pause(attempts: int, outcome: Outcome, in_a_row: int, chance: Random) -> float | None:
    """Seconds until the next try of an event that was tried `attempts` times; None when it is given up.

    `in_a_row` counts the events before it that were given up, with none taken in between. `Retry-After` makes a pause
    longer, never shorter: tries must last for more than a day, however soon a receiver hopes to be back.
    """
    refused = outcome.status in REFUSALS and in_a_row < REFUSED_IN_A_ROW
    if attempts >= (TRIES_IF_REFUSED if refused else TRIES):
        return None
    asked = min(outcome.retry_after or 0.0, LONGEST_ASKED)
    return max(PAUSES[attempts - 1] * chance.uniform(1 - SPREAD, 1 + SPREAD), asked)
