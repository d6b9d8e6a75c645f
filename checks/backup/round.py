"""One round of judging: what goes in, what comes out, and how a finding is worded. Pure.

Every finding of an object says what is wrong, the last good point, how much data is at risk, who owns it, and what to
do next; its evidence says what was read and when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from checks.backup.belief import Disbelieved
from checks.backup.evidence import Evidence
from checks.backup.gather import Gathered
from checks.backup.model import Account
from checks.backup.note import Note
from checks.backup.options import BackupOptions, ObjectOptions
from checks.backup.proofs import Proofs
from checks.backup.rules import Trouble
from checks.backup.rules.freshness import at_risk, moment, newest
from checks.backup.rules.proving import last_restored, last_verified
from checks.contract import Fault, Finding, Reading, State
from checks.printable import printable

PROTECTION = "backup/protection"
SIZE = "backup/size"
RETENTION = "backup/retention"
COPIES = "backup/copies"
VERIFIED = "backup/verified"
RESTORED = "backup/restored"
REPOSITORY = "backup/repository"
LOCK = "backup/lock"
JOB = "backup/job"
PRODUCT = "backup/product"
UNDECLARED = "backup/undeclared"
UNPROTECTED = "backup/unprotected"
SERVER = "backup/server"
PROOFS = "backup/proofs"
MOST_WORDS = 300
_LEAST_WORDS = 60
"""Of what is wrong, however long the rest of the sentence is."""


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
class Round:
    """Everything that the judging of one round needs, and what comes of it."""

    options: BackupOptions
    accounts: dict[str, Account]
    note: Note
    got: Gathered
    now: float
    disbelieved: Mapping[str, Disbelieved]
    """By product: what it told of times that cannot be."""
    findings: list[Finding] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    judged: set[str] = field(default_factory=set)
    """Keys that were judged, whether there is anything to say or not."""
    open: set[str] = field(default_factory=set)
    """Keys that cannot be judged this time."""
    gone: set[str] = field(default_factory=set)
    """Repositories (`product/name`) that are not there."""
    folded: set[tuple[str, Trouble]] = field(default_factory=set)
    """Troubles of objects that are told once, with their job."""


def worst_first(troubles: Sequence[Trouble]) -> list[Trouble]:
    """Those of the worst state first."""
    return sorted(troubles, key=lambda one: -one.state.rank)


def tell(
    this: Round, what: str, name: str, troubles: Sequence[Trouble], well: str, evidence: Evidence, cause: str = ""
) -> None:
    """One finding of an object; none where nothing is wrong and nothing is to be said.

    `cause`: the key of the finding that has the incident, where all this follows from it.
    """
    options = this.options.objects[name]
    key, title, traced = f"{what}/{name}", options.title or name, _traced(this, options, evidence)
    this.judged.add(key)
    if cause or not troubles:
        words = f"{title}: {troubles[0].words}; {cause} says why" if cause else f"{title}: {well}"
        if cause or well:
            this.findings.append(Finding(key, State.OK, printable(words)[:MOST_WORDS], traced))
        return
    ordered = worst_first(troubles)
    at = newest(evidence.history, this.now)
    known = any("last restorable point" in one.words for one in ordered)
    tail = "" if known else f". Last restorable point {_loss(at, this.now)}"
    tail += f". Owner: {options.owner}." + (f" Next: {ordered[0].mend}." if ordered[0].mend else "")
    tail = printable(tail)[: MOST_WORDS - _LEAST_WORDS]
    words = printable(f"{title}: " + "; ".join(one.words for one in ordered))
    traced = {"owner": options.owner, "next": ordered[0].mend, **traced}
    this.findings.append(Finding(key, ordered[0].state, _short(words, MOST_WORDS - len(tail)) + tail, traced))


def about(
    this: Round,
    key: str,
    title: str,
    troubles: Sequence[Trouble],
    well: str,
    product: str = "",
    more: Mapping[str, str] | None = None,
) -> None:
    """One finding of something that is no object, as far as `product` tells of it; `more`: further evidence."""
    ordered = worst_first(troubles)
    tail = f". Next: {ordered[0].mend}." if ordered and ordered[0].mend else ""
    words = printable(f"{title}: " + ("; ".join(one.words for one in ordered) if ordered else well))
    tail = printable(tail)[: MOST_WORDS - _LEAST_WORDS]
    traced = {f"read from {product}": _read_at(this, product)} if product else {}
    traced |= more or {}
    state = ordered[0].state if ordered else State.OK
    this.findings.append(Finding(key, state, _short(words, MOST_WORDS - len(tail)) + tail, traced))


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + "…"


def _loss(at: float | None, now: float) -> str:
    return f"{moment(at)}, {at_risk(max(0.0, now - at))}" if at is not None else "none is known"


def _read_at(this: Round, product: str) -> str:
    if product in this.accounts:
        return moment(this.accounts[product].at)
    return f"not; before that {moment(this.note.read[product])}" if product in this.note.read else "not"


def _traced(this: Round, options: ObjectOptions, evidence: Evidence) -> Mapping[str, str]:
    """What the verdict was made of, and when it was read."""
    history = evidence.history
    read = {f"read from {claim.product}": _read_at(this, claim.product) for claim in options.by}
    at, verified, restored = newest(history, this.now), last_verified(history), last_restored(history)
    if history.runs:
        read["last run"] = f"{moment(history.runs[-1].started)} {history.runs[-1].outcome}"
    if at is not None:
        read["newest restorable point"] = moment(at)
        read["data at risk"] = f"{max(0.0, this.now - at) / 3600:.1f} h"
    if verified is not None:
        read["last read again"] = moment(verified)
    if restored is not None:
        read["last proved restore"] = f"{moment(restored.at)} {restored.by}".rstrip()
    return read
