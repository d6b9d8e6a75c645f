"""The parts of a daemon that are made from an estate and what the ledger kept; nothing here waits or is started."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version

from ulid import ULID

from agent.incidents import Incidents
from agent.judge import Judge, Seen
from agent.judge.watch import check_of, vantages_of
from agent.ledger.batch import Batch, CheckRecord, CredentialRefusals, Rename
from agent.ledger.ledger import Ledger
from agent.ledger.load import LedgerState
from agent.records import Alert, CheckResult, RoutedDesk
from agent.windows import Windows
from checks.contract import CheckKind, Subject
from checks.transports.lockout import Lockout, Refusals
from config.estate import CheckSpec, Estate, Target
from config.routing import route_for
from exporters.prometheus.exposition import Exposition
from exporters.prometheus.families import families_of
from exporters.prometheus.own import OwnMetrics


def specs_of(estate: Estate) -> list[CheckSpec]:
    """Every check of the estate, from whichever vantage, in the estate's order."""
    return [spec for target in estate.targets.values() for spec in target.checks]


def polled(estate: Estate) -> list[Target]:
    """Targets that are asked often enough for a trap to be worth a poll."""
    return [target for target in estate.targets.values() if any(not spec.evidence for spec in target.checks)]


def subjects_of(estate: Estate) -> Iterator[Subject]:
    """What is judged: today one target per check."""
    for target in estate.targets.values():
        for spec in target.checks:
            yield Subject(target.name, target.council, target.site, spec, (target,))


def judge_of(estate: Estate, vantage: str, state: LedgerState, windows: Windows) -> Judge:
    """A judge that goes on where the last one was."""
    seen = [
        Seen(
            record.check_id,
            record.vantage,
            record.started,
            record.reached,
            {finding.key: finding.state for finding in record.assessment.findings},
        )
        for record in state.checks.values()
    ]
    return Judge(estate, state.alerts.values(), seen, windows=windows.covering, vantage=vantage)


def lockout_of(ledger: Ledger, state: LedgerState, clock: Callable[[], float]) -> Lockout:
    """A guard of the accounts that remembers what was refused before a restart, and keeps what is refused now."""

    def keep(credential: str, refusals: Refusals) -> None:
        ledger.writer.submit(Batch(refusals=(CredentialRefusals(credential, dict(refusals)),)))

    return Lockout(clock, state.refusals, keep)


class Routes:
    """Chooses the desks of an incident that opens, by the estate in force."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def use(self, estate: Estate) -> None:
        """Another estate is in force."""
        self._estate = estate

    def __call__(self, alert: Alert) -> tuple[RoutedDesk, ...]:
        return route_of(self._estate, alert)


def incidents_of(routes: Routes, state: LedgerState) -> Incidents:
    """An incident machine that goes on where the last one was."""
    return Incidents(
        routes,
        lambda now: f"RWY-{ULID.from_timestamp(now)}",
        state.incidents.values(),
        state.alerts.values(),
        state.children,
    )


def route_of(estate: Estate, alert: Alert) -> tuple[RoutedDesk, ...]:
    """The desks that an incident of this alert goes to, by the estate's routes."""
    cause = alert.cause
    target = cause.subject if cause.subject in estate.targets else None
    checks = {spec.id: spec.kind for spec in (estate.targets[target].checks if target else ())}
    named = (check_of(name) for name in alert.contributions)
    kind = next((checks[name] for name in named if name in checks), None)
    route = route_for(
        estate, council=cause.council, site=alert.site, target=target, kind=kind, condition=cause.condition
    )
    return () if route is None else tuple(RoutedDesk(desk, route.queue, route.mode) for desk in route.desks)


def metrics_of(
    estate: Estate, vantage: str, kinds: Mapping[str, CheckKind], now: float
) -> tuple[Exposition, OwnMetrics]:
    """Both halves of the metrics page; every check of the estate is on it, unknown until its first result."""

    def refused() -> Mapping[str, int]:
        return exposition.counts()

    def stale() -> int:
        return exposition.checks_stale()

    own = OwnMetrics(version("ridgeway"), estate.revision, refused, stale)
    exposition = Exposition(families_of(kinds.values()), own.bases())
    exposition.configure(subjects_of(estate), vantage, now)
    own.config_accepted(estate.revision, now, Counter(spec.kind for spec in specs_of(estate)))
    own.desks(sorted(estate.desks))
    return exposition, own


def kept_results(estate: Estate, vantage: str, state: LedgerState) -> Iterator[tuple[CheckRecord, CheckResult]]:
    """What the ledger kept of the estate's checks, as results without the answers behind them."""
    subjects = {subject.check.id: subject for subject in subjects_of(estate)}
    for record in state.checks.values():
        subject = subjects.get(record.check_id)
        if subject is not None and record.vantage in vantages_of(subject.check, vantage):
            yield record, _result_of(record, subject)


def renamed_since(estate: Estate, state: LedgerState) -> tuple[LedgerState, tuple[Rename, ...]]:
    """What the ledger kept, under the names of the estate: a target may have been renamed while no agent ran."""
    kept = {record.target for record in state.checks.values()}
    names = {
        was: target
        for target in estate.targets.values()
        for was in target.formerly
        if was in kept and was not in estate.targets and target.name not in kept
    }
    if not names:
        return state, ()
    checks = dict(state.checks)
    for (check, vantage), record in state.checks.items():
        target = names.get(record.target)
        if target is not None:
            id = f"{target.name}{check.removeprefix(record.target)}"
            del checks[check, vantage]
            checks[id, vantage] = replace(record, check_id=id, target=target.name)
    renames = tuple(Rename(was, target.council, target.name, target.council) for was, target in names.items())
    return replace(state, checks=checks), renames


def gone_checks(estate: Estate, vantage: str, state: LedgerState) -> list[tuple[str, str]]:
    """Checks, by id and vantage, that the ledger knows and the estate no longer has."""
    wanted = {(spec.id, place) for spec in specs_of(estate) for place in vantages_of(spec, vantage)}
    return [key for key in state.checks if key not in wanted]


def _result_of(record: CheckRecord, subject: Subject) -> CheckResult:
    """A kept result as it was handed on, without the answers behind it."""
    return CheckResult(
        subject,
        record.vantage,
        record.started,
        record.started,
        record.duration,
        (),
        record.assessment,
        record.reached,
        None,
        record.valid_for,
    )
