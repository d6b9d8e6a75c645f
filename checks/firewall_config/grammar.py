"""Reading a configuration into statements, for each way in which products write one. Pure; raises Cut.

The text is hostile: it may be cut, endless, or no configuration at all. Each reader goes through it once, keeps no more
than the sections it stands in, and says so when the text ends before everything that was opened is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from checks.firewall_config.statements import Cut, Statement, part_name
from checks.firewall_config.xmltree import elements
from config.configurations import Grammar, SyntaxModel

_DEEPEST = 64
_WHOLE_DEVICE = ("global", "vdom")
"""FortiOS' outermost sections where it is divided into virtual domains."""


def statements(syntax: SyntaxModel, text: str) -> Iterator[Statement]:
    """Every statement, in order. Raises Cut, at the latest at the end."""
    return _READERS[syntax.grammar](syntax, text)


def _blocks(_syntax: SyntaxModel, text: str) -> Iterator[Statement]:
    opened: list[str] = []
    part = ""
    for line in _quoted_lines(text):
        words = line.split(None, 2)
        if not words:
            continue
        word = words[0]
        if word in ("config", "edit") and len(words) > 1:
            _deeper(opened)
            opened.append(line if opened or word == "edit" else line.removeprefix("config ").strip())
            part = _block_part(opened)
            if word == "edit":
                yield Statement(part, tuple(opened[:-1]), line)
        elif word == "next":
            if not opened or not opened[-1].startswith("edit "):
                raise Cut("an entry ends that did not begin")
            opened.pop()
        elif word == "end":
            while opened and opened[-1].startswith("edit "):
                opened.pop()
            if not opened:
                raise Cut("a section ends that did not begin")
            opened.pop()
            part = _block_part(opened)
        else:
            key = words[1] if word == "set" and len(words) > 1 else ""
            yield Statement(part or "header", tuple(opened), line, key, words[2] if len(words) > 2 else "")
    if opened:
        raise Cut("it ends within a section")


def _block_part(opened: list[str]) -> str:
    """The outermost section that is no virtual domain; the domain's name stands before it."""
    if not opened:
        return ""
    if opened[0] not in _WHOLE_DEVICE:
        return part_name(opened[0].split())
    if opened[0] == "vdom" and len(opened) > 1:
        inner = opened[2].split()[1:] if len(opened) > 2 else []
        return part_name(["vdom", opened[1].split(None, 1)[-1].strip('"'), *inner])
    return part_name(opened[1].split()[1:]) if len(opened) > 1 else part_name([opened[0]])


def _quoted_lines(text: str) -> Iterator[str]:
    """Lines, of which one within double quotes goes on over the line's end."""
    held: list[str] = []
    open_quote = False
    for line in text.split("\n"):
        open_quote ^= _quotes(line) % 2 == 1
        held.append(line)
        if not open_quote:
            yield "\n".join(held).strip()
            held = []
    if open_quote:
        raise Cut("it ends within a quoted text")


def _quotes(line: str) -> int:
    """Double quotes that are not escaped."""
    if '"' not in line:
        return 0
    return line.replace("\\\\", "").replace('\\"', "").count('"')


def _indented(syntax: SyntaxModel, text: str) -> Iterator[Statement]:
    section, part = "", ""
    for line in text.split("\n"):
        bare = line.strip()
        if not bare or bare == "!":
            continue
        if line[0] not in " \t":
            words = bare.split()
            part = part_name(words[:2] if words[0] in syntax.named else words[: syntax.depth])
            section = bare
            yield Statement(part, (), bare)
        else:
            yield Statement(part, (section,) if section else (), bare)


def _braces(syntax: SyntaxModel, text: str) -> Iterator[Statement]:
    opened: list[str] = []
    for line in text.split("\n"):
        bare = line.strip()
        if not bare:
            continue
        part = _brace_part(syntax, opened, bare)
        yield Statement(part, tuple(opened), bare)
        rise = 0 if bare[0] in "#!" else _rise(bare)
        for _ in range(rise):
            _deeper(opened)
            opened.append(bare.rstrip("{ "))
        for _ in range(-rise):
            if not opened:
                raise Cut("a brace is closed that was not opened")
            opened.pop()
    if opened:
        raise Cut("it ends within braces")


def _brace_part(syntax: SyntaxModel, opened: list[str], line: str) -> str:
    words = [_heading(each) for each in (*opened, line)[: syntax.depth]]
    return part_name([word for some in words for word in some])


def _heading(line: str) -> list[str]:
    """The first word of a line, and the rest of it where nftables has names (`table inet filter {`)."""
    words = line.rstrip("{; ").split()
    return words[:3] if words and words[0] in ("table", "chain") else words[:1]


def _rise(line: str) -> int:
    """How many braces a line opens more than it closes, those in quotes and comments left out."""
    if '"' not in line and "#" not in line:
        return line.count("{") - line.count("}")
    rise, quoted, escaped = 0, False, False
    for letter in line:
        if escaped:
            escaped = False
        elif letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif letter == "#":
            break
        elif letter in "{}":
            rise += 1 if letter == "{" else -1
    return rise


def _lines(syntax: SyntaxModel, text: str) -> Iterator[Statement]:
    held: list[str] = []
    for line in text.split("\n"):
        bare = line.strip()
        if not bare:
            continue
        if held and bare.split(None, 1)[0] not in syntax.verbs and not bare.startswith("#"):
            held.append(bare)
            continue
        if held:
            yield _line(syntax, held)
        held = [bare]
    if held:
        yield _line(syntax, held)


def _line(syntax: SyntaxModel, held: list[str]) -> Statement:
    words = held[0].split()[1 : 1 + syntax.depth]
    return Statement("header" if held[0].startswith("#") else part_name(words), (), "\n".join(held))


def _xml(syntax: SyntaxModel, text: str) -> Iterator[Statement]:
    for sections, key, value in elements(text):
        yield Statement(part_name(_levels(sections, key)[: syntax.depth]), sections, f"{key} {value}", key, value)


def _levels(sections: tuple[str, ...], key: str) -> list[str]:
    """Names of elements that mean something: an `entry` is one of many."""
    return [each for each in (*(section.split(" ", 1)[0] for section in sections), key) if each != "entry"]


def _deeper(opened: list[str]) -> None:
    if len(opened) >= _DEEPEST:
        raise Cut(f"it has sections within sections, {_DEEPEST} deep")


_READERS: Mapping[Grammar, Callable[[SyntaxModel, str], Iterator[Statement]]] = {
    Grammar.BLOCKS: _blocks,
    Grammar.INDENTED: _indented,
    Grammar.BRACES: _braces,
    Grammar.LINES: _lines,
    Grammar.XML: _xml,
}
