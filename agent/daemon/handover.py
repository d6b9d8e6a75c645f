"""What goes on from one estate to the next, worked out before the first step so that no step has to search. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agent.judge.watch import vantages_of
from agent.ledger.batch import Rename
from agent.planning.difference import renamed_targets
from agent.records import CheckResult
from checks.contract import Subject
from config.estate import Estate, Target

Key = tuple[str, str]
"""Check id and vantage."""


@dataclass(frozen=True, slots=True)
class Handover:
    """Checks that are named here are those of targets that changed; the others go on as they are."""

    renames: tuple[Rename, ...]
    checks: Mapping[str, str]
    """New id to the old one, of checks of renamed targets."""
    renamed: Mapping[Key, tuple[str, Subject]]
    """The same by old id and vantage, with the new id and subject."""
    gone: tuple[Key, ...]
    relabelled: tuple[Key, ...]
    """Checks, by their new id, whose series bear other labels than before: renamed, or of another council."""
    subjects: tuple[Subject, ...]
    """Every check of the targets that are new or changed."""
    begun: Mapping[str, float]
    """When checks of targets that changed last ran, by their new id."""


def handover(old: Estate, new: Estate, vantage: str, last: Mapping[Key, CheckResult]) -> Handover:
    """Costs a look at every target, and more only for those that changed."""
    names = renamed_targets(old, new)
    was_of = {name: was for was, name in names.items()}
    checks: dict[str, str] = {}
    renamed: dict[Key, tuple[str, Subject]] = {}
    relabelled: list[Key] = []
    begun: dict[str, float] = {}
    wanted: dict[Key, Subject] = {}
    for target in new.targets.values():
        before = old.targets.get(was_of.get(target.name, target.name))
        if before is target:
            continue
        ids = {spec.name: spec.id for spec in before.checks} if before is not None else {}
        for key, subject in _keys(target, vantage):
            wanted[key] = subject
            was = ids.get(subject.check.name)
            if was is None or before is None:
                continue
            if was != key[0]:
                checks[key[0]] = was
                renamed[was, key[1]] = (key[0], subject)
            if was != key[0] or before.council != target.council:
                relabelled.append(key)
            result = last.get((was, key[1]))
            if result is not None:
                begun[key[0]] = max(result.started, begun.get(key[0], 0.0))
    gone = tuple(
        key
        for target in old.targets.values()
        if new.targets.get(target.name) is not target
        for key, _ in _keys(target, vantage)
        if key not in wanted and key not in renamed
    )
    renames = tuple(
        Rename(was, old.targets[was].council, name, new.targets[name].council) for was, name in names.items()
    )
    subjects = {subject.check.id: subject for subject in wanted.values()}
    return Handover(renames, checks, renamed, gone, tuple(relabelled), tuple(subjects.values()), begun)


def _keys(target: Target, vantage: str) -> Iterator[tuple[Key, Subject]]:
    for spec in target.checks:
        subject = Subject(target.name, target.council, target.site, spec, (target,))
        for place in vantages_of(spec, vantage):
            yield (spec.id, place), subject
