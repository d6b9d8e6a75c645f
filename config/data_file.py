"""Small YAML files that Ridgeway ships and councils add to (profiles, command templates): read, checked, or refused."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from config.yaml import Document, YamlError, parse, read_file

M = TypeVar("M", bound=BaseModel)
_NAMED = re.compile(r"([a-z_]+(?:\.[a-z0-9_]+)*): ")


class DataFileError(ValueError):
    """The file cannot be used; a line for each mistake says where in it, and how to mend it."""


def read_data_file(file: Path, model: type[M], largest: int) -> M:
    """The file's content, of at most `largest` octets. Raises DataFileError."""
    try:
        document = parse(read_file(file, largest), str(file))
    except YamlError as error:
        raise DataFileError(str(error)) from error
    try:
        return model.model_validate(document.tree)
    except ValidationError as error:
        lines = [_sentence(document, item) for item in error.errors(include_url=False)]
        raise DataFileError("\n".join(lines)) from error


def _sentence(document: Document, error: Any) -> str:
    path: tuple[str | int, ...] = tuple(part for part in error["loc"] if isinstance(part, str | int))
    message = str(error["msg"]).removeprefix("Value error, ")
    named = _NAMED.match(message)
    if named is not None:  # what is judged as a whole says itself which part of it is meant
        path, message = (*path, *named[1].split(".")), message[named.end() :]
    line, column = document.place(path)
    if error["type"] == "extra_forbidden":
        message = f"{path[-1]!r} is not a key that may stand here"
    where = f"{'.'.join(map(str, path))}: " if path else ""
    return f"{document.file}:{line}:{column}: {where}{message}"
