"""What came of a drill, in a word and a sentence. Pure: of what was measured and seen, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.drills.pair import Standing
from agent.drills.records import Evidence, Gap, Measured, Outcome, Swap
from checks.contract import State

BACK_AFTER = 5
"""Probes answered in a row from which a service counts as back."""


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: Outcome
    summary: str
    proven_at: float | None = None


def verdict(evidence: Evidence, away: Sequence[str], pair: Standing | None, *, has_pair: bool) -> Verdict:
    """The outcome at the end. `away`: probes that are not answered at the end; `pair`: how it stands then."""
    lost = lost_text(evidence.probes)
    if away:
        return Verdict(Outcome.FAILED, f"The service did not come back: {', '.join(away)} is not answered. {lost}")
    if not has_pair:
        return Verdict(Outcome.MEASURED, f"Nothing tells of roles here, so only the loss was measured. {lost}")
    if pair is not None and pair.service is State.CRITICAL:
        return Verdict(Outcome.FAILED, f"The pair does not do its work: {_ended(pair.text)} {lost}")
    if pair is None or pair.service is State.UNKNOWN:
        why = f": {_ended(pair.text)}" if pair is not None else "."
        return Verdict(Outcome.UNKNOWN, f"How the pair stands is not known{why} {lost}")
    if not evidence.swaps and pair.service is State.UNSUPPORTED:
        return Verdict(Outcome.MEASURED, f"This product tells no roles, so only the loss was measured. {lost}")
    if not evidence.swaps:
        return Verdict(Outcome.NO_FAILOVER, f"No failover was seen. {lost}")
    ways = "there and back" if _both_ways(evidence.swaps) else "one way"
    then = f"The pair is not whole: {_ended(pair.text)}" if pair.state.bad else "The pair is whole."
    shown = "; ".join(f"{swap.away_from or 'none known'} to {swap.to}" for swap in evidence.swaps[-4:])
    sentence = f"Failed over {ways} ({shown}) and the service came back. {then} {lost}"
    return Verdict(Outcome.PROVEN, sentence, max(swap.seen for swap in evidence.swaps))


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
