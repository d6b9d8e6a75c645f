"""What the answers of a device mean by its plan. Pure: answers, the last note and the time in, an assessment out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from checks.contract import Assessment, Finding, Memory, Reading, State
from checks.network.answers import SnmpAnswers
from checks.network.dates import day, told_of
from checks.network.note import Notebook
from checks.network.plan import PROFILE, Plan, TablePlan, ValuePlan
from checks.network.raw import LONGEST_LABEL, Absent, NotRead, Quiet, distinct, first, fits, label_of, told
from checks.network.transform import Answer, Scalar, Unreadable, decimal, transformed
from config.profiles import Limit, Transform
from config.profiles.model import Ratio
from config.profiles.roles import When

Relevant = Callable[[tuple[When, ...]], bool]
"""Whether what depends on these conditions means anything for the device."""

_LONGEST_SUMMARY = 300
_MOST_KEPT_FINDINGS = 4_096


@dataclass(slots=True)
class _Work:
    """One assessment in the making."""

    plan: Plan
    at: float
    book: Notebook | None
    """The check's memory, for plans that need one."""
    relevant: Relevant
    findings: list[Finding] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    covered: set[str] = field(default_factory=set)
    """Keys judged although the whole of which they are part was not."""
    uncovered: set[str] = field(default_factory=set)
    may_go: set[str] = field(default_factory=set)
    answered: int = 0
    row: str = ""
    """The label of the row that is judged now: people must read which one is bad."""

    def fine(self, finding: Finding) -> None:
        self.findings.append(finding)

    def bad(self, key: str, state: State, summary: str, evidence: Mapping[str, str] | None = None) -> None:
        text = f"{self.row}: {summary}" if self.row else summary
        self.findings.append(Finding(key, state, text[:_LONGEST_SUMMARY], evidence or {}))


@dataclass(slots=True)
class _Group:
    """The values that stand beside each other: the scalars, or the columns of one row."""

    raw: Mapping[str, Answer]
    """Answers by OID (of the column, in a row). An OID that was not answered is not there."""
    errors: list[str]
    index: str = ""
    labels: tuple[str, ...] = ()
    numbers: dict[str, float] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    quiet: set[str] = field(default_factory=set)
    """What does not apply, for example a limit that says that there is none."""


def nowhere(conditions: tuple[When, ...]) -> bool:
    """For checks that know of no roles: what depends on conditions is left out."""
    return not conditions


def assessed(
    plan: Plan,
    answers: SnmpAnswers,
    whole: bool,
    memory: Memory | None,
    at: float,
    may_be_empty: frozenset[str],
    relevant: Relevant = nowhere,
) -> Assessment:
    """Judge the answers given at `at` (Unix seconds); `whole` says that the poll was not cut short."""
    work = _Work(plan, at, Notebook(memory, at, answers.values) if plan.remembers else None, relevant)
    group = _Group(answers.values, answers.errors)
    for value in plan.scalars:
        _value(work, value, value.key, group, value.fine)
    for table in plan.tables:
        if table.relevant_if and not relevant(table.relevant_if):
            work.may_go |= {f"{table.key}/*", *(f"{column.key}/*" for column in table.columns)}
        else:
            _table(work, table, answers, may_be_empty)
    if plan.info is not None:
        _info(work, group)
    if whole and not work.answered:
        work.bad(
            f"{plan.prefix}/{PROFILE}",
            State.UNKNOWN,
            f"the device answers nothing of profile {plan.profile}; check that it is the right one for this product",
        )
    covers = plan.covers
    if not whole:
        covers -= {f"{plan.prefix}/{PROFILE}"}
    if work.uncovered or work.covered:
        covers = (covers - work.uncovered) | work.covered
    return Assessment(
        findings=tuple(work.findings),
        readings=tuple(work.readings),
        covers=covers,
        may_go=plan.may_go | work.may_go if work.may_go else plan.may_go,
        memory=None if work.book is None else work.book.packed(),
    )


def _value(work: _Work, plan: ValuePlan, key: str, group: _Group, fine: Finding) -> None:
    """Judge one value of a group and note what others of the group need of it."""
    if plan.plain:
        raw = group.raw.get(plan.oids[0])
        if raw.__class__ is int:
            work.answered += 1
            _number(work, plan, key, raw * plan.scale, group, fine)
            return
    try:
        if plan.relevant_if and not work.relevant(plan.relevant_if):
            raise Quiet
        if plan.only_where:
            _exists(plan, work, group)
        if plan.ratio is not None:
            _number(work, plan, key, _ratio(plan.ratio, group), group, fine)
            return
        raw = first(plan, group.raw, group.errors)
        work.answered += 1
        _judge(work, plan, key, raw, group, fine)
    except NotRead:
        group.unread.add(plan.name)
        work.uncovered.add(key)
    except Quiet:
        group.quiet.add(plan.name)
        work.may_go.add(key)
    except Absent:
        group.absent.add(plan.name)
        if plan.required:
            work.bad(key, State.UNKNOWN, f"{plan.title}: the device does not have it")
    except Unreadable as error:
        if plan.judged:
            work.bad(key, State.UNKNOWN, f"{plan.title}: {error}", _evidence(plan, group))


def _judge(work: _Work, plan: ValuePlan, key: str, raw: Scalar, group: _Group, fine: Finding) -> None:
    if raw in plan.not_known:
        raise Unreadable("the device says that it does not know")
    if plan.enum is not None:
        _enumerated(work, plan, key, raw, group, fine)
        return
    if raw in plan.never:
        if plan.judged:
            work.fine(fine)
        return
    value = transformed(plan.transform, raw, plan.scale, work.at)
    if plan.decimal is not None and not isinstance(value, str):
        value = decimal(value, _part(plan.decimal.scale, group), _part(plan.decimal.precision, group))
    if isinstance(value, str):
        if plan.judged:
            work.fine(fine)
        return
    if plan.until is not None or plan.since is not None:
        _read(work, plan, value, group)
        _dated(work, plan, key, value, fine)
        return
    if plan.transform is Transform.BOOT_TIME and work.book is not None:
        value = work.book.same_boot(plan.name, value)
    if plan.bits is None or work.book is None:
        _number(work, plan, key, value, group, fine)
        return
    group.numbers[plan.name] = value
    _read(work, plan, value, group)
    rate = work.book.rate(f"{plan.name}/{group.index}", value, plan.bits)
    if rate is None:
        raise NotRead
    _limits(work, plan, key, rate, fine, " a second")


def _number(work: _Work, plan: ValuePlan, key: str, value: float, group: _Group, fine: Finding) -> None:
    group.numbers[plan.name] = value
    if plan.family is not None:
        work.readings.append(Reading(plan.family, value, _labels(work, plan, group)))
    if plan.judge_where is not None and not _applies(plan, work, group):
        raise Quiet
    if plan.warning is None and plan.critical is None:
        if plan.judged:
            work.fine(fine)
        return
    _limits(work, plan, key, value, fine, "")


def _read(work: _Work, plan: ValuePlan, value: float, group: _Group) -> None:
    if plan.family is not None:
        work.readings.append(Reading(plan.family, value, _labels(work, plan, group)))


def _labels(work: _Work, plan: ValuePlan, group: _Group) -> tuple[str, ...]:
    """The labels of a reading: those of the row, unless its family has others."""
    if plan.labels is not None:
        return plan.labels
    if plan.labelled is None:
        return group.labels
    return tuple(
        fixed or (_column_text(work, column, group) if column else group.labels[0]) for fixed, column in plan.labelled
    )


def _column_text(work: _Work, column: str, group: _Group) -> str:
    said = _told(column, work, group)
    return "" if said is None else str(said).strip()[:LONGEST_LABEL]


def _dated(work: _Work, plan: ValuePlan, key: str, moment: float, fine: Finding) -> None:
    """A date to come, or one gone by, against its lead times."""
    state, sentence = told_of(plan, moment, work.at)
    if state is State.OK:
        work.fine(fine)
    else:
        work.bad(key, state, f"{plan.title}: {sentence}", {"date": day(moment), "oid": ", ".join(plan.oids)})


def _limits(work: _Work, plan: ValuePlan, key: str, value: float, fine: Finding, per: str) -> None:
    for state, limit in ((State.CRITICAL, plan.critical), (State.WARNING, plan.warning)):
        if limit is None:
            continue
        bound = _beyond(limit, value)
        if bound is not None:
            word, edge = bound
            text = f"{plan.title}: {shown(plan, value)}{per}, {word} {shown(plan, edge)}{per}"
            work.bad(key, state, text, {"value": shown(plan, value), "oid": ", ".join(plan.oids)})
            return
    work.fine(fine)


def _beyond(limit: Limit, value: float) -> tuple[str, float] | None:
    if limit.above is not None and value > limit.above:
        return "above", limit.above
    if limit.below is not None and value < limit.below:
        return "below", limit.below
    return None


def shown(plan: ValuePlan, value: float) -> str:
    """The value as a person reads it."""
    if plan.percent:
        return f"{value * 100:.1f} %"
    unit = plan.family.unit if plan.family is not None else ""
    if unit == "bytes":
        for name in ("bytes", "KiB", "MiB", "GiB"):
            if abs(value) < 1024:
                return f"{value:.4g} {name}"
            value /= 1024
        return f"{value:.4g} TiB"
    return f"{value:.6g} {unit}".rstrip()


def _enumerated(work: _Work, plan: ValuePlan, key: str, raw: Scalar, group: _Group, fine: Finding) -> None:
    assert plan.enum is not None
    if plan.transform in (Transform.TEXT, Transform.OID):
        raw = str(raw).strip()
    elif not isinstance(raw, int):
        raise Unreadable(f"{str(raw)[:40]!r} where one of a list of numbers belongs")
    meaning = plan.enum.get(raw)
    shown_value = raw if meaning is None or meaning.value is None else meaning.value
    if isinstance(shown_value, int | float) and (meaning is not None or not plan.translated):
        group.numbers[plan.name] = shown_value
        _read(work, plan, shown_value, group)
    if plan.judge_where is not None and not _applies(plan, work, group):
        raise Quiet
    if meaning is None:
        raise Unreadable(f"{str(raw)[:100]}, which is not among the known values")
    name, state = meaning.name, meaning.state
    if state is not State.OK:
        work.bad(key, state, f"{plan.title}: {name}", {"value": f"{name} ({raw})"})
    elif plan.judged:
        work.fine(fine)


def _applies(plan: ValuePlan, work: _Work, group: _Group) -> bool:
    """Whether the row's condition holds. What cannot be told is judged: silence must not come from ignorance."""
    where = plan.judge_where
    assert where is not None
    said = _told(where.column, work, group)
    return said is None or fits(where, said)


def _told(column: str, work: _Work, group: _Group) -> Answer:
    """A column's value as conditions name it: the enumeration's word, else the number or text."""
    for table in work.plan.tables:
        plan = table.by_name.get(column)
        if plan is not None:
            break
    else:
        return None
    return told(plan, group.raw, group.errors)


def _exists(plan: ValuePlan, work: _Work, group: _Group) -> None:
    """Whether the row has the value at all. Raises Quiet if not, NotRead if that was not read."""
    for where in plan.only_where:
        if where.column in group.unread:
            raise NotRead
        said = _told(where.column, work, group)
        if said is None or not fits(where, said):
            raise Quiet


def _ratio(ratio: Ratio, group: _Group) -> float:
    whole = sum(_part(name, group) for name in ratio.to)
    parts = sum(_part(name, group, may_lack=ratio.complement) for name in ratio.of)
    if whole == 0:
        if ratio.zero == "none":
            raise Quiet
        raise Unreadable(f"{', '.join(ratio.to)} is 0, so nothing can be said of its use")
    share = parts / whole
    return 1 - share if ratio.complement else share


def _part(name: str, group: _Group, *, may_lack: bool = False) -> float:
    if name in group.numbers:
        return group.numbers[name]
    if name in group.unread:
        raise NotRead
    if name in group.quiet:
        raise Quiet
    if name in group.absent:
        if may_lack:
            return 0.0
        raise Absent
    raise Unreadable(f"{name} is not known")


def _evidence(plan: ValuePlan, group: _Group) -> dict[str, str]:
    raw = next((group.raw[oid] for oid in plan.oids if group.raw.get(oid) is not None), None)
    return {} if raw is None else {"value": str(raw)[:100], "oid": ", ".join(plan.oids)}


def _table(work: _Work, plan: TablePlan, answers: SnmpAnswers, may_be_empty: frozenset[str]) -> None:
    complete = [oid for oid in plan.oids if oid in answers.rows and oid not in answers.cut]
    read = [oid for oid in plan.oids if oid in answers.rows]
    naming = [value for value in (plan.label, plan.rows_of, plan.where and plan.by_name[plan.where.column]) if value]
    if not read or any(oid not in complete for value in naming for oid in value.oids):
        # Without the names, or the column that says which rows count, no row can be told from another.
        work.uncovered |= {
            f"{work.plan.prefix}/{plan.name}",
            f"{plan.key}/*",
            *(f"{column.key}/*" for column in plan.columns),
        }
        return
    unread = {column.name for column in plan.columns if any(oid not in complete for oid in column.oids)}
    listing = read if plan.rows_of is None else plan.rows_of.oids
    indexes = dict.fromkeys(index for oid in listing for index in answers.rows[oid])
    names: dict[str, str] = {}
    for index in indexes:
        _row(work, plan, answers, index, names, unread)
    if len(complete) < len(plan.oids):
        work.uncovered.add(f"{work.plan.prefix}/{plan.name}")
        work.uncovered.add(f"{plan.key}/*")
    else:
        _whole_table(work, plan, names, may_be_empty)


def _row(
    work: _Work, plan: TablePlan, answers: SnmpAnswers, index: str, names: dict[str, str], unread: set[str]
) -> None:
    raw = {oid: answers.rows[oid].get(index) for oid in plan.oids if oid in answers.rows}
    for column in plan.columns:
        if column.name in unread:
            for oid in column.oids:
                if raw.get(oid) is None:
                    raw.pop(oid, None)
    group = _Group(raw, answers.errors, index)
    if plan.where is not None:
        said = _told(plan.where.column, work, group)
        if said is not None and not fits(plan.where, said):
            return
    label = label_of(plan, group.raw, group.errors, index)
    if plan.wanted and not any(fnmatchcase(label, pattern) for pattern in plan.wanted):
        return
    label = distinct(label, index, names)
    names[label] = index
    group.labels = (label,)
    work.row = label
    for column in plan.columns:
        key = f"{column.key}/{label}"
        before = len(work.findings)
        uncovered = len(work.uncovered)
        _value(work, column, key, group, _fine(plan, column, key, label))
        if column.judged and (column.name in unread or len(work.uncovered) > uncovered):
            work.uncovered.add(f"{column.key}/*")
        if f"{column.key}/*" in work.uncovered:
            work.covered.update(finding.key for finding in work.findings[before:])
    work.row = ""


def _fine(plan: TablePlan, column: ValuePlan, key: str, label: str) -> Finding:
    found = plan.fine.get(key)
    if found is None:
        if len(plan.fine) >= _MOST_KEPT_FINDINGS:
            plan.fine.clear()
        found = plan.fine[key] = Finding(key, State.OK, f"{label}: {column.title}: as it should be")
    return found


def _whole_table(work: _Work, plan: TablePlan, names: dict[str, str], may_be_empty: frozenset[str]) -> None:
    """What only a table read to its end can tell: that it is empty, and that a wanted row is not there."""
    for wanted in plan.wanted:
        if any(sign in wanted for sign in "*?["):
            continue
        key = f"{plan.key}/{wanted}"
        if wanted in names:
            work.fine(_fine(plan, plan.columns[0], key, wanted))
        else:
            work.bad(key, State.CRITICAL, f"{plan.title}: {wanted} is not there")
    if names or plan.wanted:
        return
    key = f"{work.plan.prefix}/{plan.name}"
    if plan.may_be_empty or plan.name in may_be_empty:
        work.fine(Finding(key, State.OK, f"{plan.title}: there are none, as may be"))
        work.answered += 1
    else:
        work.bad(key, State.UNKNOWN, f"{plan.title}: the device lists none; if that is right, say so with expect_empty")


def _info(work: _Work, group: _Group) -> None:
    assert work.plan.info is not None
    family, names = work.plan.info
    texts: list[str] = []
    for name in names:
        try:
            texts.append(str(first(work.plan.by_name[name], group.raw, group.errors)))
        except (Absent, NotRead, Quiet, Unreadable):
            texts.append("")
    if any(texts):
        work.readings.append(Reading(family, 1.0, tuple(texts)))
