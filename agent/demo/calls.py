"""Test calls as the demo makes them: one after another, which no real estate may have.

`sip_call` keeps a minute between two calls, in the estate and in its code, since a call costs somebody something. Here
both ends are on this machine, and a story of two minutes has no time for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from checks.contract import CheckKind, Context, Observation, Target
from checks.telephony.call import CHECK, CallAnswers, SipCallOptions

EVERY = 6.0
"""Seconds from one call to the next: one of five seconds, and time to hang up."""


def hasty(kinds: Mapping[str, CheckKind]) -> Mapping[str, CheckKind]:
    """The kinds, with a `sip_call` that does not know when it called last.

    Nor does it know how late its own packets left, for which it would rate no call: a busy processor of the machine
    that plays this is no part of the story.
    """
    return {**kinds, CHECK.kind: replace(CHECK, collect=_collect)}


async def _collect(target: Target, options: SipCallOptions, ctx: Context) -> Observation:
    seen = await CHECK.collect(target, options, replace(ctx, kept=None, memory=None))
    answers = seen.answers
    if not isinstance(answers, CallAnswers) or answers.sound is None or answers.sound.report is None:
        return seen
    report = replace(answers.sound.report, skipped=0, lateness_p50_seconds=None, lateness_p99_seconds=None)
    return replace(seen, answers=replace(answers, sound=replace(answers.sound, report=report)))


async def keep_calling(run_now: Callable[[Iterable[str]], None], checks: Sequence[str]) -> None:
    """Begin these checks again and again, besides their schedule."""
    while True:
        await asyncio.sleep(EVERY)
        run_now(checks)
