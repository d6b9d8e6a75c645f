"""JSON that a stranger wrote, and the values in it that a JSON Pointer names (RFC 6901)."""

from __future__ import annotations

import json
import re
from typing import Any

from checks.printable import printable

_STEP = re.compile(r"(?:/(?:[^/~]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_TEXT_MOST = 200

Scalar = str | int | float | bool | None


class NotJson(Exception):
    """A page is no JSON document; the text says where. Asking again can help."""


class NoSuchValue(Exception):
    """The document has no such value, or it is no single one; the text says which."""


def valid(pointer: str) -> bool:
    """Whether a text is a JSON Pointer: empty for the whole document, else `/` before each step."""
    return _STEP.fullmatch(pointer) is not None


def document(text: str) -> Any:
    """The document. NaN and Infinity are none of JSON's, and nesting has an end. Raises NotJson."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise NotJson("it is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} in line {error.lineno}, column {error.colno}") from error
    except ValueError as error:  # a number of more digits than Python reads
        raise NotJson("it holds a number that is none") from error


def value(tree: object, pointer: str) -> Scalar:
    """The text, number, truth value or null there; texts are cut at 200 characters. Raises NoSuchValue."""
    here = tree
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict) and name in here:
            here = here[name]
        elif isinstance(here, list) and _INDEX.fullmatch(name) and int(name) < len(here):
            here = here[int(name)]
        else:
            raise NoSuchValue(f"there is no {pointer}")
    if isinstance(here, str):
        return printable(here, _TEXT_MOST)
    if here is None or isinstance(here, (bool, float)):
        return here
    if isinstance(here, int):
        if abs(here) < 1 << 63:
            return here
        raise NoSuchValue(f"{pointer} is a number beyond 64 bits")
    raise NoSuchValue(f"{pointer} is a {'list' if isinstance(here, list) else 'object'} where a single value is wanted")


def _refuse(name: str) -> float:
    raise ValueError(name)
