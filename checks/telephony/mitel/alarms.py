"""Alarms with the words a person needs, each cause once: by category, by application, and the overall level. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from checks.contract import Finding, State, worst
from checks.network import raw
from checks.network.answers import SnmpAnswers
from checks.network.plan import Plan
from checks.network.rows import Row, Rows, rows_of
from checks.printable import printable

LEVEL = "mitel/level"
CATEGORY = "mitel/category"
APPLICATION = "mitel/application"
ALARM = "mitel/alarm"
_MADE_OF = {CATEGORY: ("categories",), ALARM: ("alarms", "applications")}
_THRESHOLDS = ("minor_threshold", "major_threshold", "critical_threshold")
_BAD = frozenset({State.WARNING, State.CRITICAL})
_APPLICATIONS = "1.3.6.1.4.1.1027.1.7."
_NAMES = (
    "Teleworker", "", "", "", "Call Server", "Quick Conference", "Secure Recording Connector",
    "Suite Application Service", "Audio Web Conferencing", "Customer Service Manager", "NuPoint",
    "Unified Communications Server", "Unified IP Client", "Media Service Manager", "MCD Manager",
)  # fmt: skip
"""Of applications by the last number of their OID, from 1; empty where it is not known."""


def half_read(plan: Plan, answers: SnmpAnswers) -> frozenset[str]:
    """Beginnings of the keys of which not everything was read that a finding is made of."""
    cut = {table.name for table in plan.tables if not rows_of(table, answers).complete}
    return frozenset(prefix for prefix, tables in _MADE_OF.items() if cut & set(tables))


def stands(finding: Finding, half: frozenset[str]) -> bool:
    """Whether a finding may be shown although its table was only half read.

    An alarm would stand under another key without its class or its application's name, and a category look clear
    without its count.
    """
    if ALARM in half and finding.key.startswith(f"{ALARM}/"):
        return False
    return not (CATEGORY in half and finding.key.startswith(f"{CATEGORY}/") and finding.state is State.OK)


def told(plan: Plan, answers: SnmpAnswers, base: Mapping[str, Finding], own: Mapping[str, int]) -> dict[str, Finding]:
    """The findings of alarms as they are to stand, by the key that the values gave them."""
    tables = {table.name: rows_of(table, answers) for table in plan.tables}
    found: dict[str, Finding] = {}
    for row in tables["categories"].rows if "categories" in tables else ():
        key = f"{CATEGORY}/{row.label}"
        if key in base:
            found[key] = _category(row, base[key], own)
    if "alarms" in tables:
        found |= _applications(tables["applications"], tables["alarms"], base)
    if LEVEL in base:
        found[LEVEL] = _level(base[LEVEL], base)
    return found


def _category(row: Row, found: Finding, own: Mapping[str, int]) -> Finding:
    """The category's level, or our own alarm on what is out of service, whichever is worse."""
    name = printable(row.label)
    numbers = {column: _number(row, column) for column in ("unavailable", "available", *_THRESHOLDS)}
    count = numbers["unavailable"]
    limit = next((most for pattern, most in own.items() if raw.like((pattern,), row.label)), None)
    over = limit is not None and count is not None and count >= limit
    state = worst([found.state, State.WARNING if over else State.OK])
    if state is State.OK:
        return found
    words = f"{name}: {found.summary.removeprefix(f'{row.label}: ')}"
    if found.state is State.OK:
        words = f"{name}: the system calls this clear by its own thresholds"
    if count is not None:
        words += f", {count} out of service"
        words += "" if numbers["available"] is None else f", {numbers['available']} available"
    evidence = dict(found.evidence) | {
        column.replace("_", " "): str(number) for column, number in numbers.items() if number is not None
    }
    return Finding(found.key, state, words[:300], evidence)


def _number(row: Row, column: str) -> int | None:
    said = row.said(column)
    return said if isinstance(said, int) else None


def _applications(applications: Rows, alarms: Rows, base: Mapping[str, Finding]) -> dict[str, Finding]:
    """Alarms by application, class and type; an application whose alarms say as much is not another cause."""
    names = {row.index: row.text("application_name") for row in applications.rows}
    found: dict[str, Finding] = {}
    heard: dict[str, list[State]] = {}
    for row in alarms.rows:
        key = f"{ALARM}/{row.label}"
        if key in base:
            heard.setdefault(row.index, []).append(base[key].state)
            found[key] = _alarm(row, names.get(row.index) or application_name(row.index), base[key])
    for row in applications.rows:
        key = f"{APPLICATION}/{row.label}"
        if key not in base:
            continue
        state = base[key].state
        if state in _BAD and worst(heard.get(row.index, [State.OK])).rank >= state.rank:
            found[key] = Finding(key, State.OK, f"{printable(row.label)}: its active alarms say it")
    return found


def _alarm(row: Row, application: str, found: Finding) -> Finding:
    """An application has one row, so a second alarm takes the place of the first: class and type are in the key."""
    parts = [application, row.text("alarm_class"), row.text("alarm_type_name") or row.text("alarm_type")]
    key = f"{ALARM}/{'/'.join(part[:40] for part in parts if part)}"
    text = row.text("alarm_text")
    words = [", ".join(part for part in parts if part), found.summary.removeprefix(f"{row.label}: "), text]
    return replace(found, key=key, summary=printable(": ".join(word for word in words if word))[:300])


def application_name(index: str) -> str:
    """An application by the index of its row, which is its OID with its length before it."""
    length, _, rest = index.partition(".")
    oid = rest if length.isdigit() and int(length) == len(rest.split(".")) else index
    number = oid.removeprefix(_APPLICATIONS)
    if number != oid and number.isdigit() and 1 <= int(number) <= len(_NAMES):
        return _NAMES[int(number) - 1] or oid
    return oid[:64]


def _level(level: Finding, base: Mapping[str, Finding]) -> Finding:
    """The overall level, unless something in the tables is as bad: then that is the cause, and has the incident."""
    if level.state not in _BAD:
        return level
    causes = [f for f in _rows(base) if f.state in _BAD and f.state.rank >= level.state.rank]
    if causes:
        return Finding(LEVEL, State.OK, f"{level.summary}: {printable(causes[0].key)} says why"[:300], level.evidence)
    return replace(level, summary=f"{level.summary}, but nothing in its tables of alarms is as bad: look at it"[:300])


def _rows(base: Mapping[str, Finding]) -> Iterator[Finding]:
    prefixes = (f"{CATEGORY}/", f"{APPLICATION}/", f"{ALARM}/")
    return (finding for key, finding in base.items() if key.startswith(prefixes))
