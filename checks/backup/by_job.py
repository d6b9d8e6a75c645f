"""What many objects suffer for one job, told once. Pure.

A job that is off, or hangs, or failed for most of what it takes, is one cause: a ticket for each of its 80 machines
would hide it. What only some of them suffer is their own matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set

from checks.backup.evidence import place
from checks.backup.round import JOB, Round, about
from checks.backup.rules import Trouble
from checks.backup.rules.freshness import moment
from checks.printable import printable

_MANY = 2
"""Objects from which on a job's own trouble is told of the job."""
_FEWEST = 3
"""Objects whose runs failed from which on that may be the job's trouble, where they are half of all."""
_NAMED = 3


def judge_jobs(this: Round, runs: Mapping[str, Sequence[Trouble]], unread: Set[str]) -> None:
    """A finding for each job of several objects. `runs`: by object, what is wrong with its jobs and runs.

    `unread`: objects of which not everything was read. Nothing good is said of a job for what is known of them.
    """
    takes: dict[str, dict[str, None]] = {}
    for name, evidence in this.got.objects.items():
        for product, job in evidence.jobs:
            takes.setdefault(place(product, job.name), {})[name] = None
    listed = frozenset(takes)
    for name, evidence in this.got.objects.items():
        for at in {place(past.product, past.job) for past in evidence.history.runs} - listed:
            takes.setdefault(at, {})[name] = None  # it was renamed or removed, or the product lists no such jobs
    for at, names in takes.items():
        if len(names) < _MANY:
            continue
        troubles = _troubles(this, at, list(names), runs)
        if troubles or (at in listed and not unread & names.keys()):
            _tell(this, at, list(names), troubles)
        elif unread & names.keys():
            this.open.add(f"{JOB}/{at}")


def _troubles(this: Round, at: str, names: Sequence[str], runs: Mapping[str, Sequence[Trouble]]) -> list[Trouble]:
    whole = [(name, one) for name in names for one in runs[name] if one.job == at and one.whole]
    each = [(name, one) for name in names for one in runs[name] if one.job == at and not one.whole]
    troubles = list({one.words: one for _, one in whole}.values())
    this.folded |= set(whole)
    if len(each) >= _FEWEST and 2 * len(each) >= len(names):
        this.folded |= set(each)
        troubles.append(_of_most([one for _, one in each], len(names)))
    return troubles


def _tell(this: Round, at: str, names: Sequence[str], troubles: Sequence[Trouble]) -> None:
    product, _, own = at.partition("/")
    job = printable(own)[:60]
    named = ", ".join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")
    owners = dict.fromkeys(this.options.objects[name].owner for name in names)
    more = {"objects": ", ".join(names)[:300], "owner": ", ".join(owners)[:200]}
    about(
        this, f"{JOB}/{at}", f"job {job} ({len(names)} objects: {named})", troubles,
        f"runs as it should, as of {moment(this.now)}", product, more,
    )  # fmt: skip


def _of_most(each: Sequence[Trouble], count: int) -> Trouble:
    said = Counter(one.said for one in each if one.said).most_common(1)
    words = f"its last run did not do for {len(each)} of {count} objects" + (f": {said[0][0]}" if said else "")
    worst = max(each, key=lambda one: one.state.rank)
    return Trouble(worst.state, words, worst.mend)
