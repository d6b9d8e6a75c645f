"""Whether the names that the parts of a profile use of each other exist, once all it extends is joined in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

from config.profiles.asks import rows_at
from config.profiles.model import ProfileModel, TableModel, ValueModel
from config.profiles.roles import FirewallPart, When


def faults(profile: ProfileModel) -> list[str]:
    """What is wrong, each with the place in the profile; empty when nothing is."""
    found = [*_labels(profile), *_conditions(profile), *_forecasts(profile), *_places(profile)]
    if profile.firewall is not None:
        found += _firewall(profile, profile.firewall)
    return found


def conditions(profile: ProfileModel) -> Iterator[tuple[str, When]]:
    """Every condition of the profile with its place."""
    for name, value in profile.values.items():
        yield from ((f"values.{name}.relevant_if", when) for when in value.relevant_if)
    for name, table in profile.tables.items():
        yield from ((f"tables.{name}.relevant_if", when) for when in table.relevant_if)
        for column, value in table.columns.items():
            yield from ((f"tables.{name}.columns.{column}.relevant_if", when) for when in value.relevant_if)
    if profile.firewall is not None:
        for rule in (*profile.firewall.roles, *profile.firewall.peers):
            yield from (("firewall.roles.when", when) for when in rule.when)
        yield from (("firewall.pair.several_active", when) for when in profile.firewall.pair.several_active)


def _conditions(profile: ProfileModel) -> Iterator[str]:
    columns = _columns(profile)
    for place, when in conditions(profile):
        if when.value is not None:
            yield from _there(place, "value", when.value, profile.values)
            yield from _words(place, profile.values.get(when.value), when)
        if when.every is not None:
            yield from _there(place, "column", when.every, columns)
            yield from _words(place, columns.get(when.every), when)
        if when.rows is not None:
            yield from _there(place, "table", when.rows, profile.tables)


def _places(profile: ProfileModel) -> Iterator[str]:
    """Everything is read in the profile's own way, of questions that it asks."""
    values = [(f"values.{name}", value, False) for name, value in profile.values.items()]
    for name, table in profile.tables.items():
        yield from _one_list(name, table, profile)
        values += [(f"tables.{name}.columns.{column}", value, True) for column, value in table.columns.items()]
    questions = profile.asks.often() if profile.asks is not None else {}
    for where, value, rows in values:
        if value.ratio is not None:
            continue
        if (value.oid is None) != (profile.asks is not None):
            yield f"{where}: a profile with `asks` has `at` in the place of `oid`, and one without has `oid`"
            continue
        for place in value.oids if profile.asks is not None else ():
            yield from _there(f"{where}.at", "question", place.partition("#")[0], questions)
            if rows_at(place) != rows:
                needs = "one `*`, which is its rows" if rows else "no `*`: it is a scalar"
                yield f"{where}.at: {place!r} must have {needs}"


def _one_list(name: str, table: TableModel, profile: ProfileModel) -> Iterator[str]:
    """Rows are told apart by their index, so all columns are of one list, or of answers whose rows are called alike."""
    lists = {place.partition("/*")[0] for value in table.columns.values() if value.at for place in value.oids}
    http = profile.asks.http if profile.asks is not None else None
    called = {f"{name}#": question.by for name, question in http.questions.items()} if http is not None else {}
    if len(lists) > 1 and {called.get(one) for one in lists} & {None}:
        yield f"tables.{name}: its columns are of several lists: {', '.join(sorted(lists))}; part them"


def _words(place: str, value: ValueModel | None, when: When) -> Iterator[str]:
    """A word that the enumeration does not have would never hold, silently."""
    if value is None or value.enum is None:
        return
    known = {meaning.name for meaning in value.enum.values()}
    for word in when.among:
        if word not in known:
            yield f"{place}: {word!r} is not among the words of {value.title!r}: {', '.join(sorted(known))}"


def _forecasts(profile: ProfileModel) -> Iterator[str]:
    places = {f"values.{name}.forecast.limit": value for name, value in profile.values.items()}
    for name, table in profile.tables.items():
        places |= {f"tables.{name}.columns.{column}.forecast.limit": value for column, value in table.columns.items()}
    for place, value in places.items():
        limit = None if value.forecast is None else value.forecast.limit
        if isinstance(limit, str):
            yield from _there(place, "value", limit, profile.values)
            if limit in profile.values and profile.values[limit].metric is None:
                yield f"{place}: {limit!r} has no metric, by which the limit is known"


def _labels(profile: ProfileModel) -> Iterator[str]:
    for name, value in profile.values.items():
        yield from _fitting(f"values.{name}", value, set(value.labels))
    for name, table in profile.tables.items():
        for column, value in table.columns.items():
            there = {table.label_name, *table.also, *value.labels}
            yield from _fitting(f"tables.{name}.columns.{column}", value, there)


def _fitting(place: str, value: ValueModel, there: set[str]) -> Iterator[str]:
    if value.metric is None or value.metric.labels is None:
        return
    lacking = [label for label in value.metric.labels if label not in there]
    if lacking:
        name = value.metric.name
        yield f"{place}.metric: {name} has the label {lacking[0]!r}: say it with labels, label_name or also"


def _firewall(profile: ProfileModel, part: FirewallPart) -> Iterator[str]:
    for what, scalar in (("model", part.model), ("serial", part.serial), ("firmware", part.firmware)):
        if scalar is not None:
            yield from _there(f"firewall.{what}", "value", scalar, profile.values)
    for scalar in part.shown:
        yield from _there("firewall.shown", "value", scalar, profile.values)
    for rule in (*part.roles, *part.peers):
        if rule.of is not None:
            yield from _there("firewall.roles.of", "value", rule.of, {**profile.values, **_columns(profile)})
        if rule.own_row and part.members is None:
            yield "firewall.roles: own_row needs firewall.members"
    for name in part.licences:
        yield from _there("firewall.licences", "table", name, profile.tables)
    for name in part.vpn_users:
        yield from _there("firewall.vpn_users", "value", name, {**profile.values, **_columns(profile)})
    for tunnels in part.tunnels:
        yield from _there("firewall.tunnels", "table", tunnels.table, profile.tables)
        table = profile.tables.get(tunnels.table)
        for column in (tunnels.up, tunnels.permanent, *tunnels.keys):
            if column is not None:
                yield from _there("firewall.tunnels", "column", column, table.columns if table else {})
    yield from _members(profile, part)
    yield from _pair(profile, part)


def _pair(profile: ProfileModel, part: FirewallPart) -> Iterator[str]:
    pair, columns = part.pair, _columns(profile)
    for scalar in (pair.firmware, pair.sessions, *pair.content):
        if scalar is not None:
            yield from _there("firewall.pair", "value", scalar, profile.values)
    for name in (*pair.synchronised, *pair.away, *pair.heartbeat, *pair.monitors, pair.priority):
        if name is not None:
            yield from _there("firewall.pair", "value", name, {**profile.values, **columns})
    if pair.reason is not None:
        yield from _there("firewall.pair.reason", "value", pair.reason, {**profile.values, **columns})
    if pair.elected is not None:
        yield from _there("firewall.pair.elected", "column", pair.elected, columns)
    if pair.checksum is not None:
        table = profile.tables.get(part.members.table) if part.members is not None else None
        yield from _there("firewall.pair.checksum", "column", pair.checksum, table.columns if table else {})


def _members(profile: ProfileModel, part: FirewallPart) -> Iterator[str]:
    members = part.members
    if members is None:
        return
    yield from _there("firewall.members.table", "table", members.table, profile.tables)
    table: TableModel | None = profile.tables.get(members.table)
    columns = table.columns if table else {}
    for column in (members.key, members.role, members.primary, *members.own, *members.own_like):
        if column is not None:
            yield from _there("firewall.members", "column", column, columns)
    for scalar in members.own.values():
        yield from _there("firewall.members.own", "value", scalar, profile.values)


def _columns(profile: ProfileModel) -> dict[str, ValueModel]:
    return {name: value for table in profile.tables.values() for name, value in table.columns.items()}


def _there(place: str, what: str, name: str, known: Mapping[str, object] | Iterable[str]) -> Iterator[str]:
    names = list(known)
    if name not in names:
        near = get_close_matches(name, names, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        yield f"{place}: there is no {what} {name!r}{hint}"
