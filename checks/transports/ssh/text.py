"""What a device sent, made into text that can harm nobody who looks at it. Pure."""

from __future__ import annotations

import re

_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC, DCS, SOS, PM, APC with their text
    r"|\x1b[ -/]*[0-~]?"  # any other
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
"""Escape sequences (ECMA-48, section 5)."""
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]")
"""C0 without line feed and tab, C1, and what turns the direction of writing."""


def plain(octets: bytes) -> str:
    """UTF-8 text without escape sequences and control characters; line feed and tab stay, CR LF becomes LF."""
    text = octets.decode("utf-8", "replace").replace("\r\n", "\n")
    if "\x1b" in text or "\x9b" in text:
        text = _SEQUENCES.sub("", text)
    return without_controls(text)


def without_controls(text: str) -> str:
    """The text without control characters, except line feed and tab."""
    return _CONTROLS.sub("", text)


def one_line(text: str) -> str:
    """For a message: no control characters, runs of white space made one space."""
    return " ".join(without_controls(text.replace("\n", " ").replace("\r", " ")).split())
