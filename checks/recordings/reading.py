"""Reading a recording from a file that somebody sent: recognised by its contents, bounded, refused with reasons.

Text is read line by line, also out of bzip2, so that of a walk of half a million values only those are held that are
wanted.
"""

from __future__ import annotations

import bz2
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from checks.recordings import snmprec, walktext
from checks.recordings.recording import Recording, RecordingError

LARGEST = 128 * 1024 * 1024
"""Octets of a recording: a walk of the largest firewall known is 40 MB."""
_MOST_LINES = 2_000_000
_LONGEST_LINE = 256 * 1024
_PIECE = 256 * 1024
_CAPTURE = 1024 * 1024
_FORMS = (
    "a recording of `ridgeway record` or another .snmprec file (OID|type|value), the text of `snmpwalk -One`, both "
    "also packed with bzip2, an observation of `ridgeway record --observation`, or what a firewall's command line "
    "showed (prompt and command above each output, or --command)"
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


def may_be_commands(raw: bytes) -> bool:
    """Whether the contents are short text of no form of SNMP values, and so perhaps what a command line showed."""
    if b"\0" in raw or _is_compressed(raw) or len(raw) > _CAPTURE:
        return False
    return _reader([line.decode("utf-8", "replace") for line in raw[:_PIECE].split(b"\n")[:100]]) is None


def recording(raw: bytes, name: str, roots: tuple[str, ...] = ()) -> Recording:
    """The SNMP recording in a file's contents; `name` stands in errors. Raises RecordingError.

    With `roots` only values are held whose OID begins with one of them; the rest is read and passed over.
    """
    if b"\0" in raw[:4096] and not _is_compressed(raw):
        raise RecordingError(f"{name}: it is not text; what can be read is {_FORMS}")
    read = _reader(list(islice(_lines(raw, name), 100)))
    if read is None:
        raise RecordingError(f"{name}: it is no recording; what can be read is {_FORMS}")
    try:
        return read(_lines(raw, name), roots)
    except RecordingError as error:
        raise RecordingError(str(error) if str(error).startswith(f"{name}: ") else f"{name}: {error}") from None


def _is_compressed(raw: bytes) -> bool:
    return raw[:3] == b"BZh"


def _lines(raw: bytes, name: str) -> Iterator[str]:
    """The lines, without their ends, bounded in number, length and, out of bzip2, in all. Raises RecordingError."""
    count, rest = 0, b""
    for piece in _pieces(raw, name):
        *whole, rest = (rest + piece).split(b"\n")
        count += len(whole)
        if count > _MOST_LINES or len(rest) > _LONGEST_LINE or any(len(line) > _LONGEST_LINE for line in whole):
            raise RecordingError(
                f"{name}: more than {_MOST_LINES} lines, or a line of more than {_LONGEST_LINE} characters"
            )
        for line in whole:
            yield line.decode("utf-8", "surrogateescape")
    if rest:
        yield rest.decode("utf-8", "surrogateescape")


def _pieces(raw: bytes, name: str) -> Iterator[bytes]:
    if not _is_compressed(raw):
        yield from (raw[at : at + _PIECE] for at in range(0, len(raw), _PIECE))
        return
    unpacker, unpacked, given = bz2.BZ2Decompressor(), 0, raw
    while True:
        if unpacker.eof:
            given = unpacker.unused_data
            if not given:
                return
            unpacker = bz2.BZ2Decompressor()  # streams that follow each other, as pbzip2 writes them, are one file
        try:
            piece = unpacker.decompress(given, _PIECE)
        except OSError as error:
            raise RecordingError(f"{name}: damaged bzip2: {error}") from None
        given = b""
        if not piece and unpacker.needs_input and not unpacker.eof:
            raise RecordingError(f"{name}: the bzip2 file breaks off")
        unpacked += len(piece)
        if unpacked > LARGEST:
            raise RecordingError(f"{name}: unpacked it is larger than {LARGEST // 2**20} MiB")
        yield piece


def _reader(lines: list[str]) -> Callable[[Iterable[str], tuple[str, ...]], Recording] | None:
    """By the first lines that are of some form; people keep the command and a prompt above it."""
    for line in lines:
        line = line.rstrip("\r")
        if snmprec.looks_like_it(line):
            return snmprec.read
        if walktext.looks_like_it(line):
            return walktext.read
    return None
