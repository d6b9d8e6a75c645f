"""What each way of reading a firewall tells, and what of it counts where several tell the same thing. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from checks.contract import Assessment, Finding, Reading, State, covered
from checks.firewall.answers import FirewallAnswers
from checks.firewall.expected import Judged
from checks.firewall.members import Membership, Told, membership
from checks.firewall.options import FirewallOptions, Reader
from checks.network.answers import SnmpAnswers
from config.profiles.asks import Way
from config.profiles.roles import FirewallPart, Role

WAYS = "firewall/ways"
_MUTE = (State.UNKNOWN, State.UNSUPPORTED)
_MOST_CONTESTED = 64


@dataclass(frozen=True, slots=True)
class Voice:
    """The answers by one way, with what reads them."""

    way: Way
    reader: Reader
    answers: SnmpAnswers
    whole: bool
    """Whether the reading was not cut short."""

    @property
    def part(self) -> FirewallPart:
        """What the profile says of firewalls."""
        part = self.reader.profile.firewall
        assert part is not None  # readers are of firewalls
        return part


def voices(options: FirewallOptions, answers: FirewallAnswers, whole: bool) -> tuple[Voice, ...]:
    """Every way by which something was to be read, the one that counts first first; `whole` is the poll's over SNMP."""
    main = options.reader_of(answers.profile)
    found = []
    if answers.by_snmp:
        found.append(Voice(Way.SNMP, main, answers.snmp, whole))
    found += [
        Voice(way, options.reader_of(answers.others[way].profile), answers.others[way].answers, _whole(answers, way))
        for way in Way
        if way in answers.others
    ]
    return tuple(found)


def _whole(answers: FirewallAnswers, way: Way) -> bool:
    return answers.others[way].fault is None and not answers.others[way].not_understood


def membership_of(some: Sequence[Voice]) -> tuple[Membership, tuple[Finding, ...], bool]:
    """The role and the members, by the first way that can tell; what there is to say where two tell otherwise; and
    whether that was looked at: not where one of them cannot tell this time."""
    told = [(voice, membership(voice.part, voice.reader.plan, voice.answers)) for voice in some]
    telling = [(voice, one) for voice, one in told if one.told_at_all]
    sure = [(voice, one) for voice, one in telling if one.told.role is not Role.UNKNOWN]
    chosen = next((one for _, one in (sure or telling)), Membership(Told(Role.UNKNOWN), told_at_all=False))
    differing = tuple(_differing([(voice.way, one.told) for voice, one in sure], len(sure) == len(telling)))
    return chosen, differing, bool(differing) or len(telling) < 2


def _differing(told: Sequence[tuple[Way, Told]], every: bool) -> Iterator[Finding]:
    if len(told) < 2:
        return
    stories = "; ".join(f"{way.value}: {_story(one)}" for way, one in told)
    if len({one.role for _, one in told}) > 1:
        yield Finding(WAYS, State.UNKNOWN, f"the firewall tells its role otherwise by each way: {stories}"[:300])
    elif every:
        yield Finding(WAYS, State.OK, f"its role is told alike by {len(told)} ways")


def _story(told: Told) -> str:
    return f"{told.role.value} ({told.raw[:60]})" if told.raw else told.role.value


@dataclass(frozen=True, slots=True)
class Said:
    """What one way judged."""

    way: Way
    findings: tuple[Finding, ...]
    covers: frozenset[str]
    lacking: frozenset[str]
    """What it judges, and could not this time."""

    def tells(self, key: str) -> bool:
        """Whether it knows how that is: a thing that is not there any more is known too."""
        told = next((one for one in self.findings if one.key == key), None)
        return not covered(self.lacking, key) if told is None else told.state not in _MUTE


def said_by(voice: Voice, base: Assessment, more: Judged, elsewhere: Container[str]) -> Said:
    """The values and the expectations by one way; what it does not list may be listed `elsewhere` by another name."""
    findings = (one for one in more.findings if one.key not in more.unnamed or one.key not in elsewhere)
    # The rows of a table that must be there are the expectations', which say themselves what they cover.
    rows = {f"{table.key}/*" for table in voice.reader.plan.tables}
    lacking = (voice.reader.plan.covers - base.covers - rows) | more.lacking
    return Said(voice.way, (*base.findings, *findings), (base.covers - rows) | more.covers, lacking)


def contested_by(some: Sequence[Said], before: Mapping[str, str]) -> tuple[dict[str, str], frozenset[str]]:
    """What is bad by one way and well by another, with the way; and what of it that way cannot tell this time.

    That goes on: another way, whose word did not count before, does not end it.
    """
    now: dict[str, str] = {}
    silent = set()
    for one in some:
        for key in (key for key, way in before.items() if way == one.way.value and not one.tells(key)):
            now[key] = one.way.value
            silent.add(key)
        for finding in one.findings if len(some) > 1 else ():
            if finding.state.bad and finding.state not in _MUTE and _is_well(finding.key, some):
                now[finding.key] = one.way.value
    return dict(list(now.items())[:_MOST_CONTESTED]), frozenset(silent)


def _is_well(key: str, some: Sequence[Said]) -> bool:
    return any(finding.key == key and finding.state is State.OK for one in some for finding in one.findings)


def findings_of(some: Iterable[Sequence[Finding]]) -> tuple[Finding, ...]:
    """One finding of each key: the worst of those that tell something, else the first."""
    found: dict[str, Finding] = {}
    for findings in some:
        for finding in findings:
            other = found.get(finding.key)
            if other is None or _weightier(finding, other):
                found[finding.key] = finding
    return tuple(found.values())


def _weightier(finding: Finding, other: Finding) -> bool:
    if finding.state in _MUTE:
        return False
    return other.state in _MUTE or finding.state.rank > other.state.rank


def readings_of(some: Iterable[Iterable[Reading]]) -> tuple[Reading, ...]:
    """Each series once, by the first that has it: two tables of a product may name the same thing, two ways do."""
    found: dict[tuple[str, tuple[str, ...]], Reading] = {}
    for readings in some:
        for reading in readings:
            found.setdefault((reading.family.name, reading.labels), reading)
    return tuple(found.values())


def covers_of(some: Sequence[Said]) -> frozenset[str]:
    """What every way that judges it judged to the end: else a thing that one way could not read would be gone."""
    every = frozenset[str]().union(*(one.covers for one in some))
    if len(some) == 1:
        return every
    lacking = frozenset[str]().union(*(one.lacking for one in some))
    prefixes = tuple(key[:-1] for key in lacking if key.endswith("/*"))
    return frozenset(key for key in every if key not in lacking and not key.startswith(prefixes or ("\0",)))
