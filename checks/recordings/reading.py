"""Reading a recording from a file that somebody sent: recognised by its contents, bounded, refused with reasons."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from pathlib import Path

from checks.recordings import snmprec, walktext
from checks.recordings.recording import Recording, RecordingError

LARGEST = 128 * 1024 * 1024
"""Octets of a recording: a walk of the largest firewall known is 40 MB."""
_MOST_LINES = 2_000_000
_LONGEST_LINE = 256 * 1024
_FORMS = (
    "a recording of `ridgeway record` or another .snmprec file (OID|type|value), the text of `snmpwalk -One`, "
    "or an observation of `ridgeway record --observation`"
)


def octets(path: Path) -> bytes:
    """The file's contents. Raises RecordingError."""
    try:
        # Without O_NONBLOCK, opening a FIFO that nobody writes to would wait for ever.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise RecordingError(f"{path}: not a regular file")
            raw = file.read(LARGEST + 1)
    except OSError as error:
        raise RecordingError(f"{path}: {error.strerror}") from error
    if len(raw) > LARGEST:
        raise RecordingError(f"{path}: larger than {LARGEST // 2**20} MiB; cut it down to the subtrees that matter")
    return raw


def is_observation(raw: bytes) -> bool:
    """Whether the contents are JSON, and so an observation, rather than lines of SNMP values."""
    return raw.lstrip()[:1] in (b"{", b"[")


def recording(raw: bytes, name: str) -> Recording:
    """The SNMP recording in a file's contents; `name` stands in errors. Raises RecordingError."""
    if b"\0" in raw[:4096]:
        raise RecordingError(f"{name}: it is not text; what can be read is {_FORMS}")
    lines = raw.decode("utf-8", "surrogateescape").split("\n")
    if len(lines) > _MOST_LINES or max(map(len, lines)) > _LONGEST_LINE:
        raise RecordingError(
            f"{name}: more than {_MOST_LINES} lines, or a line of more than {_LONGEST_LINE} characters"
        )
    read = _reader(lines)
    if read is None:
        raise RecordingError(f"{name}: it is no recording; what can be read is {_FORMS}")
    try:
        return read(lines)
    except RecordingError as error:
        raise RecordingError(f"{name}: {error}") from None


def _reader(lines: list[str]) -> Callable[[Iterable[str]], Recording] | None:
    """By the first lines that are of some form; people keep the command and a prompt above it."""
    for line in lines[:100]:
        line = line.rstrip("\r")
        if snmprec.looks_like_it(line):
            return snmprec.read
        if walktext.looks_like_it(line):
            return walktext.read
    return None
