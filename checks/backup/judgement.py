"""What the accounts of all products mean for everything that must be protected. Pure.

One cause, one finding: what stands in the way of an object's next restore is one, whatever shows it. A repository that
is not there, or a product that cannot be read, is the cause of all that follows from it, and says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from checks.backup import families
from checks.backup.gather import Evidence, Gathered, gathered, place
from checks.backup.history import ObjectHistory, with_count, with_proofs, with_verification
from checks.backup.model import Account, Part, Proof
from checks.backup.note import Note, Space, packed, unpacked
from checks.backup.options import BackupOptions, ObjectOptions, fits
from checks.backup.proofs import Proofs
from checks.backup.rules import Trouble
from checks.backup.rules.freshness import freshness, moment, newest, span
from checks.backup.rules.keeping import by_place, copies, retention, three_two_one
from checks.backup.rules.proving import drilled, failures, in_vain, verification
from checks.backup.rules.repositories import standing, weakened, with_space
from checks.backup.rules.runs import run_troubles
from checks.backup.rules.sizes import unusual
from checks.contract import INPUT, Assessment, Fault, Finding, Memory, Reading, State
from checks.printable import printable
from config.cron import LONDON

PROTECTION = "backup/protection"
SIZE = "backup/size"
RETENTION = "backup/retention"
COPIES = "backup/copies"
VERIFIED = "backup/verified"
RESTORED = "backup/restored"
REPOSITORY = "backup/repository"
LOCK = "backup/lock"
PRODUCT = "backup/product"
UNDECLARED = "backup/undeclared"
SERVER = "backup/server"
PROOFS = "backup/proofs"
_SKEW = 120.0
"""Seconds by which a product's clock may differ from ours."""
_NAMED = 5


@dataclass(frozen=True, slots=True)
class ProductPart:
    """What one product brought. An account with a fault beside it is partial."""

    account: Account | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class BackupAnswers:
    """The round, by the estate's names of the products."""

    products: dict[str, ProductPart] = field(default_factory=dict)
    proofs: Proofs | None = None
    """What drills of ours left; None where the estate names no place for it."""

    @property
    def reached(self) -> bool | None:
        """Faults of products are findings of their own here."""
        return True


@dataclass(slots=True)
class _Round:
    """Everything that the judging of one round needs, and what comes of it."""

    options: BackupOptions
    accounts: dict[str, Account]
    note: Note
    got: Gathered
    now: float
    findings: list[Finding] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    """Keys that cannot be judged this time."""
    gone: set[str] = field(default_factory=set)
    """Repositories (`product/name`) that are not there."""


def judged(options: BackupOptions, answers: BackupAnswers, memory: Memory | None, now: float) -> Assessment:
    """Judge everything. Products that are missing in the answers count as not read."""
    before = unpacked(memory)
    parts = {name: answers.products.get(name, ProductPart()) for name in options.products}
    accounts = {name: part.account for name, part in parts.items() if part.account is not None}
    got = gathered(options, accounts, before.objects, now)
    if answers.proofs is not None:
        _with_drills(got, answers.proofs)
    this = _Round(options, accounts, before, got, now)
    spaces, immutable = _repositories(this)
    objects = {name: _object(this, name, evidence) for name, evidence in got.objects.items()}
    for name, part in parts.items():
        _product(this, name, part)
    if options.proofs is not None:
        _proofs(this, answers.proofs)
    after = Note(objects, spaces, immutable, {**before.read, **{name: one.at for name, one in accounts.items()}})
    return Assessment(
        tuple(this.findings),
        tuple(this.readings),
        _covers(this),
        frozenset({f"{SIZE}/*", f"{VERIFIED}/*", f"{RESTORED}/*"}),
        None if _same(before, after) else packed(after),
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


def _proofs(this: _Round, proofs: Proofs | None) -> None:
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
    _about(this, PROOFS, "what drills left", troubles, "is read whole")


def _covers(this: _Round) -> frozenset[str]:
    if not this.open:
        return frozenset({"backup/*", f"{INPUT}*"})
    return frozenset(finding.key for finding in this.findings)


def _same(before: Note, after: Note) -> bool:
    """Whether nothing but the time of reading is new; that alone is worth a note once an hour."""
    if (before.objects, before.spaces, before.immutable) != (after.objects, after.spaces, after.immutable):
        return False
    return set(before.read) == set(after.read) and all(after.read[name] - at < 3600 for name, at in before.read.items())


def _object(this: _Round, name: str, evidence: Evidence) -> ObjectHistory:
    options, history, now = this.options.objects[name], evidence.history, this.now
    unread = any(not _read(this.accounts.get(claim.product)) for claim in options.by)
    kept, far = copies(this.options, history), unusual(history.runs)
    this.readings += families.of_object(name, options, history, by_place(kept), far, now)
    troubles = list(_protection(this, options, evidence, unread))
    if unread:
        # What is known is not everything: only what no further answer could make good is told.
        this.open.add(f"{PROTECTION}/{name}")
        troubles = [one for one in troubles if one.state is State.CRITICAL]
        if troubles:
            _tell(this, PROTECTION, name, troubles, "", evidence)
        failed = list(failures(history))
        if failed:
            _tell(this, RESTORED, name, failed, "", evidence)
        return history
    _tell(this, PROTECTION, name, troubles, _well(history, now), evidence)
    sizes = [Trouble(State.WARNING, one.words, "see what changed") for one in far if one.deviation.incident]
    lines = "; ".join(one.words for one in far if one.deviation.line)
    _tell(this, SIZE, name, sizes, lines, evidence)
    if options.retention is not None:
        _tell(this, RETENTION, name, list(retention(options, history, now)), "enough is kept", evidence)
    if options.copies is not None:
        short = list(three_two_one(options, options.copies, kept, history, now))
        _tell(this, COPIES, name, short, f"{1 + len(kept)} copies with the original", evidence)
    well = "its data was read again in time" if options.verified_within is not None else ""
    _tell(this, VERIFIED, name, list(verification(options, history, now)), well, evidence)
    well = f"a restore was proved in time{in_vain(history)}" if options.drilled_within is not None else ""
    _tell(this, RESTORED, name, list(drilled(options, history, now)), well, evidence)
    for at, lying in history.lying.items():
        if lying.count is not None:
            history = with_count(history, at, lying.count, now)
    return history


def _read(account: Account | None) -> bool:
    """Whether everything was read by which an object is judged. A server that lists nothing at all was not."""
    parts = (Part.RUNS, Part.POINTS, Part.OBJECTS, Part.JOBS)
    return account is not None and not any(part in account.unread for part in parts) and not _empty(account)


def _empty(account: Account) -> bool:
    listed = account.objects or account.jobs or account.points or account.runs
    return Part.JOBS in account.has and not account.unread and not listed


def _protection(this: _Round, options: ObjectOptions, evidence: Evidence, unread: bool) -> Iterator[Trouble]:
    if not evidence.matched and not evidence.history.lying and not unread:
        yield Trouble(
            State.CRITICAL, "nothing backs it up: no product knows it", "add it to a job, or mend its name here"
        )
        return
    late = freshness(options, evidence.history, this.now, unread)
    if late is not None:
        yield late
    yield from run_troubles(options, evidence, this.now)


def _well(history: ObjectHistory, now: float) -> str:
    at = newest(history, now)
    return f"restorable as of {moment(at)}, {span(max(0.0, now - at))} ago" if at is not None else "there is none"


def _tell(this: _Round, what: str, name: str, troubles: Sequence[Trouble], well: str, evidence: Evidence) -> None:
    """One finding of an object; none where nothing is wrong and nothing is to be said.

    What follows from a repository that is gone is told there.
    """
    options = this.options.objects[name]
    key, title, traced = f"{what}/{name}", options.title or name, _traced(this, options, evidence)
    cause = _cause(this, evidence.history) if what == PROTECTION and troubles else ""
    if cause or not troubles:
        words = f"{title}: {troubles[0].words}; {cause} says why" if cause else f"{title}: {well}"
        if cause or well:
            this.findings.append(Finding(key, State.OK, printable(words)[:300], traced))
        return
    ordered = sorted(troubles, key=lambda one: -one.state.rank)
    words = f"{title}: " + "; ".join(one.words for one in ordered) + f". Owner: {options.owner}."
    words += f" Next: {ordered[0].mend}." if ordered[0].mend else ""
    traced = {"owner": options.owner, "next": ordered[0].mend, **traced}
    this.findings.append(Finding(key, ordered[0].state, printable(words)[:300], traced))


def _cause(this: _Round, history: ObjectHistory) -> str:
    """The repository that is gone, where all that lies of the object lies in such."""
    lying = [at for at, one in history.lying.items() if one.newest is not None]
    if lying and all(at in this.gone for at in lying):
        return f"{REPOSITORY}/{lying[0]}"
    return ""


def _traced(this: _Round, options: ObjectOptions, evidence: Evidence) -> Mapping[str, str]:
    """What the verdict was made of, and when it was read."""
    read = {
        f"read from {claim.product}": moment(this.accounts[claim.product].at)
        if claim.product in this.accounts
        else "not"
        for claim in options.by
    }
    at = newest(evidence.history, this.now)
    runs = evidence.history.runs
    if runs:
        read["last run"] = f"{moment(runs[-1].started)} {runs[-1].outcome}"
    if at is not None:
        read["newest restorable point"] = moment(at)
    return read


def _repositories(this: _Round) -> tuple[Mapping[str, Space], Mapping[str, float]]:
    spaces, immutable = dict(this.note.spaces), dict(this.note.immutable)
    day = datetime.fromtimestamp(this.now, ZoneInfo(LONDON)).toordinal()
    for product, account in this.accounts.items():
        for one in account.repositories:
            at = place(product, one.name)
            said = this.options.place_of(product, one.name)
            if one.capacity is not None and one.free is not None:
                spaces[at] = with_space(spaces.get(at, Space()), day, one.capacity - one.free)
            troubles = list(standing(one, said, spaces.get(at, Space())))
            _about(this, f"{REPOSITORY}/{at}", f"repository {one.name}", troubles, "is there")
            if one.online is False:
                this.gone.add(at)
            weak = weakened(one, said, immutable.get(at))
            if weak is not None or one.immutable_days is not None:
                _about(
                    this, f"{LOCK}/{at}", f"repository {one.name}", [weak] if weak else [], "is locked as it should be"
                )
            if one.immutable_days is not None:
                immutable[at] = max(immutable.get(at, 0.0), one.immutable_days)
            this.readings += families.of_repository(at, one)
        if Part.REPOSITORIES in account.unread:
            this.open |= {f"{REPOSITORY}/{product}", f"{LOCK}/{product}"}
    return spaces, immutable


def _product(this: _Round, name: str, part: ProductPart) -> None:
    account, troubles = part.account, list[Trouble]()
    server = this.options.products[name].target
    if server is not None:
        _server_there(this, server, part)
    if part.fault is not None and (server is None or part.fault.reached is not False):
        troubles.append(Trouble(State.UNKNOWN, part.fault.message))
    elif part.fault is not None:
        this.findings.append(Finding(f"{PRODUCT}/{name}", State.OK, f"{name}: {INPUT}{server} says why it is not read"))
        this.open |= {f"{UNDECLARED}/{name}", f"{SERVER}/{name}"}
        return
    elif account is None:
        troubles.append(Trouble(State.UNKNOWN, "was not asked"))
    if account is None:
        age = this.now - this.note.read[name] if name in this.note.read else None
        troubles += [Trouble(State.UNKNOWN, f"last read {span(age)} ago")] if age is not None else []
        this.open |= {f"{UNDECLARED}/{name}", f"{SERVER}/{name}"}
    elif account.repositories and all(one.online is False for one in account.repositories):
        at = place(name, account.repositories[0].name)
        this.findings.append(
            Finding(f"{PRODUCT}/{name}", State.OK, f"{name}: {REPOSITORY}/{at} says why it is not read")
        )
        this.open |= {f"{UNDECLARED}/{name}", f"{SERVER}/{name}"}
        return
    else:
        troubles += [Trouble(State.UNKNOWN, f"{of} not read: {why}") for of, why in account.unread.items()]
        if _empty(account):
            words = "it lists nothing at all: the account may see nothing"
            troubles.append(Trouble(State.UNKNOWN, words, "compare with its own console"))
        if account.clock is not None and abs(account.clock - account.at) > _SKEW:
            words = f"its clock differs from the agent's by {span(abs(account.clock - account.at))}"
            troubles.append(Trouble(State.WARNING, words, "set both by NTP"))
        _undeclared(this, name)
        _server(this, name, account)
    past = [key for key, one in this.got.objects.items() if _waits(this, key, one, name)]
    if past and troubles:
        named = ", ".join(past[:_NAMED]) + (f" and {len(past) - _NAMED} more" if len(past) > _NAMED else "")
        troubles.append(Trouble(State.UNKNOWN, f"beyond their RPO as far as is known: {named}"))
    _about(this, f"{PRODUCT}/{name}", name, troubles, f"read whole at {moment(this.now)}")


def _server_there(this: _Round, server: str, part: ProductPart) -> None:
    """Whether a product's server is there at all; while its own checks say that it is not, they have the incident."""
    fault = part.fault
    troubles = [Trouble(State.CRITICAL, fault.message)] if fault is not None and fault.reached is False else []
    _about(this, f"{INPUT}{server}", server, troubles, "is there")


def _waits(this: _Round, key: str, evidence: Evidence, product: str) -> bool:
    """Whether an object is beyond its RPO as far as is known, and the product may know better."""
    options = this.options.objects[key]
    if all(claim.product != product for claim in options.by):
        return False
    late = freshness(options, evidence.history, this.now, unread=True)
    return late is not None and late.state is State.UNKNOWN


def _undeclared(this: _Round, name: str) -> None:
    if not this.options.undeclared:
        return
    but = this.options.undeclared_except
    found = [one for one in this.got.undeclared.get(name, ()) if not any(fits(pattern, one) for pattern in but)]
    named = ", ".join(printable(one)[:40] for one in found[:_NAMED]) + (" …" if len(found) > _NAMED else "")
    words = f"{len(found)} backed up and not declared: {named}"
    troubles = [Trouble(State.WARNING, words, "declare each with its owner and RPO, or except it")] if found else []
    _about(this, f"{UNDECLARED}/{name}", name, troubles, "backs up nothing that is not declared")


def _server(this: _Round, name: str, account: Account) -> None:
    within = this.options.server_backup_within
    if within is None or Part.SERVER not in account.has:
        return
    if Part.SERVER in account.unread:
        this.open.add(f"{SERVER}/{name}")
        return
    at = account.server_backup
    troubles = []
    if at is None:
        troubles = [
            Trouble(State.WARNING, "its own configuration has never been saved", "switch its configuration backup on")
        ]
    elif this.now - at > within:
        words = f"its own configuration was last saved {span(this.now - at)} ago"
        troubles = [Trouble(State.WARNING, words, "see its configuration backup")]
    _about(this, f"{SERVER}/{name}", name, troubles, "its own configuration is saved")


def _about(this: _Round, key: str, title: str, troubles: Sequence[Trouble], well: str) -> None:
    ordered = sorted(troubles, key=lambda one: -one.state.rank)
    words = f"{title}: " + ("; ".join(one.words for one in ordered) if ordered else well)
    if ordered and ordered[0].mend:
        words += f". Next: {ordered[0].mend}."
    this.findings.append(Finding(key, ordered[0].state if ordered else State.OK, printable(words)[:300]))
