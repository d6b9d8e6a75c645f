"""From the text that a device shows to the digests of its parts: secrets out, volatile out, order kept. Pure.

What stands in another order is another configuration: the first rule that matches decides. Sections themselves may
move, since each is a part of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any

from checks.firewall_config.answers import Part, Reading
from checks.firewall_config.grammar import statements
from checks.firewall_config.secrets import GONE, LONGEST, announces, shapeless, without_secrets
from checks.firewall_config.statements import Cut, Statement
from config.configurations import Grammar, SyntaxModel
from config.patterns import LONGEST as LONGEST_PATTERN
from config.patterns import LinePattern

VERSION = 1
"""Raised with every change after which the same text gives other digests."""
MOST_PARTS = 150
"""Parts that are kept; beyond it the ones most alike are joined into what their names have in common."""
_DIGITS = 20
_FIRST_LINES = 30
_WIDEST = 32_768
"""Letters of a line that a terminal keeps (`checks.transports.ssh.terminal`): a longer one was cut."""
_LONGEST_LINE = 4_000
"""Letters of a statement that patterns look at."""
_KEYED = (Grammar.BLOCKS, Grammar.XML)


class Patterns:
    """The patterns of a syntax, compiled."""

    def __init__(self, syntax: SyntaxModel) -> None:
        self.plain = _compiled(syntax.plain)
        self.secrets = _compiled(syntax.secrets)
        self.volatile = _compiled(syntax.volatile)
        self.own = _compiled(syntax.own)
        self._any = _compiled((*syntax.plain, *syntax.secrets, *syntax.volatile, *syntax.own))

    def concern(self, line: str) -> bool:
        """Whether any of them matches: nearly always none does, which this tells at once."""
        return _any(self._any, line)


@dataclass(slots=True)
class _Tally:
    """A part in the making."""

    whole: Any = field(default_factory=sha256)
    shared: Any = field(default_factory=sha256)
    lines: int = 0

    def add(self, text: str, own: bool) -> None:
        data = text.encode("utf-8", "replace") + b"\x00"
        self.whole.update(data)
        if not own:
            self.shared.update(data)
        self.lines += 1

    def join(self, other: Part) -> None:
        self.whole.update(f"{other.name} {other.digest}\n".encode())
        self.shared.update(f"{other.name} {other.shared}\n".encode())
        self.lines += other.lines

    def part(self, name: str) -> Part:
        return Part(name, self.whole.hexdigest()[:_DIGITS], self.shared.hexdigest()[:_DIGITS], self.lines)


def normalised(syntax: SyntaxModel, text: str, member: str = "", most: int = MOST_PARTS) -> Reading:
    """The reading of a whole configuration. Raises Cut when it is not one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    _looks_whole(syntax, text)
    patterns = _patterns_of(syntax)
    cleaner = _Cleaner(syntax, patterns)
    tallies: dict[str, _Tally] = {}
    said = ""
    for statement in statements(syntax, text):
        line = statement.line[:_LONGEST_LINE]
        if not patterns.concern(line):
            line = ""  # which no pattern is held against
        elif _any(patterns.volatile, line):
            continue
        tally = tallies.get(statement.part)
        if tally is None:
            tally = tallies[statement.part] = _Tally()
        said = cleaner.clean(statement, line)
        tally.add(said, _any(patterns.own, line))
    if not tallies:
        raise Cut("there is nothing in it")
    tail = sha256(said.encode("utf-8", "replace")).hexdigest()[:_DIGITS]
    return Reading(member, joined([tally.part(name) for name, tally in tallies.items()], most), tail)


def joined(parts: list[Part], most: int) -> tuple[Part, ...]:
    """At most so many parts: the largest families of names lose their last word, again and again."""
    while len(parts) > most:
        families: dict[str, int] = {}
        for part in parts:
            parent = _parent(part.name)
            families[parent] = families.get(parent, 0) + 1
        largest = max(families, key=lambda name: (families[name], name))
        tally, first, kept = _Tally(), None, []
        for part in parts:
            if _parent(part.name) != largest and part.name != largest:
                kept.append(part)
                continue
            tally.join(part)
            first = len(kept) if first is None else first
        kept.insert(first or 0, tally.part(largest))
        parts = kept
    return tuple(parts)


def _parent(name: str) -> str:
    """What a name has in common with its family; single words are of one family, which has no name of its own."""
    return name.rpartition(" ")[0] or "others"


def _looks_whole(syntax: SyntaxModel, text: str) -> None:
    """Raise Cut when the text does not begin or end as one of its kind does."""
    stripped = text.strip("\n \t")
    if not stripped:
        raise Cut("the device showed nothing")
    if "\x00" in text:
        raise Cut("it holds what is no text")
    lines = stripped.split("\n", _FIRST_LINES)
    if syntax.begins is not None and not _pattern(syntax.begins).found("\n".join(lines[:_FIRST_LINES])[:65_536]):
        raise Cut("it does not begin as such a configuration does; the device may have refused the command")
    if syntax.ends is not None and not _pattern(syntax.ends).found(stripped[-1_000:].rsplit("\n", 1)[-1].strip()):
        raise Cut("its last line is not the one that ends such a configuration")
    if syntax.shell != "exec" and any(len(line) >= _WIDEST for line in text.split("\n")):
        raise Cut(f"it has a line of more than {_WIDEST} letters, which a terminal cannot show whole")


class _Cleaner:
    """Takes the secrets out of statements."""

    def __init__(self, syntax: SyntaxModel, patterns: Patterns) -> None:
        self._keyed = syntax.grammar in _KEYED
        self._patterns = patterns
        self._sections: dict[str, str] = {}

    def clean(self, statement: Statement, line: str) -> str:
        sections = "\x1f".join(self._section(each) for each in statement.sections)
        return f"{sections}\x1e{self._text(statement, line)}"

    def _section(self, text: str) -> str:
        known = self._sections.get(text)
        if known is None:
            known = self._sections[text] = shapeless(text) if self._keyed else without_secrets(text)
        return known

    def _text(self, statement: Statement, line: str) -> str:
        if _any(self._patterns.secrets, line):
            return f"{' '.join(statement.text.split()[:2]) if not statement.key else statement.key} {GONE}"
        if self._keyed:
            return self._setting(statement)
        if _any(self._patterns.plain, line):
            return shapeless(statement.text)
        if len(statement.text) > LONGEST:
            raise Cut(f"it has a statement of more than {LONGEST} letters, which is not looked through for secrets")
        within = statement.sections[-1].split() if statement.sections else []
        if len(within) == 1 and announces(within[0]):
            return GONE
        return without_secrets(statement.text)

    def _setting(self, statement: Statement) -> str:
        if not statement.key:
            return shapeless(statement.text)
        if announces(statement.key):
            return f"{statement.key} {GONE}"
        value = shapeless(statement.value)
        if "\n" in value:  # a script, or a file within the configuration
            value = "\n".join(without_secrets(each) if len(each) <= LONGEST else GONE for each in value.split("\n"))
        return f"{statement.key} {value}"


@lru_cache(maxsize=32)
def _patterns_of(syntax: SyntaxModel) -> Patterns:
    return Patterns(syntax)


@lru_cache(maxsize=256)
def _pattern(text: str) -> LinePattern:
    return LinePattern(text)


def _compiled(texts: Iterable[str]) -> tuple[LinePattern, ...]:
    """Patterns that together match what one of these does: as few as have room for all."""
    bundles: list[str] = []
    for text in texts:
        together = f"{bundles[-1]}|(?:{text})" if bundles else ""
        if together and len(together) <= LONGEST_PATTERN:
            bundles[-1] = together
        else:
            bundles.append(f"(?:{text})" if len(text) < LONGEST_PATTERN - 4 else text)
    return tuple(_pattern(text) for text in bundles)


def _any(patterns: Iterable[LinePattern], line: str) -> bool:
    return bool(line) and any(pattern.found(line) for pattern in patterns)
