"""False alarms against missed ones, on generated histories, in a table. To warn always, or never, scores badly."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from random import Random
from statistics import linear_regression, median

from checks.contract import State
from testbeds.peaks import FILLING, LEAD, LIMIT, QUIET, Firewall, Made, state

DAYS = 110
EACH = 8
NOTICE = 7
"""Days before the crossing by which a warning must stand to be of use."""

Foretold = Callable[[list[float]], list[bool]]
"""For each day whether a warning stood."""


@dataclass(frozen=True, slots=True)
class Score:
    """How one way to foretell did on one kind of history."""

    warnings: int
    """Warnings begun, over all histories."""
    days: float
    """The share of days on which one stood."""
    missed: int
    notice: float
    """Days before the crossing, median of those not missed."""


def ours(peaks: list[float]) -> list[bool]:
    firewall = Firewall()
    return [state(firewall.next_day(peak)) is State.WARNING for peak in peaks]


def straight_line(peaks: list[float]) -> list[bool]:
    """What a query on a graph does: least squares over the last 14 days."""

    def warned(last: list[float]) -> bool:
        line = linear_regression(range(len(last)), last)
        return line.slope > 0 and (LIMIT - line.intercept - line.slope * len(last)) / line.slope <= LEAD

    return [day >= 14 and warned(peaks[day - 14 : day]) for day in range(len(peaks))]


def always(said: bool, peaks: list[float]) -> list[bool]:
    return [said for _ in peaks]


def scored(foretold: Foretold, made: Made, kind: int) -> Score:
    """On `EACH` histories of one kind; one that fills up does so on its last day."""
    begun, stood, missed, notices, total = 0, 0, 0, list[int](), 0
    for number in range(EACH):
        rng = Random(1_000 * kind + number)
        peaks = made(rng, rng.choice((45, 60, 90)) if made in FILLING.values() else DAYS)
        warned = foretold(peaks)
        begun += sum(now and not before for before, now in zip([False, *warned], warned, strict=False))
        stood, total = stood + sum(warned), total + len(warned)
        useful = [day for day in range(len(warned) - NOTICE) if warned[day]]
        last = warned[-NOTICE - 1]
        missed += not (useful and last)
        notices += [len(warned) - 1 - useful[0]] if useful and last else []
    return Score(begun, stood / total, missed, median(notices) if notices else 0)


def rows(ways: dict[str, Foretold], kinds: dict[str, Made]) -> Iterable[tuple[str, dict[str, Score]]]:
    for kind, (name, made) in enumerate(kinds.items()):
        yield name, {way: scored(foretold, made, kind) for way, foretold in ways.items()}


def test_false_alarms_are_few_and_no_slow_crossing_is_missed() -> None:
    ways: dict[str, Foretold] = {
        "ours": ours, "least squares": straight_line, "never": partial(always, False), "always": partial(always, True),
    }  # fmt: skip

    quiet, filling = dict(rows(ways, QUIET)), dict(rows(ways, FILLING))

    print(f"\nquiet histories of {DAYS} days, {EACH} of each: warnings begun (share of days on which one stood)")
    for name, scores in quiet.items():
        print(f"{name:28}" + "".join(f"{way:>15} {one.warnings:3} ({one.days:4.0%})" for way, one in scores.items()))
    print(f"histories that fill up, {EACH} of each: missed (days of notice, median)")
    for name, scores in filling.items():
        print(f"{name:28}" + "".join(f"{way:>15} {one.missed:3} ({one.notice:4.0f})" for way, one in scores.items()))
    false = {way: sum(scores[way].warnings for scores in quiet.values()) for way in ways}
    missed = {way: sum(scores[way].missed for scores in filling.values()) for way in ways}
    print(f"together: false alarms {false}, missed {missed}")
    assert false["ours"] <= 3 and max(scores["ours"].days for scores in quiet.values()) < 0.02
    assert all(scores["ours"].missed == 0 for name, scores in filling.items() if name != "flat, then a leak")
    assert filling["flat, then a leak"]["ours"].missed <= 2
    assert all(14 <= scores["ours"].notice <= 60 for scores in filling.values())
    assert missed["never"] == EACH * len(FILLING)
    assert false["always"] == EACH * len(QUIET)
    assert false["least squares"] > 10 * max(false["ours"], 1)
