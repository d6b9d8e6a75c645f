"""How two estates differ: by the dataclass fields of `Estate`, so that a new section shows without anything here.

A section that is a map is compared by name, one that is a sequence by the name or id of its entries; anything else is
one entry. Values are shown where they are plain and not secret; of options and credentials only the names are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum

from pydantic import BaseModel

from config.estate import Cron, Estate, Every, MofN, Target

_LONGEST = 60
_WITHOUT_VALUES = frozenset({"options", "credentials"})
_WITH_VALUES = frozenset({"councils", "sites", "services", "routes", "maintenance", "working_hours", "name", "vantage"})
"""Sections whose plain values may be shown; those of any other, and of one to come, may be secret."""
_OF_THE_FILE = frozenset({"revision"})


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    RENAMED = "renamed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of one section that is not as it was."""

    section: str
    kind: Kind
    name: str
    fields: tuple[str, ...] = ()
    """What changed: `impact medium → high`, or `options.port` where values are not shown."""
    was: str = ""
    """The name before, of what was renamed."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that differs, and how many entries there were and are."""

    changes: tuple[Change, ...]
    before: Mapping[str, int]
    """Entries by section; targets and checks first."""
    after: Mapping[str, int]

    def of(self, section: str, kind: Kind | None = None) -> tuple[Change, ...]:
        return tuple(one for one in self.changes if one.section == section and kind in (None, one.kind))

    def counts(self) -> dict[str, int]:
        """How many of each kind, by `targets_added` and the like; for the audit."""
        found: dict[str, int] = {}
        for change in self.changes:
            name = f"{change.section}_{change.kind}"
            found[name] = found.get(name, 0) + 1
        return found


def difference(old: Estate, new: Estate) -> Difference:
    """Empty exactly where both estates are equal but for their revision and the order of maps."""
    renamed = renamed_targets(old, new)
    changes = list(_targets(old, new, renamed))
    before = {"targets": len(old.targets), "checks": _checks_in(old)}
    after = {"targets": len(new.targets), "checks": _checks_in(new)}
    for field in fields(Estate):
        if field.name in _OF_THE_FILE or field.name == "targets":
            continue
        one, other = _entries(getattr(old, field.name)), _entries(getattr(new, field.name))
        before[field.name], after[field.name] = len(one), len(other)
        changes += _section(field.name, one, other)
        if one == other and list(one) != list(other) and not isinstance(getattr(new, field.name), Mapping):
            changes.append(Change(field.name, Kind.CHANGED, "", ("their order",)))
    return Difference(tuple(changes), before, after)


def renamed_targets(old: Estate, new: Estate) -> dict[str, str]:
    """Old to new name of targets that go on under another one (`formerly`)."""
    return {
        was: target.name
        for target in new.targets.values()
        for was in target.formerly
        if was in old.targets and was not in new.targets and target.name not in old.targets
    }


def _targets(old: Estate, new: Estate, renamed: Mapping[str, str]) -> Iterator[Change]:
    was_of = {name: was for was, name in renamed.items()}
    for gone in old.targets.values():
        if gone.name not in new.targets and gone.name not in renamed:
            yield Change("targets", Kind.REMOVED, gone.name)
            yield from (Change("checks", Kind.REMOVED, spec.id) for spec in gone.checks)
    for target in new.targets.values():
        was = was_of.get(target.name, target.name)
        before = old.targets.get(was)
        if before is target:
            continue
        if before is None:
            yield Change("targets", Kind.ADDED, target.name)
            yield from (Change("checks", Kind.ADDED, spec.id) for spec in target.checks)
            continue
        told = tuple(_fields(before, target, but=frozenset({"name", "checks"})))
        if was != target.name:
            yield Change("targets", Kind.RENAMED, target.name, told, was)
        elif told:
            yield Change("targets", Kind.CHANGED, target.name, told)
        yield from _checks(before, target)


def _checks(before: Target, target: Target) -> Iterator[Change]:
    had = {spec.name: spec for spec in before.checks}
    has = {spec.name: spec for spec in target.checks}
    yield from (Change("checks", Kind.REMOVED, spec.id) for name, spec in had.items() if name not in has)
    for name, spec in has.items():
        known = had.get(name)
        if known is None:
            yield Change("checks", Kind.ADDED, spec.id)
        elif known is not spec:
            told = tuple(_fields(known, spec, but=frozenset({"id", "target"})))
            if known.id != spec.id:
                yield Change("checks", Kind.RENAMED, spec.id, told, known.id)
            elif told:
                yield Change("checks", Kind.CHANGED, spec.id, told)
    if list(had) != list(has) and had.keys() == has.keys():
        yield Change("targets", Kind.CHANGED, target.name, ("the order of its checks",))


def _checks_in(estate: Estate) -> int:
    return sum(len(target.checks) for target in estate.targets.values())


def _entries(section: object) -> dict[str, object]:
    """The entries of a section by name."""
    if section is None or section == ():
        return {}
    if isinstance(section, Mapping):
        return {str(name): entry for name, entry in section.items()}
    if isinstance(section, (tuple, list)):
        named: dict[str, object] = {}
        for place, entry in enumerate(section, 1):
            name = getattr(entry, "name", None) or getattr(entry, "id", None) or f"number {place}"
            named[name if name not in named else f"{name}, number {place}"] = entry
        return named
    return {"": section}


def _section(section: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Change]:
    yield from (Change(section, Kind.REMOVED, name) for name in before if name not in after)
    for name, entry in after.items():
        if name not in before:
            yield Change(section, Kind.ADDED, name)
        elif entry != before[name]:
            shown = section in _WITH_VALUES
            told = tuple(_fields(before[name], entry, shown=shown)) or (_step("", before[name], entry, shown),)
            yield Change(section, Kind.CHANGED, name, told)


def _fields(one: object, other: object, but: frozenset[str] = frozenset(), shown: bool = True) -> Iterator[str]:
    """The fields in which two entries of the same class differ, their values only where `shown`."""
    if type(one) is not type(other):
        return
    if isinstance(other, BaseModel):
        names = list(type(other).model_fields)
    elif is_dataclass(other):
        names = [field.name for field in fields(other)]
    else:
        return
    for name in names:
        before, after = getattr(one, name), getattr(other, name)
        if name in but or before == after:
            continue
        inner = tuple(_fields(before, after, shown=False)) if name in _WITHOUT_VALUES else ()
        yield ", ".join(f"{name}.{part}" for part in inner) or _step(name, before, after, shown)


def _step(name: str, before: object, after: object, shown: bool) -> str:
    one, other = (_plain(before), _plain(after)) if shown and name not in _WITHOUT_VALUES else ("", "")
    return f"{name} {one} → {other}".strip() if one and other else name


def _plain(value: object) -> str:
    """A value in a few letters; empty for what is long, or made of parts."""
    if isinstance(value, Every):
        return f"{value.seconds:g} s"
    if isinstance(value, Cron):
        return value.expression
    if isinstance(value, MofN):
        return f"{value.m} of {value.n}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (bool, int, str)):
        text = str(value) or "nothing"
        return text if len(text) <= _LONGEST else ""
    return ""
