"""Collects everything that is wrong with an estate while it is being resolved."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from config.problems import Nearest, Problem, listed
from config.schema.words import read_name
from config.source import Source
from config.wording import explain
from config.yaml import TreePath

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
Entries = dict[str, object]


class Report:
    """The source, the problems found so far, and the names that references may point at."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = list(source.problems)
        self.nearest = Nearest()

    def add(self, path: TreePath, message: str, suggestion: str = "", *, key: bool = False) -> None:
        """Note one problem at a path of the file."""
        self.problems.append(self.source.problem(path, message, suggestion, key=key))

    def section(self, name: str) -> Entries:
        """A section that is a map by name, with the entries whose names are good; the others are noted."""
        raw = self.source.tree.get(name, {})
        if not isinstance(raw, dict):
            self.add((name,), "must be a map by name")
            return {}
        good: Entries = {}
        for key, value in raw.items():
            try:
                good[read_name(key)] = value
            except ValueError as error:
                self.add((name, str(key)), str(error), key=True)
        return good

    def model(self, model: type[M], raw: object, path: TreePath) -> M | None:
        """`raw` as a model, or None with its mistakes noted."""
        try:
            return model.model_validate(raw)
        except ValidationError as error:
            self.invalid(error, model, raw, path)
            return None

    def value(self, adapter: TypeAdapter[T], model: object, raw: object, path: TreePath) -> T | None:
        """`raw` as an adapter reads it, or None with its mistakes noted."""
        try:
            return adapter.validate_python(raw)
        except ValidationError as error:
            self.invalid(error, model, raw, path)
            return None

    def invalid(self, error: ValidationError, model: object, raw: object, path: TreePath) -> None:
        """Note every mistake of a validation."""
        for path_below, message, suggestion, key in self.explained(error, model, raw):
            self.add((*path, *path_below), message, suggestion, key=key)

    def explained(
        self, error: ValidationError, model: object, raw: object
    ) -> Iterator[tuple[TreePath, str, str, bool]]:
        """Every mistake of a validation: path below `raw`, message, suggestion, and whether the key is wrong."""
        for detail in error.errors(include_url=False):
            yield explain(detail, model, raw, self.nearest)

    def known(self, what: str, name: str, names: Collection[str], path: TreePath, *, secret: bool = False) -> bool:
        """Whether a reference points at something; if not, that is noted with the nearest that exists.

        With `secret` the name is not repeated: somebody may have written the secret itself.
        """
        if name in names:
            return True
        shown = "names no " + what if secret else f'no {what} is called "{name}"'
        near = self.nearest.of(name, names)
        there = "" if near else f"; there is {listed(names)}" if names else f"; the estate has no {what} yet"
        self.add(path, shown + there, near)
        return False
