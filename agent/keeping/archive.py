"""The archive itself: a tar file, plain or compressed with gzip or xz.

The standard library writes it and reads its headers (`tarfile.TarInfo.frombuf`), but the members are walked here, and
nothing is ever extracted by tarfile: what is not a plain file that the manifest names, in the manifest's order and of
its size, is refused before a byte of it is kept. Links, devices, long-name and pax extensions are never looked at.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import lzma
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from agent.keeping.errors import ArchiveError, NoRoom
from agent.keeping.manifest import LARGEST, NAME, Manifest, Member, read_manifest

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz")
_BLOCK = tarfile.BLOCKSIZE
_PIECE = 256 * 1024
_GZIP_LEVEL = 6
_XZ_PRESET = 2
"""Level 6 takes four times as long for a tenth less."""
_XZ_MEMORY = 128 * 1024 * 1024
"""Bytes; level 9, the highest, needs 65 MiB."""

Progress = Callable[[int], None]
"""Told how many bytes more were dealt with."""


def silent(_bytes: int) -> None:
    """Tells nobody."""


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(manifest: Manifest, stage: Path, into: IO[bytes], name: str, progress: Progress = silent) -> None:
    """Write the manifest and the members that it names from the stage; `name` decides how it is compressed."""
    with _compressing(into, name) as stream, tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        raw = manifest.as_json()
        tar.addfile(_header(NAME, len(raw), manifest.created), io.BytesIO(raw))
        for member in manifest.members:
            with (stage / member.name).open("rb") as file:
                tar.addfile(_header(member.name, member.size, manifest.created), file)
            progress(member.size)


def unpack(archive: Path, into: Path | None, progress: Progress = silent) -> Manifest:
    """Compare every member with the manifest, and put it below the empty directory `into` if there is one.

    Raises ArchiveError, NoRoom, or OSError when the archive cannot be opened.
    """
    with archive.open("rb") as file:
        try:
            with _decompressing(file) as stream:
                return _unpack(stream, into, progress)
        except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
            raise ArchiveError(f"it is cut off, damaged or no archive ({error})") from error


def manifest_of(archive: Path) -> Manifest:
    """Only the first member. Raises ArchiveError, or OSError when the archive cannot be opened."""
    with archive.open("rb") as file:
        try:
            with _decompressing(file) as stream:
                return _manifest(stream)
        except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
            raise ArchiveError(f"it is cut off, damaged or no archive ({error})") from error


def _unpack(stream: IO[bytes], into: Path | None, progress: Progress) -> Manifest:
    manifest = _manifest(stream)
    if into is not None:
        needed, free = sum(member.size for member in manifest.members), shutil.disk_usage(into).free
        if needed > free:
            raise NoRoom(f"there is no room in {into}: {needed:,} bytes are needed, {free:,} are free")
    for member in manifest.members:
        found = _next(stream)
        if found != (member.name, member.size):
            there = "its end" if found is None else f"{found[0]!r} of {found[1]:,} bytes"
            raise ArchiveError(f"{member.name} of {member.size:,} bytes should come next, and there is {there}")
        _take(stream, member, into, progress)
    if _next(stream) is not None or _rest(stream).strip(b"\0"):
        raise ArchiveError(f"there is more in it than {NAME} names")
    return manifest


def _rest(stream: IO[bytes]) -> bytes:
    """What follows the end mark: zeros that fill a record. Read to the very end, where gzip and xz keep their sums."""
    rest = b""
    while len(rest) <= tarfile.RECORDSIZE:
        piece = stream.read(_PIECE)
        if not piece:
            return rest
        rest += piece
    return b"more"


def _manifest(stream: IO[bytes]) -> Manifest:
    found = _next(stream)
    if found is None or found[0] != NAME or found[1] > LARGEST:
        raise ArchiveError(f"it does not begin with {NAME}: not an archive of Ridgeway")
    return read_manifest(_exactly(stream, found[1], padded=True))


def _next(stream: IO[bytes]) -> tuple[str, int] | None:
    """Name and size of the next member; None at the end. Raises ArchiveError for what is not a plain file."""
    block = _exactly(stream, _BLOCK)
    if block.count(0) == _BLOCK:
        return None
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, ValueError) as error:
        raise ArchiveError(f"not a tar archive, or damaged ({error})") from error
    if header.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or header.size < 0:
        raise ArchiveError(f"{header.name!r} is not a plain file; such are never in an archive of Ridgeway")
    return header.name, header.size


def _take(stream: IO[bytes], member: Member, into: Path | None, progress: Progress) -> None:
    digest = hashlib.sha256()
    with _place(member, into) as file:
        left = member.size
        while left:
            piece = _exactly(stream, min(left, _PIECE))
            digest.update(piece)
            if file is not None:
                file.write(piece)
            left -= len(piece)
            progress(len(piece))
    _exactly(stream, -member.size % _BLOCK)
    if digest.hexdigest() != member.sha256:
        raise ArchiveError(f"{member.name} is not what {NAME} says: its SHA-256 is another")


@contextmanager
def _place(member: Member, into: Path | None) -> Iterator[IO[bytes] | None]:
    if into is None:
        yield None
        return
    path = into / member.name
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        yield file


def _exactly(stream: IO[bytes], size: int, *, padded: bool = False) -> bytes:
    data = b""
    wanted = size + (-size % _BLOCK if padded else 0)
    while len(data) < wanted:
        piece = stream.read(wanted - len(data))
        if not piece:
            raise EOFError("it ends too early")
        data += piece
    return data[:size]


def _header(name: str, size: int, at: float) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.size, header.mtime, header.mode = size, int(at), 0o600
    return header


@contextmanager
def _compressing(into: IO[bytes], name: str) -> Iterator[IO[bytes]]:
    if name.endswith((".gz", ".tgz")):
        with gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=into) as zipped:
            yield cast(IO[bytes], zipped)
    elif name.endswith((".xz", ".txz")):
        with lzma.open(into, "wb", preset=_XZ_PRESET) as packed:
            yield cast(IO[bytes], packed)
    else:
        yield into


@contextmanager
def _decompressing(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """By what the file begins with, whatever it is called."""
    magic = file.read(6)
    file.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=file) as zipped:
            yield cast(IO[bytes], zipped)
    elif magic == b"\xfd7zXZ\x00":
        yield cast(IO[bytes], _Unpacking(file))
    else:
        yield file


class _Unpacking:
    """Reads xz with bounded memory, which `lzma.open` cannot be told: the archive names the size of its dictionary."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def read(self, size: int) -> bytes:
        while not self._decompressor.eof:
            raw = self._file.read(_PIECE) if self._decompressor.needs_input else b""
            piece = self._decompressor.decompress(raw, size)
            if piece:
                return piece
            if not raw and self._decompressor.needs_input:
                raise EOFError("it ends too early")
        return b""
