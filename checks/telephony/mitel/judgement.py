"""What the answers of a Mitel system mean. Pure: answers, the last note and the time in, an assessment out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from checks.contract import Assessment, Family, Finding, Memory, Reading, State, Subject
from checks.network import raw
from checks.network.answers import SnmpAnswers
from checks.network.judgement import assessed
from checks.network.plan import PROFILE, UPTIME, Plan
from checks.network.rows import Rows, rows_of
from checks.printable import printable
from checks.telephony.mitel import alarms, crosscheck, fleet, licences, proof, resilience, start, unannounced
from checks.telephony.mitel.answers import MitelAnswers
from checks.telephony.mitel.crosscheck import KEY as DISAGREEMENT
from checks.telephony.mitel.note import Note, unpacked
from checks.telephony.mitel.options import BUSINESS, KIND, CallLoad, MitelOptions
from checks.telephony.mitel.product import PLATFORMS, pairs, product_name
from checks.telephony.mitel.unannounced import UNANNOUNCED, Ears
from config.profiles.recognition import SYS_DESCR, SYS_OBJECT_ID

SYSTEM = "mitel/system"
UNREAD = "mitel/alarms"
CALL_LOAD = "mitel/call_load"
INFO = Family(
    "ridgeway_telephony_system_info", "What a telephone system says it is; always 1.",
    labels=("platform", "hardware", "version"),
)  # fmt: skip
LOAD = Family("ridgeway_telephony_call_load_ratio", "Share of a minute spent on processing calls.", unit="ratio")
FAMILIES = (INFO, LOAD, UNANNOUNCED, fleet.REGISTERED, fleet.MISSING, licences.FULL)
_BUSY = 0.9
_MOST_APPLICATIONS = 16


def judged(
    options: MitelOptions, answers: MitelAnswers, whole: bool, memory: Memory | None, at: float,
    ears: Ears | None = None, subject: Subject | None = None,
) -> Assessment:  # fmt: skip
    """Judge the answers given at `at` (Unix seconds); `whole` says that the poll was not cut short.

    `ears`: what the system said by itself, where somebody listened; `subject` tells which other checks the target has.
    """
    if answers.silent and not whole:
        return Assessment(findings=())  # SIP answers and SNMP does not, which the fault says
    if not answers.profile:
        return _unrecognised(answers.snmp)
    plan, before = options.plan_of(answers.profile), unpacked(memory)
    base = assessed(plan, answers.snmp, whole, before.values, at, frozenset())
    half = alarms.half_read(plan, answers.snmp)
    found = {finding.key: finding for finding in base.findings if alarms.stands(finding, half)}
    uptime = _uptime(answers.snmp)
    restarted = uptime is not None and before.restarted(uptime, at)
    settles = options.resilience_settles_minutes
    phones = resilience.judged(
        _rows(plan, answers.snmp, "resiliency"), found, before, restarted, at, None if settles is None else settles * 60
    )
    proofs = _proofs(options, answers, phones, before, at)
    load = _load(plan, answers.snmp, options, before.tenths)
    ahead = licences.judged(plan, answers.snmp, base.readings, before.trends, options.licence_lead_days, at)
    traps = unannounced.judged(plan, answers.snmp, whole, before.watch, at, ears, options.traps)
    told = found | alarms.told(plan, answers.snmp, found, options.unavailable_warning)
    sets = fleet.judged(_rows(plan, answers.snmp, "categories"), told, before.fleet, options.fleet, uptime, at)
    told |= sets.findings
    kept = (finding for key, finding in told.items() if not key.startswith(f"{resilience.PREFIX}/"))
    findings = [*kept, *phones.findings, *proofs.findings, *load.findings, *ahead.findings, *traps.findings]
    findings += _unread(plan, answers.snmp) if whole else ()
    begun = start.judged(plan, answers.snmp)
    findings += [begun] if begun is not None else ()
    findings += _compared(options, answers, found, before.sip, subject)
    findings.append(_system(plan, answers, load.fact, sets.fact))
    final = _each_once(findings)
    note = Note(
        base.memory, at, before.uptime if uptime is None else uptime, phones.open, proofs.lost, load.tenths,
        traps.watch, proofs, sets.watched, ahead.trends, before.sip or crosscheck.answers(answers.sip),
    )  # fmt: skip
    own = {SYSTEM, *ahead.covers} | ({UNREAD, CALL_LOAD, start.KEY, DISAGREEMENT} if whole else set())
    own |= {f"{fleet.PREFIX}/*"} if alarms.CATEGORY not in half else set()
    own |= set() if ears is None else unannounced.KEYS
    return Assessment(
        findings=tuple(final.values()),
        readings=(
            *base.readings, *load.readings, *sets.readings, *ahead.readings, *traps.readings,
            Reading(INFO, 1.0, _identity(answers.snmp)),
        ),
        covers=(base.covers - {f"{prefix}/*" for prefix in half}) | own | frozenset(final),
        may_go=base.may_go | _MAY_GO | unannounced.KEYS,
        memory=note.packed(before),
    )  # fmt: skip


_MAY_GO = frozenset({SYSTEM, UNREAD, CALL_LOAD, start.KEY, DISAGREEMENT, f"{fleet.PREFIX}/*", f"{licences.PREFIX}/*"})


def _rows(plan: Plan, answers: SnmpAnswers, name: str) -> Rows | None:
    """A table's rows; None where the profile has no such table."""
    return next((rows_of(table, answers) for table in plan.tables if table.name == name), None)


def _proofs(
    options: MitelOptions, answers: MitelAnswers, phones: resilience.Resilience, before: Note, at: float
) -> proof.Proofs:
    """What is proved of phones whose row a restart took; nothing, where the table was not read to its end."""
    if not phones.complete:
        return replace(before.proofs, findings=(), lost=phones.lost)
    wanted = proof.Wanted(
        options.primaries, options.fleet.categories, options.return_proved_minutes * 60,
        options.plan_of(BUSINESS).table("categories"),
    )  # fmt: skip
    return proof.judged(phones.lost, phones.listed, before.proofs, answers.primaries, wanted, at)


def _compared(
    options: MitelOptions, answers: MitelAnswers, found: Mapping[str, Finding], before: bool, subject: Subject | None
) -> Iterator[Finding]:
    """Whether SIP agrees with the alarms, where it was asked."""
    if options.sip is None or answers.sip is None:
        return
    how = crosscheck.voice(answers.sip, before)
    target = subject.targets[0] if subject is not None else None
    elsewhere = "" if target is None else crosscheck.told_elsewhere(options.sip, target, target.checks)
    yield crosscheck.judged(answers.sip, how, found, alarms.LEVEL, elsewhere)


def _each_once(findings: Iterable[Finding]) -> dict[str, Finding]:
    """By key; of several that a system calls by one name the worst."""
    found: dict[str, Finding] = {}
    for finding in findings:
        other = found.get(finding.key)
        if other is None or finding.state.rank > other.state.rank:
            found[finding.key] = finding
    return found


def _uptime(answers: SnmpAnswers) -> float | None:
    said = answers.values.get(UPTIME)
    return said / 100 if isinstance(said, int) else None


@dataclass(frozen=True, slots=True)
class _Load:
    findings: tuple[Finding, ...] = ()
    readings: tuple[Reading, ...] = ()
    fact: str = ""
    tenths: bool = False


def _load(plan: Plan, answers: SnmpAnswers, options: MitelOptions, tenths: bool) -> _Load:
    """The call load as a share; a number that may be either percent or tenths of it is shown, and not judged."""
    value = plan.by_name.get("call_load")
    said = None if value is None else raw.told(value, answers.values, answers.errors)
    if not isinstance(said, int | float):
        return _Load(tenths=tenths)
    tenths = tenths or said > 100
    percent = options.call_load is CallLoad.PERCENT
    share = said / 100 if percent else said / 1000
    if not 0 <= share <= 1:
        words = f"call load: {said:g}, which is no share of a minute"
        return _Load((Finding(CALL_LOAD, State.UNKNOWN, words),), tenths=tenths and said <= 1000)
    if options.call_load is CallLoad.AUTO and not tenths:
        return _Load(fact=f"call load says {said:g}, percent or tenths of it: say which with call_load")
    words = f"call load: {share * 100:.1f} %" + (f", above {_BUSY * 100:.0f} %" if share > _BUSY else "")
    state = State.WARNING if share > _BUSY else State.OK
    return _Load((Finding(CALL_LOAD, state, words),), (Reading(LOAD, share),), tenths=tenths)


def _unread(plan: Plan, answers: SnmpAnswers) -> Iterator[Finding]:
    """A profile without a level reads no alarms, which is said and never shown as well."""
    if "level" not in plan.by_name:
        name = product_name(str(answers.values.get(SYS_OBJECT_ID) or ""))
        words = f"alarms of {name} are not read: no way to ask for them is known; watch it by sip_options, tcp and icmp"
        yield Finding(UNREAD, State.UNSUPPORTED, words[:300])


def _identity(answers: SnmpAnswers) -> tuple[str, str, str]:
    said = pairs(str(answers.values.get(SYS_DESCR) or ""))
    version = said.get("VerMCD") or said.get("VerSw", "")
    return said.get("VerPl", "")[:64], said.get("VerHw", "")[:64], version[:64]


def _system(plan: Plan, answers: MitelAnswers, *more: str) -> Finding:
    """What is so, without being good or bad: an ok finding, so that people see what was looked at and what was not."""
    snmp = answers.snmp
    facts = list(_parts(plan, snmp))
    for licence in ("user", "device"):
        used, bought = (plan.by_name.get(f"{licence}_licences_{what}") for what in ("used", "limit"))
        if used is not None and bought is not None:
            count = raw.told(used, snmp.values, snmp.errors)
            if isinstance(count, int) and count > 0 and snmp.values.get(bought.oids[0]) == 0:
                facts.append(f"{licence} licences are not licensed separately, {count} are used")
    cause = plan.by_name.get("reset_cause")
    if cause is not None and snmp.values.get(cause.oids[0]) is not None:
        said = raw.told(cause, snmp.values, snmp.errors)
        facts.append(f"last start: {said or f'{snmp.values[cause.oids[0]]}, which is not among the known causes'}")
    if answers.profile == BUSINESS and str(snmp.values.get(SYS_OBJECT_ID) or "").startswith(PLATFORMS):
        facts.append("the applications of its server are not read: a second check with profile telephony/msl does that")
    facts += filter(None, more)
    facts.append(f"profile {answers.profile} is unproven: no recording of a real system backs it")
    evidence = {key[:40]: value[:100] for key, value in pairs(str(snmp.values.get(SYS_DESCR) or "")).items()}
    evidence |= {"profile": answers.profile}
    evidence |= {f"fact {number}": printable(fact)[:200] for number, fact in enumerate(facts, start=1)}
    name = " ".join(part for part in _identity(snmp) if part) or "a system that does not say what it is"
    return Finding(SYSTEM, State.OK, printable(f"{name}: {'; '.join(facts)}")[:300], evidence)


def _parts(plan: Plan, answers: SnmpAnswers) -> Iterator[str]:
    """The cluster to which it belongs, and the applications it runs with their versions."""
    cluster = plan.by_name.get("cluster")
    said = None if cluster is None else raw.told(cluster, answers.values, answers.errors)
    if said:
        yield f"cluster {said}"
    for table in plan.tables:
        if table.name == "applications":
            for row in rows_of(table, answers).rows[:_MOST_APPLICATIONS]:
                yield f"{row.label} {row.text('application_version')}".strip()


def _unrecognised(answers: SnmpAnswers) -> Assessment:
    said = answers.values
    text = f"sysObjectID {said.get(SYS_OBJECT_ID)}, sysDescr {str(said.get(SYS_DESCR))[:120]!r}"
    words = f"no telephony profile is known for this system ({text}); name one with `profile`, or write one"
    key = f"{KIND}/{PROFILE}"
    return Assessment((Finding(key, State.UNKNOWN, words[:300]),), covers=frozenset({key}))
