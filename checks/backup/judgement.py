"""What the accounts of all products mean for everything that must be protected. Pure.

One cause, one finding: what stands in the way of an object's next restore is one, whatever shows it. A repository that
is not there, or a product that cannot be read, is the cause of all that follows from it, and says so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from checks.backup import families
from checks.backup.belief import believed
from checks.backup.by_job import judge_jobs
from checks.backup.evidence import Evidence, place
from checks.backup.gather import Gathered, gathered
from checks.backup.history import ObjectHistory, Past, with_count, with_proofs, with_verification
from checks.backup.lying import all_told, restorable
from checks.backup.model import Proof
from checks.backup.note import Note, packed, unpacked
from checks.backup.options import BackupOptions, ObjectOptions
from checks.backup.places import judge_places
from checks.backup.proofs import Proofs
from checks.backup.round import (
    COPIES,
    JOB,
    LOCK,
    PRODUCT,
    PROOFS,
    PROTECTION,
    REPOSITORY,
    RESTORED,
    RETENTION,
    SERVER,
    SIZE,
    UNDECLARED,
    UNPROTECTED,
    VERIFIED,
    BackupAnswers,
    ProductPart,
    Round,
    about,
    tell,
)
from checks.backup.rules import Trouble
from checks.backup.rules.freshness import freshness, moment, newest, span
from checks.backup.rules.jobs import job_troubles
from checks.backup.rules.keeping import by_place, copies, retention, slots, three_two_one
from checks.backup.rules.proving import drilled, failures, proved, read_again, verification
from checks.backup.rules.runs import next_run, run_troubles
from checks.backup.rules.sizes import Unusual, encrypting, frozen, series_of, unusual
from checks.backup.servers import judge_product, read_whole
from checks.contract import INPUT, Assessment, Memory, State

_NAMED = 5
_OF_OBJECTS = (PROTECTION, SIZE, RETENTION, COPIES, VERIFIED, RESTORED)
_LISTED_NEWS = 2 * 86_400.0
_MAY_GO = frozenset(f"{key}/*" for key in (SIZE, VERIFIED, RESTORED, JOB, UNPROTECTED))


def judged(options: BackupOptions, answers: BackupAnswers, memory: Memory | None, now: float) -> Assessment:
    """Judge everything. Products that are missing in the answers count as not read."""
    before = unpacked(memory)
    parts = {name: answers.products.get(name, ProductPart()) for name in options.products}
    told = {name: believed(part.account, now) for name, part in parts.items() if part.account is not None}
    accounts = {name: account for name, (account, _) in told.items()}
    parts = {name: ProductPart(accounts.get(name), part.fault) for name, part in parts.items()}
    got = gathered(options, accounts, before, now)
    if answers.proofs is not None:
        _with_drills(got, answers.proofs)
    this = Round(options, accounts, before, got, now, {name: one for name, (_, one) in told.items()})
    places = judge_places(this)
    runs = {name: list(_runs(this, name, evidence)) for name, evidence in got.objects.items()}
    unread = {name for name, one in options.objects.items() if _unread(this, one)}
    late = {name: one for name, evidence in got.objects.items() for one in _late(this, name, evidence, name in unread)}
    judge_jobs(this, runs, late, unread)
    for name, one in late.items():
        runs[name].insert(0, one)
    objects = {name: _object(this, name, evidence, runs[name]) for name, evidence in got.objects.items()}
    for name, part in parts.items():
        judge_product(this, name, part)
    if options.proofs is not None:
        _proofs(this, answers.proofs)
    read = {**before.read, **{name: one.at for name, one in accounts.items()}}
    after = Note(objects, places.spaces, places.immutable, read, got.job_runs, places.lowered)
    return Assessment(
        tuple(this.findings),
        tuple(this.readings),
        _covers(this),
        _MAY_GO,
        None if _same(before, after) else packed(after),
        whole=not this.open,
    )


def _with_drills(got: Gathered, proofs: Proofs) -> None:
    restores: dict[str, list[Proof]] = {}
    for proof in proofs.restores:
        restores.setdefault(proof.object, []).append(proof)
    for name, of_object in restores.items():
        got.objects[name].history = with_proofs(got.objects[name].history, of_object)
    for product, one in proofs.verifications:
        evidence = got.objects[one.object]
        evidence.history = with_verification(evidence.history, place(product, one.repository), one)


def _proofs(this: Round, proofs: Proofs | None) -> None:
    """Whether what drills left could be read whole: a restore that failed may stand in what could not."""
    troubles: list[Trouble] = []
    if proofs is None:
        troubles.append(Trouble(State.UNKNOWN, "were not read"))
    else:
        troubles += [
            Trouble(State.UNKNOWN, f"{name} {why}", "have the drill run again, which writes it anew")
            for name, why in proofs.unread.items()
        ]
        if proofs.undeclared:
            named = ", ".join(proofs.undeclared[:_NAMED])
            words = f"drills tell of objects that the estate does not have: {named}"
            troubles.append(Trouble(State.WARNING, words, "mend `object` in the file of the drills"))
    about(this, PROOFS, "what drills left", troubles, "is read whole")


def _covers(this: Round) -> frozenset[str]:
    """Everything, or what was judged, and what the estate has no more."""
    if not this.open:
        return frozenset({"backup/*", f"{INPUT}*"})
    told = {finding.key for finding in this.findings}
    objects = {f"{what}/{name}" for name in this.note.objects.keys() - this.options.objects for what in _OF_OBJECTS}
    removed = this.note.read.keys() - this.options.products
    products = {f"{what}/{name}" for name in removed for what in (PRODUCT, UNDECLARED, UNPROTECTED, SERVER)}
    parts = {f"{what}/{name}/*" for name in removed for what in (JOB, REPOSITORY, LOCK)}
    return frozenset(told | this.judged | objects | products | parts)


def _same(before: Note, after: Note) -> bool:
    """Whether nothing but the time of reading is new; that alone is worth a note once an hour."""
    parts = ("objects", "spaces", "immutable", "jobs", "lowered")
    if any(getattr(before, part) != getattr(after, part) for part in parts):
        return False
    return set(before.read) == set(after.read) and all(after.read[name] - at < 3600 for name, at in before.read.items())


def _unread(this: Round, options: ObjectOptions) -> bool:
    return any(not read_whole(this.accounts.get(claim.product)) for claim in options.by)


def _runs(this: Round, name: str, evidence: Evidence) -> Iterator[Trouble]:
    """What is wrong with its jobs and its runs. A run that a whole job owes is the job's matter."""
    options = this.options.objects[name]
    whole = [] if _unread(this, options) else list(job_troubles(options, evidence, this.now))
    yield from whole
    yield from run_troubles(options, evidence, this.now, excused=bool(whole))


def _late(this: Round, name: str, evidence: Evidence, unread: bool) -> Iterator[Trouble]:
    """What is wrong with its RPO, where anything backs it up."""
    options, history = this.options.objects[name], evidence.history
    if evidence.matched or history.lying or unread:
        late = freshness(options, history, this.now, unread, next_run(options, evidence, this.now))
        if late is not None:
            yield late


def _object(this: Round, name: str, evidence: Evidence, found: Sequence[Trouble]) -> ObjectHistory:
    """`found`: what is wrong with its RPO, its jobs and its runs."""
    options, history, now = this.options.objects[name], evidence.history, this.now
    kept, series = copies(this.options, history), [(one, unusual(one)) for one in series_of(history.runs)]
    far = [one for _, found in series for one in found]
    this.readings += families.of_object(name, options, history, by_place(kept), far, now)
    unread = _unread(this, options)
    troubles = [one for one in found if (name, one) not in this.folded]
    if not evidence.matched and not history.lying and not unread:
        words = "nothing backs it up: no product knows it"
        troubles = [Trouble(State.CRITICAL, words, "add it to a job, or mend its name here")]
    if unread:
        _of_what_is_known(this, name, evidence, troubles)
        return history
    folded = [one for one in found if (name, one) in this.folded]
    if folded and not troubles:
        tell(this, PROTECTION, name, folded, "", evidence, f"{JOB}/{min(one.job for one in folded if one.job)}")
    else:
        cause = _cause(this, history) if troubles else ""
        tell(this, PROTECTION, name, troubles, _well(evidence, now), evidence, cause)
    _sizes(this, name, evidence, series)
    if options.retention is not None:
        _retention(this, name, options, evidence)
    if options.copies is not None:
        short = list(three_two_one(options, options.copies, kept, history, now))
        tell(this, COPIES, name, short, f"{1 + len(kept)} copies with the original", evidence)
    tell(this, VERIFIED, name, list(verification(options, history, now)), read_again(options, history), evidence)
    tell(this, RESTORED, name, list(drilled(options, history, now)), proved(options, history), evidence)
    may = options.retention.may_shrink_by if options.retention is not None else math.inf
    for at, lying in history.lying.items():
        if lying.count is not None:
            history = with_count(history, at, lying.count, may, now)
    return history


def _of_what_is_known(this: Round, name: str, evidence: Evidence, troubles: Sequence[Trouble]) -> None:
    """What is known is not everything: only what no further answer could make good is told."""
    options, history = this.options.objects[name], evidence.history
    this.open.add(f"{PROTECTION}/{name}")
    for what, found in (
        (PROTECTION, troubles),
        (VERIFIED, list(verification(options, history, this.now))),
        (RESTORED, list(failures(history))),
    ):
        grave = [one for one in found if one.state is State.CRITICAL]
        if grave:
            tell(this, what, name, grave, "", evidence, _cause(this, history) if what == PROTECTION else "")


def _sizes(
    this: Round, name: str, evidence: Evidence, series: Sequence[tuple[Sequence[Past], Sequence[Unusual]]]
) -> None:
    troubles: list[Trouble] = []
    lines: list[str] = []
    for runs, far in series:
        troubles += [one for one in (encrypting(runs, far), frozen(runs)) if one is not None]
        troubles += [Trouble(State.WARNING, one.words, "see what changed") for one in far if one.deviation.incident]
        lines += [one.words for one in far if one.deviation.line]
    tell(this, SIZE, name, troubles, "; ".join(lines), evidence)


def _retention(this: Round, name: str, options: ObjectOptions, evidence: Evidence) -> None:
    history, now = evidence.history, this.now
    troubles = list(retention(options, history, now))
    wish = options.retention.gfs if options.retention is not None else None
    if wish is not None and history.lying:
        times = _times(this, options, evidence)
        if times is not None or all(now - one.listed > _LISTED_NEWS for one in history.lying.values()):
            troubles += slots(wish, history, times, now)
        elif not troubles:
            this.open.add(f"{RETENTION}/{name}")  # listed a while ago: what was said then holds until it is again
            return
    tell(this, RETENTION, name, troubles, "enough is kept", evidence)


def _times(this: Round, options: ObjectOptions, evidence: Evidence) -> list[float] | None:
    """Of all points that can be restored, where a product told all that it has."""
    whole = {product for product, account in this.accounts.items() if all_told(account)}
    if not whole & {claim.product for claim in options.by}:
        return None
    return [
        point.at
        for at, points in evidence.points.items()
        if at.partition("/")[0] in whole
        for point in points
        if restorable(point, options)
    ]


def _cause(this: Round, history: ObjectHistory) -> str:
    """The repository that is gone, where all that lies of the object lies in such."""
    lying = [at for at, one in history.lying.items() if one.newest is not None]
    if lying and all(at in this.gone for at in lying):
        return f"{REPOSITORY}/{lying[0]}"
    return ""


def _well(evidence: Evidence, now: float) -> str:
    at = newest(evidence.history, now)
    words = f"restorable as of {moment(at)}, {span(max(0.0, now - at))} ago" if at is not None else "there is none"
    for part, one in list(evidence.accepted.items())[:_NAMED]:
        words += f"; without {part}, accepted by {one.owner} until {one.review}: {one.reason}"
    return words


__all__ = ["LOCK", "PRODUCT", "PROTECTION", "REPOSITORY", "UNDECLARED", "BackupAnswers", "ProductPart", "judged"]
