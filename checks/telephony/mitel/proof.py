"""Proof that phones went home: their primary answered without a break since, and has all its sets again.

A backup that restarts loses the table that said whose phones it has. The primary itself can tell: see `judged`. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from checks.contract import Finding, State
from checks.network import raw
from checks.network.plan import UPTIME, TablePlan
from checks.network.rows import rows_of
from checks.printable import printable
from checks.telephony.mitel import crosscheck
from checks.telephony.mitel.answers import PrimaryPart
from checks.telephony.mitel.asking import SYS_NAME
from checks.telephony.mitel.crosscheck import Voice
from checks.telephony.mitel.resilience import PREFIX

_GAP = 600.0
"""Seconds between two rounds above which nobody knows what was in between."""
_TOLD = 3600.0
"""Seconds for which a proof is shown."""
_SLACK = 60.0
_WEEK, _DAY = 604_800.0, 86_400.0
_NEARLY = 0.95
"""The share of the usual sets that must be registered: people move, and phones are taken out."""


@dataclass(frozen=True, slots=True)
class Proving:
    """A proof on its way: since when, and until when so far, all was as it must be (Unix seconds)."""

    since: float
    last: float


@dataclass(frozen=True, slots=True)
class Proven:
    """What is proved, when (Unix seconds), and by what."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Usual:
    """The most sets that were registered with a primary in a week while its phones were at home, and when."""

    sets: int
    at: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the estate says of proofs."""

    primaries: Mapping[str, str]
    """The name by which a system knows its primary, to the name of that one's target."""
    sets: tuple[str, ...]
    """Patterns of the categories that count sets."""
    seconds: float
    table: TablePlan
    """The categories of a call server."""


@dataclass(frozen=True, slots=True)
class Proofs:
    """What came of a round, and what is to be remembered."""

    findings: tuple[Finding, ...] = ()
    lost: Mapping[str, float] = field(default_factory=dict)
    """Primaries of which it is still not known whether their phones are at home."""
    proving: Mapping[str, Proving] = field(default_factory=dict)
    proven: Mapping[str, Proven] = field(default_factory=dict)
    usual: Mapping[str, Usual] = field(default_factory=dict)
    """By target."""


def judged(
    lost: Mapping[str, float],
    here: frozenset[str],
    before: Proofs,
    parts: Mapping[str, PrimaryPart],
    wanted: Wanted,
    at: float,
) -> Proofs:
    """Judge the rows that a restart has taken; `here` are primaries that have a row again, of which nothing is proved.

    Phones that still needed their backup would have registered with it again, and made a row, while the proof lasts.
    """
    findings: list[Finding] = []
    still: dict[str, float] = {}
    proving: dict[str, Proving] = {}
    proven = {name: one for name, one in before.proven.items() if name not in here and 0 <= at - one.at < _TOLD}
    for name, since in lost.items():
        proven.pop(name, None)
        target, reason = _target(name, wanted)
        if not target:
            still[name] = since
        elif isinstance(found := _proof(name, target, parts.get(target), before, wanted, at), Proven):
            proven[name] = found
            continue
        else:
            still[name], (begun, reason) = since, found
            if begun is not None:
                proving[name] = begun
        findings.append(_not_known(name, reason))
    findings += (_proved(name, one) for name, one in proven.items())
    away = {one.casefold() for one in (*lost, *here)}
    home = {
        target: parts[target]
        for name, target in wanted.primaries.items()
        if name.casefold() not in away and target in parts and _name_of(parts[target]).casefold() == name.casefold()
    }
    return Proofs(tuple(findings), still, proving, proven, _usual(before.usual, home, wanted, at))


def _usual(
    before: Mapping[str, Usual], parts: Mapping[str, PrimaryPart], wanted: Wanted, at: float
) -> Mapping[str, Usual]:
    """What is usual, with what primaries say whose phones are at home."""
    usual = {target: one for target, one in before.items() if target in wanted.primaries.values()}
    for target, part in parts.items():
        counted = _counted(target, part, wanted) if part.fault is None else ""
        if isinstance(counted, str):
            continue
        sets, known = counted[0], usual.get(target)
        fresh = known is not None and 0 <= at - known.at < (_DAY if sets == known.sets else _WEEK)
        if known is None or sets > known.sets or not fresh:
            usual[target] = Usual(sets, at)
    return usual


def _proof(
    name: str, target: str, part: PrimaryPart | None, before: Proofs, wanted: Wanted, at: float
) -> Proven | tuple[Proving | None, str]:
    """The proof, or how far it is and what is wanting."""
    if part is None:
        return None, f"{target} was not asked"
    reason, sets = _at_home(name, target, part, before.usual.get(target), wanted)
    if reason:
        return None, reason
    begun = _begun(before.proving.get(name), at, _boot(part, at))
    minutes = (at - begun.since) / 60
    if at - begun.since < wanted.seconds:
        return begun, f"{target} has been well for {minutes:.0f} min of {wanted.seconds / 60:.0f}, {sets}"
    words = (
        f"the phones of {printable(name)} are at home, proven by {target}: it has answered for {minutes:.0f} min "
        f"since this backup restarted, and {sets}"
    )
    return Proven(at, words[:300])


def _target(name: str, wanted: Wanted) -> tuple[str, str]:
    """The target of a primary, or why there is none."""
    for known, target in wanted.primaries.items():
        if known.casefold() == name.casefold():
            return target, ""
    return "", f"name its target under `primaries`, or see whether {printable(name)} works"


def _at_home(
    name: str, target: str, part: PrimaryPart, usual: Usual | None, wanted: Wanted
) -> tuple[str, str]:  # fmt: skip
    """Why a primary's answers prove nothing, or else what they say of its sets."""
    if part.fault is not None:
        return f"{target}: {printable(part.fault.message)[:100]}", ""
    called = _name_of(part)
    if called.casefold() != name.casefold():
        return f"{target} calls itself {called or 'nothing'}, and proves nothing of another", ""
    if part.sip is not None and (how := crosscheck.voice(part.sip, True)) is not Voice.UP:
        return f"{target} {how.value}", ""
    counted = _counted(target, part, wanted)
    if isinstance(counted, str):
        return counted, ""
    there, absent = counted
    if absent or there <= 0:
        return f"{target} has {absent} sets out of service, {there} registered", ""
    if usual is None:
        return f"how many sets {target} has when all are at home was never seen", ""
    if there < _NEARLY * usual.sets:
        return f"{target} has {there} sets registered, and had {usual.sets}", ""
    return "", f"all its {there} sets are registered"


def _name_of(part: PrimaryPart) -> str:
    return printable(str(part.snmp.values.get(SYS_NAME) or ""))[:64]


def _counted(target: str, part: PrimaryPart, wanted: Wanted) -> tuple[int, int] | str:
    """Sets that are registered and that are out of service, or why they cannot be counted."""
    table = rows_of(wanted.table, part.snmp)
    rows = [row for row in table.rows if raw.like(wanted.sets, row.label)]
    if not table.complete:
        return f"the categories of {target} could not be read"
    if not rows:
        return f"{target} lists no category of sets"
    there = absent = 0
    for row in rows:
        available, unavailable = row.said("available"), row.said("unavailable")
        if not isinstance(available, int) or not isinstance(unavailable, int):
            return f"{target} does not say how many sets are out of service"
        there, absent = there + available, absent + unavailable
    return there, absent


def _boot(part: PrimaryPart, at: float) -> float:
    """When the primary started; now, where it does not say."""
    ticks = part.snmp.values.get(UPTIME)
    return at - ticks / 100 if isinstance(ticks, int) and ticks >= 0 else at


def _begun(before: Proving | None, at: float, boot: float) -> Proving:
    """The proof goes on unless a round was missed, or the primary has started meanwhile."""
    if before is None or not 0 <= at - before.last <= _GAP or boot > before.since + _SLACK:
        return Proving(at, at)
    return Proving(before.since, at)


def _proved(primary: str, proven: Proven) -> Finding:
    return Finding(f"{PREFIX}/{primary}", State.OK, proven.words, {"proof": proven.words})


def _not_known(primary: str, reason: str) -> Finding:
    name = printable(primary)
    words = (
        f"phones of {name} were on this backup when it restarted, and its table is lost with that: "
        f"whether they are at home again is not known; {reason}"
    )
    return Finding(f"{PREFIX}/{primary}", State.UNKNOWN, words[:300])
