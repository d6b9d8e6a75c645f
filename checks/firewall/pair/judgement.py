"""What a round of a pair means: the pair's rules first, then what each member says of itself. Pure.

One cause, one finding. Where the service fails no member's part in it is told beside it; where a member is away, or not
well, nothing is compared with it. What is not told, for such a reason or because it was not read, is not covered: it
stays as it was known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from checks.contract import Assessment, Family, Finding, Memory, MetricType, Reading, State
from checks.firewall import judgement as one
from checks.firewall.cluster import HA_ROLE, MEMBERS
from checks.firewall.pair import agreement, changes, note, own, service, takeover
from checks.firewall.pair import views as seen
from checks.firewall.pair.answers import PairAnswers
from checks.firewall.pair.membership import GONE, standing
from checks.firewall.pair.note import Note, Since
from checks.firewall.pair.options import PairOptions
from checks.firewall.pair.views import View, several_active
from config.profiles.roles import Role

LAST_CHANGE = Family(
    "ridgeway_firewall_ha_last_change_timestamp_seconds",
    "When the service last went from one member to the other (Unix time); absent where that was not seen.",
    unit="seconds",
)
FAILOVERS = Family(
    "ridgeway_firewall_ha_failovers_total", "Failovers that were seen since the check was set up.", MetricType.COUNTER
)
FAMILIES = (LAST_CHANGE, FAILOVERS)
MISSING = "pair/missing"
_COMPARED = (
    agreement.VIEWS, agreement.SYNC, agreement.FIRMWARE, agreement.CONTENT, agreement.LICENCES, agreement.HEARTBEAT,
    takeover.KEY,
)  # fmt: skip
_LASTING = (agreement.SYNC, agreement.FIRMWARE, agreement.CONTENT)
"""What is bad only when it lasts."""


def judged(
    options: PairOptions, answers: PairAnswers, addresses: Sequence[str], memory: Memory | None, at: float
) -> Assessment:
    """Judge one round made at `at` (Unix seconds); `addresses` are those that people reach the pair by."""
    before = note.unpacked(memory)
    views = [_view(name, options, answers, before, at) for name in options.members]
    since = Since(before, at)
    several = several_active(views, options.mode)
    serving = service.service(views, several, addresses)
    members = list(standing(views, since, options))
    rules = _Rules(serving)
    rules.members(members)
    rules.compared(members, since, options)
    rules.missing(members)
    values = own.own_values(views, options, before.values, before.told_under)
    after = replace(
        changes.active_now(before, serving, several, views, at),
        known=True, values=values.values, since=since.now, told_under=values.told_under,
    )  # fmt: skip
    facts = changes.facts(after, serving, views, rules.untold)
    return Assessment(
        findings=(*rules.findings, *values.findings, facts),
        readings=tuple(_readings(views, after)),
        covers=frozenset(rules.covers | values.covers | {changes.KEY}),
        may_go=frozenset(values.may_go | {f"{MISSING}/*"}),
        memory=note.packed(before, after),
    )


def _view(name: str, options: PairOptions, answers: PairAnswers, before: Note, at: float) -> View:
    part = answers.members[name]
    values = None
    if part.answers is not None and part.answers.profile:
        values = one.judged(options, part.answers, not part.cut_short, before.values.get(name), at)
    return seen.view(name, part, options, values)


class _Rules:
    """The pair's rules, gathered with the keys that they have judged."""

    def __init__(self, serving: service.Service) -> None:
        self.findings: list[Finding] = []
        self.covers: set[str] = set()
        self.untold: list[str] = []
        self._bad_service = False
        if serving.finding is not None:
            self._bad_service = serving.finding.state.bad
            self._add(serving.finding)
        self._address = serving.address

    def _add(self, finding: Finding) -> None:
        self.findings.append(finding)
        self.covers.add(finding.key)

    def members(self, members: Sequence[tuple[View, Finding]]) -> None:
        """A bad service says of every member what ails it."""
        for _, finding in members:
            if not (self._bad_service and finding.state.bad):
                self._add(finding)
        away = any(not view.read for view, _ in members)
        if self._address is not None and not (self._address.state is State.UNKNOWN and (away or self._bad_service)):
            self._add(self._address)

    def compared(self, members: Sequence[tuple[View, Finding]], since: Since, options: PairOptions) -> None:
        """Those that are well are compared; nothing is where that is fewer than two of them, or the service is bad."""
        well = [view for view, finding in members if not finding.state.bad and view.role is not Role.TRANSITIONAL]
        if self._bad_service or len(well) < 2:
            for condition in _LASTING:
                since.keep(condition)
            return
        found = [*agreement.findings(well, since, options), *takeover.findings(well, options)]
        for finding in found:
            self._add(finding)
        said = {finding.key for finding in found}
        self.untold = [key.removeprefix("pair/") for key in _COMPARED if key not in said]

    def missing(self, members: Sequence[tuple[View, Finding]]) -> None:
        """Members that the estate does not name, which one of those that are well listed before."""
        if self._bad_service or any(finding.state.bad for _, finding in members):
            return
        serials = {view.serial for view, _ in members}
        found: dict[str, Finding] = {}
        for view, _ in members:
            for finding in () if view.own is None else view.own.findings:
                serial = finding.key.removeprefix(f"{MEMBERS}/")
                if finding.key.startswith(f"{MEMBERS}/") and serial not in serials:
                    words = f"{GONE}; {view.name}: {finding.summary}"
                    found[serial] = Finding(f"{MISSING}/{serial}", State.WARNING, words[:300], finding.evidence)
        self.findings += found.values()
        self.covers.add(f"{MISSING}/*")


def _readings(views: Sequence[View], after: Note) -> Iterator[Reading]:
    """Each member's readings with its name as the label `member`, and the pair's own."""
    sync = agreement.in_sync([view for view in views if view.read])
    for view in views:
        if view.found is not None and view.found.told_at_all:
            yield Reading(HA_ROLE, 1.0, (view.name, view.role.value))
        for reading in () if view.own is None else view.own.readings:
            if "member" not in reading.family.labels:
                yield Reading(reading.family, reading.value, (*reading.labels, view.name))
    in_sync = next((family for view in views if view.own is not None for family in _in_sync(view)), None)
    for name, (state, _) in sync.items() if in_sync is not None else ():
        if state is not State.UNKNOWN and in_sync is not None:
            yield Reading(in_sync, 1.0 if state is State.OK else 0.0, (name,))
    if after.past:
        yield Reading(LAST_CHANGE, after.past[-1].at)
    yield Reading(FAILOVERS, float(after.count))


def _in_sync(view: View) -> Iterator[Family]:
    for reading in () if view.own is None else view.own.readings:
        if reading.family.name == "ridgeway_firewall_ha_member_in_sync":
            yield reading.family
