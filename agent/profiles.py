"""A device profile in words: what it asks and how often, and what it judges. For whoever writes one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checks.firewall.options import KIND
from checks.firewall.permitted import refused
from checks.firewall.questions import Batch, questions
from checks.firewall.series import series_of
from checks.network.plan import Plan, PlanError, ValuePlan, compiled, families
from config.profiles import ProfileError, ProfileModel, ValueModel, load, names, search_path
from config.profiles.asks import Read
from config.profiles.model import Limit
from config.profiles.roles import RoleRule, When

_PER_QUESTION = 20
"""OIDs in one question, and rows in one answer, unless the estate says otherwise."""
_OFTEN = {Read.EVERY_RUN: "at every run", Read.SLOWLY: "slowly", Read.DAILY: "daily"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions that are due together."""

    often: str
    seconds: int | None
    scalars: int
    columns: int
    datagrams: int
    """Questions and answers of one poll over v2c, where tables are short; long ones take more."""


def plan_of(profile: ProfileModel) -> Plan:
    """The profile compiled, as its kind of check does. Raises PlanError."""
    return compiled(profile, {}, {}, KIND if profile.firewall is not None else "snmp")


def problems(name: str, profile: ProfileModel) -> list[str]:
    """What the schema does not see: reserved names, and families that are declared otherwise elsewhere."""
    try:
        plan_of(profile)
        others = [load(other, search_path()) for other in names(search_path()) if other != name]
        families([*others, profile])
    except (PlanError, ProfileError) as error:
        return [str(error)]
    return [] if profile.asks is None or profile.asks.ssh is None else list(refused(profile.asks.ssh))


def remarks(profile: ProfileModel) -> list[str]:
    """What is allowed and worth a second thought."""
    said = []
    if not profile.proven:
        said.append("unproven: no recording of a real device backs it (proven is empty), and people are told so")
    if profile.firewall is not None and not profile.match:
        said.append("it has no match: it is never recognised, only named")
    if profile.firewall is not None and not profile.firewall.roles:
        said.append("it has no roles: nothing of a cluster is judged")
    if profile.firewall is None and any(value.forecast for value in _models(profile).values()):
        said.append("forecast: only the kind firewall keeps a history; by itself this is no profile of one")
    judged = [value for value in profile.values.values() if value.required or value.warning or value.critical]
    if profile.firewall is not None and not judged:
        said.append("no value is required or has a limit: a device that answers nothing looks less bad than it should")
    return said


def asked(profile: ProfileModel) -> list[Asked]:
    """What one poll asks, by how often."""
    batches = questions(plan_of(profile))
    ages = {Read.SLOWLY: profile.budget.slow_seconds, Read.DAILY: profile.budget.daily_seconds}
    return [_asked(read, batch, ages.get(read)) for read, batch in batches.items() if batch.oids or batch.tables]


def _asked(read: Read, batch: Batch, seconds: int | None) -> Asked:
    columns = sum(len(table.oids) for table in batch.tables)
    questions = -(-len(batch.oids) // _PER_QUESTION)
    cells = False
    for table in batch.tables:
        if table.listing:
            questions += table.listing[0] in table.oids
            cells = cells or len(table.oids) > 1 or table.listing[0] not in table.oids
        else:
            questions += len(table.oids)
    return Asked(_OFTEN[read], seconds, len(batch.oids), columns, 2 * (questions + cells))


def told(profile: ProfileModel) -> Iterator[str]:
    """The profile in lines for people."""
    yield f"{profile.profile}: {profile.title}"
    yield f"  from {profile.source}"
    yield f"  proved on {profile.proven}" if profile.proven else "  UNPROVEN: on nothing but its MIB"
    for match in profile.match:
        parts = [f"sysObjectID below {', '.join(match.object_ids)}"] if match.object_ids else []
        parts += [f"sysDescr holds /{match.description}/"] if match.description else []
        yield f"  recognised by {' and '.join(parts)}"
    yield "asks"
    for batch in asked(profile):
        age = f" (every {batch.seconds} s)" if batch.seconds else ""
        yield (
            f"  {batch.often}{age}: {batch.scalars} values and {batch.columns} columns, "
            f"{batch.datagrams} datagrams and more for long tables"
        )
    if profile.firewall is not None and profile.firewall.roles:
        yield "takes its role in the cluster from the first of these that holds"
        yield from (f"  {_rule(rule)}" for rule in profile.firewall.roles)
    yield "judges"
    plan = plan_of(profile)
    for value in plan.scalars:
        yield from _judged(value, value.key)
    for table in plan.tables:
        depends = f", only if {_conditions(table.relevant_if)}" if table.relevant_if else ""
        yield f"  {table.title}{depends}"
        for column in table.columns:
            yield from (f"  {line}" for line in _judged(column, f"{column.key}/<row>"))
    if profile.firewall is not None:
        yield from _foretold(profile, plan)


def _foretold(profile: ProfileModel, plan: Plan) -> Iterator[str]:
    """What has a forecast: without a limit of the profile's only if the estate says one."""
    telling = {value.family.name: value.name for value in plan.scalars if value.family is not None}
    lines = {name: f"  {name}: when the estate says a limit" for name, v in _models(profile).items() if v.forecast}
    for one in series_of(profile, plan, {}):
        limit = telling.get(one.limit_family) if one.limit_family is not None else f"{one.limit:g}"
        if limit is not None:
            more = "; only days on which the member serves" if one.serving else ""
            more += "; anew at every start" if one.since_start else ""
            lines[one.name] = f"  {one.name}: when {limit} is reached, {one.lead_days:g} days ahead{more}"
    if lines:
        yield "foretells, from two weeks of daily peaks on"
        yield from lines.values()


def _models(profile: ProfileModel) -> dict[str, ValueModel]:
    return profile.values | {name: v for table in profile.tables.values() for name, v in table.columns.items()}


def _judged(value: ValuePlan, key: str) -> Iterator[str]:
    parts = [part for part in (_limit("warning", value.warning), _limit("critical", value.critical)) if part]
    for word in (value.enum or {}).values():
        if word.state.bad:
            parts.append(f"{word.state.value} when {word.name}")
    for lead, words in ((value.until, "before its end"), (value.since, "after its date")):
        if lead is not None:
            parts += [f"warning {lead.warning_days:g} days {words}"] if lead.warning_days is not None else []
            parts += [f"critical {lead.critical_days:g} days {words}"] if lead.critical_days is not None else []
    if value.required:
        parts.append("unknown when absent")
    if value.relevant_if:
        parts.append(f"only if {_conditions(value.relevant_if)}")
    shown = f" → {value.family.name}" if value.family is not None else ""
    if value.judged or shown:
        yield f"  {key}: {value.title}{': ' if parts else ''}{', '.join(parts)}{shown}"


def _limit(state: str, limit: Limit | None) -> str:
    if limit is None:
        return ""
    edges = [f"{word} {edge:g}" for word, edge in (("above", limit.above), ("below", limit.below)) if edge is not None]
    return f"{state} {' or '.join(edges)}"


def _rule(rule: RoleRule) -> str:
    if rule.role is not None:
        answer = rule.role.value
    else:
        answer = "what our own row says" if rule.own_row else f"what {rule.of} says"
    return f"{answer}{' if ' if rule.when else ''}{_conditions(rule.when)}"


def _conditions(conditions: tuple[When, ...]) -> str:
    return " and ".join(map(_condition, conditions))


def _condition(when: When) -> str:
    if when.role:
        return f"the role is {' or '.join(role.value for role in when.role)}"
    if when.rows is not None:
        bounds = [f"at least {when.least}"] if when.least else []
        bounds += [f"at most {when.most}"] if when.most is not None else []
        return f"{when.rows} has {' and '.join(bounds)} rows"
    what = when.value if when.value is not None else f"every {when.every}"
    if when.absent:
        return f"{what} is absent"
    return f"{what} is {' or '.join(map(str, when.among or when.like))}"
