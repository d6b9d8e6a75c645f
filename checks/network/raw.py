"""What stands in a device's answers for a value: the first alternative that has one, or why there is none. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache

from checks.network.plan import TablePlan, ValuePlan, Word
from checks.network.transform import Answer, Scalar, Unreadable
from config.profiles import Transform
from config.profiles.model import Where

LONGEST_LABEL = 64
_NOT_READ = object()


class Absent(Exception):
    """The device has no such value."""


class NotRead(Exception):
    """The value was not answered in this poll: nothing can be said, so nothing is covered."""


class Quiet(Exception):
    """The value does not apply: neither reading nor finding, and its finding may go."""


def first(plan: ValuePlan, values: Mapping[str, Answer], errors: Container[str]) -> Scalar:
    """The first of the value's OIDs that has one. Raises one of the reasons why there is none."""
    for oid in plan.oids:
        raw = values.get(oid, _NOT_READ)
        if raw is _NOT_READ:
            if oid in errors:
                raise Unreadable("the device answers with an error in its place")
            raise NotRead
        if raw is None:
            continue
        if raw in plan.no_value:
            raise Quiet
        if plan.blank != "text" and isinstance(raw, str) and not raw.strip():
            if plan.blank == "unknown":
                raise Unreadable("the device leaves it blank")
            continue
        return raw  # type: ignore[return-value]  # neither the mark nor None
    raise Absent


def told(plan: ValuePlan, values: Mapping[str, Answer], errors: Container[str]) -> Answer:
    """A value as conditions name it: the enumeration's word, else the number or text. None: it is not told."""
    try:
        raw = first(plan, values, errors)
    except (Absent, NotRead, Quiet, Unreadable):
        return None
    return raw if plan.enum is None else word(plan, raw)


def word(plan: ValuePlan, raw: Scalar) -> str | None:
    """An enumeration's word for a value; None for one that is not listed."""
    known = meaning(plan, raw)
    return None if known is None else known.name


def meaning(plan: ValuePlan, raw: Scalar) -> Word | None:
    """What an enumeration says of a value; None for one that is not listed, and for a value without enumeration.

    Words of text are compared with numbers as they are written: an API says 1 in one release, and true in another.
    """
    if plan.enum is None or isinstance(raw, float):
        return None
    if isinstance(raw, str):
        return plan.enum.get(raw.strip())
    return plan.enum.get(str(raw) if plan.transform is Transform.TEXT else raw)


def fits(where: Where, said: Answer) -> bool:
    """Whether a column's value is one of those that a condition names."""
    return like(where.like, said) if where.like else said in where.among


def like(patterns: tuple[str, ...], said: Answer) -> bool:
    """Whether a text fits one of the patterns, in which `*` and `?` stand for anything; capitals are of no account."""
    return _like(patterns, str(said))


@lru_cache(maxsize=4096)  # the same few words come at every poll
def _like(patterns: tuple[str, ...], said: str) -> bool:
    text = said.strip().lower()
    return any(fnmatchcase(text, pattern.lower()) for pattern in patterns)


def label_of(plan: TablePlan, values: Mapping[str, Answer], errors: Container[str], index: str) -> str:
    """A row's name: its label if it has one, else its index. Never empty, at most 64 characters."""
    if plan.label is not None:
        try:
            raw = first(plan.label, values, errors)
            text = (word(plan.label, raw) or str(raw)).strip()
        except (Absent, NotRead, Quiet, Unreadable):
            text = ""
        if text:
            return text[:LONGEST_LABEL]
    return index[:LONGEST_LABEL] or "0"


def distinct(label: str, index: str, names: Container[str]) -> str:
    """The label, made one of its own where a row before has the same."""
    return f"{label[: LONGEST_LABEL - len(index) - 1]}#{index}" if label in names else label
