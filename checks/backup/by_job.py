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
from checks.backup.rules.freshness import moment, newest
from checks.printable import printable

_MANY = 2
"""Objects from which on a job's own trouble is told of the job."""
_FEWEST = 3
"""Objects whose runs failed from which on that may be the job's trouble, where they are half of all."""
_NAMED = 3


def judge_jobs(
    this: Round, runs: Mapping[str, Sequence[Trouble]], late: Mapping[str, Trouble], unread: Set[str]
) -> None:
    """A finding for each job of several objects. `runs`: by object, what is wrong with its jobs and runs.

    `late`: by object, what is wrong with its RPO; where a job that is told of is why, it is told there.
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
    told = {at: _troubles(this, at, list(names), runs) for at, names in takes.items() if len(names) >= _MANY}
    for at, behind in _behind(this, runs, late, unread).items():
        told[at].append(_beyond(behind, len(takes[at])))
    for at, troubles in told.items():
        names = takes[at]
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


def _behind(
    this: Round, runs: Mapping[str, Sequence[Trouble]], late: Mapping[str, Trouble], unread: Set[str]
) -> dict[str, dict[str, Trouble]]:
    """By job: the objects that are late, of which nothing else is wrong than what is told of all their jobs.

    One that has no restore point at all is not late: somebody took them away.
    """
    behind: dict[str, dict[str, Trouble]] = {}
    for name in late.keys() - unread:
        evidence = this.got.objects[name]
        folded = {one.job for one in runs[name] if (name, one) in this.folded}
        listed = {place(product, job.name) for product, job in evidence.jobs}
        late_by = newest(evidence.history, this.now) is not None and listed <= folded
        if folded and late_by and all((name, one) in this.folded for one in runs[name]):
            behind.setdefault(min(folded), {})[name] = late[name]
            this.folded.add((name, late[name]))
    return behind


def _beyond(behind: Mapping[str, Trouble], count: int) -> Trouble:
    name, worst = max(sorted(behind.items()), key=lambda one: one[1].state.rank)
    words = f"{len(behind)} of {count} objects are late by it, {printable(name)[:40]}: {worst.words}"
    return Trouble(worst.state, words, worst.mend)


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
