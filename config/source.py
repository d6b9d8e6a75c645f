"""Where an estate is read from: one file, or a directory whose *.yaml files are one estate together."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from config.problems import EstateError, Problem, dotted
from config.yaml import MAX_BYTES, Document, Fault, TreePath, YamlError, parse, read_file

if TYPE_CHECKING:
    from hashlib import _Hash as Hash

_MAX_FILES = 500
_ONCE = {
    "estate": "the estate has one name",
    "defaults": "the estate has one set of defaults",
    "working_hours": "the estate has one set of working hours",
    "routes": "routes are read in order, so they stand in one file",
    "access": "who may ask the agent is said in one place",
}
"""Sections that are not maps by name, and so stand in one file only."""


class Source:
    """The merged tree of an estate, and the file, line and column of everything in it."""

    def __init__(self) -> None:
        self.tree: dict[str, object] = {}
        self.revision = ""
        """SHA-256 of the file, as sha256sum prints it; of a directory, of the names and bytes of its files."""
        self.problems: list[Problem] = []
        self._sections: dict[str, Document] = {}
        self._entries: dict[tuple[str, str], Document] = {}
        self._first: Document | None = None

    def problem(self, path: TreePath, message: str, suggestion: str = "", *, key: bool = False) -> Problem:
        """A problem at the place of `path`; with `key`, at the key itself rather than at its value."""
        file, line, column = self._place(path, key)
        return Problem(file, line, column, dotted(path), message, suggestion)

    def where(self, path: TreePath) -> str:
        """`file:line` of something, for a message about something else."""
        file, line, _ = self._place(path, True)
        return f"{file}:{line}"

    def _place(self, path: TreePath, key: bool) -> tuple[str, int, int]:
        document = self._first
        if path and isinstance(path[0], str):
            document = self._sections.get(path[0], document)
            if len(path) > 1 and isinstance(path[1], str):
                document = self._entries.get((path[0], path[1]), document)
        assert document is not None  # an estate without a document has failed before
        return document.file, *document.place(path, key=key)

    def add(self, document: Document) -> None:
        """Merge one more file; what stands in two files is a problem that names both places."""
        if self._first is None:
            self._first = document
        if not isinstance(document.tree, dict):
            self.problems.append(_at(document, (), "must be a map of sections (`targets:`, `sites:`, …)"))
            return
        for section, content in document.tree.items():
            if not isinstance(section, str):
                self.problems.append(_at(document, (section,), "is not a section of an estate", key=True))
            elif section not in self._sections:
                self._sections[section] = document
                self.tree[section] = dict(content) if isinstance(content, dict) else content
                self._note_entries(section, content, document)
            else:
                self._merge(section, content, document)

    def _merge(self, section: str, content: object, document: Document) -> None:
        present = self.tree[section]
        if section in _ONCE or not isinstance(present, dict) or not isinstance(content, dict):
            why = _ONCE.get(section, "both must be maps by name")
            message = f"also stands in {self.where((section,))}; {why}"
            self.problems.append(_at(document, (section,), message, key=True))
            return
        for name in content:
            if name in present:
                message = f'a second "{name}"; the first is in {self.where((section, name))}'
                self.problems.append(_at(document, (section, name), message, key=True))
        fresh = {name: value for name, value in content.items() if name not in present}
        present.update(fresh)
        self._note_entries(section, fresh, document)

    def _note_entries(self, section: str, content: object, document: Document) -> None:
        if section not in _ONCE and isinstance(content, dict):
            self._entries.update({(section, name): document for name in content if isinstance(name, str)})


def read_source(path: Path) -> Source:
    """Read a file or a directory. Raises EstateError for what keeps it from being read at all."""
    source = Source()
    problems: list[Problem] = []
    digest = sha256()
    for file, raw in _contents(path, problems):
        _count_in(digest, path, file, raw)
        try:
            source.add(parse(raw, str(file)))
        except YamlError as error:
            problems.extend(_problem(error.file, fault) for fault in error.faults)
    if problems:
        raise EstateError([*problems, *source.problems])
    source.revision = digest.hexdigest()
    return source


def revision_of(path: Path) -> str:
    """The revision that `read_source` would give, without reading what it means. Raises EstateError as that does."""
    problems: list[Problem] = []
    digest = sha256()
    for file, raw in _contents(path, problems):
        _count_in(digest, path, file, raw)
    if problems:
        raise EstateError(problems)
    return digest.hexdigest()


def _contents(path: Path, problems: list[Problem]) -> Iterator[tuple[Path, bytes]]:
    """The files of an estate and their bytes; what cannot be read is added to `problems`."""
    room = MAX_BYTES
    for file in files_of(path):
        try:
            raw = read_file(file, room)
        except YamlError as error:
            problems.extend(_problem(error.file, fault) for fault in error.faults)
            continue
        room -= len(raw)
        yield file, raw


def _count_in(digest: Hash, path: Path, file: Path, raw: bytes) -> None:
    if file != path:
        digest.update(f"{file.name}\0{len(raw)}\0".encode("utf-8", "surrogateescape"))
    digest.update(raw)


def files_of(path: Path) -> list[Path]:
    """The files of an estate, by name. Raises EstateError."""
    if not path.is_dir():
        return [path]
    try:
        entries = sorted(entry for entry in path.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise EstateError([Problem(str(path), 1, 1, "", f"cannot be read: {error.strerror or error}")]) from error
    found = [entry for entry in entries if entry.suffix == ".yaml"]
    stray = [entry for entry in entries if entry.suffix == ".yml"]
    if stray:
        message = "is not read; name it *.yaml, or move it out of the estate's directory"
        raise EstateError(Problem(str(entry), 1, 1, "", message) for entry in stray)
    if not found:
        raise EstateError([Problem(str(path), 1, 1, "", "a directory without any *.yaml file")])
    if len(found) > _MAX_FILES:
        raise EstateError([Problem(str(path), 1, 1, "", f"more than {_MAX_FILES} *.yaml files")])
    return found


def _problem(file: str, fault: Fault) -> Problem:
    return Problem(file, fault.line, fault.column, dotted(fault.path), fault.message)


def _at(document: Document, path: TreePath, message: str, *, key: bool = False) -> Problem:
    line, column = document.place(path, key=key)
    return Problem(document.file, line, column, dotted(path), message)
