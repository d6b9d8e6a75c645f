"""Directories and files over SFTP (draft-ietf-secsh-filexfer-02, version 3), read only. Blocking."""

from __future__ import annotations

import errno
import stat
import struct
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import paramiko
from paramiko.sftp import CMD_ATTRS, CMD_HANDLE, CMD_NAME, CMD_OPENDIR, CMD_READDIR, SFTPError

from checks.contract import Reason
from checks.transports.aside import Tether
from checks.transports.fault import TransportFault
from checks.transports.ssh.channel import LAST, lost, open_session
from checks.transports.ssh.connect import Connection
from checks.transports.ssh.faults import NoSuchPath
from checks.transports.ssh.model import Listing, RemoteFile
from checks.transports.ssh.text import one_line

T = TypeVar("T")
_CHUNK = 32_768
_SIZE, _OWNER, _MODE, _TIMES, _EXTENDED = 1, 2, 4, 8, 0x80000000


def listing(connection: Connection, directory: str, most: int, tether: Tether) -> Listing:
    """The entries of a directory, at most so many. Raises NotOpened, NoSuchPath, else TransportFault."""

    def read(sftp: _Sftp) -> Listing:
        entries: list[RemoteFile] = []
        handle = sftp.open_directory(directory)
        while (found := sftp.more_of(handle)) is not None:
            entries += [entry for entry in found if entry.name not in (".", "..")]
            if len(entries) > most:
                return Listing(entries[:most], complete=False)
        return Listing(entries, complete=True)

    return _with_sftp(connection, tether, directory, read)


def content(connection: Connection, path: str, limit: int, tether: Tether) -> bytes:
    """A whole file. Raises NotOpened, NoSuchPath, else TransportFault: LIMIT when it is larger than `limit` octets."""

    def read(sftp: _Sftp) -> bytes:
        found = bytearray()
        with sftp.open(path, "rb") as file:
            while len(found) <= limit:
                chunk = file.read(min(_CHUNK, limit + 1 - len(found)))
                if not chunk:
                    return bytes(found)
                found += chunk
        raise TransportFault(
            Reason.LIMIT, f"{connection.where}: {one_line(path)} is larger than {limit} octets; it was not read"
        )

    return _with_sftp(connection, tether, path, read)


def _with_sftp(connection: Connection, tether: Tether, path: str, read: Callable[[_Sftp], T]) -> T:
    channel = open_session(connection, tether)
    asked = time.monotonic()
    try:
        channel.settimeout(max(0.0, tether.left - LAST))
        sftp = _opened(connection, channel)
        return read(sftp)
    except OSError as error:
        raise _told(connection, tether, asked, path, error) from error
    except Exception as error:
        if isinstance(error, (SFTPError, struct.error)):
            raise TransportFault(Reason.PROTOCOL, f"{connection.where}: its SFTP server talks nonsense") from error
        raise lost(connection, tether, asked, "SFTP", error) from error
    finally:
        connection.release(channel)


def _opened(connection: Connection, channel: paramiko.Channel) -> _Sftp:
    try:
        channel.invoke_subsystem("sftp")
    except paramiko.SSHException as error:
        if not connection.transport.is_active():
            raise
        raise TransportFault(
            Reason.FORBIDDEN, f"{connection.where}: it has no SFTP for this user; switch it on for the account"
        ) from error
    return _Sftp(channel)


def _told(connection: Connection, tether: Tether, asked: float, path: str, error: OSError) -> TransportFault:
    """What the server's status means; an error of the connection itself is an OSError, too."""
    what = f"{connection.where}: {one_line(path)}"
    if tether.cut or isinstance(error, (TimeoutError, ConnectionError)) or not connection.transport.is_active():
        return lost(connection, tether, asked, "SFTP", error)
    if error.errno == errno.ENOENT:
        return NoSuchPath(Reason.PROTOCOL, f"{what} does not exist there")
    if error.errno == errno.EACCES:
        return TransportFault(Reason.FORBIDDEN, f"{what} may not be read by this user; give the account the right")
    return TransportFault(Reason.PROTOCOL, f"{what} cannot be read ({one_line(str(error))[:100]})")


class _Sftp(paramiko.SFTPClient):  # type: ignore[misc] # paramiko has no types
    """Reads directories by itself: names need not be UTF-8, and counts may be lies.

    paramiko stops at the first name in another encoding, and would read thousands of millions of entries that a packet
    claims to have.
    """

    def open_directory(self, path: str) -> bytes:
        number, message = self._request(CMD_OPENDIR, path.encode())
        if number != CMD_HANDLE:
            raise SFTPError("no handle")
        handle: bytes = message.get_string()
        return handle

    def more_of(self, handle: bytes) -> list[RemoteFile] | None:
        """The next entries; None at the end."""
        try:
            number, message = self._request(CMD_READDIR, handle)
        except EOFError:
            return None
        if number != CMD_NAME:
            raise SFTPError("no names")
        return list(_entries(message.asbytes()))

    def _read_packet(self) -> tuple[int, bytes]:
        number, packet = super()._read_packet()
        if number == CMD_ATTRS:
            _attributes(packet, 4)
        return number, packet


def _entries(packet: bytes) -> Iterator[RemoteFile]:
    """SSH_FXP_NAME: request id, count, then file name, long name and attributes of each."""
    (count,) = struct.unpack_from(">I", packet, 4)
    at = 8
    for _ in range(count):
        end = _after_text(packet, at)
        name = one_line(packet[at + 4 : end].decode("utf-8", "replace"))
        (size, mode, mtime), at = _attributes(packet, _after_text(packet, end))
        kind = stat.S_IFMT(mode or 0)  # 0: the server tells nothing of what it is
        yield RemoteFile(name, size, mtime, kind == stat.S_IFDIR, kind in (0, stat.S_IFREG))


def _after_text(packet: bytes, at: int) -> int:
    (length,) = struct.unpack_from(">I", packet, at)
    if at + 4 + length > len(packet):
        raise struct.error("a text cut short")
    end: int = at + 4 + length
    return end


def _attributes(packet: bytes, at: int) -> tuple[tuple[int | None, int | None, int | None], int]:
    """Size, mode and time of change at this place, and the place after them. Raises struct.error if cut short."""
    (flags,) = struct.unpack_from(">I", packet, at)
    at += 4
    size = mode = mtime = None
    if flags & _SIZE:
        (size,) = struct.unpack_from(">Q", packet, at)
        at += 8
    if flags & _OWNER:
        at += 8
    if flags & _MODE:
        (mode,) = struct.unpack_from(">I", packet, at)
        at += 4
    if flags & _TIMES:
        _, mtime = struct.unpack_from(">II", packet, at)
        at += 8
    if flags & _EXTENDED:
        (count,) = struct.unpack_from(">I", packet, at)
        at += 4
        for _ in range(count):
            at = _after_text(packet, _after_text(packet, at))
    if at > len(packet):
        raise struct.error("attributes cut short")
    return (size, mode, mtime), at
