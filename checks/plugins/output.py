"""The output of a plug-in: its first line, the lines after it, and its performance data, as text made harmless."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from config.secrets import MASK

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|[\x1b\x9d]\]?[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)"  # OSC and other strings: titles, links
    r"|\x1b[ -/]*[0-~]"
)
_KEPT = re.compile(r"[\t\n]")
_SHORT = 4


@dataclass(frozen=True, slots=True)
class Output:
    """`text` is the first line, `more` the others, `data` the performance data of all lines in one."""

    text: str
    more: str
    data: str


def harmless(text: str) -> str:
    """The text without escape sequences, and with whatever else is not printable, but tab and newline, as spaces."""
    if "\x1b" in text or "\x9d" in text:
        text = _ESCAPES.sub("", text)
    text = text.replace("\r\n", "\n")
    if _KEPT.sub("", text).isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\t\n" else " " for char in text)


def masked(text: str, secrets: Iterable[str], *, cut: bool) -> str:
    """The text with each secret masked. Where the text was `cut`, the beginning of a secret at its end goes too."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
        if not cut:
            continue
        for size in range(len(secret) - 1, min(_SHORT, len(secret)) - 1, -1):
            if text.endswith(secret[:size]):
                text = text[:-size] + MASK
                break
    return text


def parted(text: str) -> Output:
    """The parts of a plug-in's standard output.

    >>> parted("DISK OK | /=2\\nmore\\nlast | /var=3\\n/srv=4")
    Output(text='DISK OK', more='more\\nlast', data='/=2 /var=3 /srv=4')
    """
    first, _, rest = text.lstrip("\n").partition("\n")
    shown, _, data = first.partition("|")
    more, _, further = rest.partition("|")
    parts = (data.strip(), *(line.strip() for line in further.split("\n")))
    return Output(shown.strip(), more.strip(), " ".join(part for part in parts if part))
