"""A profile made ready to be asked and judged thousands of times a minute: compiled once, shared by every target."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NoReturn

from checks.contract import Family, Finding, MetricType, Reason, State
from config.profiles import Limit, ProfileModel, TableModel, Transform, ValueModel
from config.profiles.asks import Read
from config.profiles.model import Decimal, Lead, Meaning, Metric, Ratio, Where
from config.profiles.roles import Role, When

UPTIME = "1.3.6.1.2.1.1.3.0"
"""sysUpTime, read beside every counter whose rate is judged: when it falls, the counters began anew."""


@dataclass(frozen=True, slots=True)
class Override:
    """What the estate says about a value's limits; None keeps the profile's."""

    warning: Limit | None = None
    critical: Limit | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """What one number, or text, of an enumeration means."""

    name: str
    state: State
    value: float | None
    """What the metric shows; None: the number itself."""
    role: Role | None


@dataclass(frozen=True, slots=True)
class ValuePlan:
    """One value, ready. For a scalar `key` is its finding's key, for a column the part before the row's label."""

    name: str
    key: str
    title: str
    oids: tuple[str, ...]
    transform: Transform
    scale: float
    plain: bool
    """Nothing but a number, a scale and limits: the quick way through the judgement."""
    decimal: Decimal | None
    enum: Mapping[int | str, Word] | None
    no_value: frozenset[int | str]
    not_known: frozenset[int | str]
    never: frozenset[int | str]
    blank: str
    required: bool
    warning: Limit | None
    critical: Limit | None
    until: Lead | None
    since: Lead | None
    relevant_if: tuple[When, ...]
    read: Read
    bits: int | None
    ratio: Ratio | None
    judge_where: Where | None
    only_where: tuple[Where, ...]
    family: Family | None
    labels: tuple[str, ...] | None
    """The labels of a scalar's family, or of a column's that has no others than these and the row's; else None."""
    labelled: tuple[tuple[str, str], ...] | None
    """Of a column's family with other labels: for each its fixed text, or else the column it comes from."""
    judged: bool
    """Whether it makes a finding at all."""
    fine: Finding
    """The finding of a scalar that is well: always the same object, so that nothing is built for it."""

    @property
    def translated(self) -> bool:
        """Whether its metric shows what the words stand for, so that an unknown number has nothing to show."""
        return self.enum is not None and any(word.value is not None for word in self.enum.values())

    @property
    def percent(self) -> bool:
        """Whether people read it as a percentage."""
        return self.ratio is not None or (self.family is not None and self.family.unit == "ratio")


@dataclass(frozen=True, slots=True)
class TablePlan:
    """One table, ready."""

    name: str
    key: str
    """The first part of the keys of rows that are wanted; `snmp`'s own tables have none before it."""
    title: str
    columns: tuple[ValuePlan, ...]
    oids: tuple[str, ...]
    label: ValuePlan | None
    rows_of: ValuePlan | None
    where: Where | None
    may_be_empty: bool
    may_go: bool
    max_rows: int
    by_name: Mapping[str, ValuePlan]
    relevant_if: tuple[When, ...] = ()
    wanted: tuple[str, ...] = ()
    """Patterns of the row labels that count; none means every row. One without `*` or `?` must be there."""
    fine: dict[str, Finding] = field(default_factory=dict)
    """Findings of rows that are well, by key, so that they are built once; bounded by the judgement."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A profile with an estate's limits, ready."""

    profile: str
    prefix: str
    """The first part of its scalars' keys: the kind of check."""
    scalars: tuple[ValuePlan, ...]
    by_name: Mapping[str, ValuePlan]
    oids: tuple[str, ...]
    """Every scalar OID to ask, each once."""
    tables: tuple[TablePlan, ...]
    info: tuple[Family, tuple[str, ...]] | None
    """The family of texts and the names of the values that make its labels."""
    remembers: bool
    """Whether the judgement needs a note of the last one: rates and start times."""
    covers: frozenset[str]
    """Every key that is judged when everything was read."""
    may_go: frozenset[str]

    def table(self, name: str) -> TablePlan:
        """The table of that name. Raises KeyError."""
        return next((table for table in self.tables if table.name == name), None) or _missing(name)

    def column(self, name: str) -> ValuePlan:
        """The column of that name, in whichever table it is. Raises KeyError."""
        found = next((table.by_name[name] for table in self.tables if name in table.by_name), None)
        return found or _missing(name)


def _missing(name: str) -> NoReturn:
    raise KeyError(name)


class PlanError(ValueError):
    """The estate's options do not fit the profile; the message says which and what there is instead."""


def compiled(
    profile: ProfileModel,
    thresholds: Mapping[str, Override],
    rows: Mapping[str, tuple[str, ...]],
    prefix: str = "snmp",
) -> Plan:
    """The plan of a profile; `prefix` begins the keys of scalars, and of rows unless it is `snmp`. Raises PlanError."""
    for name in profile.values:
        if name in _RESERVED:
            raise PlanError(
                f"profile {profile.profile}: a value may not be called {name!r}: {prefix}/{name} is a fault's key"
            )
    _check_names("thresholds", thresholds, _values(profile))
    _check_names("rows", rows, list(profile.tables))
    scalars = tuple(
        _value(name, f"{prefix}/{name}", model, thresholds.get(name), None) for name, model in _in_order(profile.values)
    )
    before = "" if prefix == "snmp" else f"{prefix}/"
    tables = tuple(
        _table(name, model, thresholds, rows.get(name, ()), before) for name, model in profile.tables.items()
    )
    rated = any(plan.bits for plan in (*scalars, *(column for table in tables for column in table.columns)))
    oids = _unique([oid for plan in scalars for oid in plan.oids] + ([UPTIME] if rated else []))
    dated = any(plan.transform is Transform.BOOT_TIME for plan in scalars)
    may_go = {plan.key for plan in scalars if plan.judged and not plan.required}
    may_go |= {f"{column.key}/*" for table in tables if table.may_go for column in table.columns if column.judged}
    return Plan(
        profile=profile.profile,
        prefix=prefix,
        scalars=scalars,
        by_name={plan.name: plan for plan in scalars},
        oids=oids,
        tables=tables,
        info=_info(profile),
        remembers=rated or dated,
        covers=frozenset({p.key for p in scalars if p.judged} | _table_keys(prefix, tables) | {f"{prefix}/{PROFILE}"}),
        may_go=frozenset(may_go | {f"{prefix}/{PROFILE}"} | {f"{prefix}/{table.name}" for table in tables}),
    )


PROFILE = "profile"
"""The key's last part when a device answers nothing of its profile."""
_RESERVED = frozenset({PROFILE, *(reason.value for reason in Reason)})


def _table_keys(prefix: str, tables: Iterable[TablePlan]) -> set[str]:
    keys: set[str] = set()
    for table in tables:
        keys |= {f"{prefix}/{table.name}", f"{table.key}/*"}
        keys |= {f"{column.key}/*" for column in table.columns if column.judged}
    return keys


def _in_order(values: Mapping[str, ValueModel]) -> list[tuple[str, ValueModel]]:
    """Ratios after what they are made of, wherever the profile that was extended has them."""
    return sorted(values.items(), key=lambda entry: entry[1].ratio is not None)


def _values(profile: ProfileModel) -> list[str]:
    return [*profile.values, *(name for table in profile.tables.values() for name in table.columns)]


def _check_names(what: str, given: Iterable[str], there: list[str]) -> None:
    for name in given:
        if name not in there:
            near = get_close_matches(name, there, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise PlanError(f"{what}: the profile has no {name!r}{hint}; it has {', '.join(there) or 'none'}")


def _unique(oids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(oids))


def _value(name: str, key: str, model: ValueModel, override: Override | None, table: TableModel | None) -> ValuePlan:
    warning = override.warning if override and override.warning else model.warning
    critical = override.critical if override and override.critical else model.critical
    if override and model.transform in (Transform.TEXT, Transform.OID, Transform.HEX):
        raise PlanError(f"thresholds: {name} is text, it has no limits")
    # An enumeration of which nothing is bad (what somebody wants of a port) only says what others are judged by.
    tells = any(meaning.state != "ok" for meaning in (model.enum or {}).values())
    dated = model.until is not None or model.since is not None
    judged = bool(model.required or warning or critical or tells or dated)
    labels = () if table is None else (table.label_name,)
    return ValuePlan(
        name=name,
        key=key,
        title=model.title,
        oids=model.oids,
        transform=model.transform,
        scale=model.scale,
        plain=_plain(model),
        decimal=model.decimal,
        enum=None if model.enum is None else {code: _word(meaning) for code, meaning in model.enum.items()},
        no_value=frozenset(model.no_value),
        not_known=frozenset(model.not_known),
        never=frozenset(model.never),
        blank=model.blank,
        required=model.required,
        warning=warning,
        critical=critical,
        until=model.until,
        since=model.since,
        relevant_if=model.relevant_if,
        read=model.read or (Read.EVERY_RUN if table is None else table.read),
        bits=model.per_second if warning or critical else None,
        ratio=model.ratio,
        judge_where=model.judge_where,
        only_where=model.only_where,
        family=None if model.metric is None else family(model.metric, (*labels, *model.labels)),
        labels=tuple(model.labels.values()) if table is None else None,
        labelled=None if table is None or model.metric is None else _labelled(model, model.metric, table),
        judged=judged,
        fine=Finding(key, State.OK, f"{model.title}: as it should be"),
    )


def _word(meaning: Meaning) -> Word:
    return Word(meaning.name, State(meaning.state), meaning.value, meaning.role)


def _labelled(model: ValueModel, metric: Metric, table: TableModel) -> tuple[tuple[str, str], ...] | None:
    """Where each label of a column's family comes from; None for the usual one, which is the row's own."""
    names = (table.label_name, *model.labels) if metric.labels is None else metric.labels
    if names == (table.label_name,):
        return None
    return tuple(
        (model.labels.get(name, ""), "" if name in model.labels else table.also.get(name, "")) for name in names
    )


def _plain(model: ValueModel) -> bool:
    return (
        model.transform is Transform.NUMBER
        and len(model.oids) == 1
        and model.enum is None
        and model.decimal is None
        and not model.only_where
        and model.per_second is None
        and not model.no_value
        and not model.not_known
        and not model.relevant_if
        and not model.labels
    )


def _table(
    name: str, model: TableModel, thresholds: Mapping[str, Override], wanted: tuple[str, ...], before: str
) -> TablePlan:
    columns = tuple(
        _value(column, f"{before}{column}", value, thresholds.get(column), model)
        for column, value in _in_order(model.columns)
    )
    by_name = {column.name: column for column in columns}
    return TablePlan(
        name=name,
        key=f"{before}{name}",
        title=model.title,
        columns=columns,
        oids=_unique(oid for column in columns for oid in column.oids),
        label=by_name[model.label] if model.label else None,
        rows_of=by_name[model.rows_of] if model.rows_of else None,
        where=model.where,
        may_be_empty=model.may_be_empty,
        may_go=model.may_go,
        max_rows=model.max_rows,
        by_name=by_name,
        relevant_if=model.relevant_if,
        wanted=wanted,
    )


def _info(profile: ProfileModel) -> tuple[Family, tuple[str, ...]] | None:
    if profile.info is None:
        return None
    return family(profile.info.metric, tuple(profile.info.labels)), tuple(profile.info.labels.values())


def family(metric: Metric, labels: tuple[str, ...]) -> Family:
    """The contract's family of a profile's metric."""
    fixed = labels if metric.labels is None else metric.labels
    return Family(metric.name, metric.help, MetricType(metric.type), metric.unit, fixed)


def families(profiles: Iterable[ProfileModel]) -> tuple[Family, ...]:
    """Every family the profiles can make, each once. Raises PlanError if two declare one name differently."""
    found: dict[str, Family] = {}
    for profile in profiles:
        declared: list[tuple[Metric | None, tuple[str, ...]]] = [
            (value.metric, tuple(value.labels)) for value in profile.values.values()
        ]
        declared += [
            (c.metric, (table.label_name, *c.labels))
            for table in profile.tables.values()
            for c in table.columns.values()
        ]
        made = [family(metric, labels) for metric, labels in declared if metric is not None]
        if profile.info is not None:
            made.append(family(profile.info.metric, tuple(profile.info.labels)))
        for one in made:
            if found.setdefault(one.name, one) != one:
                raise PlanError(f"profile {profile.profile}: the metric {one.name} is declared otherwise elsewhere")
    return tuple(found.values())
