"""What proves that a restore would work: data read again, and things really restored. Pure.

What could not be done proves nothing: it is *unproven*, which grows old, and no failure.
"""

from __future__ import annotations

from collections.abc import Iterator

from checks.backup.history import Lying, ObjectHistory
from checks.backup.model import Level, Proof
from checks.backup.options import ObjectOptions
from checks.backup.rules import Trouble
from checks.backup.rules.freshness import moment, span
from checks.contract import State
from checks.printable import printable
from config.schema.words import duration_text

_TELLING = 1024 * 1024
"""Bytes from which on a restore tells of throughput."""


def verification(options: ObjectOptions, history: ObjectHistory, now: float) -> Iterator[Trouble]:
    """Damage that a verification found, and how old the last good one is."""
    for at in dict.fromkeys([*history.lying, *history.verified]):
        lying, known = history.lying.get(at, Lying()), history.verified.get(at)
        if lying.count == 0 and lying.last is None:
            continue  # all that lay there is gone, the damage with it
        if lying.damaged or (known is not None and not known[1]):
            words = f"its data in {at.rstrip('/')} was found damaged"
            yield Trouble(State.CRITICAL, words, "restore from another copy, and take a full backup")
        elif lying.suspect:
            words = f"security: a scan calls its newest point in {at} {printable(lying.suspect)[:40].lower()}"
            yield Trouble(State.WARNING, words, "look at the machine, and keep its older points")
    if options.verified_within is None or not history.lying:
        return
    good = last_verified(history)
    if good is None:
        yield from _unproven(options.verified_within, history.first_seen, now, "its data has never been read again")
    elif now - good > options.verified_within:
        limit = duration_text(options.verified_within)
        words = f"its data was last read again {span(now - good)} ago, {limit} is the limit"
        yield Trouble(State.WARNING, words, "run the product's own verification")


def drilled(options: ObjectOptions, history: ObjectHistory, now: float) -> Iterator[Trouble]:
    """Restores that failed, one that took too long, and how old the last good one is."""
    yield from failures(history)
    good = last_restored(history)
    yield from _too_slow(options, history, good)
    if options.drilled_within is None:
        return
    tried = in_vain(history)
    if good is None:
        words = f"no restore of it has ever been proved{tried}"
        yield from _unproven(options.drilled_within, history.first_seen, now, words)
    elif now - good.at > options.drilled_within:
        words = f"its last proved restore is {span(now - good.at)} old; within {duration_text(options.drilled_within)}"
        yield Trouble(State.WARNING, f"{words} one must be proved{tried}", "drill a restore")


def _too_slow(options: ObjectOptions, history: ObjectHistory, good: Proof | None) -> Iterator[Trouble]:
    if options.rto is None:
        return
    measured = restore_seconds(history)
    # One restore that took longer than the RTO is enough to know, whatever part of the object it was.
    took = good.seconds if good is not None and good.seconds is not None else 0.0
    needed = max(measured or 0.0, took) + options.starts_in
    if needed > options.rto:
        words = f"a restore takes {span(needed)} by what drills measured; RTO {duration_text(options.rto)}"
        yield Trouble(State.WARNING, words, "make restores faster, or agree a longer RTO")


def proved(options: ObjectOptions, history: ObjectHistory) -> str:
    """What is said where nothing is wrong with restores; empty where nothing was asked for."""
    if options.drilled_within is None:
        return ""
    good = last_restored(history)
    words = f"a restore was proved at {moment(good.at)}" if good is not None else "no restore of it was proved yet"
    if options.rto is not None and restore_seconds(history) is None:
        words += "; how long a restore of the whole takes was never measured"
    return words + in_vain(history)


def read_again(options: ObjectOptions, history: ObjectHistory) -> str:
    """What is said where nothing is wrong with its data; empty where nothing was asked for."""
    if options.verified_within is None:
        return ""
    good = last_verified(history)
    return f"its data was read again at {moment(good)}" if good is not None else "its data was not read again yet"


def failures(history: ObjectHistory) -> Iterator[Trouble]:
    """Restores that failed. A failure is over when the same hand has restored again, and a rehearsal likewise.

    So a canary that comes back whole does not hide files that did not, nor a rehearsal a real failure before it.
    """
    of_hand: dict[str, list[Proof]] = {}
    for proof in history.proofs:
        if proof.passed is not None or proof.withdrawn:
            of_hand.setdefault(proof.by, []).append(proof)
    for by, done in of_hand.items():
        over = (at for at, proof in enumerate(reversed(done)) if proof.passed or proof.withdrawn)
        since = next(over, len(done))
        failed = done[len(done) - since :]
        real = [proof for proof in failed if not proof.rehearsal]
        if real:
            said = printable(real[-1].message)[:100]
            words = f"its last restore failed ({by or 'drill'})" + (f": {said}" if said else "")
            yield Trouble(State.CRITICAL, words, "find out why before it is needed")
        elif failed:
            words = f"REHEARSAL of this alarm ({by or 'drill'}): nothing is known to be damaged"
            yield Trouble(State.CRITICAL, words, "run the drill again, which clears it")


def in_vain(history: ObjectHistory) -> str:
    """What is said of a newest try that proved nothing."""
    last = history.proofs[-1] if history.proofs else None
    if last is None or last.passed is not None or last.withdrawn:
        return ""
    return "; the last try could not be done" + (f": {printable(last.message)[:80]}" if last.message else "")


def last_verified(history: ObjectHistory) -> float | None:
    """When data of it was last read again and found right, wherever it lies."""
    return max((at for at, sound in history.verified.values() if sound), default=None)


def last_restored(history: ObjectHistory) -> Proof | None:
    """The newest restore that went well."""
    return next((proof for proof in reversed(history.proofs) if proof.passed), None)


def restore_seconds(history: ObjectHistory) -> float | None:
    """How long a restore of the newest point would take, by the slow fifth of the throughputs that were measured.

    A canary of some hundred bytes measures how long a tool takes to start, and no throughput.
    """
    sizes = [one.bytes for one in history.lying.values() if one.bytes is not None]
    # A newest point may hold only what changed: the last full run tells how much there is.
    fulls = [past.bytes for past in history.runs if past.level is Level.FULL and past.outcome.kept and past.bytes]
    size = max([*sizes, *fulls[-1:]], default=None)
    rates = sorted(
        proof.bytes / proof.seconds
        for proof in history.proofs
        if proof.passed and proof.seconds and proof.bytes is not None and proof.bytes >= _TELLING
    )
    if size is None or not rates:
        return None
    return size / rates[len(rates) // 5]


def _unproven(within: float, since: float, now: float, words: str) -> Iterator[Trouble]:
    if now - since > within:
        yield Trouble(State.WARNING, words, "prove that it can be restored")
