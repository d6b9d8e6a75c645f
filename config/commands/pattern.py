"""A part of regular expressions, small enough to know beforehand what a pattern can match and what matching can cost.

The `re` of the standard library backtracks: `(a+)+x` on thirty letters runs for minutes, and the text is a device's to
choose. Here only what has one way to match is accepted, so that a try costs one pass over the line at most: whatever
is repeated a varying number of times must not be able to go on with the character that comes after it. The same
reading tells which characters a pattern can match at all, which is what makes a parameter safe to put into a command.

Understood: characters, `\\` before a punctuation mark, `\\d \\w \\s \\S \\D \\W \\t`, `.`, `[…]`, `^`, `$`, `(…)`,
`(?:…)`, `(?P<name>…)`, `|`, and `? * + {m} {m,n}` without a second mark. Letters are ASCII (`re.ASCII`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

LONGEST = 1_000
_MOST_WAYS = 64
_MOST_REPEATS = 1_000
_DEEPEST = 8
OTHER = "\u0080"
"""Stands for every character that is not ASCII."""
_ALL = frozenset(map(chr, range(128))) | {OTHER}
_DIGITS = frozenset("0123456789")
_WORD = _DIGITS | frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_SPACE = frozenset(" \t\n\r\f\v")
_CLASSES = {
    "d": _DIGITS, "D": _ALL - _DIGITS, "w": _WORD, "W": _ALL - _WORD, "s": _SPACE, "S": _ALL - _SPACE,
    "t": frozenset("\t"),
}  # fmt: skip
_QUANTIFIER = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{0,4}))?\}")
_GROUP = re.compile(r"\((?:\?:|\?P<([a-z][a-z0-9_]{0,31})>)?")

Characters = frozenset[str]


class NotUnderstood(ValueError):
    """The pattern is not one of those that are understood, or could cost too much; the message says how to mend it."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something that stands `least` to `most` times in a row; `most` is None when there is no end to it."""

    text: str
    one: Characters | Choice | None
    """Characters, a group, or None for what has no width (`^`, `$`)."""
    least: int = 1
    most: int | None = 1

    @property
    def varies(self) -> bool:
        """Whether it may match more than one number of times."""
        return self.least != self.most

    @property
    def nullable(self) -> bool:
        """Whether it can match nothing at all."""
        if self.least == 0 or self.one is None:
            return True
        return isinstance(self.one, Choice) and self.one.nullable


@dataclass(frozen=True, slots=True)
class Choice:
    """Sequences of which one matches."""

    branches: tuple[tuple[Item, ...], ...]

    @property
    def nullable(self) -> bool:
        """Whether it can match nothing at all."""
        return any(all(item.nullable for item in branch) for branch in self.branches)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that was understood."""

    text: str
    names: tuple[str, ...]
    """The named groups, in order."""
    alphabet: Characters
    """Every character that can stand anywhere in a match."""
    first: Characters
    """Every character with which a match can begin."""
    engine: str
    """The same for the standard library, told besides that no repetition ever gives back what it took: with only one
    way to match, a shorter one cannot lead anywhere."""

    def compiled(self) -> re.Pattern[str]:
        """As the standard library runs it."""
        return re.compile(self.engine, re.ASCII)


def understood(text: str) -> Pattern:
    """The pattern of this text. Raises NotUnderstood."""
    if not text or len(text) > LONGEST:
        raise NotUnderstood(f"a pattern has 1 to {LONGEST} characters")
    reader = _Reader(text)
    choice = reader.whole()
    _check_ways(choice)
    _check_repeats(choice, frozenset())
    return Pattern(text, tuple(reader.names), _alphabet(choice), _first(choice), reader.possessive())


class _Reader:
    """Reads from left to right; `at` is the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.names: list[str] = []
        self._ends: list[int] = []
        """Where the marks of repeated characters end."""

    def possessive(self) -> str:
        """The text with a `+` behind the mark of each repeated character (of a group, other branches may be tried)."""
        parts = [self.text[begin:end] for begin, end in pairwise((0, *self._ends, len(self.text)))]
        return "+".join(parts)

    def whole(self) -> Choice:
        choice = self._choice(0)
        if self.at < len(self.text):
            raise NotUnderstood(f"`{self.text[self.at :]}`: a closing bracket without its opening one")
        return choice

    def _choice(self, depth: int) -> Choice:
        if depth > _DEEPEST:
            raise NotUnderstood(f"groups are more than {_DEEPEST} deep")
        branches: list[tuple[Item, ...]] = []
        items: list[Item] = []
        while self.at < len(self.text) and self.text[self.at] != ")":
            if self.text[self.at] == "|":
                branches.append(tuple(items))
                items = []
                self.at += 1
            else:
                self._check_end(depth, first=not items)
                items.append(self._item(depth))
        return Choice((*branches, tuple(items)))

    def _check_end(self, depth: int, *, first: bool) -> None:
        mark = self.text[self.at]
        if mark == "^" and (depth or not first):
            raise NotUnderstood("`^` stands at the beginning; write \\^ for the character itself")
        if mark == "$" and (depth or self.text[self.at + 1 : self.at + 2] not in ("", "|")):
            raise NotUnderstood("`$` stands at the end; write \\$ for the character itself")

    def _item(self, depth: int) -> Item:
        begun = self.at
        one = self._one(depth)
        least, most = self._times()
        item = Item(self.text[begun : self.at], one, least, most)
        if isinstance(one, frozenset) and item.varies:
            self._ends.append(self.at)
        if one is None and (least, most) != (1, 1):
            raise NotUnderstood(f"`{item.text}`: what has no width is not repeated")
        return item

    def _one(self, depth: int) -> Characters | Choice | None:
        mark = self.text[self.at]
        if mark == "(":
            return self._group(depth)
        if mark == "[":
            return self._set()
        self.at += 1
        if mark == "\\":
            return self._escaped()
        if mark in "^$":
            return None
        if mark == ".":
            return _ALL - {"\n"}
        if mark in "?*+{":
            raise NotUnderstood(f"`{mark}` repeats nothing here; write \\{mark} for the character itself")
        return frozenset((_folded(mark),))

    def _group(self, depth: int) -> Choice:
        found = _GROUP.match(self.text, self.at)
        assert found is not None  # the caller saw the bracket
        if self.text.startswith("?", found.end()):
            raise NotUnderstood(f"`{self.text[self.at : self.at + 4]}`: of groups there are (…), (?:…) and (?P<name>…)")
        if found[1] is not None:
            if found[1] in self.names:
                raise NotUnderstood(f"two groups are called {found[1]}")
            self.names.append(found[1])
        self.at = found.end()
        choice = self._choice(depth + 1)
        if not self.text.startswith(")", self.at):
            raise NotUnderstood("a group is not closed")
        self.at += 1
        return choice

    def _escaped(self) -> Characters:
        if self.at >= len(self.text):
            raise NotUnderstood("it ends with a single \\")
        mark = self.text[self.at]
        self.at += 1
        if mark in _CLASSES:
            return _CLASSES[mark]
        if mark.isalnum() or mark == "_" or not mark.isascii():
            raise NotUnderstood(f"\\{mark} is not understood; there are \\d \\w \\s \\D \\W \\S and \\t")
        return frozenset((mark,))

    def _set(self) -> Characters:
        begun = self.at
        self.at += 1
        negated = self.text.startswith("^", self.at)
        self.at += negated
        found: set[str] = set()
        while not self.text.startswith("]", self.at):
            found |= self._member()
        self.at += 1
        said = self.text[begun : self.at]
        if not found:
            raise NotUnderstood(f"`{said}` is empty; write \\] for the bracket itself")
        if any(twice in said for twice in ("--", "&&", "~~", "||")):
            raise NotUnderstood(f"`{said}`: a mark stands twice, which may mean something else one day; say it once")
        return _ALL - found if negated else frozenset(found)

    def _member(self) -> Characters:
        low = self._member_end()
        if not self.text.startswith("-", self.at) or self.text.startswith("-]", self.at):
            return low
        self.at += 1
        high = self._member_end()
        if len(low) != 1 or len(high) != 1 or OTHER in low | high or min(low) > min(high):
            raise NotUnderstood("a range in […] goes from one ASCII character up to another")
        return frozenset(map(chr, range(ord(min(low)), ord(min(high)) + 1)))

    def _member_end(self) -> Characters:
        if self.at >= len(self.text):
            raise NotUnderstood("a […] is not closed")
        mark = self.text[self.at]
        self.at += 1
        if mark == "[":
            raise NotUnderstood("in […] write \\[ for the bracket itself")
        return self._escaped() if mark == "\\" else frozenset((_folded(mark),))

    def _times(self) -> tuple[int, int | None]:
        mark = self.text[self.at : self.at + 1]
        times: tuple[int, int | None] = {"?": (0, 1), "*": (0, None), "+": (1, None)}.get(mark, (1, 1))
        if mark and mark in "?*+":
            self.at += 1
        elif mark == "{":
            found = _QUANTIFIER.match(self.text, self.at)
            if found is None:
                raise NotUnderstood("`{` begins {m} or {m,n}; write \\{ for the character itself")
            self.at = found.end()
            least = int(found[1])
            times = (least, (int(found[3]) if found[3] else None) if found[2] else least)
            if max(times[0], times[1] or 0) > _MOST_REPEATS or (times[1] is not None and times[1] < least):
                raise NotUnderstood(f"`{found[0]}`: counts rise, and to {_MOST_REPEATS} at most")
        else:
            return times
        if self.text[self.at : self.at + 1] in ("?", "*", "+", "{"):
            raise NotUnderstood("a second mark after ? * + {…} is not understood")
        return times


def _folded(mark: str) -> str:
    return mark if mark.isascii() else OTHER


def _items(choice: Choice) -> Iterator[Item]:
    for branch in choice.branches:
        for item in branch:
            yield item
            if isinstance(item.one, Choice):
                yield from _items(item.one)


def _alphabet(choice: Choice) -> Characters:
    return frozenset().union(*(item.one for item in _items(choice) if isinstance(item.one, frozenset)))


def _first(choice: Choice) -> Characters:
    return frozenset().union(*(_first_of(branch, frozenset()) for branch in choice.branches))


def _first_of(branch: tuple[Item, ...], after: Characters) -> Characters:
    """With what a sequence can begin, when `after` is what follows it."""
    for item in reversed(branch):
        own = _own_first(item)
        after = own | after if item.nullable else own
    return after


def _own_first(item: Item) -> Characters:
    if item.one is None:
        return frozenset()
    return _first(item.one) if isinstance(item.one, Choice) else item.one


def _check_ways(choice: Choice) -> None:
    """Branches may begin alike (`active|activating`), but all of them together make few ways through the pattern."""
    ways = 1
    for item in _items(choice):
        if isinstance(item.one, Choice):
            ways *= len(item.one.branches)
    if ways * len(choice.branches) > _MOST_WAYS:
        raise NotUnderstood(f"its alternatives together make more than {_MOST_WAYS} ways; use fewer `|`")


def _check_repeats(choice: Choice, after: Characters) -> None:
    """Refuse every repetition that leaves a choice of where to stop; `after` is what can come behind the choice."""
    for branch in choice.branches:
        follow = after
        for item in reversed(branch):
            if isinstance(item.one, Choice):
                _check_group(item, item.one, follow)
            own = _own_first(item)
            if item.varies and own & follow:
                raise NotUnderstood(
                    f"`{item.text}` could go on with what comes after it, so that matching could take very long; "
                    r"make the two differ: `\S+ ` instead of `.* `, `[^:]*:` instead of `.*:`"
                )
            follow = own | follow if item.nullable else own


def _check_group(item: Item, group: Choice, follow: Characters) -> None:
    if item.most != 1:
        if len(group.branches) > 1 or group.nullable or any(inner.varies for inner in _items(group)):
            raise NotUnderstood(f"`{item.text}`: a repeated group may hold neither `|` nor ? * + {{m,n}}")
        return
    _check_repeats(group, follow)
