"""YAML as Ridgeway reads it: one document of maps, lists and scalars, and where each of them stands.

libyaml does the parsing (2 MB in about 0.7 s); what follows here refuses what different readers of YAML
understand differently, so that a file means what it seems to mean. Read: `true` and `false`, decimal numbers, text,
null. Refused, with the way to write it: `yes`, `no`, `on`, `off`, octal, hexadecimal, `1_000`, `1e3`, `12:30`,
unquoted dates, tags, merge keys, duplicate keys, several documents. Bounded: size, depth, length of a text, and what
aliases expand to. Nothing but `YamlError` is raised for any bytes whatever.
"""

from __future__ import annotations

import gc
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from yaml._yaml import CParser
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from config.scalars import Surprise, read_plain

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 40
MAX_TEXT = 4096
MAX_ALIASED = 100_000
"""How many values all aliases of a document may stand for together."""
MAX_FAULTS = 1000
"""A file with more is not an estate with mistakes in it; the rest is not worth anybody's time."""

TreePath = tuple[str | int, ...]

_RAW_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"})
_PLAIN = "plain"
_QUOTED = "quoted"
_UNFINISHED = object()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a file; `line` and `column` count from 1, `path` is empty where the file has no tree yet."""

    line: int
    column: int
    path: TreePath
    message: str


class YamlError(Exception):
    """The file cannot be read as YAML; `faults` says everything that is wrong with it, in order of place."""

    def __init__(self, file: str, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(f"{file}:{f.line}:{f.column}: {f.message}" for f in faults))
        self.file = file
        self.faults = faults


class Document:
    """A file's tree of plain values, and the place of each value in it."""

    __slots__ = ("_root", "file", "tree")

    def __init__(self, file: str, tree: object, root: Node) -> None:
        self.file = file
        self.tree = tree
        self._root = root

    def place(self, path: TreePath, *, key: bool = False) -> tuple[int, int]:
        """Line and column, from 1, of the value at `path`, or of its key if `key`.

        Where there is no such value, of the nearest thing above it. The place of a map or a list is its
        key's: that is the line a person looks for.
        """
        node, mark = self._root, self._root.start_mark
        for part in path:
            found = _child(node, part)
            if found is None:
                break
            name, node = found
            mark = name.start_mark if key or not isinstance(node, ScalarNode) else node.start_mark
        return mark.line + 1, mark.column + 1


def read_file(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file of at most `limit` bytes. Raises YamlError."""
    try:
        if path.is_dir():
            raise YamlError(str(path), (Fault(1, 1, (), "is a directory, not a file"),))
        if path.exists() and not path.is_file():
            raise YamlError(str(path), (Fault(1, 1, (), "is not a regular file"),))
        with path.open("rb") as file:
            raw = file.read(limit + 1)
    except OSError as error:
        raise YamlError(str(path), (Fault(1, 1, (), f"cannot be read: {error.strerror or error}"),)) from error
    except ValueError as error:
        raise YamlError(repr(str(path)), (Fault(1, 1, (), "is not the name of a file"),)) from error
    if len(raw) > limit:
        raise YamlError(str(path), (Fault(1, 1, (), f"is larger than {limit:,} bytes"),))
    return raw


def parse(raw: bytes, file: str) -> Document:
    """The one document in `raw`. Raises YamlError with every fault that can be told at once."""
    _check_characters(raw, file)
    with collector_paused():
        root = _compose(raw, file)
        if root is None:
            raise YamlError(file, (Fault(1, 1, (), "is empty"),))
        builder = _Builder()
        tree = builder.build(root)
    if builder.faults:
        raise YamlError(file, _placed(root, builder.faults))
    return Document(file, tree, root)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Composing makes half a million small objects and no garbage: collecting meanwhile takes four times as long."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _check_characters(raw: bytes, file: str) -> None:
    if len(raw) > MAX_BYTES:
        raise YamlError(file, (Fault(1, 1, (), f"is larger than {MAX_BYTES:,} bytes"),))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _line_column(raw[: error.start].decode("utf-8"))
        raise YamlError(file, (Fault(line, column, (), "is not UTF-8 text; save the file as UTF-8"),)) from error
    found = _RAW_CONTROL.search(text)
    if found:
        line, column = _line_column(text[: found.start()])
        message = f"control character U+{ord(found.group()):04X}; take it out"
        raise YamlError(file, (Fault(line, column, (), message),))


def _line_column(before: str) -> tuple[int, int]:
    lines = before.split("\n")
    return len(lines), len(lines[-1]) + 1


class _Parser(CParser):
    """libyaml's composer, told to leave the meaning of scalars to us and to stop at a depth."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self._depth = 0

    def resolve(self, _kind: type[Node], _value: str | None, implicit: object) -> str:
        return _QUOTED if implicit == (False, True) else _PLAIN

    def descend_resolver(self, parent: Node | None, _index: object) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark = parent.start_mark if parent is not None else None
            raise yaml.MarkedYAMLError(problem=f"more than {MAX_DEPTH} levels deep", problem_mark=mark)

    def ascend_resolver(self) -> None:
        self._depth -= 1


def _compose(raw: bytes, file: str) -> Node | None:
    try:
        node = _Parser(raw).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise YamlError(file, (Fault(line, column, (), _syntax(error, _character(raw, line, column))),)) from error
    except yaml.YAMLError as error:
        raise YamlError(file, (Fault(1, 1, (), "is not YAML"),)) from error
    assert node is None or isinstance(node, Node)  # for mypy: the stub says Any
    return node


def _character(raw: bytes, line: int, column: int) -> str:
    lines = raw.decode("utf-8").split("\n")
    return lines[line - 1][column - 1 : column] if line <= len(lines) else ""


def _syntax(error: yaml.MarkedYAMLError, character: str) -> str:
    """libyaml's sentence, with what it means to a person; without names of anchors and tags, they may be secrets."""
    problem = error.problem or "not YAML"
    if "undefined alias" in problem:
        return 'an alias (*…) without its anchor; if a text begins with "*", put it in quotes'
    if "duplicate anchor" in problem:
        return "two anchors (&…) have the same name"
    if "another document" in problem:
        return "a second document begins (---); a file holds one"
    if "cannot start any token" in problem and character == "\t":
        return "a tab; YAML is indented with spaces"
    if "cannot start any token" in problem:
        return "this character cannot begin a value; put the value in quotes"
    if "undefined tag handle" in problem:
        return "tags (!…) are not read; put the text in quotes"
    if "mapping values are not allowed" in problem:
        return 'a ":" where none can stand; put the text in quotes, or check the indentation'
    return f"not YAML: {problem}" + (f" ({error.context})" if error.context else "")


class _Builder:
    """Turns nodes into plain values and notes what is wrong with them."""

    def __init__(self) -> None:
        self.faults: list[tuple[Node, str]] = []
        self._plain: dict[str, object] = {}
        self._built: dict[int, tuple[object, int]] = {}
        self._count = 0
        self._aliased = 0

    def _fault(self, node: Node, message: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append((node, message))

    def build(self, node: Node) -> object:
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        known = self._built.get(id(node))
        if known is not None:
            return self._alias(node, *known)
        self._built[id(node)] = (_UNFINISHED, 0)
        before = self._count
        if node.tag is not _PLAIN:
            self._fault(node, "tags (!…) are not read; take it out")
        value = self._map(node) if isinstance(node, MappingNode) else [self.build(item) for item in node.value]
        self._count += len(node.value) + 1
        self._built[id(node)] = (value, self._count - before)
        return value

    def _alias(self, node: Node, value: object, size: int) -> object:
        if value is _UNFINISHED:
            self._fault(node, "holds an alias (*…) to itself")
            return None
        before = self._aliased
        self._count += size
        self._aliased += size
        if before <= MAX_ALIASED < self._aliased:
            self._fault(node, f"aliases (*…) stand for more than {MAX_ALIASED:,} values")
        return value

    def _map(self, node: MappingNode) -> dict[str | int, object]:
        result: dict[str | int, object] = {}
        plain = self._plain
        for name, child in node.value:
            key = self._key(name)
            if key is None:
                continue
            if key in result:
                self._fault(name, f"the key {_shown(key)} stands here a second time")
                continue
            # Nearly every value is a plain scalar that was read before: two calls saved for each.
            if child.__class__ is ScalarNode and child.tag is _PLAIN and child.value in plain:
                result[key] = plain[child.value]
            else:
                result[key] = self.build(child)
        if any(isinstance(key, int) and str(key) in result for key in result):
            self._fault(node, "a number and the same number in quotes are both keys here")
        return result

    def _key(self, node: Node) -> str | int | None:
        if not isinstance(node, ScalarNode):
            self._fault(node, "a key is a word, not a map or a list")
            return None
        if node.tag is _PLAIN and node.value == "<<":
            self._fault(node, "merge keys (<<) are not read; use `defaults` or `check_groups`")
            return None
        key = self._scalar(node)
        if isinstance(key, str) or (isinstance(key, int) and not isinstance(key, bool)):
            return key
        if not (self.faults and self.faults[-1][0] is node):
            self._fault(node, "a key is a word; put it in quotes")
        return None

    def _scalar(self, node: ScalarNode) -> object:
        text: str = node.value
        if node.tag is _PLAIN:
            if text in self._plain:
                return self._plain[text]
            try:
                value = read_plain(text)
            except Surprise as surprise:
                self._fault(node, str(surprise))
                return None
            if isinstance(value, str):
                self._check_text(node, value)
            self._plain[text] = value
            return value
        if node.tag is not _QUOTED:
            self._fault(node, "tags (!…) are not read; put the text in quotes")
            return None
        self._check_text(node, text)
        return text

    def _check_text(self, node: ScalarNode, text: str) -> None:
        if len(text) > MAX_TEXT:
            self._fault(node, f"a text of more than {MAX_TEXT:,} characters")
        elif not text.isprintable():
            for character in text:
                if character not in "\n\t" and unicodedata.category(character) in _UNSEEN:
                    self._fault(node, f"holds the invisible character U+{ord(character):04X}; take it out")
                    return


def _shown(key: str | int) -> str:
    return f'"{str(key)[:60]}"'


def _child(node: Node, part: str | int) -> tuple[Node, Node] | None:
    """The key and the value at one step of a path; an item of a list is its own key."""
    if isinstance(node, MappingNode):
        wanted = str(part)
        for name, child in node.value:
            if isinstance(name, ScalarNode) and name.value == wanted:
                return name, child
    if isinstance(node, SequenceNode) and isinstance(part, int) and 0 <= part < len(node.value):
        return node.value[part], node.value[part]
    return None


def _placed(root: Node, faults: list[tuple[Node, str]]) -> tuple[Fault, ...]:
    wanted = {id(node) for node, _ in faults}
    paths: dict[int, TreePath] = {}
    seen: set[int] = set()
    stack: list[tuple[Node, TreePath]] = [(root, ())]
    while stack:
        node, path = stack.pop()
        if id(node) in wanted:
            paths.setdefault(id(node), path)
        if isinstance(node, ScalarNode) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            stack.extend((child, (*path, index)) for index, child in enumerate(node.value))
        else:
            for name, child in node.value:
                word = name.value if isinstance(name, ScalarNode) else "?"
                stack.extend(((name, (*path, word)), (child, (*path, word))))
    placed = [
        Fault(node.start_mark.line + 1, node.start_mark.column + 1, paths.get(id(node), ()), message)
        for node, message in faults
    ]
    return tuple(sorted(placed, key=lambda fault: (fault.line, fault.column)))
