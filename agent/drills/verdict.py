"""What came of a drill, in a word and a sentence. Pure: of what was measured and seen, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.drills.party import Standing, Words
from agent.drills.records import Evidence, Gap, Measured, Out, Outcome, Swap
from checks.contract import State

BACK_FOR = 0.5
"""Seconds for which probes must be answered in a row before a service counts as back, and two of them at least."""
LEAST_BACK = 2


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    summary: str
    proven_at: float | None = None


def verdict(
    evidence: Evidence,
    away: Sequence[str],
    standing: Standing | None,
    words: Words,
    *,
    told: bool,
    left: str = "",
    back_at: float = 0.0,
) -> Verdict:
    """The outcome at the end.

    `away`: probes that are not answered and should be; `standing`: how what is drilled stands then; `told`: whether any
    check tells that; `left`: the target that the service has left, whose sets are elsewhere; `back_at`: when the last
    gap was over, before which what was counted tells nothing.
    """
    lost = lost_text(evidence.probes)
    counted = [one for one in evidence.outs if one.target != left]
    out = [one for one in counted if one.still]
    if away:
        return Verdict(Outcome.FAILED, f"The service did not come back: {', '.join(away)} is not answered. {lost}")
    if out:
        return Verdict(Outcome.FAILED, f"Not all came back: {'; '.join(map(_still, out[:4]))}. {lost}")
    if not told:
        return Verdict(Outcome.MEASURED, f"{words.untold}, so only the loss was measured. {lost}")
    if standing is not None and standing.service is State.CRITICAL:
        return Verdict(Outcome.FAILED, f"{words.failing}: {_ended(standing.text)} {lost}")
    if standing is None or standing.service is State.UNKNOWN:
        why = f": {_ended(standing.text)}" if standing is not None else "."
        return Verdict(Outcome.UNKNOWN, f"{words.unknown}{why} {lost}")
    uncounted = dict.fromkeys(one.target for one in counted if one.last_at < back_at)
    if uncounted:
        where = ", ".join(uncounted)
        return Verdict(Outcome.UNKNOWN, f"What is out of service at {where} was not read since it came back. {lost}")
    if not evidence.swaps and standing.service is State.UNSUPPORTED:
        return Verdict(Outcome.MEASURED, f"{words.unsupported}, so only the loss was measured. {lost}")
    if not evidence.swaps:
        return Verdict(Outcome.NO_FAILOVER, f"No failover was seen. {lost}")
    ways = "there and back" if _both_ways(evidence.swaps) else "one way"
    then = f"{words.not_whole}: {_ended(standing.text)}" if standing.state.bad else words.whole
    shown = "; ".join(f"{swap.away_from or 'none known'} to {swap.to}" for swap in evidence.swaps[-4:])
    sentence = f"{words.moved} {ways} ({shown}) and the service came back. {then} {lost}"
    return Verdict(Outcome.PROVEN, sentence, max(swap.seen for swap in evidence.swaps))


def _still(one: Out) -> str:
    return f"{one.category} at {one.target}: {one.last} out of service, {one.before} before"


def lost_text(probes: Sequence[Measured]) -> str:
    """How long each probe was lost at most at a time, with what that is worth."""
    return " ".join(f"{one.probe}: {_lost(one)}" for one in probes) or "Nothing was probed."


def _lost(one: Measured) -> str:
    if one.longest is None:
        return f"nothing lost of {one.sent}, asked at least every {one.coarsest:.2f} s."
    return f"{one.lost} of {one.sent} lost, at most {_length(one.longest)} at a time."


def _length(gap: Gap) -> str:
    if gap.open:
        return f"{gap.seconds:.1f} s and going on"
    return f"{gap.seconds:.1f} s ({gap.at_least:.2f} to {gap.at_most:.2f})"


def _both_ways(swaps: Sequence[Swap]) -> bool:
    """Whether the service went to a member that it had left before."""
    left: set[str] = set()
    for swap in swaps:
        if swap.to in left:
            return True
        left.add(swap.away_from)
    return False


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
