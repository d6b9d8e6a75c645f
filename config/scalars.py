"""What an unquoted word means: the few forms everybody reads alike, and a sentence for those that surprise.

YAML 1.1 (yaml.org/type) reads `no` as false, `12:30` as 750 and `0777` as 511; YAML 1.2 does not. Such words are
refused, so that the file means the same to every reader. The refusal never repeats the word: it may be a secret.
"""

from __future__ import annotations

import re

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}\Z")
_CONSTANTS: dict[str, object] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_WORDS = frozenset({"yes", "no", "on", "off"})

_SURPRISES = (
    (
        re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?\Z"),
        'a number in base 60 to some readers of YAML; put it in quotes, as in "12:30"',
    ),
    (
        re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\s].*)?\Z", re.DOTALL),
        'a date to some readers of YAML; put it in quotes, as in "2026-12-24"',
    ),
    (
        re.compile(r"[-+]?0[0-9_]+(?:\.[0-9_]*)?\Z|[-+]?0o[0-7_]+\Z"),
        "an octal number to some readers of YAML; leave out the leading zero, or put it in quotes if it is text",
    ),
    (
        re.compile(r"[-+]?0[xb][0-9a-fA-F_]+\Z"),
        "a hexadecimal or binary number to some readers of YAML; write it in decimal, or in quotes if it is text",
    ),
    (
        re.compile(r"[-+]?(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?\Z|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z"),
        "not a number in the plain form 12 or 0.5; write it so, or put it in quotes if it is text",
    ),
    (re.compile(r"=\Z"), "a special sign to some readers of YAML; put it in quotes"),
)  # fmt: skip


class Surprise(ValueError):
    """A word that different readers understand differently; the message says how to write it."""


def read_plain(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar. Raises Surprise."""
    if text in _CONSTANTS:
        constant = _CONSTANTS[text]
        assert constant is None or isinstance(constant, bool)  # for mypy
        return constant
    first = text[0]
    if first.isdigit() or first in "+-.=":
        if _INTEGER.match(text):
            return int(text)
        if _DECIMAL.match(text):
            return float(text)
        for pattern, sentence in _SURPRISES:
            if pattern.match(text):
                raise Surprise(sentence)
    elif len(text) <= 3 and text.lower() in _WORDS:
        raise Surprise(
            f'"{text.lower()}" is true or false to some readers of YAML;'
            " write true or false, or put it in quotes if it is text"
        )
    return text
