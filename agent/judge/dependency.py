"""Is a target cut off by something it depends on? A need is answered part by part, then combined.

Pure: what is known of one target comes from a function, so this file knows neither alerts nor results.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from agent.records import Cause
from config.estate import Need


class Standing(IntEnum):
    """How something stands on which others depend, from best to worst for an `any`."""

    UP = 0
    """It was asked after the fault began, and it answered."""
    WAIT = 1
    """Not yet known: it has to be asked, or is about to be judged itself."""
    RECENT = 2
    """It was away when the fault began and answers again: only a newer result of the child can tell."""
    DOWN = 3


@dataclass(frozen=True, slots=True)
class Answer:
    standing: Standing
    root: Cause | None = None
    """When down: the cause at the root, which is one and the same for everything behind it."""
    ask: tuple[str, ...] = ()
    """When waiting: the targets to ask."""


UP = Answer(Standing.UP)
_ALL_ORDER = {Standing.UP: 0, Standing.RECENT: 1, Standing.WAIT: 2, Standing.DOWN: 3}


def combine(need: Need, of: Callable[[str], Answer]) -> Answer:
    """The answer of a need, from the answers of its parts in the order of the estate.

    `all`: the worst part decides, and the first one down is the root. `any`: the best part decides; when every part is
    down the first one's root stands for all of them, so that the choice never depends on which fell first.
    """
    answers = [of(part) if isinstance(part, str) else combine(part, of) for part in need.parts]
    if not answers:
        return UP
    if need.mode == "all":
        decisive = max(answers, key=lambda answer: _ALL_ORDER[answer.standing])
    else:
        decisive = min(answers, key=lambda answer: answer.standing)
    if decisive.standing is not Standing.WAIT:
        return decisive
    return Answer(Standing.WAIT, ask=tuple(dict.fromkeys(name for answer in answers for name in answer.ask)))


def both(first: Answer, second: Answer) -> Answer:
    """Two needs that must both be met; the first one's root goes before the second one's."""
    worse = second if _ALL_ORDER[second.standing] > _ALL_ORDER[first.standing] else first
    if worse.standing is not Standing.WAIT:
        return worse
    return Answer(Standing.WAIT, ask=tuple(dict.fromkeys(first.ask + second.ask)))
